"""The window ledger: which hours of which cluster are stored, from which source, and what is still owed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select

from models.vocabulary.windows import HourWindow, windows_of
from warehouse.database.clusters import ensure_registered
from warehouse.database.connection import Database
from warehouse.database.derived import DerivedLedger
from warehouse.database.leases import Leases, check_lease
from warehouse.database.ledger_rows import (
    STORED_STATES,
    Writing,
    check_source_of_record,
    forget_table,
    read_rows,
    write_reports,
)
from warehouse.database.schema import WINDOW_LEDGER
from warehouse.fencing import Lease
from warehouse.observed import SETTLED_STATES, HourReport, WindowState
from warehouse.pins import LedgerRow

__all__ = ["DerivedLedger", "Lease", "Leases", "LedgerRow", "WindowLedger", "WindowState"]

_L = WINDOW_LEDGER.c


class WindowLedger:
    """One row per source, cluster and hour.

    Parameters
    ----------
    database : Database
    now : callable
        The clock that dates rows.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def owed(self, source: str, cluster: str, window: HourWindow) -> list[HourWindow]:
        """Return what the source still has to deliver, oldest first.

        An hour is owed unless it is complete, unrecoverable or before history, and also when a writer
        began it and did not finish (pending). Hours that another source has stored are not owed.
        """
        settled = {row.hour for row in self.rows(cluster, window) if _is_settled(row, source)}
        return windows_of([hour for hour in window.hours() if hour not in settled])

    def mark(self, source: str, cluster: str, reports: Sequence[HourReport], lease: Lease) -> None:
        """Note states of hours for which no rows are stored (failed, unrecoverable, before history).

        Raises
        ------
        LeaseLost
            If the lease is not the newest any more.
        Conflict
            If another source has stored one of the hours.
        """
        with self._database.write() as connection:
            check_lease(connection, lease)
            ensure_registered(connection, cluster)
            check_source_of_record(connection, source, cluster, [report.hour for report in reports])
            writing = Writing(source, cluster, lease, self._now())
            write_reports(connection, writing, reports)

    def rows(self, cluster: str | None, window: HourWindow) -> list[LedgerRow]:
        """Return the ledger rows of one cluster, or of all, by cluster, hour and source."""
        with self._database.read() as connection:
            return read_rows(connection, cluster, window)

    def forget(self, table: str, cluster: str, window: HourWindow, lease: Lease) -> None:
        """Expect no rows of a table any more in stored hours, because retention has removed them.

        Raises
        ------
        LeaseLost
            If the lease is not the newest any more.
        """
        with self._database.write() as connection:
            check_lease(connection, lease)
            forget_table(connection, table, cluster, window)

    def source_of_record(self, cluster: str, window: HourWindow) -> str | None:
        """Return the source whose rows stand in the lake for a window; None when none does."""
        stored = [row for row in self.rows(cluster, window) if row.state in STORED_STATES or row.is_pending]
        return stored[0].source if stored else None

    def span(self, cluster: str | None = None) -> HourWindow | None:
        """Return the window from the first to the last stored hour; None when nothing is stored."""
        statement = select(func.min(_L.hour), func.max(_L.hour)).where(_L.state.in_(STORED_STATES))
        if cluster is not None:
            statement = statement.where(_L.cluster == cluster)
        with self._database.read() as connection:
            first, last = connection.execute(statement).one()
        return None if first is None else HourWindow(first, HourWindow.of_hour(last).end)


def _is_settled(row: LedgerRow, source: str) -> bool:
    if row.source != source:
        return row.state in STORED_STATES or row.is_pending
    return row.state in SETTLED_STATES and not row.is_pending
