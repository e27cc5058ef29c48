"""Decisions about suggestions: explained, accepted, edited, rejected, put off, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from models.vocabulary.errors import Conflict
from models.vocabulary.identity import Principal
from models.vocabulary.suggestion_life import (
    EventReason,
    RecommendationState,
    RejectionReason,
    StaleContent,
)
from models.vocabulary.windows import to_utc
from recommender.groups import group_id
from service.runtime import Runtime
from service.usecases.edited_values import Edits, agree_on
from warehouse.database.recommendations import (
    Agreement,
    Decision,
    RecommendationEvent,
    StoredRecommendation,
)

_State = RecommendationState


@dataclass(frozen=True)
class Explanation:
    """One suggestion with its evidence and its life, oldest event first."""

    stored: StoredRecommendation
    events: tuple[RecommendationEvent, ...]


def explain(runtime: Runtime, principal: Principal, recommendation_id: str) -> Explanation:
    """Return one suggestion with its life.

    Raises
    ------
    NotFound
        If there is none of that id, or the principal may not see it.
    """
    repository = runtime.warehouse.recommendations
    stored = repository.get(recommendation_id, principal)
    return Explanation(stored, tuple(repository.events(recommendation_id, principal)))


def accept(
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    *,
    edits: Edits | None = None,
    is_signed: bool = False,
    note: str | None = None,
) -> RecommendationEvent:
    """Accept a suggestion as it was shown, or with edited values; its content is frozen from then on.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    recommendation_id, etag : str
    edits : Edits, optional
        Values instead of the advised ones; their risk is stated anew and stored beside the advice.
    is_signed : bool
        The owner signs for edited memory under the OOM floor.
    note : str, optional

    Raises
    ------
    NotFound, Forbidden, StaleContent, Conflict
        If there is none, the principal has no right to it, it changed since it was read, or it cannot be
        accepted any more.
    InputError
        If edited values cannot be: see `service.usecases.edited_values.agree_on`.
    """
    agreement = None
    if edits is not None:
        agreement = _agree(runtime, principal, recommendation_id, etag, edits, is_signed=is_signed)
    decision = _acceptance(recommendation_id, etag, agreement, note)
    return _record(runtime, principal, [decision])[0]


def accept_group(
    runtime: Runtime, principal: Principal, recommendation_id: str, etag: str, *, note: str | None = None
) -> Sequence[RecommendationEvent]:
    """Accept a suggestion and those for the same thing elsewhere, with one decision: all of them or none.

    The same container of the same workload in several clusters or environments is edited once. Each
    suggestion keeps its own advised values.

    Raises
    ------
    NotFound, Forbidden, StaleContent, Conflict
        As `accept` does, for any of them.
    """
    first = runtime.warehouse.recommendations.get(recommendation_id, principal)
    others = find_group(runtime, principal, first)
    evidence = {"group_size": len(others) + 1, "decided_on": recommendation_id}
    decisions = [
        Decision(recommendation_id, etag, _State.ACCEPTED, note=note, evidence=evidence),
        *(Decision(one.id, one.etag, _State.ACCEPTED, note=note, evidence=evidence) for one in others),
    ]
    return _record(runtime, principal, decisions)


def find_group(
    runtime: Runtime, principal: Principal, stored: StoredRecommendation
) -> list[StoredRecommendation]:
    """Return the other open suggestions of the same group that the principal may see."""
    wanted = _group_of(stored)
    proposed = runtime.warehouse.recommendations.list(principal, states={_State.PROPOSED})
    return [one for one in proposed if one.id != stored.id and _group_of(one) == wanted]


def reject(
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    *,
    reason: RejectionReason,
    note: str | None = None,
) -> RecommendationEvent:
    """Reject a suggestion, with the reason. Raises as `accept` does."""
    decision = Decision(recommendation_id, etag, _State.REJECTED, reason=reason, note=note)
    return _record(runtime, principal, [decision])[0]


def snooze(
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    *,
    until: datetime,
    note: str | None = None,
) -> RecommendationEvent:
    """Put a suggestion off until a time. Raises as `accept` does, and if the time is not in the future."""
    decision = Decision(recommendation_id, etag, _State.SNOOZED, until=to_utc(until), note=note)
    return _record(runtime, principal, [decision])[0]


def withdraw(
    runtime: Runtime, principal: Principal, recommendation_id: str, etag: str, *, note: str | None = None
) -> RecommendationEvent:
    """Take back an acceptance that was not applied yet, or end a snooze: it is a proposal again.

    Edited values are forgotten; the event keeps them. Raises as `accept` does.
    """
    stored = runtime.warehouse.recommendations.get(recommendation_id, principal)
    evidence: dict[str, object] = {"reason": EventReason.WITHDRAWN.value, "was": stored.state.value}
    if stored.agreed is not None:
        evidence["agreed"] = asdict(stored.agreed)
    decision = Decision(recommendation_id, etag, _State.PROPOSED, note=note, evidence=evidence)
    return _record(runtime, principal, [decision])[0]


def _agree(
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    edits: Edits,
    *,
    is_signed: bool,
) -> Agreement:
    """Check edited values of a suggestion; rights and etag first, so that refusals say nothing of it."""
    stored = runtime.warehouse.recommendations.get(recommendation_id, principal)
    principal.require_decision_for(stored.team)
    if stored.etag != etag:
        raise StaleContent("the suggestion has changed since it was read: look at it again")
    if stored.state is not _State.PROPOSED:
        raise Conflict(f"a suggestion that is {stored.state} cannot become {_State.ACCEPTED}")
    return agree_on(runtime, stored, edits, is_signed=is_signed)


def _acceptance(recommendation_id: str, etag: str, agreement: Agreement | None, note: str | None) -> Decision:
    evidence: dict[str, object] | None = None
    if agreement is not None:
        evidence = {"agreed": asdict(agreement.values), "is_signed": agreement.is_signed}
        if agreement.risk is not None:
            evidence["risk"] = asdict(agreement.risk)
    return Decision(
        recommendation_id, etag, _State.ACCEPTED, note=note, agreement=agreement, evidence=evidence
    )


def _group_of(stored: StoredRecommendation) -> str:
    advice = stored.recommendation
    return advice.group_id or group_id(advice.key)


def _record(
    runtime: Runtime, principal: Principal, decisions: Sequence[Decision]
) -> Sequence[RecommendationEvent]:
    return runtime.warehouse.recommendations.decide_all(decisions, principal, runtime.now())
