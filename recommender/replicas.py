"""How many replicas a load needs: ``n = ceil(sum over replicas of metric / target per replica)``.

Kubernetes rounds up: four replicas at 80 with target 50 need ``ceil(320 / 50) = 7``. Mode ``floor`` gives 6,
at which each carries 53.3: more than its target; it exists for comparison with systems that round down.

Pods without a metric count as the HorizontalPodAutoscaler counts them (`MissingRule.AS_HPA`): the ratio of
the pods that are seen decides the direction; going down the missing ones are taken to use their target, going
up to use nothing, and a ratio that changes direction by that changes nothing. Planning for a peak
(`MissingRule.AS_SEEN`) takes them to use as much as the others, so that a gap in the metrics never makes the
answer smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from models.vocabulary.errors import InputError
from models.vocabulary.replicas import ReplicaAdvice, ReplicaBasis

TOLERANCE = 0.1
"""No change while load per replica is within this share of the target (Kubernetes' default)."""

HOURS_PER_MONTH = 720
_SAME = 1e-9


class MissingRule(StrEnum):
    """What a replica without a metric is taken to use."""

    AS_HPA = "as_hpa"
    AS_SEEN = "as_seen"


@dataclass(frozen=True)
class ReplicaRules:
    """What a number of replicas has to keep to.

    Parameters
    ----------
    target_per_replica : float
        What one replica should carry, in the metric's unit.
    minimum, maximum : int or None
        Bounds; None is unbounded (at least 0).
    tolerance_ratio : float
    is_floor : bool
        Round down instead of up.
    missing : MissingRule
    """

    target_per_replica: float
    minimum: int | None = None
    maximum: int | None = None
    tolerance_ratio: float = TOLERANCE
    is_floor: bool = False
    missing: MissingRule = MissingRule.AS_HPA

    def __post_init__(self) -> None:
        if not self.target_per_replica > 0 or not math.isfinite(self.target_per_replica):
            raise InputError(
                "is not greater than 0", field="target per replica", value=self.target_per_replica
            )
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise InputError(
                "is above the maximum", field="minimum replicas", value=f"{self.minimum} > {self.maximum}"
            )


@dataclass(frozen=True)
class ReplicaCount:
    """A number of replicas and what decided it.

    ``needed`` is before bounds, tolerance and window. ``total`` includes what was assumed for missing pods;
    None when no pod has a metric, and ``advised`` is then the present number.
    """

    needed: int
    advised: int
    total: float | None
    missing_count: int
    bound: str | None


@dataclass(frozen=True)
class Demand:
    """The load of a horizon, whole workload.

    Parameters
    ----------
    metric, unit : str
    peak : float
        Highest sum over all replicas that the horizon is expected to bring.
    flags : tuple of str
        What weakens the figure.
    """

    metric: str
    unit: str
    peak: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplicaPrice:
    """What one replica costs per hour; None is unpriced, never 0."""

    hourly: Decimal | None = None
    currency: str | None = None

    def per_month(self, replicas: float) -> Decimal | None:
        """Return the cost of so many replicas over 720 hours."""
        if self.hourly is None:
            return None
        return (self.hourly * HOURS_PER_MONTH * Decimal(repr(float(replicas)))).quantize(Decimal("1e-9"))


def count_replicas(
    values: Sequence[float | None],
    rules: ReplicaRules,
    *,
    recent: Sequence[int] = (),
) -> ReplicaCount:
    """Return the replicas that the load of the present pods needs, as the autoscaler computes it.

    Parameters
    ----------
    values : sequence of float or None
        The metric of each present replica; None where it is missing.
    rules : ReplicaRules
    recent : sequence of int
        Numbers that were needed within the scale-down window: the largest is kept before replicas go.

    Returns
    -------
    ReplicaCount
        ``bound`` is ``no_metrics``, ``tolerance``, ``scale_down_window``, ``minimum``, ``maximum`` or None.
    """
    now = len(values)
    seen = [value for value in values if value is not None]
    missing = now - len(seen)
    if not seen:
        return ReplicaCount(now, now, None, missing, "no_metrics")
    target = rules.target_per_replica
    seen_ratio = sum(seen) / (len(seen) * target)
    total = sum(seen) + missing * _assumed(seen_ratio, seen, rules)
    needed = _round(total / target, is_floor=rules.is_floor)
    if missing and rules.missing is MissingRule.AS_HPA:
        ratio = total / (now * target)
        if (seen_ratio < 1) != (ratio < 1) and not math.isclose(ratio, 1):
            needed = now
    advised, bound = _settle(needed, total, rules, recent, now)
    return ReplicaCount(needed, advised, total, missing, bound)


def count_for_total(total: float, rules: ReplicaRules) -> int:
    """Return the replicas for a load of the whole workload, within bounds; no tolerance, no window."""
    return _within(_round(total / rules.target_per_replica, is_floor=rules.is_floor), rules)


def advise_replicas(
    demand: Demand,
    rules: ReplicaRules,
    replica_count_now: float | None,
    price: ReplicaPrice | None = None,
    basis: ReplicaBasis = ReplicaBasis.UTILISATION,
) -> ReplicaAdvice:
    """Return how many replicas carry the peak of a horizon, with what-if cost.

    The peak already is the largest load of the horizon, so neither tolerance nor scale-down window apply.

    Parameters
    ----------
    demand : Demand
    rules : ReplicaRules
    replica_count_now : float or None
        None is not known, and its cost is not known either.
    price : ReplicaPrice, optional
        Of one replica per hour.
    basis : ReplicaBasis
        What the target rests on.
    """
    needed = _round(demand.peak / rules.target_per_replica, is_floor=rules.is_floor)
    advised = _within(needed, rules)
    load = demand.peak / (advised * rules.target_per_replica) if advised else None
    bound = None if advised == needed else "minimum" if advised > needed else "maximum"
    paid = price or ReplicaPrice()
    advice = ReplicaAdvice(
        basis=basis,
        metric=demand.metric,
        unit=demand.unit,
        metric_total=demand.peak,
        target_per_replica=rules.target_per_replica,
        replica_count_now=replica_count_now,
        replica_count_needed=needed,
        replica_count_advised=advised,
        load_per_replica_ratio=load,
        minimum_replicas=rules.minimum,
        maximum_replicas=rules.maximum,
        bound=bound,
        is_floor=rules.is_floor,
        monthly_cost_now=None if replica_count_now is None else paid.per_month(replica_count_now),
        monthly_cost_advised=paid.per_month(advised),
        currency=paid.currency if paid.hourly is not None else None,
        flags=demand.flags,
    )
    return replace(advice, sentence=_say(advice))


def _assumed(seen_ratio: float, seen: Sequence[float], rules: ReplicaRules) -> float:
    """Return what a pod without a metric is taken to use."""
    if rules.missing is MissingRule.AS_SEEN:
        return sum(seen) / len(seen)
    return rules.target_per_replica if seen_ratio < 1 else 0.0


def _settle(
    needed: int, total: float, rules: ReplicaRules, recent: Sequence[int], now: int
) -> tuple[int, str | None]:
    """Apply tolerance, window and bounds; return the number and what bound."""
    wanted: int = needed
    bound: str | None = None
    if now and abs(total / (now * rules.target_per_replica) - 1) <= rules.tolerance_ratio + _SAME:
        wanted, bound = now, "tolerance" if needed != now else None
    held = max([wanted, *(min(number, now) for number in recent)])
    if held > wanted:
        wanted, bound = held, "scale_down_window"
    advised = _within(wanted, rules)
    if advised != wanted:
        bound = "minimum" if advised > wanted else "maximum"
    return advised, bound


def _within(number: int, rules: ReplicaRules) -> int:
    capped = number if rules.maximum is None else min(number, rules.maximum)
    return max(capped, rules.minimum or 0)


def _round(number: float, *, is_floor: bool) -> int:
    """Round up (or down), not counting noise of floating point."""
    return math.floor(number + _SAME) if is_floor else math.ceil(number - _SAME)


def _say(advice: ReplicaAdvice) -> str:
    per_replica = f"{advice.target_per_replica:,.4g} {advice.unit}"
    text = (
        f"Peak of {advice.metric}: {advice.metric_total:,.4g} {advice.unit}; one replica carries "
        f"{per_replica}, so {advice.replica_count_needed} are needed"
    )
    if advice.is_floor:
        text += " when rounded down"
    if advice.bound == "minimum":
        text += f"; at least {advice.replica_count_advised} must run"
    if advice.bound == "maximum":
        text += f"; at most {advice.replica_count_advised} may run"
    ratio = advice.load_per_replica_ratio
    if ratio is not None and ratio > 1 + _SAME:
        text += f": each would carry {ratio:.0%} of what it should"
    return text + "."
