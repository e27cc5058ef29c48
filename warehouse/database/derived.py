"""The derived ledger: from which input and code each derived day was built, and which days are stale."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, select, update

from models.vocabulary.windows import HourWindow
from warehouse.database.connection import Database
from warehouse.database.schema import DERIVED_LEDGER, WINDOW_LEDGER
from warehouse.database.statements import insert_or_update

FROZEN = "frozen"
"""Code version of days that stay as they were built, because what they were built from is gone."""

_D = DERIVED_LEDGER.c
_L = WINDOW_LEDGER.c


class DerivedLedger:
    """One row per derived table, cluster and day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def dirty(self, table: str, cluster: str, inputs: Mapping[date, str], code_version: str) -> list[date]:
        """Return the days, oldest first, that were never built or from other input or other code.

        Parameters
        ----------
        table, cluster : str
        inputs : mapping of date to str
            Hash of everything that the day depends on (observed hours, prices, owners).
        code_version : str
        """
        built = self.registered(table, cluster)
        frozen = {day for day, (_, version) in built.items() if version == FROZEN}
        changed = {day for day, wanted in inputs.items() if built.get(day) != (wanted, code_version)}
        return sorted(changed - frozen)

    def freeze(self, tables: Sequence[str], cluster: str, days: Sequence[date]) -> None:
        """Keep built days for good: `dirty` names them no more, whatever changes.

        Parameters
        ----------
        tables : sequence of str
            Derived tables whose input is about to be removed.
        """
        if not days:
            return
        statement = (
            update(DERIVED_LEDGER)
            .where(_D.table_name.in_(list(tables)), _D.cluster == cluster, _D.day.in_(list(days)))
            .values(code_version=FROZEN)
        )
        with self._database.write() as connection:
            connection.execute(statement)

    def registered(self, table: str, cluster: str) -> dict[date, tuple[str, str]]:
        """Return input hash and code version per day that was built."""
        statement = select(_D.day, _D.input_hash, _D.code_version).where(
            _D.table_name == table, _D.cluster == cluster
        )
        with self._database.read() as connection:
            return {row.day: (row.input_hash, row.code_version) for row in connection.execute(statement)}

    def register(
        self,
        table: str,
        cluster: str,
        day_hashes: Mapping[date, str],
        code_version: str,
        delta_version: int,
    ) -> None:
        """Note that days were built from these inputs, after their lake commit."""
        rows = [
            {
                "table_name": table,
                "cluster": cluster,
                "day": day,
                "input_hash": input_hash,
                "code_version": code_version,
                "delta_version": delta_version,
            }
            for day, input_hash in sorted(day_hashes.items())
        ]
        with self._database.write() as connection:
            insert_or_update(connection, DERIVED_LEDGER, rows)

    def observed_hash(self, cluster: str, day: date) -> str:
        """Return a hash over the ledger rows (states, input hashes, contents) of a UTC day."""
        with self._database.read() as connection:
            return _hash_of(connection, cluster, day)

    def observed_hashes(self, cluster: str, window: HourWindow) -> dict[date, str]:
        """Return `observed_hash` of every UTC day that the window touches."""
        with self._database.read() as connection:
            return {day: _hash_of(connection, cluster, day) for day in window.days()}


def _hash_of(connection: Connection, cluster: str, day: date) -> str:
    window = HourWindow.of_day(day)
    rows = connection.execute(
        select(_L.hour, _L.source, _L.state, _L.input_hash, _L.row_count, _L.pending_run_id)
        .where(_L.cluster == cluster, _L.hour >= window.start, _L.hour < window.end)
        .order_by(_L.hour, _L.source)
    )
    content = [
        (
            row.hour.isoformat(),
            row.source,
            row.state,
            row.input_hash,
            row.row_count,
            row.pending_run_id is None,
        )
        for row in rows
    ]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]
