"""Optimisation stages before and after, and what needs attention, on the cost board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from service.boards.comparisons import compare_costs
from service.boards.formats import (
    NOT_KNOWN,
    Tone,
    date_span,
    duration,
    headline_money,
    money,
    percent,
    ratio_of,
)
from service.boards.freshness import Freshness, freshness_of
from service.boards.leadership_facts import Footprint, LeadershipFacts, RealisedFacts, StageFacts
from service.boards.leadership_teams import build_teams
from service.boards.leadership_views import total_costs
from service.boards.texts import say

_ZERO = Decimal(0)
_GROWTH_WORTH_A_LINE = 0.20
_SHARE_WORTH_A_LINE = 0.02
_IDLE_WORTH_A_LINE = 0.25
_UNOWNED_WORTH_A_LINE = 0.10
_ATTENTION_LINES = 3


@dataclass(frozen=True)
class StageRow:
    """One optimisation stage before and after, in words."""

    name: str
    when: str
    nodes: str
    cpu: str
    memory: str
    cost: str
    cost_change: str
    cost_tone: Tone
    state: str
    note: str


@dataclass(frozen=True)
class AttentionLine:
    """One thing that needs a decision."""

    key: str
    text: str
    tone: Tone


def build_stages(facts: LeadershipFacts) -> tuple[StageRow, ...]:
    """Return each optimisation stage with its size and daily cost before and after."""
    return tuple(_stage_row(stage, facts.currency) for stage in facts.stages)


def _stage_row(stage: StageFacts, currency: str) -> StageRow:
    before, after = stage.before, stage.after
    change_text, tone = "", Tone.NEUTRAL
    if before and after and before.cost_per_day is not None and after.cost_per_day is not None:
        change = compare_costs(after.cost_per_day, before.cost_per_day, 1, 1)
        change_text, tone = change.text(currency), change.tone
    when = f"{stage.first:%d %b %Y}" if stage.last is None else date_span(stage.first, stage.last)
    state = realised_text(stage.realised)
    note = ""
    if before is None:
        note = say("stage.no_before")
    elif stage.after_text:
        note = say("leadership.stages_note", before=stage.before_text, after=stage.after_text)
    return StageRow(
        name=stage.name,
        when=when,
        nodes=_pair(before, after, lambda size: _number(size.node_count_mean)),
        cpu=_pair(before, after, lambda size: _number(size.cpu_cores_mean)),
        memory=_pair(before, after, lambda size: _number(size.memory_bytes_mean, per=2.0**30)),
        cost=_pair(before, after, lambda size: money(size.cost_per_day, "", digits=2).strip()),
        cost_change=change_text,
        cost_tone=tone,
        state=state,
        note=note,
    )


def realised_text(found: RealisedFacts | None) -> str:
    """Return what a stage really saved with its interval and target, or why that is not known, in words."""
    if found is None:
        return say("not_measured")
    code = found.currency or ""
    target = "" if found.target is None else say("stage.target", target=money(found.target, code, digits=0))
    if found.amount is None or found.lower_80 is None or found.upper_80 is None:
        return say("stage.not_measurable", reason=found.reason, target=target)
    text = say(
        "stage.realised",
        amount=money(found.amount, code, digits=0),
        lower=money(found.lower_80, code, digits=0).removesuffix(f" {code}"),
        upper=money(found.upper_80, code, digits=0),
        target=target,
    )
    return f"{text}; {found.reason}" if found.reason else text


def _pair(before: Footprint | None, after: Footprint | None, value: Callable[[Footprint], str]) -> str:
    return say(
        "stage.pair",
        before=NOT_KNOWN if before is None else value(before),
        after=NOT_KNOWN if after is None else value(after),
    )


def _number(value: float | None, *, per: float = 1.0) -> str:
    return NOT_KNOWN if value is None else f"{value / per:,.1f}"


def build_attention(facts: LeadershipFacts) -> tuple[AttentionLine, ...]:
    """Return at most three lines, the most pressing first."""
    return tuple(_attention(facts))[:_ATTENTION_LINES]


def _attention(facts: LeadershipFacts) -> Iterator[AttentionLine]:
    totals, currency = total_costs(facts.owners), facts.currency
    if facts.age is not None and freshness_of(facts.age) is Freshness.RED:
        yield AttentionLine("stale", say("attention.stale", age=duration(facts.age)), Tone.BAD)
    if facts.forecast is not None and facts.budget_of_month is not None:
        over = facts.forecast.value - facts.budget_of_month
        if over > 0:
            text = say("attention.over_budget", amount=headline_money(over, currency))
            yield AttentionLine("over_budget", text, Tone.BAD)
    yield from _anomalies(facts)
    shown = facts.period.shown
    missing = 0 if shown is None else shown.day_count - len(facts.period.covered)
    if missing:
        yield AttentionLine("missing_days", say("attention.missing_days", count=missing), Tone.WARNING)
    if totals.unpriced_row_count:
        text = say("attention.unpriced", count=f"{totals.unpriced_row_count:,}")
        yield AttentionLine("unpriced", text, Tone.BAD)
    if totals.assumed:
        text = say("attention.assumed", amount=headline_money(totals.assumed, currency))
        yield AttentionLine("assumed", text, Tone.WARNING)
    yield from _growing_teams(facts)
    yield from _large_shares(facts)


def _anomalies(facts: LeadershipFacts) -> Iterator[AttentionLine]:
    """Name the dearest anomaly; drops are told on the board of changes only."""
    for one in facts.anomalies[:1]:
        if one.money_at_risk > 0:
            payer = one.scope if one.scope_kind == "team" else say(f"attention.payer.{one.scope_kind}")
            amount = headline_money(one.money_at_risk, one.currency)
            text = say("attention.anomaly", payer=payer, day=f"{one.first_day:%-d %b}", amount=amount)
            yield AttentionLine("anomaly", text, Tone.WARNING)


def _growing_teams(facts: LeadershipFacts) -> Iterator[AttentionLine]:
    rows = [row for row in build_teams(facts) if row.kind == "team" and row.change is not None]
    for row in sorted(rows, key=lambda row: -(row.change or _ZERO)):
        grew = row.change_ratio is not None and row.change_ratio > _GROWTH_WORTH_A_LINE
        if grew and row.change is not None and (row.share or 0) > _SHARE_WORTH_A_LINE:
            amount = headline_money(row.change, facts.currency)
            text = say("attention.growth", team=row.label, amount=amount, ratio=percent(row.change_ratio))
            yield AttentionLine("growth", text, Tone.WARNING)


def _large_shares(facts: LeadershipFacts) -> Iterator[AttentionLine]:
    totals, currency = total_costs(facts.owners), facts.currency
    unowned = ratio_of(totals.unowned, totals.workload)
    if unowned is not None and unowned > _UNOWNED_WORTH_A_LINE:
        amount = headline_money(totals.unowned, currency)
        text = say("attention.unowned", amount=amount, ratio=percent(unowned))
        yield AttentionLine("unowned", text, Tone.WARNING)
    idle = ratio_of(totals.causes["idle"], totals.total)
    if idle is not None and idle > _IDLE_WORTH_A_LINE:
        amount = headline_money(totals.causes["idle"], currency)
        yield AttentionLine("idle", say("attention.idle", ratio=percent(idle), amount=amount), Tone.WARNING)
