"""What grows old goes: 5-minute lists, container hours of closed months, histograms.

Sums per hour are never touched here; costs, profiles and boards go on from what was built of the details.
Every step looks at what is still there, so an interrupted run is finished by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from models.vocabulary.windows import DAY, HourWindow, day_start
from service.leasing import HeldLease, holding
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from warehouse.database.periods import PeriodState
from warehouse.fencing import INGEST_JOB
from warehouse.lake.declaration import LakeTable
from warehouse.lake.reading import TableScan
from warehouse.lake.tables import TABLES

_log = logging.getLogger(__name__)

LISTED_TABLES = ("container_hour", "node_hour")
"""Tables with a value per 5 minutes."""
_HISTOGRAMS = "container_histogram_day"
_SUMMARIES = "container_day"
_BUILT_FROM_CONTAINERS = ("allocation_hour", "workload_hour", _HISTOGRAMS, _SUMMARIES)
_GRACE = timedelta(days=7)
"""Lists wait this much longer for histograms that could not be built in time."""
_ROWS_PER_COMMIT = 500_000


@dataclass(frozen=True)
class Retained:
    """What one run removed from one cluster.

    Parameters
    ----------
    cluster : str
    list_days, container_days, histogram_days : int
        Days whose 5-minute lists became null, whose container hours and whose histograms were removed.
    """

    cluster: str
    list_days: int
    container_days: int
    histogram_days: int


def apply_retention(runtime: Runtime, progress: Progress | None = None) -> list[Retained]:
    """Remove what the settings ``retention_…`` no longer keep, cluster by cluster.

    Raises
    ------
    LeaseLost
        If a cluster is being written; the next night does it.
    """
    names = [cluster.name for cluster in runtime.warehouse.clusters.list()]
    done = []
    for name in tracked(progress or SilentProgress(), names, "removing what is old", len(names)):
        with holding(runtime, name, INGEST_JOB) as held:
            keeper = _Keeper(runtime, name, held)
            done.append(
                Retained(name, keeper.empty_lists(), keeper.remove_containers(), keeper.remove_histograms())
            )
        _log.info("retention: %s", done[-1])
    return done


@dataclass(frozen=True)
class _Keeper:
    """Applies the rules to one cluster under its ingest lease, which keeps writers of hours away."""

    runtime: Runtime
    cluster: str
    held: HeldLease

    def empty_lists(self) -> int:
        """Make 5-minute lists null that are old enough and stand in the histograms of their day."""
        emptied: set[date] = set()
        derived = self.runtime.warehouse.derived
        built = {*derived.registered(_HISTOGRAMS, self.cluster)}
        built &= {*derived.registered(_SUMMARIES, self.cluster)}
        for name in LISTED_TABLES:
            counts = self._days_with_lists(TABLES[name])
            ready = {day: rows for day, rows in counts.items() if day in built or day < self._oldest(_GRACE)}
            for days in _batches(ready):
                self._rewrite_without_lists(TABLES[name], days)
                emptied |= set(days)
        return len(emptied)

    def _oldest(self, grace: timedelta = timedelta(0)) -> date:
        """Return the first day whose lists are kept; histograms are built from that day on."""
        settings = self.runtime.settings
        return self.runtime.now().date() - timedelta(days=settings.retention_bins_days) - grace

    def _before(self, first_kept: date) -> HourWindow | None:
        """Return the stored window that ends where the first kept day begins."""
        stored = self.runtime.warehouse.ledger.span(self.cluster)
        end = day_start(first_kept)
        if stored is None or stored.start >= end:
            return None
        return HourWindow(day_start(stored.start.date()), end)

    def _days_with_lists(self, table: LakeTable) -> dict[date, int]:
        """Return rows by day, oldest first, of days that still hold a list."""
        window = self._before(self._oldest())
        if window is None:
            return {}
        lists = _list_columns(table)
        held = " + ".join(f"count({name})" for name in lists)
        found = self.runtime.warehouse.lake.query(
            f"SELECT day, count(*) AS row_count FROM rows GROUP BY day HAVING {held} > 0 ORDER BY day",
            tables={"rows": TableScan(table.name, self.cluster, window, ("day", *lists))},
        )
        return {row["day"]: row["row_count"] for row in found.to_pylist()}

    def _rewrite_without_lists(self, table: LakeTable, days: Sequence[date]) -> None:
        lake = self.runtime.warehouse.lake
        window = HourWindow(day_start(days[0]), day_start(days[-1] + DAY))
        rows = lake.scan(table.name, cluster=self.cluster, window=window)
        for name in _list_columns(table):
            position = rows.schema.get_field_index(name)
            empty = pa.nulls(rows.num_rows, table.columns[name])
            rows = rows.set_column(position, rows.schema.field(position), empty)
        lake.replace(table.name, self.cluster, window, rows, fence=self.held.renew())

    def remove_containers(self) -> int:
        """Remove container hours that are old enough and whose months are closed.

        What was built from them is frozen first: nothing may be built again from rows that are gone. The
        ledger forgets their checksums last, for all old days, so that a run after a kill mends it.
        """
        warehouse = self.runtime.warehouse
        keep = timedelta(days=self.runtime.settings.retention_container_hour_days)
        window = self._before(self.runtime.now().date() - keep)
        if window is None:
            return 0
        closed = [day for day in window.days() if self._is_closed(day)]
        present = [day for day in closed if self._has_rows("container_hour", day)]
        warehouse.derived.freeze(_BUILT_FROM_CONTAINERS, self.cluster, closed)
        empty = TABLES["container_hour"].schema.empty_table()
        for part in _runs(present):
            span = HourWindow(day_start(part[0]), day_start(part[-1] + DAY))
            warehouse.lake.replace("container_hour", self.cluster, span, empty, fence=self.held.renew())
        for part in _runs(closed):
            span = HourWindow(day_start(part[0]), day_start(part[-1] + DAY))
            warehouse.ledger.forget("container_hour", self.cluster, span, self.held.renew())
        return len(present)

    def _is_closed(self, day: date) -> bool:
        """Whether every billing month that a UTC day touches is closed."""
        periods = self.runtime.warehouse.periods
        zone = periods.billing_zone() or self.runtime.settings.zone
        window = HourWindow.of_day(day)
        edges = (window.start, window.end - timedelta(microseconds=1))
        months = {f"{edge.astimezone(zone):%Y-%m}" for edge in edges}
        found = [periods.get(month) for month in months]
        return all(period is not None and period.state is PeriodState.CLOSED for period in found)

    def _has_rows(self, table: str, day: date) -> bool:
        return bool(
            self.runtime.warehouse.lake.files(table, cluster=self.cluster, window=HourWindow.of_day(day))
        )

    def remove_histograms(self) -> int:
        """Remove daily histograms and summaries older than the settings keep, in one commit each."""
        lake = self.runtime.warehouse.lake
        keep = timedelta(days=self.runtime.settings.retention_histogram_days)
        window = self._before(self.runtime.now().date() - keep)
        if window is None:
            return 0
        rows = lake.scan(_HISTOGRAMS, cluster=self.cluster, window=window, columns=["day"])
        days = sorted(pc.unique(rows["day"]).to_pylist())
        partitions = [{"cluster": self.cluster, "day": day} for day in days]
        for table in (_SUMMARIES, _HISTOGRAMS) if days else ():
            lake.replace_partitions(table, partitions, [], fence=self.held.renew())
        return len(days)


def _list_columns(table: LakeTable) -> tuple[str, ...]:
    return tuple(name for name, kind in table.columns.items() if pa.types.is_list(kind))


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    """Cut ascending days into runs of neighbours."""
    run: list[date] = []
    for day in days:
        if run and day != run[-1] + DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _batches(rows_by_day: dict[date, int]) -> Iterator[list[date]]:
    """Cut neighbouring days into batches that fit one commit."""
    for run in _runs(list(rows_by_day)):
        batch: list[date] = []
        count = 0
        for day in run:
            if batch and count + rows_by_day[day] > _ROWS_PER_COMMIT:
                yield batch
                batch, count = [], 0
            batch.append(day)
            count += rows_by_day[day]
        yield batch
