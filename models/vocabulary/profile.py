"""The resource profile of a container: what its past use looks like."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import final, overload

from models.vocabulary.identity import ContainerKey


class WorkloadClass(StrEnum):
    """Shape of a workload's use over time."""

    STEADY = "steady"
    DAILY = "daily"
    WEEKLY = "weekly"
    BURSTY = "bursty"
    BATCH = "batch"
    GROWING = "growing"
    LEAKING = "leaking"
    DORMANT = "dormant"
    UNKNOWN = "unknown"


@final
class HourlyValues(Sequence[float]):
    """An immutable row of numbers, one per hour, equal to any tuple of the same numbers.

    A tuple would hold an object per number: 168 hours of 10,000 containers are 5 million of them.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[float] | bytes) -> None:
        """Take numbers, or the bytes of float64 numbers in the machine's order."""
        self._values = array("d", values)

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        """Return one number, or a tuple of some."""
        return self._values[index] if isinstance(index, int) else tuple(self._values[index])

    def __len__(self) -> int:
        """Return how many hours there are."""
        return len(self._values)

    def __iter__(self) -> Iterator[float]:
        """Yield the numbers in order."""
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        """Compare with another row or a tuple."""
        if isinstance(other, HourlyValues):
            return self._values == other._values
        return isinstance(other, tuple) and tuple(self._values) == other

    def __hash__(self) -> int:
        """Return the hash of the tuple of the numbers."""
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        """Show the first numbers and how many there are."""
        shown = ", ".join(f"{value:.4g}" for value in self._values[:3])
        return f"HourlyValues({shown}{', ...' if len(self) > 3 else ''}; {len(self)} hours)"


@dataclass(frozen=True)
class OutlierPod:
    """A replica whose use is unlike that of the workload's other replicas.

    Parameters
    ----------
    pod_uid : str
    resource : str
        ``cpu`` or ``memory``.
    day : date
        Newest UTC day on which it stood out.
    ratio : float
        Its use over the median of the replicas of that day.
    is_left_out : bool
        Whether its CPU use of these days is left out of the profile; memory never is.
    reason : str
        One sentence for people.
    """

    pod_uid: str
    resource: str
    day: date
    ratio: float
    is_left_out: bool
    reason: str


@dataclass(frozen=True)
class RevisionUse:
    """What one revision of a workload (its pod template hash) used, all its pods pooled, not decayed.

    Days are UTC days with at least one sample of it, both included.
    """

    revision: str
    first_day: date
    last_day: date
    sample_count: int
    cpu_usage_cores_p95: float | None
    memory_usage_bytes_max: float | None


@dataclass(frozen=True)
class ResourceProfile:
    """Statistics of one container over a window of event time.

    Percentiles are of the pooled samples of all its pods, decayed where the name says so, read from
    daily histograms on VPA's exponential buckets (upper edge of the bucket, so never too low).
    ``None`` means not measured, never zero.
    """

    key: ContainerKey
    revision: str | None
    window_start: datetime
    window_end: datetime
    history_days: float
    cpu_sample_count: int
    memory_sample_count: int
    sample_coverage_ratio: float
    pod_count: int
    replica_count_mean: float
    cpu_request_cores: float | None
    cpu_limit_cores: float | None
    memory_request_bytes: float | None
    memory_limit_bytes: float | None
    cpu_usage_cores_mean: float | None
    cpu_usage_cores_p50_decayed: float | None
    cpu_usage_cores_p95_decayed: float | None
    cpu_usage_cores_p99_decayed: float | None
    cpu_usage_cores_max_5m: float | None
    cpu_usage_cores_max_1m: float | None
    memory_usage_bytes_mean: float | None
    memory_usage_bytes_p99_decayed: float | None
    memory_usage_bytes_max: float | None
    memory_usage_bytes_max_24h: float | None
    memory_startup_bytes_max: float | None
    cpu_usage_cores_by_hour_of_week_p95: HourlyValues | None
    cpu_throttled_ratio_p95: float | None
    oom_killed_count: int
    restart_count: int
    cpu_trend_ratio_per_day: float | None
    memory_trend_bytes_per_day: float | None
    cpu_burstiness_ratio: float | None
    peak_hour_of_week: int | None
    churn_pods_per_day: float
    workload_class: WorkloadClass
    class_reason: str
    confidence: float
    is_short_lived: bool
    container_kind: str
    hpa_metrics: tuple[str, ...] = ()
    memory_oom_bytes_max: float | None = None
    """Largest of memory limit and usage in an hour with an OOM kill."""
    last_seen_hours_ago: float | None = None
    """Whole hours between the newest hour in which the container ran and the end of the window."""
    cpu_usage_cores_by_hour_of_week_p50: HourlyValues | None = None
    cpu_usage_cores_by_hour_of_week_p99: HourlyValues | None = None
    seasonality_period_hours: int | None = None
    """24 (day) or 168 (week); ``None`` when neither stands out from chance."""
    seasonality_strength: float | None = None
    """Share of the CPU variance, trend removed, that the period explains (0 to 1)."""
    cpu_peak_valley_ratio: float | None = None
    """Largest over smallest hour of the mean day."""
    cpu_startup_cores_max: float | None = None
    memory_leak_bytes_per_day: float | None = None
    """Growth between restarts; ``None`` when the memory does not leak."""
    cpu_usage_cores_p95_pod_p95: float | None = None
    """p95 over pods of each pod's own p95: beside the largest pod it shows skew (DaemonSets)."""
    cpu_usage_cores_p95_pod_max: float | None = None
    memory_usage_bytes_max_pod_p95: float | None = None
    """p95 over pods of each pod's largest memory."""
    run_count: int | None = None
    """Finished runs of a Job or CronJob in the window."""
    outlier_pods: tuple[OutlierPod, ...] = ()
    revisions: tuple[RevisionUse, ...] = ()
    """Oldest first; empty when no revision is known."""
    is_new_revision_unlike: bool = False
    """Whether the newest revision uses clearly more or less, so that the profile follows it alone."""
