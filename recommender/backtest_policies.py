"""Policies for the back-test: what is known on a morning in, the requests of that day out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from recommender.basis import RiskModel, fit_risk
from recommender.basis_hold import CPU_STIFFNESS, MEMORY_STIFFNESS, Hold, find_oom_floors
from recommender.basis_use import DailyUse
from recommender.presets import PolicySettings, Preset
from recommender.rivals_fleet import RIVAL_RULES, RivalRule

Requests = tuple[FloatArray, FloatArray]
"""CPU cores and memory bytes, each of shape (n,); NaN where a policy has no answer."""

AS_PROVISIONED = "as provisioned"
ORACLE = "oracle (knows the day)"

FRONTIER: tuple[tuple[float, float], ...] = (
    (0.001, 0.001),
    (0.0025, 0.002),
    (0.005, 0.004),
    (0.01, 0.007),
    (0.015, 0.01),
    (0.02, 0.015),
    (0.03, 0.02),
    (0.045, 0.03),
    (0.06, 0.045),
    (0.08, 0.07),
    (0.11, 0.1),
    (0.15, 0.15),
    (0.25, 0.25),
)
"""Stated risks of CPU and of memory at which our policy is replayed to draw its frontier."""


@dataclass(frozen=True, eq=False)
class Morning:
    """What is known when the requests of a day are set: only the days before it.

    Parameters
    ----------
    day : int
        Number of the day whose requests are set.
    use : DailyUse
        Of days before it, the newest last.
    settings : PolicySettings
    """

    day: int
    use: DailyUse
    settings: PolicySettings

    @cached_property
    def risk_model(self) -> RiskModel:
        """The fit that every class of our policy shares."""
        return fit_risk(self.use, self.settings)


@dataclass(eq=False)
class Policy:
    """A named rule; may remember what it set before.

    Parameters
    ----------
    name : str
    decide : callable
        From the morning to the requests of the day.
    stated : tuple of float or None
        CPU samples over and OOM days that it states, where it states any.
    remembers : bool
        Whether a decision depends on earlier ones, so that it has to begin before the first scored day.
    is_rival : bool
        Whether it is another system's rule.
    """

    name: str
    decide: Callable[[Morning], Requests]
    stated: tuple[float, float] | None = None
    remembers: bool = False
    is_rival: bool = False


@dataclass(eq=False)
class _Ours:
    """The policy with hysteresis, floors and the raise after an OOM kill."""

    preset: Preset
    holds: tuple[Hold, Hold] | None = field(default=None)

    def decide(self, morning: Morning) -> Requests:
        use, settings = morning.use, morning.settings
        bases = morning.risk_model.advise([self.preset] * use.size, with_replay=False)
        # NaN stays NaN in maximum: without a measurement there is no answer.
        cpu = np.maximum(bases.cpu_request_cores, settings.cpu_floor_cores)
        memory = np.maximum(bases.memory_request_bytes, settings.memory_floor_bytes)
        memory = np.maximum(memory, find_oom_floors(use, settings))
        if not self.preset.lowers_memory:
            memory = np.fmax(memory, np.where(np.isnan(memory), np.nan, _newest(use.memory_requests)))
        if self.holds is None:
            nothing = np.full(use.size, np.nan)
            ratio = settings.hysteresis_ratio
            self.holds = (Hold(ratio, CPU_STIFFNESS, nothing), Hold(ratio, MEMORY_STIFFNESS, nothing))
        return self.holds[0].settle(cpu), self.holds[1].settle(memory)


def ours(preset: Preset) -> Policy:
    """Return our policy in a risk class."""
    stated = (preset.cpu_over_request_ratio_target, preset.memory_over_day_ratio_target)
    return Policy(f"millicore {preset.name}", _Ours(preset).decide, stated, remembers=True)


def frontier(preset: Preset) -> list[Policy]:
    """Return our policy at each stated risk of `FRONTIER`, else as the preset."""
    return [
        ours(
            replace(
                preset,
                name=f"at risk {cpu:.2%} / {memory:.2%}".replace("%", " %"),
                cpu_over_request_ratio_target=cpu,
                memory_over_day_ratio_target=memory,
            )
        )
        for cpu, memory in FRONTIER
    ]


def rivals() -> list[Policy]:
    """Return the other systems' rules."""
    return [Policy(name, _rival(rule), is_rival=True) for name, rule in RIVAL_RULES.items()]


def orientation(use: DailyUse) -> list[Policy]:
    """Return two rows to compare with: the requests that were in force, and the least that was enough.

    Both read the day itself, so neither is a policy that could be run.

    Parameters
    ----------
    use : DailyUse
        All days that are replayed.
    """

    def in_force(morning: Morning) -> Requests:
        return use.cpu_requests[:, morning.day], use.memory_requests[:, morning.day]

    def enough(morning: Morning) -> Requests:
        counts = use.cpu_counts[:, morning.day]
        last = counts.shape[1] - 1 - (counts[:, ::-1] > 0).argmax(axis=1)
        cpu = np.where(counts.any(axis=1), CPU_BUCKETS.upper_edges[last], np.nan)
        return cpu, use.memory_maxima[:, morning.day]

    return [Policy(AS_PROVISIONED, in_force), Policy(ORACLE, enough)]


def _rival(rule: RivalRule) -> Callable[[Morning], Requests]:
    return lambda morning: rule(morning.use)


def _newest(values: FloatArray) -> FloatArray:
    """Return the newest known value of each row, NaN where there is none."""
    known = ~np.isnan(values)
    newest = values.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    answer: FloatArray = np.where(known.any(axis=1), values[np.arange(len(values)), newest], np.nan)
    return answer
