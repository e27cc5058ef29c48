"""The class of a workload from its shape, with the reason in words; rules are tried in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray
from models.vocabulary.profile import WorkloadClass

BATCH_KINDS = frozenset({"Job", "CronJob"})


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
        Memory that climbs in this share of 6-hour steps by this share of its mean per day, while CPU does
        not follow: leaking.
    growth_ratio_per_day, growth_explained_ratio : float
        CPU grows this fast, and a straight line explains this share of it: growing.
    seasonal_explained_ratio, weekly_gain_ratio : float
        Share of variance that hour of day explains (daily), and how much more weekday and weekend apart
        explain (weekly).
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
    seasonal_explained_ratio: float = 0.5
    weekly_gain_ratio: float = 0.1
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
    daily_explained: FloatArray
    weekly_explained: FloatArray


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
    seasonal = facts.daily_explained >= rules.seasonal_explained_ratio
    return [
        (WorkloadClass.BATCH, is_batch_kind | (~unknown & (facts.running_ratio < rules.batch_running_ratio))),
        (WorkloadClass.UNKNOWN, unknown),
        (
            WorkloadClass.LEAKING,
            (facts.history_days >= 3)
            & (facts.memory_rising >= rules.leak_rising_ratio)
            & (facts.memory_growth_per_day >= rules.leak_growth_ratio_per_day)
            & ~(facts.cpu_growth_per_day >= facts.memory_growth_per_day / 2),
        ),
        (WorkloadClass.DORMANT, facts.cpu_max_cores <= rules.dormant_cores),
        (
            WorkloadClass.GROWING,
            (facts.history_days >= 7)
            & (facts.cpu_growth_per_day >= rules.growth_ratio_per_day)
            & (facts.cpu_growth_explained >= rules.growth_explained_ratio),
        ),
        (
            WorkloadClass.WEEKLY,
            (facts.history_days >= 7)
            & (facts.weekly_explained >= rules.seasonal_explained_ratio)
            & (facts.weekly_explained - facts.daily_explained >= rules.weekly_gain_ratio),
        ),
        (WorkloadClass.DAILY, (facts.history_days >= 2) & seasonal),
        (WorkloadClass.BURSTY, facts.burstiness >= rules.burst_ratio),
    ]


def _reason(name: WorkloadClass, facts: ShapeFacts, row: int) -> str:
    if name is WorkloadClass.BATCH:
        return f"{facts.kinds[row]} that ran in {facts.running_ratio[row]:.0%} of the hours"
    if name is WorkloadClass.UNKNOWN:
        return f"{facts.history_days[row]:.1f} days of CPU history are not enough to tell"
    if name is WorkloadClass.LEAKING:
        share, growth = facts.memory_rising[row], facts.memory_growth_per_day[row]
        return f"memory rose in {share:.0%} of 6-hour steps, by {growth:.1%} a day, and CPU did not follow"
    if name is WorkloadClass.DORMANT:
        return f"never used more than {facts.cpu_max_cores[row]:.4f} cores in 5 minutes"
    if name is WorkloadClass.GROWING:
        return f"CPU grows by {facts.cpu_growth_per_day[row]:.1%} a day on a straight line"
    if name is WorkloadClass.WEEKLY:
        return f"hour and weekend explain {facts.weekly_explained[row]:.0%} of the CPU variance"
    if name is WorkloadClass.DAILY:
        return f"the hour of the day explains {facts.daily_explained[row]:.0%} of the CPU variance"
    return f"CPU p99 is {facts.burstiness[row]:.1f} times its median"
