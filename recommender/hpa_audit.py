"""What an autoscaler achieved: utilisation against target, time at bounds, money beyond need, flapping.

Per 5-minute bin, with the object's targets and bounds as they stood then:

    needed = max over its CPU and memory metrics of ceil(use of all pods / trigger per pod), at least 1
    excess replica-hours = sum over bins of max(replicas - needed, 0) x 5 min

Utilisation is weighted by request: sum of use / sum of requests, so that many small hours do not hide the
large ones. Bins of events that the calendar leaves out, and bins without measured pods, are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.replicas import Scaler, ScalerMetric, TargetKind
from models.vocabulary.windows import BIN_SECONDS
from recommender.replicas import ReplicaPrice
from recommender.workload_bins import Floats, WorkloadBins

Booleans = npt.NDArray[np.bool_]

FLAP_BINS = 6
"""A change of direction within half an hour is a flap."""

_BINS_PER_DAY = 288
_SAME = 1e-9
_NANO = Decimal("1e-9")


class AuditFinding(StrEnum):
    """What stands out."""

    HELD_BY_MINIMUM = "held_by_minimum"
    AT_MAXIMUM = "at_maximum"
    BELOW_TARGET = "below_target"
    ABOVE_TARGET = "above_target"
    FLAPPING = "flapping"


@dataclass(frozen=True)
class ScalerVersion:
    """An autoscaler as it stood from an instant on, until the next version or ``valid_to``."""

    valid_from: datetime
    scaler: Scaler
    valid_to: datetime | None = None


@dataclass(frozen=True)
class AuditedMetric:
    """One metric: the target at the end of the window and what was achieved.

    ``target`` and ``achieved`` are ratios of the request for a utilisation, else cores or bytes per pod;
    None where nothing is measured (a metric that is not stored here).
    """

    metric: str
    container: str | None
    target_kind: TargetKind | None
    target: float | None
    achieved: float | None


@dataclass(frozen=True)
class HpaAudit:
    """One autoscaler over a window.

    Parameters
    ----------
    scaler : Scaler
        As it stood at the end.
    metrics : tuple of AuditedMetric
    replica_count_mean : float
    time_at_minimum_ratio, time_at_maximum_ratio : float
        Share of counted time with replicas at or below the minimum, at or above the maximum.
    excess_replica_hours, excess_by_minimum_hours : float or None
        Beyond need; the part that ``minReplicas`` asked for. None where a metric that is not stored here
        may have needed them.
    excess_cost : Decimal or None
        The first at the present price of a replica; None where unpriced or unknown.
    currency : str or None
    flaps_per_day : float
        Changes of direction within half an hour; hours in which a release rolled out are left out.
    counted_hours, excluded_hours : float
        Time that counted, and time of events that the calendar leaves out.
    findings : tuple of AuditFinding
    """

    key: WorkloadKey
    scaler: Scaler
    metrics: tuple[AuditedMetric, ...]
    replica_count_mean: float
    time_at_minimum_ratio: float
    time_at_maximum_ratio: float
    excess_replica_hours: float | None
    excess_by_minimum_hours: float | None
    excess_cost: Decimal | None
    currency: str | None
    flaps_per_day: float
    counted_hours: float
    excluded_hours: float
    findings: tuple[AuditFinding, ...]


@dataclass(frozen=True)
class AuditLimits:
    """What stands out: shares of time, distance from target, flaps a day."""

    at_minimum_ratio: float = 0.5
    at_maximum_ratio: float = 0.05
    target_distance_ratio: float = 0.2
    flaps_per_day: float = 2.0


def audit_scaler(
    bins: WorkloadBins,
    versions: Sequence[ScalerVersion],
    price: ReplicaPrice,
    is_excluded: Booleans | None = None,
    limits: AuditLimits | None = None,
) -> HpaAudit | None:
    """Audit one autoscaler over the bins of its workload.

    Parameters
    ----------
    bins : WorkloadBins
    versions : sequence of ScalerVersion
        Oldest first, at least one.
    price : ReplicaPrice
    is_excluded : array of bool, shape (N,), optional
        Bins that do not count (sale events).
    limits : AuditLimits, optional

    Returns
    -------
    HpaAudit or None
        None when no bin with measured pods lies in the autoscaler's life.
    """
    segments = _segments(bins, versions)
    replicas = bins.replicas()
    known = ~np.isnan(replicas) & (replicas > 0) & (segments >= 0)
    excluded = np.zeros(len(replicas), dtype=bool) if is_excluded is None else is_excluded
    counted = known & ~excluded
    if not counted.any():
        return None
    low, high = (
        np.array([getattr(one.scaler, name) for one in versions], dtype=np.float64)[np.maximum(segments, 0)]
        for name in ("minimum_replicas", "maximum_replicas")
    )
    needed = _needed(bins, versions, segments)
    excess = _excess_hours(replicas, needed, low, counted)
    last = versions[int(segments[counted][-1])].scaler
    metrics = tuple(
        _audited(metric, bins, counted & (segments == segments[counted][-1])) for metric in last.metrics
    )
    found = HpaAudit(
        key=bins.key,
        scaler=last,
        metrics=metrics,
        replica_count_mean=float(replicas[counted].mean()),
        time_at_minimum_ratio=float((replicas <= low)[counted].mean()),
        time_at_maximum_ratio=float((replicas >= high)[counted].mean()),
        excess_replica_hours=excess[0],
        excess_by_minimum_hours=excess[1],
        excess_cost=_cost(excess[0], price),
        currency=price.currency if price.hourly is not None else None,
        flaps_per_day=_flaps(replicas, counted & ~bins.is_rollout()) / (counted.sum() / _BINS_PER_DAY),
        counted_hours=float(counted.sum()) * BIN_SECONDS / 3600,
        excluded_hours=float((known & excluded).sum()) * BIN_SECONDS / 3600,
        findings=(),
    )
    return _with_findings(found, limits or AuditLimits())


def _segments(bins: WorkloadBins, versions: Sequence[ScalerVersion]) -> npt.NDArray[np.int64]:
    """Return the index of the version in force in each bin, -1 before the first and after the end."""
    starts = bins.start.timestamp() + BIN_SECONDS * np.arange(bins.bin_count)
    froms = np.array([one.valid_from.timestamp() for one in versions])
    found = np.searchsorted(froms, starts, side="right") - 1
    ends = np.array([np.inf if one.valid_to is None else one.valid_to.timestamp() for one in versions])
    return np.where((found >= 0) & (starts < ends[np.maximum(found, 0)]), found, -1)


def _needed(bins: WorkloadBins, versions: Sequence[ScalerVersion], segments: npt.NDArray[np.int64]) -> Floats:
    """Return the replicas that each bin's use needs; NaN where a metric is not known."""
    needed = np.full(bins.bin_count, np.nan)
    for index, version in enumerate(versions):
        own = segments == index
        if not own.any():
            continue
        counts = []
        for metric in version.scaler.metrics:
            trigger = _trigger(metric, bins)
            if trigger is None:
                counts.append(np.full(bins.bin_count, np.nan))
            else:
                counts.append(np.ceil(bins.usage(metric.name, metric.container) / trigger - _SAME))
        if counts:
            needed[own] = np.max(counts, axis=0)[own]
    return np.asarray(np.maximum(needed, 1.0))


def _trigger(metric: ScalerMetric, bins: WorkloadBins) -> Floats | None:
    """Return the load of one pod at which the metric scales, shape (N,)."""
    if metric.name not in {"cpu", "memory"} or not metric.target:
        return None
    if metric.target_kind is TargetKind.UTILIZATION:
        request = bins.request_per_pod(metric.name, metric.container)
        return np.asarray(np.where(request > 0, metric.target / 100 * request, np.nan))
    return np.full(bins.bin_count, metric.target)


def _excess_hours(
    replicas: Floats, needed: Floats, low: Floats, counted: Booleans
) -> tuple[float | None, float | None]:
    """Return replica-hours beyond need, and those of them that the minimum asked for."""
    known = counted & ~np.isnan(needed)
    if not known.any():
        return None, None
    beyond = np.maximum(replicas - needed, 0.0)[known]
    held = np.maximum(np.minimum(replicas, low) - needed, 0.0)[known]
    return float(beyond.sum()) * BIN_SECONDS / 3600, float(held.sum()) * BIN_SECONDS / 3600


def _audited(metric: ScalerMetric, bins: WorkloadBins, counted: Booleans) -> AuditedMetric:
    target, achieved = metric.target, None
    if metric.name in {"cpu", "memory"}:
        use = bins.usage(metric.name, metric.container)
        if metric.target_kind is TargetKind.UTILIZATION:
            target = None if target is None else target / 100
            weight = bins.request_per_pod(metric.name, metric.container) * bins.replicas()
        else:
            weight = bins.replicas()
        known = counted & ~np.isnan(use) & ~np.isnan(weight)
        total = float(weight[known].sum())
        achieved = float(use[known].sum()) / total if total > 0 else None
    return AuditedMetric(metric.name, metric.container, metric.target_kind, target, achieved)


def _flaps(replicas: Floats, counted: Booleans) -> float:
    """Count changes of direction within ``FLAP_BINS`` bins."""
    both = counted[1:] & counted[:-1]
    steps = np.where(both, np.sign(np.diff(np.nan_to_num(replicas))), 0.0)
    moved = np.flatnonzero(steps)
    if len(moved) < 2:
        return 0.0
    turned = steps[moved][1:] * steps[moved][:-1] < 0
    return float((turned & (np.diff(moved) <= FLAP_BINS)).sum())


def _cost(hours: float | None, price: ReplicaPrice) -> Decimal | None:
    if hours is None or price.hourly is None:
        return None
    return (price.hourly * Decimal(repr(hours))).quantize(_NANO)


def _with_findings(audit: HpaAudit, limits: AuditLimits) -> HpaAudit:
    found = []
    can_scale = audit.scaler.minimum_replicas < audit.scaler.maximum_replicas
    if audit.time_at_minimum_ratio >= limits.at_minimum_ratio and audit.excess_by_minimum_hours:
        found.append(AuditFinding.HELD_BY_MINIMUM)
    if can_scale and audit.time_at_maximum_ratio >= limits.at_maximum_ratio:
        found.append(AuditFinding.AT_MAXIMUM)
    distances = [
        metric.achieved / metric.target - 1
        for metric in audit.metrics
        if metric.achieved is not None and metric.target
    ]
    # the metric nearest above its target is the one that scales; the others are below by nature
    if distances and max(distances) < -limits.target_distance_ratio:
        found.append(AuditFinding.BELOW_TARGET)
    if distances and max(distances) > limits.target_distance_ratio:
        found.append(AuditFinding.ABOVE_TARGET)
    if audit.flaps_per_day >= limits.flaps_per_day:
        found.append(AuditFinding.FLAPPING)
    return replace(audit, findings=tuple(found))
