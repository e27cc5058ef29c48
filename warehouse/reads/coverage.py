"""Which hours of which cluster are stored, and in what state.

The read model of data health and of every "final until". The ledger holds no rows of teams, so every
principal with a role may read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from models.vocabulary.identity import Principal
from models.vocabulary.windows import HOUR, HourWindow
from warehouse.database.connection import Database
from warehouse.database.schema import CLUSTER, WINDOW_LEDGER
from warehouse.observed import WindowState

_INVENTORY_SOURCES = ("kubernetes",)
"""Sources that add exact times and labels to hours of another source; they are not of record for usage."""


@dataclass(frozen=True)
class HourState:
    """One hour of one cluster as its source of record left it."""

    cluster: str
    source: str
    hour: datetime
    state: WindowState
    coverage_ratio: float | None
    note: str


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster as people know it."""

    name: str
    display_name: str | None
    provider: str | None
    region: str | None
    currency: str | None
    is_simulated: bool


class CoverageReads:
    """Reads of clusters and of the window ledger.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def clusters(self, principal: Principal) -> list[ClusterFacts]:
        """Return every cluster by name."""
        principal.visible_teams()
        columns = (
            CLUSTER.c.name,
            CLUSTER.c.display_name,
            CLUSTER.c.provider,
            CLUSTER.c.region,
            CLUSTER.c.currency,
            CLUSTER.c.is_simulated,
        )
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).order_by(CLUSTER.c.name)).all()
        return [ClusterFacts(*row) for row in rows]

    def stored_window(self, principal: Principal) -> HourWindow | None:
        """Return the hours from the first stored one to the last recorded one, or None."""
        principal.visible_teams()
        hour = WINDOW_LEDGER.c.hour
        first = select(func.min(hour)).where(WINDOW_LEDGER.c.state == WindowState.COMPLETE)
        last = select(func.max(hour)).where(WINDOW_LEDGER.c.state != WindowState.BEFORE_HISTORY)
        with self._database.read() as connection:
            start, end = connection.execute(first).scalar(), connection.execute(last).scalar()
        return None if start is None or end is None else HourWindow(start, max(start, end) + HOUR)

    def stored_counts(self, window: HourWindow) -> dict[str, tuple[int, int]]:
        """Return per cluster how many hours of the window are complete and how many partial.

        Counted in the database. Where two sources recorded one hour, the complete one counts; an hour that
        is being written counts as neither.
        """
        ledger = WINDOW_LEDGER.c
        is_partial = case((ledger.state == WindowState.PARTIAL, 1), else_=0)
        is_complete = case((ledger.state == WindowState.COMPLETE, 1), else_=0)
        by_hour = (
            select(
                ledger.cluster,
                func.max(is_complete).label("complete"),
                func.max(is_partial).label("partial"),
            )
            .where(ledger.hour >= window.start, ledger.hour < window.end)
            .where(ledger.pending_run_id.is_(None))
            .group_by(ledger.cluster, ledger.hour)
            .subquery()
        )
        only_partial = func.sum(by_hour.c.partial * (1 - by_hour.c.complete))
        statement = select(by_hour.c.cluster, func.sum(by_hour.c.complete), only_partial)
        with self._database.read() as connection:
            rows = connection.execute(statement.group_by(by_hour.c.cluster)).all()
        return {cluster: (int(complete), int(partial)) for cluster, complete, partial in rows}

    def hours(self, principal: Principal, window: HourWindow) -> list[HourState]:
        """Return the recorded hours of the window by cluster and hour.

        Where two sources recorded one hour, the complete one counts. An hour that is being written counts
        as partial until it is finished.
        """
        principal.visible_teams()
        ledger = WINDOW_LEDGER.c
        statement = (
            select(
                ledger.cluster,
                ledger.source,
                ledger.hour,
                ledger.state,
                ledger.coverage_ratio,
                ledger.note,
                ledger.pending_run_id,
            )
            .where(ledger.hour >= window.start, ledger.hour < window.end)
            .where(ledger.source.not_in(_INVENTORY_SOURCES))
            .order_by(ledger.cluster, ledger.hour, ledger.source)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        best: dict[tuple[str, datetime], HourState] = {}
        for cluster, source, hour, state, ratio, note, pending in rows:
            found = WindowState(state)
            if pending is not None and found is WindowState.COMPLETE:
                found = WindowState.PARTIAL
            known = best.get((cluster, hour))
            if known is None or known.state is not WindowState.COMPLETE:
                best[(cluster, hour)] = HourState(cluster, source, hour, found, ratio, note)
        return list(best.values())
