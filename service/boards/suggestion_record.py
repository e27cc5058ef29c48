"""What a suggestion rests on, in words: what others would set, its own past, savings, the way back."""

from __future__ import annotations

from dataclasses import dataclass

from models.vocabulary.recommendation import (
    ExplanationRecord,
    PastRisk,
    Recommendation,
    ResourceValues,
    StatedSavings,
)
from service.boards.formats import NOT_KNOWN, cores, memory, money, percent
from service.boards.texts import say, say_or


@dataclass(frozen=True)
class QuoteRow:
    """Requests that one system would set for the container."""

    system: str
    rule: str
    cpu: str
    memory: str
    is_ours: bool


@dataclass(frozen=True)
class RecordView:
    """The record of a suggestion as a board shows it.

    Parameters
    ----------
    sentence : str
        Everything in one plain sentence.
    quotes : tuple of QuoteRow
        Now, advised, then what other systems' rules say for the same past.
    past_risk : str
        The rule replayed on the container's own days.
    savings : tuple of (name, text)
        Requested, bankable, realised: beside each other, never added.
    goes_with : tuple of (name, text)
        Autoscaler, replicas, runtime settings and other things to know.
    way_back : str
        How the change is taken back.
    """

    sentence: str
    quotes: tuple[QuoteRow, ...]
    past_risk: str
    savings: tuple[tuple[str, str], ...]
    goes_with: tuple[tuple[str, str], ...]
    way_back: str


def word_record(advice: Recommendation) -> RecordView | None:
    """Return the record in words; None for a suggestion stored without one."""
    record = advice.record
    if record is None:
        return None
    return RecordView(
        sentence=record.sentence,
        quotes=_quotes(advice, record),
        past_risk=_word_past(record.past_risk),
        savings=_word_savings(record.savings),
        goes_with=_goes_with(advice, record),
        way_back=record.rollback.runbook,
    )


def _quotes(advice: Recommendation, record: ExplanationRecord) -> tuple[QuoteRow, ...]:
    now, then = advice.current, advice.advised
    ours = (_own_row("suggestions.now", "", now), _own_row("suggestions.advised", advice.statistic, then))
    rivals = tuple(
        QuoteRow(
            say_or(f"rival.{quote.policy}", quote.policy),
            quote.rule,
            NOT_KNOWN if quote.cpu_request_cores is None else cores(quote.cpu_request_cores),
            NOT_KNOWN if quote.memory_request_bytes is None else memory(quote.memory_request_bytes),
            is_ours=False,
        )
        for quote in record.rivals
    )
    return ours + rivals


def _own_row(name: str, rule: str, values: ResourceValues) -> QuoteRow:
    cpu, size = cores(values.cpu_request_cores), memory(values.memory_request_bytes)
    return QuoteRow(say(name), rule, cpu, size, is_ours=True)


def _word_past(past: PastRisk | None) -> str:
    if past is None or past.day_count == 0:
        return say("suggestions.past_unknown")
    return say(
        "suggestions.past",
        days=f"{past.day_count:,}",
        cpu_seen=percent(past.seen_cpu_over_request_ratio, digits=2),
        cpu_stated=percent(past.stated_cpu_over_request_ratio, digits=2),
        memory_seen=percent(past.seen_memory_over_day_ratio, digits=2),
        memory_stated=percent(past.stated_memory_over_day_ratio, digits=2),
    )


def _word_savings(savings: StatedSavings) -> tuple[tuple[str, str], ...]:
    amount, currency = savings.requested_per_month, savings.currency
    if amount is None or currency is None:
        requested = savings.unpriced_because or say("suggestions.saving_unpriced")
    elif amount < 0:
        requested = say("suggestions.requested_costs", amount=money(-amount, currency))
    else:
        requested = say("suggestions.requested_saves", amount=money(amount, currency))
    return (
        (say("suggestions.requested"), requested),
        (say("suggestions.bankable"), savings.bankable),
        (say("suggestions.realised"), savings.realised),
    )


def _goes_with(advice: Recommendation, record: ExplanationRecord) -> tuple[tuple[str, str], ...]:
    found = []
    if advice.hpa is not None:
        found.append((say("suggestions.autoscaler"), advice.hpa.reason))
    if advice.replicas is not None:
        found.append((say("suggestions.replicas"), advice.replicas.sentence))
    if record.runtime is not None:
        found.append((record.runtime.runtime, record.runtime.sentence))
    found += [(say("suggestions.know"), note) for note in record.notes]
    return tuple(found)
