"""What a policy judges: one container with its profile, evidence, constraints and prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from models.profiles.build import UsageEvidence
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.recommendation import ResourceValues


@dataclass(frozen=True)
class Constraints:
    """What limits the answer from outside.

    Parameters
    ----------
    is_opted_out : bool
        The owner does not want suggestions for it.
    allows_qos_change : bool
        Requests may be set on a container that has none, which changes the pod's quality-of-service class.
    cpu_minimum_cores, cpu_maximum_cores, memory_minimum_bytes, memory_maximum_bytes : float or None
        Of the namespace's LimitRange.
    node_cpu_cores, node_memory_bytes : float or None
        Allocatable of the largest node the container can run on.
    """

    is_opted_out: bool = False
    allows_qos_change: bool = False
    cpu_minimum_cores: float | None = None
    cpu_maximum_cores: float | None = None
    memory_minimum_bytes: float | None = None
    memory_maximum_bytes: float | None = None
    node_cpu_cores: float | None = None
    node_memory_bytes: float | None = None


@dataclass(frozen=True)
class UnitPrices:
    """What the workload itself paid per unit, from its own allocation; None is unpriced, never 0."""

    cpu_core_hour: Decimal | None = None
    memory_gib_hour: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """One container to judge."""

    profile: ResourceProfile
    evidence: UsageEvidence
    constraints: Constraints = field(default_factory=Constraints)
    prices: UnitPrices = field(default_factory=UnitPrices)

    @property
    def current(self) -> ResourceValues:
        """Requests and limits in force; a limit without a request is the request too, as in Kubernetes."""
        profile = self.profile
        return ResourceValues(
            _first(profile.cpu_request_cores, profile.cpu_limit_cores),
            profile.cpu_limit_cores,
            _first(profile.memory_request_bytes, profile.memory_limit_bytes),
            profile.memory_limit_bytes,
        )

    @property
    def is_guaranteed(self) -> bool:
        """Whether requests equal limits for CPU and memory, as class Guaranteed needs."""
        now = self.current
        return (
            now.cpu_limit_cores is not None
            and now.memory_limit_bytes is not None
            and is_same(now.cpu_request_cores, now.cpu_limit_cores)
            and is_same(now.memory_request_bytes, now.memory_limit_bytes)
        )

    @property
    def has_no_requests(self) -> bool:
        """Whether neither a request nor a limit is set."""
        return self.current == ResourceValues()


def is_same(one: float | None, other: float | None) -> bool:
    """Whether two quantities are equal up to a millionth (they come from sums of seconds)."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other))


def _first(value: float | None, fallback: float | None) -> float | None:
    return fallback if value is None else value
