"""Daily histograms and profiles: built for days whose observations changed, read up to an event time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from models.profiles.build import ProfileOptions, ProfileSet
from models.profiles.build import build_profiles as profile_containers
from models.profiles.daily import CODE_VERSION
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.windows import DAY, HourWindow, day_start, floor_hour
from service.jobs.container_days import ContainerDayTask, summarise_partition
from service.jobs.histograms import HistogramTask, build_histogram_partition
from service.leasing import holding
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.workload_constraints import read_hpa_metrics
from warehouse.lake.derived_tables import CONTAINER_HISTOGRAM_DAY
from warehouse.pins import Pin

_TABLE = "container_histogram_day"
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
    oldest = runtime.now().date() - timedelta(days=runtime.settings.retention_bins_days)
    first = max(span.start.date(), oldest, window.start.date() if window else date.min)
    end = min(span.end, window.end) if window else span.end
    if day_start(first) >= end:
        return {}
    inputs = warehouse.derived.observed_hashes(cluster, HourWindow(day_start(first), end))
    return {day: inputs[day] for day in warehouse.derived.dirty(_TABLE, cluster, inputs, CODE_VERSION)}


def _build_days(
    runtime: Runtime, cluster: str, owed: dict[date, str], progress: Progress
) -> tuple[date, ...]:
    warehouse = runtime.warehouse
    days = list(owed)
    with holding(runtime, cluster, _JOB) as held, runtime.executor() as executor:
        pin = warehouse.pin()
        tasks = [_histogram_task(runtime, cluster, day, pin) for day in days]
        staged = []
        results = executor.map(build_histogram_partition, tasks)
        for file in tracked(progress, results, f"{cluster}: building histograms", len(tasks)):
            staged.append(file)
            if len(staged) % _DAYS_PER_COMMIT and len(staged) < len(days):
                continue
            first = (len(staged) - 1) // _DAYS_PER_COMMIT * _DAYS_PER_COMMIT
            batch = days[first : len(staged)]
            version = warehouse.lake.replace_partitions(
                _TABLE,
                [{"cluster": cluster, "day": day} for day in batch],
                staged[first:],
                fence=held.renew(),
            )
            hashes = {day: owed[day] for day in batch}
            warehouse.derived.register(_TABLE, cluster, hashes, CODE_VERSION, version)
    return tuple(days)


def _histogram_task(runtime: Runtime, cluster: str, day: date, pin: Pin) -> HistogramTask:
    location = runtime.warehouse.location
    files = runtime.warehouse.lake.files(
        "container_hour", cluster=cluster, window=HourWindow.of_day(day), pin=pin
    )
    return HistogramTask(cluster, day, tuple(files), location.lake_url, dict(location.storage_options))


def build_profiles(
    runtime: Runtime, *, as_of: datetime, cluster: str | None = None, progress: Progress | None = None
) -> list[ResourceProfile]:
    """Return a profile of every container that ran in the profile window before an event time.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime
        Only whole hours that end by then are read.
    cluster : str, optional
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
        for profile in read_profile_set(runtime, name, as_of, progress=progress).profiles
    ]


def profile_window(runtime: Runtime, as_of: datetime) -> HourWindow:
    """Return the window that profiles read: whole hours, whole first day, up to the event time."""
    end = floor_hour(as_of)
    first = (end - timedelta(days=runtime.settings.profile_window_days)).date()
    return HourWindow(day_start(first), end)


@dataclass(frozen=True, eq=False)
class History:
    """Day summaries and daily histograms of a cluster, and the window that they come from."""

    window: HourWindow
    summaries: pa.Table
    histograms: pa.Table


def read_profile_set(
    runtime: Runtime, cluster: str, as_of: datetime, *, progress: Progress | None = None
) -> ProfileSet:
    """Return profiles and evidence of one cluster from its history before an event time."""
    history = read_history(runtime, cluster, as_of, progress=progress)
    if history is None:
        return ProfileSet([], [])
    options = ProfileOptions(hpa_metrics=read_hpa_metrics(runtime, cluster, history.window.end))
    return profile_containers(cluster, history.summaries, history.histograms, history.window, options)


def read_history(
    runtime: Runtime, cluster: str, as_of: datetime, *, progress: Progress | None = None
) -> History | None:
    """Return what is stored of a cluster's containers in the profile window, None when nothing is.

    Stored histograms serve whole days; the hours of the day that ``as_of`` cuts are counted anew.
    """
    window = profile_window(runtime, as_of)
    span = runtime.warehouse.ledger.span(cluster)
    if span is None or span.start >= window.end:
        return None
    window = HourWindow(day_start(max(span.start.date(), window.start.date())), window.end)
    pin = runtime.warehouse.pin()
    tasks = _day_tasks(runtime, cluster, window, pin)
    summaries, histograms = [], [_stored_histograms(runtime, cluster, window, pin)]
    with runtime.executor() as executor:
        results = executor.map(summarise_partition, tasks)
        shown = progress or SilentProgress()
        for result in tracked(shown, results, f"{cluster}: reading profiles", len(tasks)):
            summaries.append(result.summaries)
            if result.histograms is not None:
                histograms.append(result.histograms)
    return History(window, _joined(summaries), _joined(histograms))


def _day_tasks(runtime: Runtime, cluster: str, window: HourWindow, pin: Pin) -> list[ContainerDayTask]:
    lake, options = runtime.warehouse.lake, dict(runtime.warehouse.location.storage_options)
    tasks = []
    for day in window.days():
        files = lake.files("container_hour", cluster=cluster, window=HourWindow.of_day(day), pin=pin)
        is_cut = window.end < day_start(day) + DAY
        tasks.append(
            ContainerDayTask(
                cluster, day, tuple(files), window.end, with_histograms=is_cut, storage_options=options
            )
        )
    return tasks


def _stored_histograms(runtime: Runtime, cluster: str, window: HourWindow, pin: Pin) -> pa.Table:
    last = day_start(window.end.date())
    if last <= window.start:
        kinds = CONTAINER_HISTOGRAM_DAY.columns
        return pa.schema([(name, kinds[name]) for name in _histogram_columns()]).empty_table()
    whole = HourWindow(window.start, last)
    return runtime.warehouse.lake.scan(
        _TABLE, cluster=cluster, window=whole, columns=_histogram_columns(), pin=pin
    )


def _histogram_columns() -> list[str]:
    return [name for name in CONTAINER_HISTOGRAM_DAY.columns if name != "cluster"]


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    parts = list(tables)
    names = parts[0].column_names
    return pa.concat_tables([part.select(names) for part in parts], promote_options="permissive")
