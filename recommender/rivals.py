"""Other systems' rules as functions over the same histograms, for vectors and back-tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SAFETY_MARGIN = 0.15
_MINIMUM_CPU_CORES = 0.025
_MINIMUM_MEMORY_BYTES = 250.0 * (1 << 20)
_LARGEST_RESOURCE = 1e14
_ACK_KEPT = 0.1


@dataclass(frozen=True)
class VpaValues:
    """CPU in cores, memory in bytes."""

    cpu_cores: float
    memory_bytes: float


def vpa_confidence(sample_count: int, lifespan_minutes: float, interval_minutes: float = 1440.0) -> float:
    """Return VPA's confidence: ``min(lifespan / interval, samples / interval in minutes)``.

    Source: ``vpa/recommender/logic/estimator.go`` (1.8).

    Parameters
    ----------
    sample_count : int
        CPU samples.
    lifespan_minutes : float
        From the first to the last of them.
    interval_minutes : float
        A day by default.
    """
    return min(lifespan_minutes / interval_minutes, sample_count / interval_minutes)


def vpa_bound(base: VpaValues, confidence: float, multiplier: float, exponent: float) -> VpaValues:
    """Scale an estimate by ``(1 + multiplier / confidence) ** exponent``, VPA's confidence multiplier.

    CPU is truncated to millicores, memory to bytes, both capped at 1e14; without history the result is the
    cap, or 0 for a negative exponent.
    """
    if confidence <= 0:
        factor = math.inf if exponent > 0 else 0.0
    else:
        factor = (1 + multiplier / confidence) ** exponent
    return VpaValues(_truncate(base.cpu_cores * 1000 * factor) / 1000, _truncate(base.memory_bytes * factor))


def vpa_target(cpu_percentile_cores: float, memory_percentile_bytes: float, containers: int = 1) -> VpaValues:
    """Return VPA's target: percentile plus 15 %, at least the pod's minimum shared by its containers.

    Truncated to millicores and bytes before and after the margin, as VPA's integer quantities do.
    """
    millicores = _truncate(_truncate(cpu_percentile_cores * 1000) * (1 + _SAFETY_MARGIN))
    size = _truncate(_truncate(memory_percentile_bytes) * (1 + _SAFETY_MARGIN))
    least = vpa_minimum(containers)
    return VpaValues(max(millicores / 1000, least.cpu_cores), max(size, least.memory_bytes))


def vpa_minimum(containers: int) -> VpaValues:
    """Return the least that VPA gives one of ``containers`` containers: 25 m and 250 MiB per pod."""
    return VpaValues(
        _truncate(_MINIMUM_CPU_CORES * 1000 / containers) / 1000,
        _truncate(_MINIMUM_MEMORY_BYTES / containers),
    )


def hpa_replicas(metric_per_pod: list[float], target: float) -> int:
    """Return the replicas that a HorizontalPodAutoscaler wants: ``ceil(sum / target)``."""
    return math.ceil(sum(metric_per_pod) / target - 1e-9)


def crane_minimum() -> VpaValues:
    """Return the least that Crane gives: one linear bucket of 0.1 core or 100 MiB, +15 %.

    CPU is truncated to millicores, memory to bytes. Source: Crane's resource recommender and its defaults.
    """
    return VpaValues(
        math.floor(0.1 * 1.15 * 1000) / 1000, float(math.floor(100 * (1 << 20) * (1 + _SAFETY_MARGIN)))
    )


def ack_degree(profile: float, buffer_ratio: float, request: float) -> tuple[float, str]:
    """Return ACK's degree of change and its verdict: ``up``, ``down`` or ``keep``.

    Upgrade if the profile exceeds the request; downgrade if ``|1 - request / (profile (1 + buffer))|`` is
    above 0.1; else keep. The degree is ``1 - request / target``. Source: ACK resource profiling, 2026-03.
    """
    degree = 1 - request / (profile * (1 + buffer_ratio))
    if profile > request:
        return degree, "up"
    return degree, "down" if abs(degree) > _ACK_KEPT else "keep"


def _truncate(value: float) -> float:
    if value >= _LARGEST_RESOURCE:
        return _LARGEST_RESOURCE
    # 0.587 * 1000 is 586.9999999999999 in binary: an integer quantity would hold 587.
    return float(math.floor(value + 1e-6))
