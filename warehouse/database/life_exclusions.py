"""Exclusions and signed calendar peaks: added, listed, ended; each step with its entry in the audit log."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from models.vocabulary.errors import Conflict, NotFound
from models.vocabulary.exclusions import ExcludedResource, Exclusion, PeakSignature
from models.vocabulary.identity import WorkloadKey
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.life_tables import PEAK_SIGNATURE, SUGGESTION_EXCLUSION

_X = SUGGESTION_EXCLUSION.c
_S = PEAK_SIGNATURE.c


class Exclusions:
    """All exclusions of a warehouse, those that ended too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, exclusion: Exclusion) -> Exclusion:
        """Store a rule with its entry in the audit log; its ``id`` is given here.

        Returns
        -------
        Exclusion
            As stored.
        """
        stored = dataclasses.replace(exclusion, id=str(uuid.uuid4()))
        values = dataclasses.asdict(stored)
        values["resource"] = stored.resource.value
        values["teams"] = None if stored.teams is None else list(stored.teams)
        note = AuditNote(
            stored.created_by, "exclude from advice", stored.id, stored.created_at, _detail(stored)
        )
        with self._database.write() as connection:
            connection.execute(insert(SUGGESTION_EXCLUSION).values(**values))
            append_entry(connection, note)
        return stored

    def remove(self, exclusion_id: str, by: str, at: datetime) -> Exclusion:
        """End a rule; it stays in the table.

        Raises
        ------
        NotFound
            If there is none of that id.
        Conflict
            If it was removed before.
        """
        with self._database.write() as connection:
            statement = select(SUGGESTION_EXCLUSION).where(_X.id == exclusion_id).with_for_update()
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise NotFound(f"there is no exclusion {exclusion_id}")
            if row.removed_at is not None:
                raise Conflict(f"the exclusion was removed by {row.removed_by} before")
            ended = {"removed_by": by, "removed_at": at}
            connection.execute(update(SUGGESTION_EXCLUSION).where(_X.id == exclusion_id).values(**ended))
            stored = _exclusion({**row._mapping, **ended})
            append_entry(
                connection, AuditNote(by, "end exclusion from advice", exclusion_id, at, _detail(stored))
            )
        return stored

    def get(self, exclusion_id: str) -> Exclusion:
        """Return one rule.

        Raises
        ------
        NotFound
            If there is none of that id.
        """
        with self._database.read() as connection:
            row = connection.execute(select(SUGGESTION_EXCLUSION).where(_X.id == exclusion_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no exclusion {exclusion_id}")
        return _exclusion(row._mapping)

    def list(self, *, at: datetime | None = None) -> list[Exclusion]:
        """Return rules, oldest first: those in force at an instant, or all of them."""
        statement = select(SUGGESTION_EXCLUSION).order_by(_X.created_at, _X.id)
        with self._database.read() as connection:
            found = [_exclusion(row._mapping) for row in connection.execute(statement)]
        return [rule for rule in found if at is None or rule.is_in_force(at)]


class PeakSignatures:
    """Calendar peaks that owners signed for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, signature: PeakSignature) -> PeakSignature:
        """Store a signature with its entry in the audit log."""
        workload = signature.workload
        values = {
            "id": str(uuid.uuid4()),
            "cluster": workload.cluster,
            "namespace": workload.namespace,
            "workload_kind": workload.kind,
            "workload_name": workload.name,
            "event": signature.event,
            "signed_by": signature.signed_by,
            "signed_at": signature.signed_at,
            "until": signature.until,
            "note": signature.note,
        }
        detail = {"event": signature.event, "until": signature.until.isoformat(), "note": signature.note}
        note = AuditNote(
            signature.signed_by, "sign calendar peak", str(workload), signature.signed_at, detail
        )
        with self._database.write() as connection:
            connection.execute(insert(PEAK_SIGNATURE).values(**values))
            append_entry(connection, note)
        return signature

    def list(self, cluster: str, *, at: datetime | None = None) -> Sequence[PeakSignature]:
        """Return the signatures of a cluster, oldest first: those that stand at an instant, or all."""
        statement = select(PEAK_SIGNATURE).where(_S.cluster == cluster).order_by(_S.signed_at, _S.id)
        with self._database.read() as connection:
            found = [_signature(row._mapping) for row in connection.execute(statement)]
        return [one for one in found if at is None or one.signed_at <= at < one.until]


def _exclusion(row: Mapping[Any, Any]) -> Exclusion:
    teams = None if row["teams"] is None else tuple(row["teams"])
    return Exclusion(**{**row, "resource": ExcludedResource(row["resource"]), "teams": teams})


def _signature(row: Mapping[Any, Any]) -> PeakSignature:
    workload = WorkloadKey(row["cluster"], row["namespace"], row["workload_kind"], row["workload_name"])
    return PeakSignature(
        workload, row["event"], row["signed_by"], row["signed_at"], row["until"], row["note"]
    )


def _detail(exclusion: Exclusion) -> dict[str, Any]:
    return {
        "cluster": exclusion.cluster,
        "namespace": exclusion.namespace,
        "workload": exclusion.workload,
        "container": exclusion.container,
        "resource": exclusion.resource.value,
        "reason": exclusion.reason,
        "until": None if exclusion.until is None else exclusion.until.isoformat(),
        "teams": None if exclusion.teams is None else list(exclusion.teams),
    }
