"""The class of a workload from its shape, with the reason in words; rules are tried in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray
from models.profiles.shape import HOURS_PER_DAY, HOURS_PER_WEEK
from models.vocabulary.profile import WorkloadClass

BATCH_KINDS = frozenset({"Job", "CronJob"})

_LEAST_LEAK_DAYS = 3
_LEAST_GROWTH_DAYS = 7


@dataclass(frozen=True)
class ClassRules:
    """Thresholds of the classes, all on the container's own series.

    Parameters
    ----------
    minimum_history_days : float
        Below it a class is not known.
    dormant_cores : float
        Never more than this, in any 5 minutes: dormant.
    batch_running_ratio : float
        Runs in less than this share of the window's hours: batch.
    leak_rising_ratio, leak_growth_ratio_per_day : float
        Memory that climbs in this share of its steps by this share of its mean per day, while CPU does
        not follow: leaking.
    growth_ratio_per_day, growth_explained_ratio : float
        CPU grows this fast, and a straight line explains this share of it: growing.
    seasonal_strength : float
        A period found by `season.find_seasonality` that explains this share of the variance: daily, weekly.
    burst_ratio : float
        p99 over p50 of 5-minute values: bursty.
    """

    minimum_history_days: float = 1.0
    dormant_cores: float = 0.005
    batch_running_ratio: float = 0.5
    leak_rising_ratio: float = 0.8
    leak_growth_ratio_per_day: float = 0.02
    growth_ratio_per_day: float = 0.005
    growth_explained_ratio: float = 0.8
    seasonal_strength: float = 0.5
    burst_ratio: float = 4.0


@dataclass(frozen=True, eq=False)
class ShapeFacts:
    """What the classes are decided on; every array has shape (n,), NaN where not known."""

    kinds: list[str]
    history_days: FloatArray
    running_ratio: FloatArray
    cpu_max_cores: FloatArray
    burstiness: FloatArray
    cpu_growth_per_day: FloatArray
    cpu_growth_explained: FloatArray
    memory_rising: FloatArray
    memory_growth_per_day: FloatArray
    memory_growth_bytes_per_day: FloatArray
    period_hours: FloatArray
    strength: FloatArray

    def is_leaking(self, rules: ClassRules) -> NDArray[np.bool_]:
        """Return which containers' memory climbs steadily though CPU does not."""
        follows = self.cpu_growth_per_day >= self.memory_growth_per_day / 2
        leaking: NDArray[np.bool_] = (
            (self.history_days >= _LEAST_LEAK_DAYS)
            & (self.memory_rising >= rules.leak_rising_ratio)
            & (self.memory_growth_per_day >= rules.leak_growth_ratio_per_day)
            & ~follows
        )
        return leaking


def classify(facts: ShapeFacts, rules: ClassRules) -> list[tuple[WorkloadClass, str]]:
    """Return class and reason of each container, the first rule that holds."""
    conditions = _conditions(facts, rules)
    chosen = np.full(len(facts.kinds), len(conditions))
    for position in reversed(range(len(conditions))):
        chosen[conditions[position][1]] = position
    classes = [name for name, _ in conditions]
    return [
        (
            (classes[rule], _reason(classes[rule], facts, row))
            if rule < len(classes)
            else (WorkloadClass.STEADY, "no calendar pattern, trend or burst stands out")
        )
        for row, rule in enumerate(chosen)
    ]


def _conditions(facts: ShapeFacts, rules: ClassRules) -> list[tuple[WorkloadClass, NDArray[np.bool_]]]:
    is_batch_kind = np.array([kind in BATCH_KINDS for kind in facts.kinds], dtype=np.bool_)
    unknown = np.isnan(facts.cpu_max_cores) | (facts.history_days < rules.minimum_history_days)
    seasonal = facts.strength >= rules.seasonal_strength
    return [
        (WorkloadClass.BATCH, is_batch_kind | (~unknown & (facts.running_ratio < rules.batch_running_ratio))),
        (WorkloadClass.UNKNOWN, unknown),
        (WorkloadClass.LEAKING, facts.is_leaking(rules)),
        (WorkloadClass.DORMANT, facts.cpu_max_cores <= rules.dormant_cores),
        (
            WorkloadClass.GROWING,
            (facts.history_days >= _LEAST_GROWTH_DAYS)
            & (facts.cpu_growth_per_day >= rules.growth_ratio_per_day)
            & (facts.cpu_growth_explained >= rules.growth_explained_ratio),
        ),
        (WorkloadClass.WEEKLY, seasonal & (facts.period_hours == HOURS_PER_WEEK)),
        (WorkloadClass.DAILY, seasonal & (facts.period_hours == HOURS_PER_DAY)),
        (WorkloadClass.BURSTY, facts.burstiness >= rules.burst_ratio),
    ]


def _reason(name: WorkloadClass, facts: ShapeFacts, row: int) -> str:
    if name is WorkloadClass.BATCH:
        return f"{facts.kinds[row]} that ran in {facts.running_ratio[row]:.0%} of the hours"
    if name is WorkloadClass.UNKNOWN:
        return f"{facts.history_days[row]:.1f} days of CPU history are not enough to tell"
    if name is WorkloadClass.LEAKING:
        share, growth = facts.memory_rising[row], facts.memory_growth_per_day[row]
        return f"memory rose in {share:.0%} of its steps, by {growth:.1%} a day, and CPU did not follow"
    if name is WorkloadClass.DORMANT:
        return f"never used more than {facts.cpu_max_cores[row]:.4f} cores in 5 minutes"
    if name is WorkloadClass.GROWING:
        return f"CPU grows by {facts.cpu_growth_per_day[row]:.1%} a day on a straight line"
    if name is WorkloadClass.WEEKLY:
        return f"the hour of the week explains {facts.strength[row]:.0%} of the CPU variance"
    if name is WorkloadClass.DAILY:
        return f"the hour of the day explains {facts.strength[row]:.0%} of the CPU variance"
    return f"CPU p99 is {facts.burstiness[row]:.1f} times its median"
