"""Predictive schedules: how many replicas must at least be ready in each hour to come, in few steps.

For each hour ``n = ceil(upper quantile of the load / target per replica)`` within bounds. Neighbouring hours
are joined so that no hour has fewer than it needs and the additional replica-hours are the least possible for
the number of steps (dynamic programming, at most 48 hours). A step up begins one pod ready time before its
hour, a step down on the hour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np

from models.vocabulary.errors import InputError
from models.vocabulary.windows import HOUR

_MINUTE = 60


@dataclass(frozen=True)
class ScheduleRules:
    """How a schedule is cut.

    Parameters
    ----------
    ready_seconds : float
        From the order of a pod to its first request; rounded up to whole minutes.
    most_steps : int
        Steps at most.
    slack_ratio : float
        Fewer steps are taken as long as they add no more replica-hours than this share.
    """

    ready_seconds: float = 120.0
    most_steps: int = 6
    slack_ratio: float = 0.02

    def __post_init__(self) -> None:
        if self.most_steps < 1:
            raise InputError("is not 1 or more", field="steps", value=self.most_steps)
        if not 0 <= self.ready_seconds < HOUR.total_seconds():
            raise InputError("is not from 0 to 3600", field="ready seconds", value=self.ready_seconds)


@dataclass(frozen=True)
class ScheduleStep:
    """At least so many replicas from ``start`` to ``end`` (half-open, UTC)."""

    start: datetime
    end: datetime
    replicas: int


@dataclass(frozen=True)
class ReplicaSchedule:
    """Steps of one period, gapless but for the lead of steps up, which overlap the step before.

    ``needed`` holds the replicas of each hour, ``added_replica_hours`` what few steps cost beyond them.
    """

    first: datetime
    needed: tuple[int, ...]
    steps: tuple[ScheduleStep, ...]
    added_replica_hours: int

    @property
    def base(self) -> int:
        """Return the fewest replicas of any step."""
        return min(step.replicas for step in self.steps)


def join_hours(first: datetime, needed: Sequence[int], cut: ScheduleRules) -> ReplicaSchedule:
    """Return few steps that hold at least what each hour needs.

    Parameters
    ----------
    first : datetime
        Start of the first hour.
    needed : sequence of int
        Replicas of each hour, of a load's upper quantile.
    cut : ScheduleRules

    Raises
    ------
    InputError
        If there is no hour.
    """
    if not needed:
        raise InputError("has no hour", field="schedule", value=0)
    held = _join(needed, cut)
    steps = []
    position = 0
    for replicas, group in groupby(held):
        length = len(list(group))
        rises = position > 0 and replicas > held[position - 1]
        lead = math.ceil(cut.ready_seconds / _MINUTE) * _MINUTE if rises else 0
        start = first + position * HOUR - timedelta(seconds=lead)
        steps.append(ScheduleStep(start, first + (position + length) * HOUR, replicas))
        position += length
    return ReplicaSchedule(first, tuple(needed), tuple(steps), sum(held) - sum(needed))


def _join(needed: Sequence[int], cut: ScheduleRules) -> list[int]:
    allowed = cut.slack_ratio * sum(needed)
    held = [max(needed)] * len(needed)
    for count in range(1, min(cut.most_steps, len(needed)) + 1):
        held = _best_cover(needed, count)
        if sum(held) - sum(needed) <= allowed:
            break
    return held


def _best_cover(needed: Sequence[int], count: int) -> list[int]:
    """Return the piecewise constant cover with at most ``count`` pieces and the fewest replica-hours."""
    hours = len(needed)
    # cost[k][h]: fewest replica-hours for the first h hours in k pieces; cut[k][h]: where the last one began
    cost = np.full((count + 1, hours + 1), np.inf)
    begin = np.zeros((count + 1, hours + 1), dtype=int)
    cost[0, 0] = 0.0
    for pieces in range(1, count + 1):
        for end in range(1, hours + 1):
            peak = 0
            for start in range(end - 1, -1, -1):
                peak = max(peak, needed[start])
                total = cost[pieces - 1, start] + peak * (end - start)
                if total < cost[pieces, end]:
                    cost[pieces, end], begin[pieces, end] = total, start
    pieces = int(np.argmin(cost[1:, hours])) + 1
    held: list[int] = []
    end = hours
    while end > 0:
        start = int(begin[pieces, end])
        held = [max(needed[start:end])] * (end - start) + held
        end, pieces = start, pieces - 1
    return held
