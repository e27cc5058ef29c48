"""Peaks ahead that a workload's profile window has not seen: declared in the calendar, or found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from models.events.calendar import CalendarEvent
from models.vocabulary.exclusions import PeakSignature
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.windows import HourWindow, floor_hour, to_utc
from recommender.constraints_calendar import (
    HORIZON_DAYS,
    PastPeriod,
    find_unseen_event,
    is_peak,
    list_past_periods,
    say_event,
)
from service.runtime import Runtime
from service.usecases.events import list_events
from service.usecases.exclusions import read_signatures
from service.usecases.workload_constraints import SIGNS_CALENDAR_ANNOTATION, WorkloadRules
from warehouse.lake.reading import TableScan

_FOUND = "found in its history"
"""What a signature for a peak that nobody declared is matched with."""

_DAY_MAXIMA = """
    SELECT namespace, workload_kind, workload_name, container, day,
           max(maximum) FILTER (statistic = 'cpu_mean_5m') AS cpu,
           max(maximum) FILTER (statistic = 'memory_max_5m') AS memory
    FROM container_histogram_day
    WHERE statistic IN ('cpu_mean_5m', 'memory_max_5m')
    GROUP BY ALL ORDER BY ALL"""


@dataclass(frozen=True)
class CalendarPeaks:
    """The peaks that hold back reductions; signed ones do not.

    Parameters
    ----------
    rules : WorkloadRules
        Annotations sign too.
    signatures : sequence of PeakSignature
    events : sequence of CalendarEvent
        Declared for the cluster.
    found : mapping of ContainerKey to str
        Found in older history, in words.
    as_of : datetime
    """

    rules: WorkloadRules
    signatures: Sequence[PeakSignature]
    events: Sequence[CalendarEvent]
    found: Mapping[ContainerKey, str]
    as_of: datetime

    def find(self, profile: ResourceProfile) -> str | None:
        """Return the peak that holds back reductions of a container, in words; None where none does."""
        if not self.events and not self.found:
            return None
        workload = profile.key.workload
        if self.rules.says_yes(workload, SIGNS_CALENDAR_ANNOTATION):
            return None
        place = (workload.cluster, workload.namespace, workload.kind, workload.name)
        mine = [event for event in self.events if event.scope.covers(*place)]
        event = find_unseen_event(mine, profile.window_start, self.as_of)
        if event is not None and not self._is_signed(workload, event.name):
            return say_event(event)
        found = self.found.get(profile.key)
        return None if found is None or self._is_signed(workload, _FOUND) else found

    def _is_signed(self, workload: WorkloadKey, event: str) -> bool:
        return any(one.is_for(workload, event, self.as_of) for one in self.signatures)


def find_past_peaks(
    runtime: Runtime, cluster: str, profiles: Sequence[ResourceProfile], as_of: datetime
) -> dict[ContainerKey, str]:
    """Return containers whose older history, on whose like the calendar comes back soon, was much higher.

    Histograms live 400 days, profiles read a few weeks; only the days that matter are read.
    """
    span = runtime.warehouse.ledger.span(cluster)
    if span is None or not profiles or span.start >= profiles[0].window_start:
        return {}
    by_key = {profile.key: profile for profile in profiles}
    found: dict[ContainerKey, str] = {}
    for period in list_past_periods(profiles[0].window_start.date(), as_of.date()):
        for key, sentence in _peaks_in(runtime, cluster, period, by_key):
            found.setdefault(key, sentence)
    return found


def _peaks_in(
    runtime: Runtime, cluster: str, period: PastPeriod, profiles: dict[ContainerKey, ResourceProfile]
) -> Iterable[tuple[ContainerKey, str]]:
    start = datetime.combine(period.first, time(), UTC)
    window = HourWindow(start, datetime.combine(period.last, time(), UTC) + timedelta(days=1))
    rows = runtime.warehouse.lake.query(
        _DAY_MAXIMA, tables={"container_histogram_day": TableScan("container_histogram_day", cluster, window)}
    )
    for row in rows.to_pylist():
        workload = WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"])
        key = ContainerKey(workload, row["container"])
        profile = profiles.get(key)
        if profile is None:
            continue
        for what, value, largest in (
            ("CPU", row["cpu"], profile.cpu_usage_cores_max_5m),
            ("memory", row["memory"], profile.memory_usage_bytes_max),
        ):
            if is_peak(value, largest):
                times = f"{value / largest:.1f} times the largest of this window"
                day = f"{row['day']:%Y-%m-%d}"
                yield key, f"{period.name}, on {day}, its {what} was {times}, and the like is ahead"


def read_calendar_peaks(
    runtime: Runtime,
    cluster: str,
    rules: WorkloadRules,
    profiles: Sequence[ResourceProfile],
    as_of: datetime,
    *,
    asked_at: datetime,
) -> CalendarPeaks:
    """Return the peaks of a cluster, declared or found, and who signed for them.

    ``asked_at`` is the hour asked for. Of a past one, events count that had been declared by then; of the
    present one, all do.
    """
    signatures = read_signatures(runtime, cluster, as_of)
    found = find_past_peaks(runtime, cluster, profiles, as_of)
    events: Sequence[CalendarEvent] = ()
    if profiles:
        window = HourWindow(profiles[0].window_start, as_of + timedelta(days=HORIZON_DAYS))
        is_past = asked_at < floor_hour(to_utc(runtime.now()))
        events = list_events(runtime, window, declared_by=asked_at if is_past else None)
    return CalendarPeaks(rules, signatures, events, found, as_of)
