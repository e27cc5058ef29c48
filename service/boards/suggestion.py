"""One suggestion: evidence, risk, money, history, and whether the reader may decide on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal
from models.vocabulary.quantity import format_cpu, format_memory
from models.vocabulary.recommendation import Recommendation, ResourceValues
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import DAY, HourWindow, floor_hour
from service.boards.carrying_out import CarryingOut, read_carrying_out
from service.boards.formats import cores, memory, moment, money, percent
from service.boards.inbox import OPEN, change_text
from service.boards.suggestion_record import RecordView, word_record
from service.boards.texts import say, say_or
from service.runtime import Runtime
from service.usecases import decisions as life
from service.usecases.edited_values import VALUE_NAMES
from warehouse.database.recommendations import RecommendationEvent, StoredRecommendation
from warehouse.reads.usage import HourOfUse, UsageReads

EVIDENCE_DAYS = 14
WITHDRAWABLE = frozenset({RecommendationState.ACCEPTED, RecommendationState.SNOOZED})


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
    agreed_note: str
    explanation: str
    basis: str
    risk: str
    money_lines: tuple[str, ...]
    rails: tuple[tuple[str, str], ...]
    history: tuple[str, ...]
    record: RecordView | None
    carrying: CarryingOut
    evidence: tuple[HourOfUse, ...]
    cpu_request_cores: float | None
    cpu_advised_cores: float | None
    memory_request_bytes: float | None
    memory_advised_bytes: float | None
    is_open: bool
    may_decide: bool
    may_withdraw: bool
    wanted_texts: tuple[tuple[str, str], ...]
    group_size: int
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
    others = life.find_group(runtime, principal, stored) if stored.state is OPEN else []
    return build_detail(
        stored,
        found.events,
        evidence,
        principal,
        read_carrying_out(runtime, principal, recommendation_id),
        len(others) + 1,
    )


def build_detail(
    stored: StoredRecommendation,
    events: Sequence[RecommendationEvent],
    evidence: Sequence[HourOfUse],
    principal: Principal,
    carrying: CarryingOut,
    group_size: int = 1,
) -> SuggestionDetail:
    """Word a suggestion."""
    advice = stored.recommendation
    workload = advice.key.workload
    why_not = _why_not(stored, principal)
    return SuggestionDetail(
        id=stored.id,
        etag=stored.etag,
        state=stored.state,
        state_text=say_or(f"state.{stored.state}", stored.state),
        title=f"{workload.name} / {advice.key.container}",
        place=f"{workload.cluster} / {workload.namespace} / {workload.kind}",
        team=stored.team or say("team.unowned"),
        values=_values(advice.current, stored.wanted),
        agreed_note=_agreed_note(stored),
        explanation=advice.explanation,
        basis=say(
            "suggestions.basis",
            statistic=advice.statistic,
            days=f"{(advice.window_end - advice.window_start) / DAY:,.0f}",
            until=moment(advice.window_end),
            samples=f"{advice.sample_count:,}",
            coverage=percent(advice.sample_coverage_ratio),
        ),
        risk=(stored.agreed_risk or advice.risk).sentence,
        money_lines=money_lines(stored),
        rails=tuple(
            (
                rail.name.replace("_", " "),
                f"{_rail_change(rail.resource, rail.value_before, rail.value_after)}: {rail.because}",
            )
            for rail in advice.guard_rails
        ),
        history=tuple(_event_text(event) for event in events),
        record=word_record(_as_agreed(stored)),
        carrying=carrying,
        evidence=tuple(evidence),
        cpu_request_cores=advice.current.cpu_request_cores,
        cpu_advised_cores=stored.wanted.cpu_request_cores,
        memory_request_bytes=advice.current.memory_request_bytes,
        memory_advised_bytes=stored.wanted.memory_request_bytes,
        is_open=stored.state is OPEN,
        may_decide=stored.state is OPEN and not why_not,
        may_withdraw=stored.state in WITHDRAWABLE and not why_not,
        wanted_texts=_wanted_texts(stored.wanted),
        group_size=group_size,
        why_not=why_not,
    )


def _values(current: ResourceValues, wanted: ResourceValues) -> tuple[ValueRow, ...]:
    """Return each value now and as it shall be: as agreed by the owner, else as advised."""
    rows = []
    for name, text in (
        ("cpu_request", cores),
        ("cpu_limit", cores),
        ("memory_request", memory),
        ("memory_limit", memory),
    ):
        field = f"{name}_{'cores' if name.startswith('cpu') else 'bytes'}"
        now, then = getattr(current, field), getattr(wanted, field)
        rows.append(ValueRow(say(f"suggestions.{name}"), text(now), text(then), now != then))
    return tuple(rows)


def _as_agreed(stored: StoredRecommendation) -> Recommendation:
    """Return the advice with the requested saving of the agreed values in its record."""
    advice = stored.recommendation
    if stored.agreed is None or advice.record is None:
        return advice
    savings = replace(advice.record.savings, requested_per_month=stored.agreed_saving_per_month)
    return replace(advice, record=replace(advice.record, savings=savings))


def _agreed_note(stored: StoredRecommendation) -> str:
    """Return what had been advised where the owner agreed to other values, else nothing."""
    if stored.agreed is None:
        return ""
    rows = _values(stored.agreed, stored.recommendation.advised)
    changed = [f"{row.label} {row.advised}" for row in rows if row.is_changed]
    return say("suggestions.agreed_note", advised=", ".join(changed)) if changed else ""


def _wanted_texts(values: ResourceValues) -> tuple[tuple[str, str], ...]:
    """Return the four values as quantities that an owner can edit, by field; unset is empty."""
    found = []
    for name in VALUE_NAMES:
        value = getattr(values, name)
        text = "" if value is None else (format_cpu if name.startswith("cpu") else format_memory)(value)
        found.append((name, text))
    return tuple(found)


def _rail_change(resource: str, before: float, after: float) -> str:
    text = cores if resource == "cpu" else memory
    return change_text(text(before), text(after))


def money_lines(stored: StoredRecommendation) -> tuple[str, ...]:
    """Return the requested saving of the wanted values and, apart from it, the bankable one."""
    advice = stored.recommendation
    is_agreed = stored.agreed is not None
    saving = stored.agreed_saving_per_month if is_agreed else advice.requested_saving_per_month
    currency = advice.currency
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
