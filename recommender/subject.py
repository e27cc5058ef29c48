"""What a policy judges: one container with its profile, evidence, statistic, constraints and prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from models.profiles.build import UsageEvidence
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.recommendation import PastRisk, ResourceValues, RivalQuote
from recommender.constraints import Constraints

__all__ = ["Constraints", "Subject", "SubjectBasis", "UnitPrices", "is_same"]


@dataclass(frozen=True)
class UnitPrices:
    """What the workload itself paid per unit, from its own allocation; None is unpriced, never 0."""

    cpu_core_hour: Decimal | None = None
    memory_gib_hour: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True)
class SubjectBasis:
    """One container's row of what was read of its days.

    Parameters
    ----------
    cpu_request_cores, memory_request_bytes : float or None
        The policy's statistic with headroom, before guard rails (`basis.find_bases`).
    cpu_statistic, memory_statistic : str
    past_risk : PastRisk
    rivals : tuple of RivalQuote
    cpu_p95_last_day_cores : float or None
        95th percentile of the newest day alone: what request-to-limit compression follows at once.
    """

    cpu_request_cores: float | None
    memory_request_bytes: float | None
    cpu_statistic: str
    memory_statistic: str
    past_risk: PastRisk
    rivals: tuple[RivalQuote, ...] = ()
    cpu_p95_last_day_cores: float | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """One container to judge. Without a basis the decayed percentile and the maximum of the window serve."""

    profile: ResourceProfile
    evidence: UsageEvidence
    constraints: Constraints = field(default_factory=Constraints)
    prices: UnitPrices = field(default_factory=UnitPrices)
    basis: SubjectBasis | None = None

    @cached_property
    def current(self) -> ResourceValues:
        """Requests and limits in force; a limit without a request is the request too, as in Kubernetes."""
        profile = self.profile
        return ResourceValues(
            _first(profile.cpu_request_cores, profile.cpu_limit_cores),
            profile.cpu_limit_cores,
            _first(profile.memory_request_bytes, profile.memory_limit_bytes),
            profile.memory_limit_bytes,
        )

    @cached_property
    def is_guaranteed(self) -> bool:
        """Whether requests equal limits for CPU and memory, as class Guaranteed needs."""
        now = self.current
        return (
            now.cpu_limit_cores is not None
            and now.memory_limit_bytes is not None
            and is_same(now.cpu_request_cores, now.cpu_limit_cores)
            and is_same(now.memory_request_bytes, now.memory_limit_bytes)
        )

    @cached_property
    def has_no_requests(self) -> bool:
        """Whether neither a request nor a limit is set."""
        return self.current == ResourceValues()

    @property
    def was_oom_killed(self) -> bool:
        """Whether the kernel killed it for its memory in the window."""
        return self.profile.oom_killed_count > 0


def is_same(one: float | None, other: float | None) -> bool:
    """Whether two quantities are equal up to a millionth (they come from sums of seconds)."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other))


def _first(value: float | None, fallback: float | None) -> float | None:
    return fallback if value is None else value
