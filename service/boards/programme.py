"""The board of the optimisation programme: what it brought, what it could bring, other savings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.initiatives.initiative import SavingLine
from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal
from service.boards.currencies import main_currency
from service.boards.figures import BoardHeader, Figure
from service.boards.formats import headline_money, plural
from service.boards.headers import build_header, read_final_days
from service.boards.leadership_facts import RealisedFacts
from service.boards.programme_initiatives import InitiativeCard, build_card
from service.boards.savings import read_bankable
from service.boards.stages import realised_facts, total_realised
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.initiatives import list_initiatives, read_benefit
from service.usecases.savings_ledger import list_savings
from warehouse.reads.costs import CostReads
from warehouse.reads.suggestions import SuggestionReads


@dataclass(frozen=True)
class LedgerRow:
    """One saving that no node bill shows; its amount is of the whole line."""

    day: str
    category: str
    description: str
    amount: Decimal
    currency: str
    evidence: str
    approver: str
    recorded_by: str
    initiative: str | None


@dataclass(frozen=True)
class ProgrammeBoard:
    """All that the board shows at once; candidates and autoscalers are read apart, they take longer.

    ``initiatives_note`` and ``ledger_note`` say why there is nothing; empty where there is something.
    """

    header: BoardHeader
    figures: tuple[Figure, ...]
    initiatives: tuple[InitiativeCard, ...]
    initiatives_note: str
    ledger: tuple[LedgerRow, ...]
    ledger_note: str
    is_empty: bool


@dataclass(frozen=True)
class SavingSums:
    """Savings per month in one currency, never added to each other; None is not measured.

    ``count`` is how many of ``initiative_count`` initiatives count as realised; ``other`` holds whole amounts
    of the ledger by currency, None for those who may not see it.
    """

    currency: str
    realised: Decimal | None
    count: int
    initiative_count: int
    bankable: Decimal | None
    requested: Decimal | None
    other: dict[str, Decimal] | None
    line_count: int
    sees_nodes: bool


def read_programme(runtime: Runtime, principal: Principal) -> ProgrammeBoard:
    """Return initiatives, savings side by side, and the ledger of other savings.

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    StorageError
        If the warehouse cannot be read.
    """
    pin = runtime.warehouse.pin()
    costs = CostReads(runtime.warehouse.lake, pin)
    final, is_simulated = read_final_days(runtime, principal, costs)
    statuses = list_initiatives(runtime, principal, pin)
    lines = _read_ledger(runtime, principal)
    currencies = costs.currencies(principal, min(final), max(final)) if final else []
    currency = str(main_currency(currencies, runtime.settings.reporting_currency))
    realised = [realised_facts(one.initiative, one.measurement) for one in statuses]
    sums = _read_sums(runtime, principal, currency, realised, lines)
    newest = sorted(statuses, key=lambda one: one.initiative.started_at, reverse=True)
    zone = runtime.settings.zone
    return ProgrammeBoard(
        header=build_header(runtime, say("programme.title"), final, is_simulated=is_simulated),
        figures=build_figures(sums),
        initiatives=tuple(build_card(one, read_benefit(runtime, one), zone) for one in newest),
        initiatives_note=_initiatives_note(principal, len(newest)),
        ledger=build_ledger(lines or ()),
        ledger_note=_ledger_note(lines),
        is_empty=not final and not statuses and not lines,
    )


def _read_ledger(runtime: Runtime, principal: Principal) -> list[SavingLine] | None:
    """Return the lines, None for those who may not see them."""
    try:
        return list_savings(runtime, principal)
    except Forbidden:
        return None


def _initiatives_note(principal: Principal, count: int) -> str:
    if not principal.sees_all_teams:
        return say("programme.initiatives_hidden")
    return "" if count else say("programme.initiatives_none")


def _ledger_note(lines: Sequence[SavingLine] | None) -> str:
    if lines is None:
        return say("programme.ledger_hidden")
    return "" if lines else say("programme.ledger_none")


def _read_sums(
    runtime: Runtime,
    principal: Principal,
    currency: str,
    realised: Sequence[RealisedFacts],
    lines: Sequence[SavingLine] | None,
) -> SavingSums:
    open_savings = SuggestionReads(runtime.warehouse.database).open_savings(principal)
    return SavingSums(
        currency=currency,
        realised=total_realised(realised, currency),
        count=sum(one.amount is not None for one in realised),
        initiative_count=len(realised),
        bankable=read_bankable(runtime, principal, currency),
        requested=next((row.saving for row in open_savings if row.currency == currency), None),
        other=None if lines is None else _sum_by_currency(lines),
        line_count=len(lines or ()),
        sees_nodes=principal.sees_all_teams,
    )


def _sum_by_currency(lines: Sequence[SavingLine]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.amount.currency] = found.get(line.amount.currency, Decimal(0)) + line.amount.amount
    return found


def build_ledger(lines: Sequence[SavingLine]) -> tuple[LedgerRow, ...]:
    """Return the lines of the ledger, newest first."""
    return tuple(
        LedgerRow(
            day=f"{line.day:%Y-%m-%d}",
            category=line.category.value,
            description=line.description,
            amount=line.amount.amount,
            currency=line.amount.currency,
            evidence=line.evidence,
            approver=line.approver,
            recorded_by=line.recorded_by,
            initiative=line.initiative,
        )
        for line in sorted(lines, key=lambda line: line.day, reverse=True)
    )


def build_figures(sums: SavingSums) -> tuple[Figure, ...]:
    """Return realised, bankable, requested and other savings, each by itself."""
    return (_realised(sums), _bankable(sums), _requested(sums), _other(sums))


def _realised(sums: SavingSums) -> Figure:
    is_known = sums.realised is not None
    if not sums.sees_nodes:
        note, detail = say("programme.nodes_of_no_team"), ""
    else:
        note = say("programme.realised_note") if is_known else ""
        detail = say("programme.realised_count", count=sums.count, initiatives=sums.initiative_count)
    value = headline_money(sums.realised, sums.currency) if is_known else say("not_measured")
    return Figure(
        "realised",
        say("programme.realised"),
        value if sums.sees_nodes else say("programme.not_shown"),
        note=note,
        detail=detail if sums.initiative_count else "",
        explanation=say("programme.realised_help"),
    )


def _bankable(sums: SavingSums) -> Figure:
    is_known = sums.bankable is not None
    value = headline_money(sums.bankable, sums.currency) if is_known else say("not_measured")
    note = say("programme.bankable_note") if is_known else ""
    return Figure(
        "bankable",
        say("programme.bankable"),
        value if sums.sees_nodes else say("programme.not_shown"),
        note=note if sums.sees_nodes else say("programme.nodes_of_no_team"),
        explanation=say("programme.bankable_help"),
    )


def _requested(sums: SavingSums) -> Figure:
    is_known = sums.requested is not None
    return Figure(
        "requested",
        say("programme.requested"),
        headline_money(sums.requested, sums.currency) if is_known else say("programme.requested_none"),
        note=say("programme.requested_note") if is_known else "",
        detail=say("programme.requested_detail") if is_known else "",
        explanation=say("programme.requested_help"),
    )


def _other(sums: SavingSums) -> Figure:
    label, explanation = say("programme.other"), say("programme.other_help")
    if sums.other is None:
        note = say("programme.needs_role")
        return Figure("other", label, say("programme.not_shown"), note=note, explanation=explanation)
    if not sums.other:
        return Figure("other", label, say("programme.other_none"), explanation=explanation)
    first = main_currency(sorted(sums.other), sums.currency)
    more = [headline_money(amount, code) for code, amount in sorted(sums.other.items()) if code != first]
    return Figure(
        "other",
        label,
        headline_money(sums.other[first], first),
        note=say("programme.other_note", lines=plural(sums.line_count, "line")),
        detail=say("programme.other_more", amounts=", ".join(more)) if more else "",
        explanation=explanation,
    )
