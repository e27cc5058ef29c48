"""A suggestion to change requests and limits, the reasons for silence, and the life of a suggestion."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from models.vocabulary.errors import Conflict
from models.vocabulary.identity import ContainerKey


class RecommendationState(StrEnum):
    """Where a suggestion stands in its life (DESIGN section 7)."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SNOOZED = "snoozed"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    APPLIED = "applied"
    VERIFIED = "verified"
    ROLLED_BACK = "rolled_back"


_STATE = RecommendationState
TRANSITIONS: dict[RecommendationState, frozenset[RecommendationState]] = {
    _STATE.PROPOSED: frozenset(
        {
            _STATE.ACCEPTED,
            _STATE.REJECTED,
            _STATE.SNOOZED,
            _STATE.SUPERSEDED,
            _STATE.EXPIRED,
            _STATE.APPLIED,
        }
    ),
    _STATE.SNOOZED: frozenset({_STATE.PROPOSED, _STATE.SUPERSEDED, _STATE.EXPIRED}),
    _STATE.ACCEPTED: frozenset({_STATE.APPLIED, _STATE.EXPIRED}),
    _STATE.APPLIED: frozenset({_STATE.VERIFIED, _STATE.ROLLED_BACK}),
    _STATE.REJECTED: frozenset(),
    _STATE.SUPERSEDED: frozenset(),
    _STATE.EXPIRED: frozenset(),
    _STATE.VERIFIED: frozenset(),
    _STATE.ROLLED_BACK: frozenset(),
}
"""Allowed moves. What is not listed is refused; content is frozen from ``accepted`` on."""


def check_transition(current: RecommendationState, wanted: RecommendationState) -> None:
    """Refuse a move that the life of a suggestion does not know.

    Raises
    ------
    Conflict
        If the move is not in ``TRANSITIONS``.
    """
    if wanted not in TRANSITIONS[current]:
        raise Conflict(f"a suggestion that is {current} cannot become {wanted}")


class RejectionReason(StrEnum):
    """Why an owner says no; mandatory, and read by the policy's review."""

    PEAK_KNOWN = "peak_known"
    BATCH_WINDOW = "batch_window"
    RUNTIME_HEAP = "runtime_heap"
    SERVICE_LEVEL = "service_level"
    RETIRING_SOON = "retiring_soon"
    WRONG_OWNER = "wrong_owner"
    DATA_NOT_TRUSTED = "data_not_trusted"
    OTHER = "other"


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
