"""The data health board: hours stored, hours missing and why, metrics missing, and what reading costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingest.prometheus.metrics import METRICS, MetricNeed
from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY
from service.boards.coverage import (
    ABSENT,
    ClusterDay,
    Gap,
    days_of_clusters,
    list_gaps,
    newest_complete,
)
from service.boards.figures import BoardHeader, Figure, Mark
from service.boards.formats import NOT_KNOWN, Tone, duration, moment, percent
from service.boards.headers import build_header, days_that_are_final, last_final_day
from service.boards.texts import say, say_or
from service.runtime import Runtime
from warehouse.observed import WindowState
from warehouse.reads.costs import CostReads
from warehouse.reads.coverage import ClusterFacts, CoverageReads, HourState
from warehouse.reads.load import LoadReads, SourceLoad

CALENDAR_DAYS = 60
MOST_GAPS = 500
_RECENT = timedelta(days=2)
_LOAD_SPAN = timedelta(days=7)


@dataclass(frozen=True)
class CalendarCell:
    """One day of one cluster in the calendar."""

    cluster: str
    day: date
    state: str
    state_text: str
    complete_ratio: float
    hours_text: str
    note: str


@dataclass(frozen=True)
class ClusterRow:
    """The stored hours of one cluster in the shown days."""

    cluster: str
    source: str
    newest: str
    age: str
    age_hours: float | None
    complete: int
    partial: int
    failed: int
    lost: int
    absent: int


@dataclass(frozen=True)
class GapRow:
    """One gap in words."""

    cluster: str
    source: str
    start: str
    end: str
    hour_count: int
    state: str
    reason: str


@dataclass(frozen=True)
class MissingRow:
    """One metric that a cluster does not export."""

    cluster: str
    metric: str
    without: str
    remedy: str


@dataclass(frozen=True)
class LoadRow:
    """What one hour of data costs one source, over the runs of the last days."""

    cluster: str
    source: str
    queries_per_hour: float
    samples_per_hour: float
    mebibytes_per_hour: float


@dataclass(frozen=True)
class HealthBoard:
    """All that the data health board shows."""

    header: BoardHeader
    figures: tuple[Figure, ...]
    calendar: tuple[CalendarCell, ...]
    clusters: tuple[ClusterRow, ...]
    gaps: tuple[GapRow, ...]
    missing: tuple[MissingRow, ...]
    load: tuple[LoadRow, ...]
    is_empty: bool


def read_health(runtime: Runtime, principal: Principal) -> HealthBoard:
    """Return the state of every cluster: the last 60 days in the calendar, gaps since the first hour.

    Raises
    ------
    Forbidden
        If the principal holds no role.
    """
    coverage = CoverageReads(runtime.warehouse.database)
    clusters = coverage.clusters(principal)
    costs = CostReads(runtime.warehouse.lake, runtime.warehouse.pin())
    stored = coverage.stored_window(principal)
    is_simulated = any(cluster.is_simulated for cluster in clusters)
    everything = [] if stored is None else coverage.hours(principal, stored)
    final = {} if stored is None else days_that_are_final(runtime, principal, costs, everything, stored)
    header = build_header(
        runtime,
        say("health.title"),
        final,
        is_simulated=is_simulated,
        extra=breaker_marks(runtime.warehouse.advice_days.newest_faults(), clusters),
    )
    if stored is None:
        return HealthBoard(header, (), (), (), (), (), (), is_empty=True)
    start = max(stored.start, stored.end - CALENDAR_DAYS * DAY)
    hours = [hour for hour in everything if hour.hour >= start]
    now, zone = runtime.now(), runtime.settings.zone
    first = start.astimezone(zone).date()
    last = (stored.end - timedelta(hours=1)).astimezone(zone).date()
    days = days_of_clusters(hours, first, last, now, zone)
    gaps = list_gaps(everything, now)
    rows = cluster_rows(clusters, hours, days, now)
    return HealthBoard(
        header=header,
        figures=build_figures(rows, gaps, last_final_day(final)),
        calendar=tuple(_cell(day) for day in days),
        clusters=rows,
        gaps=tuple(_gap_row(gap) for gap in reversed(gaps[-MOST_GAPS:])),
        missing=missing_metrics(hours),
        load=load_rows(LoadReads(runtime.warehouse.database).since(principal, now - _LOAD_SPAN)),
        is_empty=False,
    )


def breaker_marks(
    faults: Mapping[str, tuple[date, str]], clusters: Sequence[ClusterFacts]
) -> tuple[Mark, ...]:
    """Return a mark for each visible cluster whose data look wrong, so that no request of it is lowered."""
    return tuple(
        Mark(
            "data_breaker",
            say("health.breaker", cluster=one.name, day=f"{day:%-d %b}", cause=cause),
            Tone.BAD,
        )
        for one in clusters
        if one.name in faults
        for day, cause in (faults[one.name],)
    )


def _cell(day: ClusterDay) -> CalendarCell:
    complete = day.hours.get(WindowState.COMPLETE, 0)
    return CalendarCell(
        cluster=day.cluster,
        day=day.day,
        state=day.worst,
        state_text=say(f"hour.{day.worst}"),
        complete_ratio=day.complete_ratio,
        hours_text=say("health.hours_of", complete=complete, hours=day.hour_count),
        note=day.note,
    )


def cluster_rows(
    clusters: Sequence[ClusterFacts],
    hours: Sequence[HourState],
    days: Sequence[ClusterDay],
    now: datetime,
) -> tuple[ClusterRow, ...]:
    """Return one row per cluster; a cluster without any stored hour is listed too."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for day in days:
        counts[day.cluster].update(day.hours)
    newest = newest_complete(hours)
    sources: dict[str, str] = {hour.cluster: hour.source for hour in hours}
    rows = []
    for name in sorted({cluster.name for cluster in clusters} | set(sources)):
        found, until = counts[name], newest.get(name)
        age = None if until is None else max(now - until, timedelta(0))
        rows.append(
            ClusterRow(
                cluster=name,
                source=sources.get(name, ""),
                newest=moment(until),
                age=NOT_KNOWN if age is None else duration(age),
                age_hours=None if age is None else age.total_seconds() / 3600,
                complete=found[WindowState.COMPLETE],
                partial=found[WindowState.PARTIAL],
                failed=found[WindowState.FAILED],
                lost=found[WindowState.UNRECOVERABLE],
                absent=found[ABSENT],
            )
        )
    return tuple(rows)


def build_figures(rows: Sequence[ClusterRow], gaps: Sequence[Gap], final: date | None) -> tuple[Figure, ...]:
    """Return the figures over all clusters; the stalest cluster decides freshness."""
    ages = [row for row in rows if row.age_hours is not None]
    stalest = max(ages, key=lambda row: row.age_hours or 0.0, default=None)
    complete = sum(row.complete for row in rows)
    total = complete + sum(row.partial + row.failed + row.lost + row.absent for row in rows)
    return (
        Figure(
            "final",
            say("health.final"),
            NOT_KNOWN if final is None else f"{final.day} {final:%b %Y}",
            explanation=say("health.final_help"),
        ),
        Figure(
            "freshness",
            say("health.freshness"),
            NOT_KNOWN if stalest is None else say("health.age", age=stalest.age),
            note="" if stalest is None else f"{stalest.cluster}: {stalest.newest}",
            explanation=say("health.freshness_help"),
        ),
        Figure(
            "complete",
            say("health.complete"),
            percent(complete / total if total else None, digits=2),
            note=say("health.hours_of", complete=f"{complete:,}", hours=f"{total:,}"),
        ),
        Figure(
            "gaps",
            say("health.gaps"),
            f"{len(gaps):,}",
            note=say("health.gap_hours", hours=f"{sum(gap.hour_count for gap in gaps):,}"),
            explanation=say("health.gaps_help"),
        ),
    )


def _gap_row(gap: Gap) -> GapRow:
    return GapRow(
        cluster=gap.cluster,
        source=gap.source,
        start=moment(gap.start),
        end=moment(gap.end),
        hour_count=gap.hour_count,
        state=say_or(f"hour.{gap.state}", gap.state),
        reason=gap.note or say("health.no_reason"),
    )


def load_rows(loads: Sequence[SourceLoad]) -> tuple[LoadRow, ...]:
    """Return the load per hour of data; sources that read no hour are left out."""
    return tuple(
        LoadRow(
            load.cluster,
            load.source,
            load.query_count / load.hour_count,
            load.sample_count / load.hour_count,
            load.answer_bytes / 2**20 / load.hour_count,
        )
        for load in loads
        if load.hour_count
    )


def missing_metrics(hours: Sequence[HourState]) -> tuple[MissingRow, ...]:
    """Return the metrics that the notes of a cluster's newest two days name as not exported."""
    notes: dict[str, set[str]] = defaultdict(set)
    newest: dict[str, datetime] = {}
    for hour in hours:
        newest[hour.cluster] = max(newest.get(hour.cluster, hour.hour), hour.hour)
    for hour in hours:
        if hour.note and newest[hour.cluster] - hour.hour < _RECENT:
            notes[hour.cluster].add(hour.note)
    return tuple(
        MissingRow(cluster, need.name, need.without, need.remedy)
        for cluster, texts in sorted(notes.items())
        for need in METRICS
        if any(_names(text, need) for text in texts)
    )


def _names(note: str, need: MetricNeed) -> bool:
    return need.name in note.replace(",", " ").replace(";", " ").split()
