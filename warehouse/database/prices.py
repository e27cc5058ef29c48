"""Price lists: the rows by which hours are priced, replaced as a whole or taken in version by version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, insert, select

from models.pricing.amortised import Amortisation
from models.pricing.family_weights import FamilyWeight, check_family_weights, weigh_rows
from models.pricing.merge import ClosedMonth, PriceMerge, merge_price_rows
from models.pricing.price_list import PriceRow, check_price_rows, hash_price_rows
from models.vocabulary.windows import month_bounds
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.facts import BILLING_ZONE, read_fact
from warehouse.database.periods import PeriodState
from warehouse.database.price_tables import FAMILY_WEIGHT
from warehouse.database.schema import BILLING_PERIOD, PRICE


class PriceLists:
    """All price rows of a warehouse, and the weights by instance family."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, rows: Sequence[PriceRow]) -> None:
        """Store these rows instead of all present ones; all or nothing.

        Raises
        ------
        InputError
            If a row is wrong or two rows price the same asset at the same time (names file and rows).
        """
        check_price_rows(rows)
        with self._database.write() as connection:
            _write(connection, rows)

    def merge(
        self, rows: Sequence[PriceRow], note: AuditNote, *, replace_from: datetime | None = None
    ) -> PriceMerge:
        """Take a new version of a price list in, with its entry in the audit log; all or nothing.

        Rows that say what is stored already change nothing; a merge without any change is not noted.

        Parameters
        ----------
        rows : sequence of PriceRow
        note : AuditNote
            Who imported what; the counts of the merge are added to it.
        replace_from : datetime or None
            See `models.pricing.merge.merge_price_rows`.

        Raises
        ------
        InputError
            If a row is wrong, or changes what is older than the newest stored row of its asset.
        Conflict
            If a price of a closed month would change.
        """
        with self._database.write() as connection:
            merged = merge_price_rows(
                _read(connection), rows, closed=_closed_months(connection), replace_from=replace_from
            )
            if merged.changes_from is None:
                return merged
            _write(connection, merged.rows)
            detail = {
                **note.detail,
                "added": merged.added_count,
                "ended": merged.ended_count,
                "removed": merged.removed_count,
                "changes_from": merged.changes_from.isoformat(),
            }
            append_entry(connection, AuditNote(note.principal, note.action, note.subject, note.at, detail))
        return merged

    def stored(self) -> list[PriceRow]:
        """Return the rows as they were imported, in order."""
        with self._database.read() as connection:
            return _read(connection)

    def all(self) -> list[PriceRow]:
        """Return the rows by which hours are priced: those stored, with the weights of their families."""
        with self._database.read() as connection:
            return weigh_rows(_read(connection), _read_weights(connection))

    def hash(self) -> str:
        """Return a hash of what the rows say, whatever their order."""
        return hash_price_rows(self.all())

    def replace_weights(self, weights: Sequence[FamilyWeight], note: AuditNote) -> None:
        """Store these weights instead of all present ones, with an entry in the audit log.

        Raises
        ------
        InputError
            If a weight is wrong (names file, row and field).
        """
        check_family_weights(weights)
        with self._database.write() as connection:
            connection.execute(delete(FAMILY_WEIGHT))
            if weights:
                connection.execute(insert(FAMILY_WEIGHT), [asdict(one) for one in weights])
            append_entry(connection, note)

    def weights(self) -> list[FamilyWeight]:
        """Return the weights of all families, by family and time."""
        with self._database.read() as connection:
            return _read_weights(connection)


def _write(connection: Connection, rows: Sequence[PriceRow]) -> None:
    connection.execute(delete(PRICE))
    if rows:
        connection.execute(
            insert(PRICE), [{"position": position, **_stored(row)} for position, row in enumerate(rows)]
        )


def _stored(row: PriceRow) -> dict[str, Any]:
    values = {one.name: getattr(row, one.name) for one in fields(row)}
    cost = row.amortisation
    if cost is not None:
        parts = {one.name: getattr(cost, one.name) for one in fields(cost)}
        values["amortisation"] = {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in parts.items()
        }
    return values


def _read(connection: Connection) -> list[PriceRow]:
    rows = connection.execute(select(PRICE).order_by(PRICE.c.position)).mappings()
    return [_price_row(row) for row in rows]


def _price_row(row: Mapping[Any, Any]) -> PriceRow:
    values = {name: value for name, value in row.items() if name != "position"}
    cost = values["amortisation"]
    if cost is not None:
        bought = datetime.fromisoformat(cost["purchased_at"])
        decimals = {name: Decimal(text) for name, text in cost.items() if name != "purchased_at"}
        values["amortisation"] = Amortisation(purchased_at=bought, **decimals)
    return PriceRow(**values)


def _read_weights(connection: Connection) -> list[FamilyWeight]:
    columns = FAMILY_WEIGHT.c
    rows = connection.execute(select(FAMILY_WEIGHT).order_by(columns.family, columns.valid_from)).mappings()
    return [FamilyWeight(**row) for row in rows]


def _closed_months(connection: Connection) -> list[ClosedMonth]:
    """Return the months that are closed and take no late hours, with their bounds in the billing zone."""
    zone = ZoneInfo(read_fact(connection, BILLING_ZONE) or "UTC")
    columns = BILLING_PERIOD.c
    statement = select(columns.period, columns.state).order_by(columns.period, columns.revision)
    newest = {row.period: row.state for row in connection.execute(statement)}
    return [
        ClosedMonth(period, *month_bounds(period, zone))
        for period, state in newest.items()
        if state == PeriodState.CLOSED
    ]
