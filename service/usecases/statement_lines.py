"""The lines of a month: by cause, through the steps of the statement, with cents closed and corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.chargeback.corrections import detail_lines, invoice_lines, table_lines
from models.chargeback.lines import (
    OTHER_KINDS,
    ChargeLine,
    LineKind,
    charge_lines,
    closing_lines,
    round_lines,
    rounding_lines,
    split_unpriced,
    summarise,
    units,
)
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.bill_charges import bill_totals, has_bill
from service.usecases.billing_months import BillingMonth
from service.usecases.closed_months import CORRECTIONS, COSTS, STATEMENT, FrozenMonth, posted_lines
from service.usecases.dispute_lines import dispute_lines
from service.usecases.policies import policy_in_force
from service.usecases.statement_steps import CAUSE_STEPS, run_steps
from warehouse.pins import Pin
from warehouse.reads.charges import ChargeReads

EVERYBODY = Principal("statement", frozenset({Role.FINANCE}))
"""Reads all teams' lines before sharing; what a person sees is filtered afterwards."""

Rows = list[Mapping[str, Any]]


def month_lines(
    runtime: Runtime, principal: Principal, month: BillingMonth, name: str, pin: Pin | None = None
) -> tuple[list[ChargeLine], Rows]:
    """Return the lines of a format, corrections last, and the rows whose cost is not known.

    A closed month is read from its closed files alone.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    """
    principal.visible_teams()
    lines, unpriced = exact_lines(runtime, month, pin, is_by_workload=name != "summary")
    corrections = correction_lines(runtime, EVERYBODY, month)
    close = in_whole_coins if name == "summary" else with_cents
    return visible(close(lines, corrections), principal), _visible_rows(unpriced, principal)


def in_whole_coins(own: Sequence[ChargeLine], corrections: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return a line per payer, rounded so that each cluster adds up to its bill; of all teams' lines."""
    payers = summarise(own)
    return [*round_lines(payers), *closing_lines(payers), *invoice_lines(corrections)]


def with_cents(own: Sequence[ChargeLine], corrections: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return exact lines with the lines that close their cents, and corrections with theirs."""
    return [*own, *rounding_lines(own), *closing_lines(own), *detail_lines(corrections)]


def exact_lines(
    runtime: Runtime, month: BillingMonth, pin: Pin | None = None, *, is_by_workload: bool = True
) -> tuple[list[ChargeLine], Rows]:
    """Return a month's own lines of all teams after every step, not rounded, and rows without a cost.

    Parameters
    ----------
    runtime : Runtime
    month : BillingMonth
    pin : Pin or None
        Versions of the lake to read an open month from.
    is_by_workload : bool
        Whether lines name workloads; without, there are fewer of them and they add up to the same.
    """
    if month.frozen is not None:
        return charged_lines(month.frozen), []
    reads = ChargeReads(runtime.warehouse.lake, pin)
    span = (EVERYBODY, month.first, month.last)
    lines: list[ChargeLine] = []
    unpriced: Rows = []
    for batch in reads.row_batches(*span) if is_by_workload else (reads.payer_days(*span),):
        priced, others = split_unpriced(batch)
        lines += charge_lines(priced)
        unpriced += others
    return run_steps(runtime, EVERYBODY, month, lines), unpriced


@dataclass(frozen=True)
class WholeMonth:
    """A month as everybody's lines have it, read once for all that shows it.

    Parameters
    ----------
    facts : BillingMonth
    exact : sequence of ChargeLine
        Own lines after every step, without workloads while the month is open.
    coins : sequence of ChargeLine
        A line per payer in whole coins, corrections last.
    unpriced : list of mapping
        Rows whose cost is not known.
    """

    facts: BillingMonth
    exact: Sequence[ChargeLine]
    coins: Sequence[ChargeLine]
    unpriced: Rows

    @classmethod
    def read(cls, runtime: Runtime, month: str) -> WholeMonth:
        """Return a month.

        Raises
        ------
        InputError
            If the text is not a month.
        """
        facts = BillingMonth.read(runtime, month)
        exact, unpriced = exact_lines(runtime, facts, is_by_workload=False)
        coins = in_whole_coins(exact, correction_lines(runtime, EVERYBODY, facts))
        return cls(facts, exact, coins, unpriced)

    def seen_by(self, principal: Principal) -> tuple[list[ChargeLine], Rows]:
        """Return the lines in coins and the rows without a cost that a principal may see.

        Raises
        ------
        Forbidden
            If the principal may read no costs at all.
        """
        return visible(self.coins, principal), _visible_rows(self.unpriced, principal)


def month_totals(runtime: Runtime, principal: Principal, month: BillingMonth) -> dict[str, int]:
    """Return what a principal sees of an open month's cost after every step, per currency, in nano-units.

    Policies move cost between payers and change no total, so they run only for those who see some teams.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    """
    sums: dict[str, int] = {}
    if principal.sees_all_teams:
        rows = ChargeReads(runtime.warehouse.lake).day_totals(month.first, month.last)
        days = [_day_line(row) for row in rows]
        sums = bill_totals(runtime, month, days)
        lines = [*days, *dispute_lines(runtime.warehouse.disputes.posted_in(month.period))]
    else:
        lines = visible(exact_lines(runtime, month, is_by_workload=False)[0], principal)
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.effective
    return sums


def _day_line(row: Mapping[str, Any]) -> ChargeLine:
    """Return the cost of a cluster's day as one line: enough for sums, for nothing else."""
    total = units(row["total_cost"])
    place = (row["cluster"], row["currency"])
    return ChargeLine(LineKind.TEAM, *place, total, total, total, day=row["billing_date"])


def cause_lines(runtime: Runtime, month: BillingMonth) -> list[ChargeLine]:
    """Return a month's own exact lines before any sharing, of all teams, without workloads.

    They add up to the same as `exact_lines`, cluster by cluster.
    """
    if month.frozen is not None:
        others = [line for line in charged_lines(month.frozen) if line.kind in OTHER_KINDS]
        return [*charge_lines(month.frozen.table(COSTS).to_pylist()), *others]
    rows = ChargeReads(runtime.warehouse.lake).payer_days(EVERYBODY, month.first, month.last)
    lines = charge_lines(split_unpriced(rows)[0])
    return run_steps(runtime, EVERYBODY, month, lines, CAUSE_STEPS)


def moves_cost(runtime: Runtime, month: BillingMonth) -> bool:
    """Whether the steps change anything of an open month: a bill, a policy or a dispute."""
    has_policy = not policy_in_force(runtime, month.period).policy.moves_nothing
    return has_policy or has_bill(runtime, month) or bool(runtime.warehouse.disputes.posted_in(month.period))


def charged_lines(frozen: FrozenMonth) -> list[ChargeLine]:
    """Return a close's exact lines; if it was made before statements were frozen, its lines by cause."""
    if frozen.has(STATEMENT):
        return table_lines(frozen.table(STATEMENT))
    return charge_lines(frozen.table(COSTS).to_pylist())


def correction_lines(runtime: Runtime, principal: Principal, month: BillingMonth) -> list[ChargeLine]:
    """Return the exact lines of earlier months' corrections that a month takes, as far as visible."""
    lines = (
        table_lines(month.frozen.table(CORRECTIONS))
        if month.frozen is not None
        else posted_lines(runtime, month.period)
    )
    return visible(lines, principal)


def visible(lines: Sequence[ChargeLine], principal: Principal) -> list[ChargeLine]:
    """Return the lines that a principal may see.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    """
    teams = principal.visible_teams()
    return [line for line in lines if teams is None or line.team in teams]


def _visible_rows(rows: Rows, principal: Principal) -> Rows:
    teams = principal.visible_teams()
    return [row for row in rows if teams is None or row["team"] in teams]
