"""Risk classes in users' words, and the settings that hold for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from models.profiles.build import HALF_LIFE
from models.vocabulary.errors import UsageError

POLICY = "millicore-1"
"""Name and version of the policy, stored with every suggestion."""

MEBIBYTE = float(1 << 20)


@dataclass(frozen=True)
class Preset:
    """How much risk an owner takes.

    Parameters
    ----------
    name : str
    in_words : str
        What an owner reads beside it.
    cpu_percentile : float
        Share of 5-minute samples, 0 to 1, that the CPU request of a container with less than three days of
        history covers before headroom.
    cpu_headroom_ratio, memory_headroom_ratio : float
        Added to that percentile and to the memory maximum of such a container.
    cpu_largest_cut_ratio, memory_largest_cut_ratio : float
        Largest share of a request that one suggestion takes away; increases have no such limit.
    cpu_over_request_ratio_target : float
        Stated risk: share of 5-minute samples above the CPU request, mean over the class's containers of a
        cluster; a single one may have up to five times as much (`basis_cpu.LARGEST_MULTIPLE`).
    memory_over_day_ratio_target : float
        Stated risk: share of container-days on which memory exceeds the request (an OOM kill if it is the
        limit), mean likewise; a single one may have up to four times as much.
    lowers_memory : bool
        False where a runtime takes its heap from the request at start (JVM).
    """

    name: str
    in_words: str
    cpu_percentile: float
    cpu_headroom_ratio: float
    memory_headroom_ratio: float
    cpu_largest_cut_ratio: float
    memory_largest_cut_ratio: float
    cpu_over_request_ratio_target: float
    memory_over_day_ratio_target: float
    lowers_memory: bool = True


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "cost", "cheapest; may be slower when nodes are full", 0.90, 0.10, 0.10, 0.80, 0.60, 0.04, 0.02
        ),
        Preset("balanced", "a little room for most services", 0.95, 0.15, 0.15, 0.60, 0.50, 0.02, 0.015),
        Preset("safe", "wide room for what must not slow down", 0.99, 0.25, 0.30, 0.40, 0.30, 0.005, 0.005),
        Preset(
            "batch", "jobs that may take longer, not be killed", 0.90, 0.10, 0.25, 0.60, 0.40, 0.04, 0.005
        ),
        Preset(
            *("jvm", "Java: memory is never lowered", 0.95, 0.15, 0.20, 0.60, 0.0, 0.02, 0.01),
            lowers_memory=False,
        ),
    )
}
"""A class that states more risk for a resource never gets more of it (`basis_price`)."""


def find_preset(name: str) -> Preset:
    """Return a preset by name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise UsageError(f"{name!r} is not a risk class; these are {', '.join(PRESETS)}")
    return PRESETS[name]


@dataclass(frozen=True)
class PolicySettings:
    """What holds for every risk class.

    Parameters
    ----------
    minimum_history_days_decrease, minimum_history_days_increase : float
        History without which a request is not lowered, or nothing is said at all.
    minimum_coverage_ratio, minimum_sample_count
        Observed share of running time, and 5-minute samples, without which nothing is said.
    hysteresis_ratio : float
        Smaller relative changes of a request are not suggested.
    cpu_floor_cores, memory_floor_bytes : float
        No request is lower.
    throttled_ratio : float
        Above this p95 of throttled periods CPU use is censored by its limit.
    throttled_raise_ratio : float
        How much a limit that throttles is raised.
    oom_raise_ratio, oom_raise_bytes : float
        After an OOM kill: at least the larger of both above the memory at the kill (VPA's rule).
    growth_days : float
        Days ahead that the request of a growing workload covers.
    gone_after_hours, batch_gone_after_hours : float
        Not seen for this long: gone.
    minimum_monthly_saving : Decimal
        Savings below it mark a small change, in ``currency``.
    currency : str or None
    half_life : timedelta
        Named in explanations; the decay itself happens when profiles are built.
    runbook_url : str, optional
        Where an organisation says how to take a change back; linked in every record.
    """

    minimum_history_days_decrease: float = 7.0
    minimum_history_days_increase: float = 1.0
    minimum_coverage_ratio: float = 0.5
    minimum_sample_count: int = 36
    hysteresis_ratio: float = 0.10
    cpu_floor_cores: float = 0.010
    memory_floor_bytes: float = 16 * MEBIBYTE
    throttled_ratio: float = 0.05
    throttled_raise_ratio: float = 0.25
    oom_raise_ratio: float = 0.20
    oom_raise_bytes: float = 100 * MEBIBYTE
    growth_days: float = 14.0
    gone_after_hours: float = 24.0
    batch_gone_after_hours: float = 192.0
    minimum_monthly_saving: Decimal = Decimal(0)
    currency: str | None = None
    half_life: timedelta = HALF_LIFE
    runbook_url: str | None = None
