"""The clusters of a warehouse, and the wall between simulated and real data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from models.vocabulary.errors import Conflict, InputError, NotFound
from models.vocabulary.identity import check_cluster_name
from models.vocabulary.money import check_currency
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.facts import DATA_KIND, RETIRED_CLUSTERS, fix_fact, read_fact, set_fact
from warehouse.database.schema import CLUSTER
from warehouse.database.statements import insert_or_ignore


@dataclass(frozen=True)
class Cluster:
    """One cluster. ``name`` is an immutable slug; the rest may be unknown."""

    name: str
    provider: str | None
    region: str | None
    currency: str | None
    display_name: str | None
    billing_zone: str | None
    is_simulated: bool


class Clusters:
    """All clusters of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self,
        name: str,
        provider: str | None = None,
        region: str | None = None,
        currency: str | None = None,
        display_name: str | None = None,
        *,
        billing_zone: str | None = None,
        is_simulated: bool = False,
    ) -> Cluster:
        """Make a cluster known, or fill in what was not known of it. Values given replace older ones.

        Raises
        ------
        InputError
            If the name, currency or zone is not one.
        Conflict
            If the warehouse holds simulated clusters and this is a real one, or the reverse.
        """
        check_cluster_name(name)
        given = {
            "provider": provider,
            "region": region,
            "currency": None if currency is None else check_currency(currency),
            "display_name": display_name,
            "billing_zone": None if billing_zone is None else check_zone(billing_zone),
        }
        known = {column: value for column, value in given.items() if value is not None}
        with self._database.write() as connection:
            _check_kind(connection, name, is_simulated=is_simulated)
            connection.execute(
                insert_or_ignore(connection, CLUSTER).values(name=name, is_simulated=is_simulated)
            )
            if known:
                connection.execute(update(CLUSTER).where(CLUSTER.c.name == name).values(**known))
        return self.get(name)

    def list(self) -> list[Cluster]:
        """Return all clusters by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(CLUSTER).order_by(CLUSTER.c.name)).all()
        return [Cluster(**row._mapping) for row in rows]

    def get(self, name: str) -> Cluster:
        """Return one cluster.

        Raises
        ------
        NotFound
            If it is not registered.
        """
        with self._database.read() as connection:
            row = connection.execute(select(CLUSTER).where(CLUSTER.c.name == name)).one_or_none()
        if row is None:
            raise NotFound(f"there is no cluster {name}; `millicore ingest status` lists the known ones")
        return Cluster(**row._mapping)

    def retire(self, name: str, at: datetime, note: AuditNote) -> None:
        """Note that a cluster was shut down: from then on no hours of it are expected.

        Parameters
        ----------
        name : str
        at : datetime
            End of its last hour, UTC. A later call replaces an earlier one.
        note : AuditNote
        """
        with self._database.write() as connection:
            known = json.loads(read_fact(connection, RETIRED_CLUSTERS) or "{}")
            set_fact(
                connection, RETIRED_CLUSTERS, json.dumps({**known, name: at.isoformat()}, sort_keys=True)
            )
            append_entry(connection, note)

    def retired(self) -> dict[str, datetime]:
        """Return the clusters that were shut down, with the end of their last hour."""
        with self._database.read() as connection:
            known = json.loads(read_fact(connection, RETIRED_CLUSTERS) or "{}")
        return {name: datetime.fromisoformat(at) for name, at in known.items()}

    def is_simulated(self) -> bool | None:
        """Return whether the warehouse holds simulated data; None while it holds nothing."""
        with self._database.read() as connection:
            kind = read_fact(connection, DATA_KIND)
        return None if kind is None else kind == "simulated"


def ensure_registered(connection: Connection, name: str) -> None:
    """Register a cluster that nobody has described yet as a real one, within the caller's transaction.

    Raises
    ------
    Conflict
        If the warehouse holds simulated data.
    """
    known = connection.execute(select(CLUSTER.c.name).where(CLUSTER.c.name == name)).one_or_none()
    if known is None:
        _check_kind(connection, check_cluster_name(name), is_simulated=False)
        connection.execute(insert(CLUSTER).values(name=name, is_simulated=False))


def _check_kind(connection: Connection, name: str, *, is_simulated: bool) -> None:
    wanted = "simulated" if is_simulated else "real"
    present = fix_fact(connection, DATA_KIND, wanted)
    if present != wanted:
        raise Conflict(
            f"cluster {name} is {wanted}, but this warehouse holds {present} data; the two are never mixed. "
            "Use another lake_url and database_url for it"
        )


def check_zone(name: str) -> str:
    """Return the name if it is a time zone.

    Raises
    ------
    InputError
        If it is not in the IANA database.
    """
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as problem:
        reason = "is not a time zone like Europe/Berlin"
        raise InputError(reason, field="billing_zone", value=name) from problem
