"""Daily histograms and profiles: built for days whose observations changed, read up to an event time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.profiles import container_day, daily
from models.profiles.build import ProfileOptions, ProfileSet
from models.profiles.build import build_profiles as profile_containers
from models.profiles.options import HALF_LIFE
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.windows import HourWindow, day_start
from service.jobs.histograms import (
    HISTOGRAMS,
    SUMMARIES,
    BuiltDay,
    HistogramTask,
    build_histogram_partition,
)
from service.leasing import HeldLease, holding
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.histories import History, profile_window, read_history
from service.usecases.workload_constraints import read_hpa_metrics
from warehouse.database.derived import FROZEN
from warehouse.pins import Pin

__all__ = [
    "HistogramRun",
    "History",
    "build_histograms",
    "build_profiles",
    "cluster_names",
    "profile_history",
    "profile_window",
    "read_history",
    "read_profile_set",
]

_CODE_VERSIONS = {HISTOGRAMS: daily.CODE_VERSION, SUMMARIES: container_day.CODE_VERSION}
_JOB = "histograms"
_DAYS_PER_COMMIT = 31


@dataclass(frozen=True)
class HistogramRun:
    """What a run did: days built per cluster."""

    built: dict[str, tuple[date, ...]]

    @property
    def day_count(self) -> int:
        """Cluster-days built."""
        return sum(len(days) for days in self.built.values())


def build_histograms(
    runtime: Runtime,
    *,
    cluster: str | None = None,
    window: HourWindow | None = None,
    progress: Progress | None = None,
) -> HistogramRun:
    """Build the daily histograms of all days whose hours changed since they were built.

    Days whose 5-minute values have been thinned out by retention keep the histograms they have.

    Parameters
    ----------
    runtime : Runtime
    cluster : str, optional
        None builds all.
    window : HourWindow, optional
        Only days that it touches; None takes everything that still has 5-minute values.
    progress : Progress, optional

    Raises
    ------
    LeaseLost
        If another process is building them.
    """
    built = {}
    for name in cluster_names(runtime, cluster):
        owed = _find_dirty_days(runtime, name, window)
        if owed:
            built[name] = _build_days(runtime, name, owed, progress or SilentProgress())
    return HistogramRun(built)


def cluster_names(runtime: Runtime, cluster: str | None = None) -> list[str]:
    """Return the clusters that a job covers: the one named, or all that the warehouse knows."""
    if cluster is not None:
        return [runtime.warehouse.clusters.get(cluster).name]
    return [known.name for known in runtime.warehouse.clusters.list()]


def _find_dirty_days(runtime: Runtime, cluster: str, window: HourWindow | None) -> dict[date, str]:
    """Return input hash by day, oldest first, of days to build."""
    warehouse = runtime.warehouse
    span = warehouse.ledger.span(cluster)
    if span is None:
        return {}
    first = max(span.start.date(), window.start.date() if window else date.min)
    end = min(span.end, window.end) if window else span.end
    if day_start(first) >= end:
        return {}
    inputs = warehouse.derived.observed_hashes(cluster, HourWindow(day_start(first), end))
    dirty = {
        day
        for table, version in _CODE_VERSIONS.items()
        for day in warehouse.derived.dirty(table, cluster, inputs, version)
    }
    # Days whose 5-minute values may be thinned out keep what they have; an old trace has nothing to lose.
    oldest = runtime.now().date() - timedelta(days=runtime.settings.retention_bins_days)
    built = warehouse.derived.registered(HISTOGRAMS, cluster)
    # Both tables are built together: a day whose hours are gone must keep its histograms.
    frozen = {day for day, (_, version) in built.items() if version == FROZEN}
    owed = sorted(dirty - frozen)
    return {day: inputs[day] for day in owed if day >= oldest or day not in built}


def _build_days(
    runtime: Runtime, cluster: str, owed: dict[date, str], progress: Progress
) -> tuple[date, ...]:
    days = list(owed)
    with holding(runtime, cluster, _JOB) as held, runtime.executor() as executor:
        pin = runtime.warehouse.pin()
        tasks = [_histogram_task(runtime, cluster, day, pin) for day in days]
        staged: list[BuiltDay] = []
        results = executor.map(build_histogram_partition, tasks)
        for built in tracked(progress, results, f"{cluster}: building histograms", len(tasks)):
            staged.append(built)
            if len(staged) % _DAYS_PER_COMMIT and len(staged) < len(days):
                continue
            first = (len(staged) - 1) // _DAYS_PER_COMMIT * _DAYS_PER_COMMIT
            batch = {day: owed[day] for day in days[first : len(staged)]}
            _commit(runtime, cluster, batch, staged[first:], held)
    return tuple(days)


def _commit(
    runtime: Runtime, cluster: str, hashes: dict[date, str], built: list[BuiltDay], held: HeldLease
) -> None:
    """Replace the days in both tables, then register them; a kill in between builds them again."""
    warehouse = runtime.warehouse
    partitions = [{"cluster": cluster, "day": day} for day in hashes]
    staged = {HISTOGRAMS: [day.histograms for day in built], SUMMARIES: [day.summaries for day in built]}
    versions = {
        table: warehouse.lake.replace_partitions(table, partitions, files, fence=held.renew())
        for table, files in staged.items()
    }
    for table, version in versions.items():
        warehouse.derived.register(table, cluster, hashes, _CODE_VERSIONS[table], version)


def _histogram_task(runtime: Runtime, cluster: str, day: date, pin: Pin) -> HistogramTask:
    location = runtime.warehouse.location
    files = runtime.warehouse.lake.files(
        "container_hour", cluster=cluster, window=HourWindow.of_day(day), pin=pin
    )
    return HistogramTask(cluster, day, tuple(files), location.lake_url, dict(location.storage_options))


def build_profiles(
    runtime: Runtime,
    *,
    as_of: datetime,
    cluster: str | None = None,
    half_life: timedelta = HALF_LIFE,
    progress: Progress | None = None,
) -> list[ResourceProfile]:
    """Return a profile of every container that ran in the profile window before an event time.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime
        Only whole hours that end by then are read.
    cluster : str, optional
    half_life : timedelta, optional
        Age at which a sample counts half in the decayed percentiles.
    progress : Progress, optional

    Returns
    -------
    list of ResourceProfile
        By cluster and key.
    """
    build_histograms(runtime, cluster=cluster, window=profile_window(runtime, as_of), progress=progress)
    return [
        profile
        for name in cluster_names(runtime, cluster)
        for profile in read_profile_set(runtime, name, as_of, half_life=half_life, progress=progress).profiles
    ]


def read_profile_set(
    runtime: Runtime,
    cluster: str,
    as_of: datetime,
    *,
    half_life: timedelta = HALF_LIFE,
    progress: Progress | None = None,
) -> ProfileSet:
    """Return profiles and evidence of one cluster from its history before an event time."""
    history = read_history(runtime, cluster, as_of, progress=progress)
    return ProfileSet([], []) if history is None else profile_history(runtime, cluster, history, half_life)


def profile_history(
    runtime: Runtime, cluster: str, history: History, half_life: timedelta = HALF_LIFE
) -> ProfileSet:
    """Return profiles and evidence of a history that was read before."""
    hpa_metrics = read_hpa_metrics(runtime, cluster, history.window.end)
    options = ProfileOptions(half_life=half_life, hpa_metrics=hpa_metrics)
    return profile_containers(cluster, history.summaries, history.histograms, history.window, options)
