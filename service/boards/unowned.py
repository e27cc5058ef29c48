"""Cost without an owner on the data health board: how much, which workloads, who it may be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.identity import Principal
from service.boards.coverage import billing_today
from service.boards.formats import Tone, money, percent
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.unowned import UnownedSpend, unowned_spend

_MOST_ROWS = 50


@dataclass(frozen=True)
class OffenderRow:
    """One workload whose owner no rule and no label names; ``cost`` is None where no price is known."""

    cluster: str
    workload: str
    cost: Decimal | None
    currency: str
    share: float | None
    since: str
    candidates: str


@dataclass(frozen=True)
class UnownedCard:
    """What stands on the card: a sentence per currency and the dearest workloads."""

    sentences: tuple[tuple[str, Tone], ...]
    rows: tuple[OffenderRow, ...]


def read_unowned(runtime: Runtime, principal: Principal) -> UnownedCard:
    """Return the cost of the running month that has no owner, or only a guessed one.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    """
    month = f"{billing_today(runtime.now(), runtime.settings.zone):%Y-%m}"
    return word_unowned(unowned_spend(runtime, principal, month))


def word_unowned(found: UnownedSpend) -> UnownedCard:
    """Word a month's unowned spend."""
    sentences = tuple(
        (
            say(
                "unowned.sentence",
                month=found.month,
                unowned=money(total.unowned_cost, total.currency),
                guessed=money(total.guessed_cost, total.currency),
                ratio=percent(total.unowned_ratio),
            ),
            Tone.WARNING if total.is_alarming else Tone.NEUTRAL,
        )
        for total in found.totals
    )
    rows = tuple(
        OffenderRow(
            one.cluster,
            f"{one.namespace}/{one.workload_kind}/{one.workload_name}",
            one.cost,
            one.currency or "",
            one.share_ratio,
            "" if one.since is None else f"{one.since:%-d %b %Y}",
            ", ".join(candidate.team for candidate in one.candidates),
        )
        for one in found.workloads[:_MOST_ROWS]
    )
    return UnownedCard(sentences, rows)
