"""The life of a suggestion: its states, the moves between them, and why an owner says no."""

from __future__ import annotations

from enum import StrEnum

from models.vocabulary.errors import Conflict


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
    OVERWRITTEN = "overwritten"
    FAILED = "failed"


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
    _STATE.ACCEPTED: frozenset({_STATE.APPLIED, _STATE.EXPIRED, _STATE.FAILED, _STATE.PROPOSED}),
    _STATE.APPLIED: frozenset(
        {
            _STATE.VERIFIED,
            _STATE.ROLLED_BACK,
            _STATE.OVERWRITTEN,
            _STATE.SUPERSEDED,
            _STATE.EXPIRED,
        }
    ),
    _STATE.REJECTED: frozenset(),
    _STATE.SUPERSEDED: frozenset(),
    _STATE.EXPIRED: frozenset(),
    _STATE.VERIFIED: frozenset(),
    _STATE.ROLLED_BACK: frozenset(),
    _STATE.OVERWRITTEN: frozenset(),
    _STATE.FAILED: frozenset(),
}
"""Allowed moves. What is not listed is refused; content is frozen from ``accepted`` on.

``accepted -> proposed`` is a withdrawal. An applied one whose values people changed later is superseded; one
whose container was not seen any more expires.
"""

DECIDED_BY_PEOPLE = frozenset({_STATE.ACCEPTED, _STATE.REJECTED, _STATE.SNOOZED, _STATE.PROPOSED})
"""States that a decision can lead to; every other one is seen in the cluster or follows from new data."""

FROZEN = frozenset(_STATE) - {_STATE.PROPOSED, _STATE.SNOOZED}
"""States in which neither advice nor agreed values ever change."""


class StaleContent(Conflict):
    """The suggestion is not the one that the decider saw: its etag is another (HTTP 412 with If-Match)."""


class EventReason(StrEnum):
    """Why the machine wrote an event; people's reasons for a rejection are `RejectionReason`."""

    REMINDED = "reminded"
    NOT_APPLIED = "not_applied"
    PARTIALLY_APPLIED = "partially_applied"
    DANGEROUS = "dangerous"
    SOAK_RESTARTED = "soak_restarted"
    OOM_KILLED = "oom_killed"
    RESTARTED = "restarted"
    THROTTLED = "throttled"
    PUT_BACK = "put_back"
    CHANGED_AGAIN = "changed_again"
    NEWER_SUGGESTION = "newer_suggestion"
    WITHDRAWN = "withdrawn"
    GONE = "gone"


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
