"""What readers of the suggestions board decide: one by one, edited, in bulk, or by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.identity import Principal
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from service.boards.formats import headline_money
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases import decisions as life
from service.usecases.bulk_decisions import BulkPlan, BulkScope, accept_bulk, plan_bulk
from service.usecases.edited_values import UNSET, parse_edits
from service.usecases.exclusions import ExclusionRequest, add_exclusion
from warehouse.database.recommendations import StoredRecommendation

SNOOZE_DAYS = (7, 14, 30, 90)
_LISTED = 12


@dataclass(frozen=True)
class Decision:
    """What became of a decision: recorded, or why not."""

    is_recorded: bool
    text: str


def decide(
    runtime: Runtime,
    principal: Principal,
    detail: tuple[str, str],
    state: RecommendationState,
    *,
    reason: RejectionReason | None = None,
    snooze_days: int | None = None,
    note: str | None = None,
) -> Decision:
    """Record a decision on what the reader saw.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    detail : (id, etag)
    state : RecommendationState
        accepted, rejected, snoozed, or proposed to take a decision back.
    reason : RejectionReason, optional
        Mandatory to reject.
    snooze_days : int, optional
        Mandatory to snooze.
    note : str, optional

    Raises
    ------
    Forbidden, NotFound, InputError
        If the principal may not decide, there is no such suggestion, or reason or days are missing.
    """
    identity, etag = detail
    try:
        if state is RecommendationState.ACCEPTED:
            event = life.accept(runtime, principal, identity, etag, note=note)
        elif state is RecommendationState.PROPOSED:
            event = life.withdraw(runtime, principal, identity, etag, note=note)
        elif state is RecommendationState.SNOOZED:
            until = runtime.now() + timedelta(days=snooze_days or 0)
            event = life.snooze(runtime, principal, identity, etag, until=until, note=note)
        else:
            event = life.reject(runtime, principal, identity, etag, reason=_required(reason), note=note)
    except Conflict as problem:
        return Decision(is_recorded=False, text=_conflict_text(runtime, principal, identity, etag, problem))
    return _recorded(event.state, event.principal)


def _required(reason: RejectionReason | None) -> RejectionReason:
    if reason is None:
        raise InputError("is missing: a rejection needs one", field="reason")
    return reason


def _conflict_text(
    runtime: Runtime, principal: Principal, identity: str, etag: str, problem: Conflict
) -> str:
    now = runtime.warehouse.recommendations.get(identity, principal)
    if now.etag != etag or now.state is RecommendationState.SUPERSEDED:
        return say("suggestions.stale")
    return say("suggestions.conflict", problem=problem)


def accept_edited(
    runtime: Runtime,
    principal: Principal,
    seen: tuple[tuple[str, str], Mapping[str, str]],
    texts: Mapping[str, str],
    *,
    is_signed: bool = False,
) -> Decision:
    """Accept with the values that the reader typed; what was not touched stays as advised.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    seen : ((id, etag), quantities by field)
        What the page showed.
    texts : mapping of field to quantity
        As typed; empty takes a value away.
    is_signed : bool
        The reader signs for memory under the size of an earlier OOM kill.
    """
    (identity, etag), shown = seen
    changed = {name: text.strip() or UNSET for name, text in texts.items() if text.strip() != shown.get(name)}
    try:
        edits = parse_edits(changed)
        event = life.accept(runtime, principal, identity, etag, edits=edits, is_signed=is_signed)
    except Conflict as problem:
        return Decision(is_recorded=False, text=_conflict_text(runtime, principal, identity, etag, problem))
    return _recorded(event.state, event.principal)


def accept_everywhere(runtime: Runtime, principal: Principal, seen: tuple[str, str]) -> Decision:
    """Accept a suggestion and its likes in other clusters with one decision."""
    identity, etag = seen
    try:
        events = life.accept_group(runtime, principal, identity, etag)
    except Conflict as problem:
        return Decision(is_recorded=False, text=_conflict_text(runtime, principal, identity, etag, problem))
    text = say("suggestions.group_recorded", count=len(events), principal=events[0].principal)
    return Decision(is_recorded=True, text=text)


def exclude_container(
    runtime: Runtime, principal: Principal, recommendation_id: str, reason: str, days: int | None
) -> Decision:
    """Exclude the container of a suggestion from advice, for some days or until the rule is removed."""
    stored = runtime.warehouse.recommendations.get(recommendation_id, principal)
    key = stored.recommendation.key
    asked = ExclusionRequest(
        reason=reason,
        cluster=key.workload.cluster,
        namespace=key.workload.namespace,
        workload=key.workload.name,
        container=key.container,
        until=None if days is None else runtime.now() + timedelta(days=days),
        team=stored.team,
    )
    rule = add_exclusion(runtime, principal, asked)
    return Decision(is_recorded=True, text=say("suggestions.excluded", principal=rule.created_by))


@dataclass(frozen=True)
class BulkView:
    """What a bulk acceptance would take and leave, for the reader to look at first."""

    plan: BulkPlan
    sentence: str
    taken: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def preview_bulk(
    runtime: Runtime, principal: Principal, team: str | None, cluster: str | None, currency: str
) -> BulkView:
    """Return what accepting every low-risk suggestion of a scope would do.

    Raises
    ------
    Forbidden
        If the principal may not decide for the team.
    """
    plan = plan_bulk(runtime, principal, BulkScope(team=team, cluster=cluster))
    savings = [
        one.recommendation.requested_saving_per_month
        for one in plan.accepted
        if one.recommendation.currency == currency
    ]
    total = sum((saving for saving in savings if saving is not None), Decimal(0))
    return BulkView(
        plan,
        say(
            "suggestions.bulk_sentence",
            count=f"{len(plan.accepted):,}",
            left=f"{len(plan.left_out):,}",
            amount=headline_money(total, currency),
        ),
        tuple(_name(one) for one in plan.accepted[:_LISTED]),
        tuple((_name(one.stored), one.because) for one in plan.left_out[:_LISTED]),
    )


def accept_previewed(runtime: Runtime, principal: Principal, view: BulkView) -> Decision:
    """Accept what the reader looked at; one that changed meanwhile is left out."""
    result = accept_bulk(runtime, principal, view.plan)
    left = len(result.left_out) - len(view.plan.left_out)
    text = say("suggestions.bulk_recorded", count=f"{len(result.accepted):,}", left=f"{left:,}")
    return Decision(is_recorded=bool(result.accepted), text=text)


def _name(stored: StoredRecommendation) -> str:
    key = stored.recommendation.key
    return f"{key.workload.cluster} / {key.workload.namespace} / {key.workload.name} / {key.container}"


def _recorded(state: RecommendationState, principal: str) -> Decision:
    text = say("suggestions.recorded", state=say(f"state.{state}"), principal=principal)
    return Decision(is_recorded=True, text=text)
