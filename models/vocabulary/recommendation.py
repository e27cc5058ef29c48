"""A suggestion to change requests and limits, and the reasons for silence."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from models.vocabulary.identity import ContainerKey
from models.vocabulary.replicas import HpaChange, ReplicaAdvice


class SilenceReason(StrEnum):
    """Why a container gets no suggestion. Every container has a suggestion or one of these."""

    TOO_LITTLE_HISTORY = "too_little_history"
    TOO_FEW_SAMPLES = "too_few_samples"
    NO_USAGE_MEASURED = "no_usage_measured"
    LEAKING_MEMORY = "leaking_memory"
    SHORT_LIVED = "short_lived"
    WITHIN_HYSTERESIS = "within_hysteresis"
    BELOW_MINIMUM_SAVING = "below_minimum_saving"
    SCALED_BY_HPA = "scaled_by_hpa"
    OPTED_OUT = "opted_out"
    DORMANT = "dormant"
    GONE = "gone"
    WITHOUT_REQUESTS = "without_requests"
    NOT_A_CONTAINER = "not_a_container"
    RENAMED = "renamed"
    CALENDAR_PEAK_NOT_SEEN = "calendar_peak_not_seen"
    FORBIDDEN_BY_LIMIT_RANGE = "forbidden_by_limit_range"
    FORBIDDEN_BY_QUOTA = "forbidden_by_quota"
    EXCLUDED = "excluded"
    FLEET_GUARD = "fleet_guard"
    DATA_BREAKER = "data_breaker"


@dataclass(frozen=True)
class ResourceValues:
    """Requests and limits of one container. ``None`` means unset, never zero."""

    cpu_request_cores: float | None = None
    cpu_limit_cores: float | None = None
    memory_request_bytes: float | None = None
    memory_limit_bytes: float | None = None


@dataclass(frozen=True)
class GuardRail:
    """One rule that bound: its name, the value before and after, in the unit of the resource."""

    name: str
    resource: str
    value_before: float
    value_after: float
    because: str


@dataclass(frozen=True)
class StatedRisk:
    """Risk of the advised values, measured on this container's own past.

    Parameters
    ----------
    cpu_over_request_ratio : float
        Share of past 5-minute samples whose CPU exceeded the advised request.
    memory_over_limit_day_ratio : float
        Share of past container-days on which memory exceeded the advised limit (an OOM kill then).
    sample_count, day_count : int
        What the two shares were counted over.
    sentence : str
        The same in the owner's words.
    """

    cpu_over_request_ratio: float
    memory_over_limit_day_ratio: float
    sample_count: int
    day_count: int
    sentence: str


@dataclass(frozen=True)
class ResourceEvidence:
    """How one resource's advised request came about.

    Parameters
    ----------
    resource : str
        ``cpu`` (values in cores) or ``memory`` (bytes).
    statistic : str
        What was read of the past, in words.
    expected_peak : float or None
        The statistic before headroom: what the container is expected to need; None when nothing was measured.
    headroom_ratio : float or None
        Added to it; None where the statistic states a value that already holds it.
    wanted : float or None
        The request after headroom, before any guard rail.
    advised : float or None
        The request after all of them.
    guard_rails : tuple of GuardRail
        Every one that bound, in order.
    kept : SilenceReason or None
        Why this resource stays as it is, when it does.
    """

    resource: str
    statistic: str
    expected_peak: float | None
    headroom_ratio: float | None
    wanted: float | None
    advised: float | None
    guard_rails: tuple[GuardRail, ...] = ()
    kept: SilenceReason | None = None


@dataclass(frozen=True)
class RivalQuote:
    """What another system's rule says for the same container and past; ``policy`` is vpa or krr."""

    policy: str
    rule: str
    cpu_request_cores: float | None
    memory_request_bytes: float | None


@dataclass(frozen=True)
class PastRisk:
    """The same rule replayed on this container's own days, each decided with the days before it only.

    Parameters
    ----------
    stated_cpu_over_request_ratio, stated_memory_over_day_ratio : float
        What the risk class allows.
    seen_cpu_over_request_ratio, seen_memory_over_day_ratio : float or None
        What the replay met; None where no day could be replayed.
    day_count : int
        Days behind it.
    """

    stated_cpu_over_request_ratio: float
    stated_memory_over_day_ratio: float
    seen_cpu_over_request_ratio: float | None
    seen_memory_over_day_ratio: float | None
    day_count: int


@dataclass(frozen=True)
class StatedSavings:
    """The three savings of a suggestion; they are never added.

    Parameters
    ----------
    requested_per_month : Decimal or None
        Lower requests x unit price; None is unpriced.
    currency : str or None
    bankable : str
        What of it could leave the node bill: known per pool of nodes, never per container.
    realised : str
        What left the bill: measured after it was applied.
    unpriced_because : str or None
        Set when, and only when, ``requested_per_month`` is None.
    bankable_pool : str or None
        Node pool that the next two are about.
    bankable_pool_saving_per_month : Decimal or None
        What all open suggestions together add in the whole pool to what could go without any.
    share_of_pool_ratio : float or None
        This suggestion's share of what those suggestions free in the pool.
    """

    requested_per_month: Decimal | None
    currency: str | None
    bankable: str
    realised: str
    unpriced_because: str | None = None
    bankable_pool: str | None = None
    bankable_pool_saving_per_month: Decimal | None = None
    share_of_pool_ratio: float | None = None


@dataclass(frozen=True)
class RuntimeHint:
    """Which heap or thread setting belongs to the advised limit, in words and as a setting."""

    runtime: str
    found_in: str
    sentence: str
    settings: dict[str, str]


@dataclass(frozen=True)
class Rollback:
    """How to take the change back: never absent, so that a decrease always has a way home."""

    values: ResourceValues
    runbook: str


@dataclass(frozen=True)
class ExplanationRecord:
    """Everything a suggestion rests on, as a structure; ``sentence`` says the same in one plain sentence."""

    cpu: ResourceEvidence
    memory: ResourceEvidence
    window_start: datetime
    window_end: datetime
    history_days: float
    sample_count: int
    sample_coverage_ratio: float
    rivals: tuple[RivalQuote, ...]
    past_risk: PastRisk | None
    savings: StatedSavings
    rollback: Rollback
    sentence: str
    notes: tuple[str, ...] = ()
    runtime: RuntimeHint | None = None

    @property
    def guard_rails(self) -> tuple[GuardRail, ...]:
        """Every rail that bound, CPU first."""
        return (*self.cpu.guard_rails, *self.memory.guard_rails)


@dataclass(frozen=True)
class Recommendation:
    """Advised requests and limits of one container, with evidence, risk and money.

    ``requested_saving`` is request reduction x unit price per 30-day month, negative for an increase. It
    is not yet money: ``bankable_saving`` (nodes that can go) and ``realised_saving`` are stated apart and
    never added to it.
    """

    key: ContainerKey
    policy: str
    risk_class: str
    as_of: datetime
    current: ResourceValues
    advised: ResourceValues
    replica_count_mean: float
    requested_saving_per_month: Decimal | None
    currency: str | None
    risk: StatedRisk
    guard_rails: tuple[GuardRail, ...]
    statistic: str
    window_start: datetime
    window_end: datetime
    sample_count: int
    sample_coverage_ratio: float
    confidence: float
    explanation: str
    is_small_change: bool = False
    record: ExplanationRecord | None = None
    group_id: str | None = None
    """The same for a container in several clusters or environments: one decision for the one thing edited."""
    is_injected: bool = False
    """Whether a webhook puts the container into the pod: its values are the platform team's to change."""
    replicas: ReplicaAdvice | None = None
    hpa: HpaChange | None = None
    """What must change on the autoscaler together with the requests; None where nothing must."""

    @property
    def is_increase(self) -> bool:
        """Whether any advised request is above the current one, or sets one that is unset."""
        pairs = (
            (self.current.cpu_request_cores, self.advised.cpu_request_cores),
            (self.current.memory_request_bytes, self.advised.memory_request_bytes),
        )
        return any(new is not None and (old is None or new > old) for old, new in pairs)

    def content_hash(self) -> str:
        """Return the etag: a hash of what an owner agrees to (key, current and advised values)."""
        return self._content_hash

    @cached_property
    def _content_hash(self) -> str:
        content = [
            str(self.key),
            self.policy,
            *(getattr(self.current, name) for name in _VALUE_NAMES),
            *(getattr(self.advised, name) for name in _VALUE_NAMES),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


_VALUE_NAMES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")


@dataclass(frozen=True)
class NoRecommendation:
    """Silence with its reason: what is missing and, where known, when to look again."""

    key: ContainerKey
    policy: str
    as_of: datetime
    reason: SilenceReason
    sentence: str
