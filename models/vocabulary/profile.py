"""The resource profile of a container: what its past use looks like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
    cpu_usage_cores_by_hour_of_week_p95: tuple[float, ...] | None
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
