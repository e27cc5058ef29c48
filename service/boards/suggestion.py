"""One suggestion: evidence, risk, money, patch, history, and whether the reader may decide on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from models.vocabulary.errors import Conflict, Forbidden, InputError
from models.vocabulary.identity import Principal
from models.vocabulary.recommendation import Recommendation, RecommendationState, RejectionReason
from models.vocabulary.windows import DAY, HourWindow, floor_hour
from service.boards.formats import cores, memory, moment, money, percent
from service.boards.inbox import OPEN, change_text
from service.boards.texts import say, say_or
from service.patches import can_be_patched, write_command, write_patch
from service.runtime import Runtime
from service.usecases import recommendations as life
from warehouse.database.recommendations import RecommendationEvent, StoredRecommendation
from warehouse.reads.usage import HourOfUse, UsageReads

EVIDENCE_DAYS = 14
SNOOZE_DAYS = (7, 14, 30, 90)


@dataclass(frozen=True)
class ValueRow:
    """One of the four values, now and advised."""

    label: str
    now: str
    advised: str
    is_changed: bool


@dataclass(frozen=True)
class SuggestionDetail:
    """All that the detail of a suggestion shows; ``etag`` is what a decision agrees to."""

    id: str
    etag: str
    state: str
    state_text: str
    title: str
    place: str
    team: str
    values: tuple[ValueRow, ...]
    explanation: str
    basis: str
    risk: str
    money_lines: tuple[str, ...]
    rails: tuple[tuple[str, str], ...]
    patch: str | None
    command: str | None
    history: tuple[str, ...]
    evidence: tuple[HourOfUse, ...]
    cpu_request_cores: float | None
    cpu_advised_cores: float | None
    memory_request_bytes: float | None
    memory_advised_bytes: float | None
    is_open: bool
    may_decide: bool
    why_not: str


def read_suggestion(runtime: Runtime, principal: Principal, recommendation_id: str) -> SuggestionDetail:
    """Return one suggestion.

    Raises
    ------
    NotFound
        If there is none of that id, or the principal may not see it.
    """
    found = life.explain(runtime, principal, recommendation_id)
    stored, advice = found.stored, found.stored.recommendation
    end = floor_hour(advice.window_end)
    window = HourWindow(end - EVIDENCE_DAYS * DAY, end)
    evidence = UsageReads(runtime.warehouse.lake, runtime.warehouse.pin()).by_hour(
        principal, advice.key, stored.team, window
    )
    return build_detail(stored, found.events, evidence, principal)


def build_detail(
    stored: StoredRecommendation,
    events: Sequence[RecommendationEvent],
    evidence: Sequence[HourOfUse],
    principal: Principal,
) -> SuggestionDetail:
    """Word a suggestion."""
    advice = stored.recommendation
    workload = advice.key.workload
    why_not = _why_not(stored, principal)
    patched = can_be_patched(advice)
    return SuggestionDetail(
        id=stored.id,
        etag=stored.etag,
        state=stored.state,
        state_text=say_or(f"state.{stored.state}", stored.state),
        title=f"{workload.name} / {advice.key.container}",
        place=f"{workload.cluster} / {workload.namespace} / {workload.kind}",
        team=stored.team or say("team.unowned"),
        values=_values(advice),
        explanation=advice.explanation,
        basis=say(
            "suggestions.basis",
            statistic=advice.statistic,
            days=f"{(advice.window_end - advice.window_start) / DAY:,.0f}",
            until=moment(advice.window_end),
            samples=f"{advice.sample_count:,}",
            coverage=percent(advice.sample_coverage_ratio),
        ),
        risk=advice.risk.sentence,
        money_lines=money_lines(advice),
        rails=tuple(
            (
                rail.name.replace("_", " "),
                f"{_rail_change(rail.resource, rail.value_before, rail.value_after)}: {rail.because}",
            )
            for rail in advice.guard_rails
        ),
        patch=write_patch(advice) if patched else None,
        command=write_command(advice) if patched else None,
        history=tuple(_event_text(event) for event in events),
        evidence=tuple(evidence),
        cpu_request_cores=advice.current.cpu_request_cores,
        cpu_advised_cores=advice.advised.cpu_request_cores,
        memory_request_bytes=advice.current.memory_request_bytes,
        memory_advised_bytes=advice.advised.memory_request_bytes,
        is_open=stored.state is OPEN,
        may_decide=stored.state is OPEN and not why_not,
        why_not=why_not,
    )


def _values(advice: Recommendation) -> tuple[ValueRow, ...]:
    rows = []
    for name, text in (
        ("cpu_request", cores),
        ("cpu_limit", cores),
        ("memory_request", memory),
        ("memory_limit", memory),
    ):
        field = f"{name}_{'cores' if name.startswith('cpu') else 'bytes'}"
        now, then = getattr(advice.current, field), getattr(advice.advised, field)
        rows.append(ValueRow(say(f"suggestions.{name}"), text(now), text(then), now != then))
    return tuple(rows)


def _rail_change(resource: str, before: float, after: float) -> str:
    text = cores if resource == "cpu" else memory
    return change_text(text(before), text(after))


def money_lines(advice: Recommendation) -> tuple[str, ...]:
    """Return the requested saving and, apart from it, the bankable one."""
    saving, currency = advice.requested_saving_per_month, advice.currency
    if saving is None or currency is None:
        requested = say("suggestions.saving_unpriced")
    elif saving < 0:
        requested = say("suggestions.cost_requested", amount=money(-saving, currency))
    else:
        requested = say("suggestions.saving_requested", amount=money(saving, currency))
    return requested, say("suggestions.saving_bankable")


def _event_text(event: RecommendationEvent) -> str:
    parts = [moment(event.occurred_at), say_or(f"state.{event.state}", event.state), event.principal]
    if event.reason is not None:
        parts.append(say_or(f"reason.{event.reason}", str(event.reason)))
    if event.until is not None:
        parts.append(f"until {moment(event.until)}")
    if event.note:
        parts.append(event.note)
    return ", ".join(parts)


def _why_not(stored: StoredRecommendation, principal: Principal) -> str:
    try:
        principal.require_decision_for(stored.team)
    except Forbidden:
        return say("suggestions.not_allowed", team=stored.team or say("team.unowned"))
    return ""


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
        accepted, rejected or snoozed.
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
        elif state is RecommendationState.SNOOZED:
            until = runtime.now() + timedelta(days=snooze_days or 0)
            event = life.snooze(runtime, principal, identity, etag, until=until, note=note)
        else:
            event = life.reject(runtime, principal, identity, etag, reason=_required(reason), note=note)
    except Conflict as problem:
        return Decision(is_recorded=False, text=_conflict_text(runtime, principal, identity, etag, problem))
    text = say("suggestions.recorded", state=say(f"state.{event.state}"), principal=event.principal)
    return Decision(is_recorded=True, text=text)


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
