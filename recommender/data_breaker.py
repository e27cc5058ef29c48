"""The breaker on odd data: a fall in metrics must not be read as a fleet that needs less.

Compared are spans of equal length that end at the same time of day: the newest one against earlier ones. A
span's CPU use is compared with the same weekday of earlier weeks, where two of them are stored, else with all
earlier days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class SpanSums:
    """What was measured of one cluster over a span of hours.

    Parameters
    ----------
    days_ago : int
        0 is the newest span; 7 the same weekday a week before.
    cpu_usage_core_hours : float
    pod_hours : float
        Hours that pods ran; each container's counts.
    measured_ratio, zero_ratio : float
        Shares of these hours with a measured CPU use, and with one of exactly zero (0 to 1).
    """

    days_ago: int
    cpu_usage_core_hours: float
    pod_hours: float
    measured_ratio: float
    zero_ratio: float


@dataclass(frozen=True)
class BreakerLimits:
    """When data look wrong.

    Parameters
    ----------
    usage_ratio_min : float
        CPU use below this share of the usual one, while pods ran for at least ``pod_ratio_min`` of theirs.
    pod_ratio_min : float
    zero_ratio_rise : float
        Rise of the share of exactly zero use above the usual share, absolute.
    measured_ratio_drop : float
        Drop of the share that is measured at all below the usual share, absolute.
    """

    usage_ratio_min: float = 0.7
    pod_ratio_min: float = 0.9
    zero_ratio_rise: float = 0.1
    measured_ratio_drop: float = 0.2


_FEWEST_WEEKDAYS = 2
_FEWEST_DAYS = 3


def find_data_fault(spans: Sequence[SpanSums], limits: BreakerLimits) -> str | None:
    """Return why the newest span looks wrong, in words, or None.

    Without the newest span or three earlier ones nothing can be said, and None is returned.

    Parameters
    ----------
    spans : sequence of SpanSums
        In any order, one per ``days_ago``.
    limits : BreakerLimits
    """
    newest = next((span for span in spans if span.days_ago == 0), None)
    earlier = [span for span in spans if span.days_ago > 0]
    if newest is None or len(earlier) < _FEWEST_DAYS:
        return None
    causes = (_find_zeros(newest, earlier, limits), _find_gap(newest, earlier, limits))
    found = [cause for cause in (*causes, _find_fall(newest, earlier, limits)) if cause is not None]
    return "; ".join(found) if found else None


def _find_zeros(newest: SpanSums, earlier: Sequence[SpanSums], limits: BreakerLimits) -> str | None:
    usual = _usual(earlier, lambda span: span.zero_ratio)
    if newest.zero_ratio - usual < limits.zero_ratio_rise:
        return None
    return f"{newest.zero_ratio:.0%} of the containers show a CPU use of exactly zero, usually {usual:.0%}"


def _find_gap(newest: SpanSums, earlier: Sequence[SpanSums], limits: BreakerLimits) -> str | None:
    usual = _usual(earlier, lambda span: span.measured_ratio)
    if usual - newest.measured_ratio < limits.measured_ratio_drop:
        return None
    return f"CPU use is measured for {newest.measured_ratio:.0%} of the running time, usually {usual:.0%}"


def _find_fall(newest: SpanSums, earlier: Sequence[SpanSums], limits: BreakerLimits) -> str | None:
    alike = [span for span in earlier if span.days_ago % 7 == 0]
    peers = alike if len(alike) >= _FEWEST_WEEKDAYS else earlier
    usual = _usual(peers, lambda span: span.cpu_usage_core_hours)
    pods = _usual(peers, lambda span: span.pod_hours)
    has_fewer_pods = newest.pod_hours < limits.pod_ratio_min * pods
    if usual <= 0 or has_fewer_pods or newest.cpu_usage_core_hours >= limits.usage_ratio_min * usual:
        return None
    ratio = newest.cpu_usage_core_hours / usual
    return f"CPU use of the cluster is {ratio:.0%} of its usual one while as many pods run"


def _usual(spans: Sequence[SpanSums], value: Callable[[SpanSums], float]) -> float:
    return float(median(value(span) for span in spans))
