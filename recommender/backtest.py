"""Rolling back-test: policies replayed on stored days, deciding every morning on earlier days only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray
from recommender.backtest_policies import Morning, Policy
from recommender.backtest_scores import PolicyScore, score_tally
from recommender.backtest_tally import COLUMNS, DayLoad, add_changes, tally_day
from recommender.basis_use import DailyUse
from recommender.presets import PolicySettings

WARM_UP_DAYS = 14
"""Days before the first scored one, where so many are stored; else half of them."""

MINIMUM_DAYS = 4
"""Whole days below which nothing is replayed."""

_SHORTEST_WARM_UP = 3
_SETTLING_DAYS = 7
WINDOW_DAYS = 28


@dataclass(frozen=True)
class ReplayPlan:
    """Which days are replayed.

    Parameters
    ----------
    first_decided, first_scored, end : int
        Policies that remember begin to decide on the first; scores count ``first_scored <= day < end``.
    """

    first_decided: int
    first_scored: int
    end: int

    @property
    def scored_days(self) -> int:
        """Number of scored days."""
        return self.end - self.first_scored


@dataclass(frozen=True, eq=False)
class Replay:
    """What one policy did.

    Parameters
    ----------
    policy : str
    requests : ndarray of float, shape (scored days, 2, n)
        CPU cores and memory bytes that it set.
    tally : ndarray of float, shape (n, columns)
    days_to_safe : ndarray of float, shape (2, n)
        From the first bad day of CPU and of memory until it is covered; NaN without one.
    stated : tuple of float or None
    """

    policy: str
    requests: FloatArray
    tally: FloatArray
    days_to_safe: FloatArray
    stated: tuple[float, float] | None

    def score(self) -> PolicyScore:
        """Return the score over all containers."""
        return score_tally(self.policy, self.tally, self.days_to_safe, stated=self.stated)

    def score_container(self, row: int) -> PolicyScore:
        """Return the score of one container."""
        own = slice(row, row + 1)
        return score_tally(
            self.policy,
            self.tally[own],
            self.days_to_safe[:, own],
            stated=self.stated,
            with_intervals=False,
        )


def plan_replay(days: int) -> ReplayPlan | None:
    """Return which of so many stored days are replayed, None if they are too few."""
    if days < MINIMUM_DAYS:
        return None
    first_scored = min(WARM_UP_DAYS, max(days // 2, _SHORTEST_WARM_UP))
    return ReplayPlan(max(first_scored - _SETTLING_DAYS, _SHORTEST_WARM_UP), first_scored, days)


def replay(
    use: DailyUse,
    policies: Sequence[Policy],
    settings: PolicySettings,
    *,
    window_days: int = WINDOW_DAYS,
    track: Callable[[range], Iterable[int]] = iter,
) -> list[Replay]:
    """Let each policy set the requests of every day from the days before it, and tally what happened.

    Parameters
    ----------
    use : DailyUse
        At least `MINIMUM_DAYS` days; fewer give replays without days.
    policies : sequence of Policy
        Fresh ones: a policy that remembers is used up.
    settings : PolicySettings
    window_days : int
        A policy sees at most so many days.
    track : callable
        Wraps the range of days, to show progress.
    """
    plan = plan_replay(use.day_count) or ReplayPlan(0, 0, 0)
    runs = [_Run(policy, use.size, plan) for policy in policies]
    for day in track(range(plan.first_decided, plan.end)):
        morning = Morning(day, use.days(max(day - window_days, 0), day), settings)
        is_scored = day >= plan.first_scored
        load = DayLoad(use, day) if is_scored else None
        for run in runs:
            run.decide(morning, load)
    return [run.finish() for run in runs]


class _Run:
    """One policy on its way through the days."""

    def __init__(self, policy: Policy, size: int, plan: ReplayPlan) -> None:
        self._policy = policy
        self._requests = np.full((plan.scored_days, 2, size), np.nan)
        self._tally = np.zeros((size, len(COLUMNS)))
        self._done = 0
        self._needs = np.full((plan.scored_days, 2, size), np.nan)

    def decide(self, morning: Morning, load: DayLoad | None) -> None:
        """Set the requests of a day; the load of the day is given where it is scored."""
        if load is None and not self._policy.remembers:
            return
        cpu, memory = self._policy.decide(morning)
        if load is None:
            return
        self._tally += tally_day(load, cpu, memory)
        self._requests[self._done] = cpu, memory
        self._needs[self._done] = load.cpu_p95, load.memory_maxima
        if self._done:
            add_changes(self._tally, self._requests[self._done - 1], self._requests[self._done])
        self._done += 1

    def finish(self) -> Replay:
        """Return what it did."""
        return Replay(
            self._policy.name,
            self._requests,
            self._tally,
            _count_days_to_safe(self._requests, self._needs),
            self._policy.stated,
        )


def _count_days_to_safe(requests: FloatArray, needs: FloatArray) -> FloatArray:
    """Return days from the first bad day until a request covers its need, to the end if none does."""
    days = len(requests)
    safe = np.full(requests.shape[1:], np.nan)
    if days == 0:
        return safe
    bad = np.nan_to_num(needs) > np.nan_to_num(requests, nan=np.inf) * (1 + 1e-9)
    first = bad.argmax(axis=0)
    need = np.take_along_axis(needs, first[None], axis=0)[0]
    later = np.arange(days)[:, None, None] > first[None]
    covered = later & (np.nan_to_num(requests) * (1 + 1e-9) >= need[None])
    when = np.where(covered.any(axis=0), covered.argmax(axis=0), days)
    counted: FloatArray = np.where(bad.any(axis=0), when - first, np.nan)
    return counted
