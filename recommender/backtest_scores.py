"""From sums per container to a policy's score, for one container or a fleet, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.profiles.buckets import FloatArray
from recommender.backtest_tally import COLUMN

SEVERE_OOM_DAYS = 3
"""A container with more OOM days than this in the replay is severely hit."""

BOOTSTRAP_ROUNDS = 400
_SEED = 20_261_121
_INTERVAL = (0.05, 0.95)

_RATIOS: dict[str, tuple[str, str]] = {
    "cpu_slack_ratio": ("cpu_unused", "cpu_held"),
    "cpu_samples_over_ratio": ("cpu_over_samples", "cpu_samples"),
    "cpu_excess_ratio": ("cpu_excess", "cpu_used"),
    "memory_slack_ratio": ("memory_unused", "memory_held"),
    "oom_day_ratio": ("oom_days", "memory_days"),
    "cpu_changes_per_day": ("cpu_changes", "change_days"),
    "memory_changes_per_day": ("memory_changes", "change_days"),
    "changes_per_day": ("changes", "change_days"),
    "coverage_ratio": ("answered_days", "ran_days"),
}
_SAVED = {
    "cpu_saved_ratio": ("cpu_replaced", "cpu_provisioned"),
    "memory_saved_ratio": ("memory_replaced", "memory_provisioned"),
}
WITH_INTERVAL = (
    *_SAVED,
    "cpu_samples_over_ratio",
    "oom_day_ratio",
    "cpu_changes_per_day",
    "memory_changes_per_day",
)


@dataclass(frozen=True)
class PolicyScore:
    """What a policy would have done on the scored days. What cannot be said is None, never 0.

    Parameters
    ----------
    policy : str
    cpu_saved_ratio, memory_saved_ratio : float or None
        ``1 - sum of advised / sum of requested``, replicas counted, where a request was set.
    cpu_slack_ratio, memory_slack_ratio : float or None
        Share of what is advised that is not used; memory against each day's maximum.
    cpu_slack_ratio_p50, cpu_slack_ratio_p90, memory_slack_ratio_p50, memory_slack_ratio_p90 : float or None
        The same per container: median and 90th percentile.
    cpu_samples_over_ratio : float or None
        5-minute samples above the request.
    cpu_excess_ratio : float or None
        Use above the request as a share of all use (what would be throttled if it were the limit).
    oom_day_ratio : float or None
        Container-days with memory above the request, as if the limit were the request.
    severe_oom_count : int
        Containers with more than `SEVERE_OOM_DAYS` such days.
    cpu_changes_per_day, memory_changes_per_day, changes_per_day : float or None
        Moves of more than 10 % per container-day, of either in the last.
    cpu_days_to_safe, memory_days_to_safe : float or None
        Mean days from a container's first bad day (p95 of CPU or memory maximum above the request) until the
        request covers it, counted to the end where it never does; None without a bad day.
    coverage_ratio : float or None
        Container-days with an answer.
    cpu_advised_core_days, memory_advised_byte_days : float
        Requests x replicas over the scored days.
    container_count, container_days : int
    cpu_stated_ratio, memory_stated_ratio : float or None
        What the policy states.
    intervals : dict of str to tuple of float
        90 % bootstrap interval over containers of the ratios in `WITH_INTERVAL` that are known.
    """

    policy: str
    cpu_saved_ratio: float | None = None
    memory_saved_ratio: float | None = None
    cpu_slack_ratio: float | None = None
    cpu_slack_ratio_p50: float | None = None
    cpu_slack_ratio_p90: float | None = None
    cpu_samples_over_ratio: float | None = None
    cpu_excess_ratio: float | None = None
    memory_slack_ratio: float | None = None
    memory_slack_ratio_p50: float | None = None
    memory_slack_ratio_p90: float | None = None
    oom_day_ratio: float | None = None
    severe_oom_count: int = 0
    cpu_changes_per_day: float | None = None
    memory_changes_per_day: float | None = None
    changes_per_day: float | None = None
    cpu_days_to_safe: float | None = None
    memory_days_to_safe: float | None = None
    coverage_ratio: float | None = None
    cpu_advised_core_days: float = 0.0
    memory_advised_byte_days: float = 0.0
    container_count: int = 0
    container_days: int = 0
    cpu_stated_ratio: float | None = None
    memory_stated_ratio: float | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def score_tally(
    policy: str,
    tally: FloatArray,
    days_to_safe: FloatArray,
    *,
    stated: tuple[float, float] | None = None,
    with_intervals: bool = True,
) -> PolicyScore:
    """Return the score of a policy over the containers of a tally.

    Parameters
    ----------
    policy : str
    tally : ndarray of float, shape (n, columns)
        Of `backtest_tally`.
    days_to_safe : ndarray of float, shape (2, n)
        CPU and memory, NaN without a bad day.
    stated : tuple of float, optional
    with_intervals : bool
    """
    sums = tally.sum(axis=0)
    ratios = {name: _known(value) for name, value in find_ratios(sums[None, :]).items()}
    per_container = find_ratios(tally)
    spread = {
        f"{name}_p{percent}": _quantile(per_container[name], percent / 100)
        for name in ("cpu_slack_ratio", "memory_slack_ratio")
        for percent in (50, 90)
    }
    return PolicyScore(
        policy,
        **ratios,
        **spread,
        severe_oom_count=int((tally[:, COLUMN["oom_days"]] > SEVERE_OOM_DAYS).sum()),
        cpu_days_to_safe=_mean(days_to_safe[0]),
        memory_days_to_safe=_mean(days_to_safe[1]),
        cpu_advised_core_days=float(sums[COLUMN["cpu_advised"]]),
        memory_advised_byte_days=float(sums[COLUMN["memory_advised"]]),
        container_count=int((tally[:, COLUMN["ran_days"]] > 0).sum()),
        container_days=int(sums[COLUMN["ran_days"]]),
        cpu_stated_ratio=None if stated is None else stated[0],
        memory_stated_ratio=None if stated is None else stated[1],
        intervals=find_intervals(tally) if with_intervals else {},
    )


def find_ratios(sums: FloatArray) -> dict[str, FloatArray]:
    """Return every ratio of a score from sums, shape (k, columns) -> (k,); NaN where it is not defined."""
    found = {name: _divide(sums, *pair) for name, pair in _RATIOS.items()}
    found |= {name: 1 - _divide(sums, *pair) for name, pair in _SAVED.items()}
    return found


def find_intervals(tally: FloatArray) -> dict[str, tuple[float, float]]:
    """Return the 90 % interval of each ratio when containers are drawn anew, with a fixed seed.

    The basic percentile bootstrap; containers, not days, are drawn, because the days of one container are
    alike.

    Parameters
    ----------
    tally : ndarray of float, shape (n, columns)
    """
    rows = tally[tally[:, COLUMN["ran_days"]] > 0]
    if len(rows) == 0:
        return {}
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=BOOTSTRAP_ROUNDS)
    ratios, point = find_ratios(drawn @ rows), find_ratios(rows.sum(axis=0)[None, :])
    intervals = {}
    for name in WITH_INTERVAL:
        known = ratios[name][~np.isnan(ratios[name])]
        if len(known) and not np.isnan(point[name][0]):
            lower, upper = (float(value) for value in np.quantile(known, _INTERVAL))
            centre = float(point[name][0])
            # With a handful of containers the draws may all miss the one that matters.
            intervals[name] = (min(lower, centre), max(upper, centre))
    return intervals


def _divide(sums: FloatArray, part: str, whole: str) -> FloatArray:
    over, under = sums[:, COLUMN[part]], sums[:, COLUMN[whole]]
    ratio: FloatArray = np.divide(over, under, out=np.full(len(sums), np.nan), where=under > 0)
    return ratio


def _known(values: FloatArray) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])


def _mean(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _quantile(values: FloatArray, share: float) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, share)) if len(known) else None
