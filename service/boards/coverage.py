"""From hours to days: which billing days are final, which hours are gaps, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from models.vocabulary.windows import DAY, HOUR, day_start
from warehouse.observed import WindowState
from warehouse.reads.coverage import HourState

ABSENT = "absent"


@dataclass(frozen=True)
class ClusterDay:
    """How much of one billing day of one cluster is stored.

    ``hours`` counts states, ``absent`` for hours that nobody recorded; ``hour_count`` is 24 except where
    the clock changes.
    """

    cluster: str
    day: date
    hours: dict[str, int]
    hour_count: int
    note: str

    @property
    def complete_ratio(self) -> float:
        """Complete hours / hours of the day."""
        return self.hours.get(WindowState.COMPLETE, 0) / self.hour_count

    @property
    def is_full(self) -> bool:
        """Whether every hour of the day is complete."""
        return self.hours.get(WindowState.COMPLETE, 0) == self.hour_count

    @property
    def has_no_gap(self) -> bool:
        """Whether every hour is complete or lies before the source's first sample."""
        return self.hours.get(WindowState.COMPLETE, 0) + self.before_history == self.hour_count

    @property
    def before_history(self) -> int:
        """Hours before the source's first sample; they are not gaps."""
        return self.hours.get(WindowState.BEFORE_HISTORY, 0)

    @property
    def worst(self) -> str:
        """The state that decides the colour of the day."""
        for state in (WindowState.FAILED, WindowState.UNRECOVERABLE, ABSENT, WindowState.PARTIAL):
            if self.hours.get(state):
                return str(state)
        return str(
            WindowState.COMPLETE if self.hours.get(WindowState.COMPLETE) else WindowState.BEFORE_HISTORY
        )


@dataclass(frozen=True)
class Gap:
    """Consecutive hours of one cluster that are not complete, with their reason."""

    cluster: str
    source: str
    start: datetime
    end: datetime
    state: str
    note: str

    @property
    def hour_count(self) -> int:
        """Number of hours."""
        return int((self.end - self.start) / HOUR)


def days_of_clusters(
    hours: Sequence[HourState], first: date, last: date, now: datetime, zone: ZoneInfo
) -> list[ClusterDay]:
    """Return each day of each cluster from ``first`` to ``last``, by cluster and day.

    Hours before a cluster's first record count as before its history; hours that are still to come are
    left out of ``hours`` but not of ``hour_count``.
    """
    by_cluster: dict[str, dict[datetime, HourState]] = defaultdict(dict)
    for hour in hours:
        by_cluster[hour.cluster][hour.hour] = hour
    days = [first + index * DAY for index in range((last - first).days + 1)]
    found = []
    for cluster, recorded in sorted(by_cluster.items()):
        begins = min(recorded)
        found += [_cluster_day(cluster, day, recorded, begins, (now, zone)) for day in days]
    return found


def _cluster_day(
    cluster: str,
    day: date,
    recorded: dict[datetime, HourState],
    begins: datetime,
    clock: tuple[datetime, ZoneInfo],
) -> ClusterDay:
    now, zone = clock
    start, end = day_start(day, zone), day_start(day + DAY, zone)
    states: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    moment = start
    while moment < end:
        known = recorded.get(moment)
        if known is not None:
            states[str(known.state)] += 1
            if known.note and known.state is not WindowState.COMPLETE:
                notes[known.note] += 1
        elif moment < begins:
            states[str(WindowState.BEFORE_HISTORY)] += 1
        elif moment + HOUR <= now:
            states[ABSENT] += 1
        moment += HOUR
    note = notes.most_common(1)[0][0] if notes else ""
    return ClusterDay(cluster, day, dict(states), int((end - start) / HOUR), note)


def final_days(days: Iterable[ClusterDay], with_cost: Iterable[date], today: date) -> dict[date, bool]:
    """Return each day with any stored hour, and whether it is final.

    A day is final when its cost is derived, no cluster has a gap in it and at least one has all its hours.
    A cluster that joins later spoils no day before its first sample.
    """
    derived = set(with_cost)
    by_day: dict[date, list[ClusterDay]] = defaultdict(list)
    for one in days:
        by_day[one.day].append(one)
    found: dict[date, bool] = {}
    for day, clusters in sorted(by_day.items()):
        if any(cluster.hours.get(WindowState.COMPLETE) for cluster in clusters):
            full = any(cluster.is_full for cluster in clusters)
            no_gap = all(cluster.has_no_gap for cluster in clusters)
            found[day] = full and no_gap and day < today and day in derived
    return found


def list_gaps(hours: Sequence[HourState], now: datetime) -> list[Gap]:
    """Return runs of hours that are not complete, per cluster, oldest first.

    Nothing is a gap before the first record, nor an hour that has not ended.
    """
    gaps: list[Gap] = []
    by_cluster: dict[str, list[HourState]] = defaultdict(list)
    for hour in hours:
        by_cluster[hour.cluster].append(hour)
    for cluster, rows in sorted(by_cluster.items()):
        recorded = {row.hour: row for row in rows}
        moment, until = min(recorded), max(recorded)
        while moment <= until and moment + HOUR <= now:
            row = recorded.get(moment)
            _extend(gaps, cluster, moment, row)
            moment += HOUR
    return gaps


def _extend(gaps: list[Gap], cluster: str, moment: datetime, row: HourState | None) -> None:
    state = ABSENT if row is None else str(row.state)
    if state in (WindowState.COMPLETE, WindowState.BEFORE_HISTORY):
        return
    note, source = ("", "") if row is None else (row.note, row.source)
    last = gaps[-1] if gaps else None
    is_same = last is not None and (last.cluster, last.end, last.state, last.note) == (
        cluster,
        moment,
        state,
        note,
    )
    if last is not None and is_same:
        gaps[-1] = Gap(cluster, last.source, last.start, moment + HOUR, state, note)
    else:
        gaps.append(Gap(cluster, source, moment, moment + HOUR, state, note))


def newest_complete(hours: Iterable[HourState]) -> dict[str, datetime]:
    """Return the end of the newest complete hour of each cluster."""
    newest: dict[str, datetime] = {}
    for hour in hours:
        if hour.state is WindowState.COMPLETE:
            newest[hour.cluster] = max(newest.get(hour.cluster, hour.hour + HOUR), hour.hour + HOUR)
    return newest


def billing_today(now: datetime, zone: ZoneInfo) -> date:
    """Return the billing day of an instant."""
    return now.astimezone(zone).date()
