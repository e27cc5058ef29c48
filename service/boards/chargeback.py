"""The chargeback board: months, the lines of one as its file has them, and the checks before closing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, LineKind, amount
from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY
from service.boards.coverage import billing_today
from service.boards.currencies import main_currency
from service.boards.figures import BoardHeader, Figure, Mark
from service.boards.formats import Tone, money, percent, ratio_of
from service.boards.headers import build_header, read_final_days
from service.boards.payers import PayerTable, read_payers
from service.boards.texts import say, say_or
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import Check as SumCheck
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import FORMATS
from service.usecases.chargeback_periods import PeriodRow, Preview, list_periods, preview
from service.usecases.statement_lines import WholeMonth
from warehouse.reads.costs import CostReads

_ZERO = Decimal(0)


@dataclass(frozen=True)
class Check:
    """One thing that must hold before a month may be closed; a warning alone does not block."""

    key: str
    label: str
    result: str
    is_passed: bool
    is_blocking: bool = True

    @property
    def tone(self) -> Tone:
        """Good when passed; bad when it blocks."""
        if self.is_passed:
            return Tone.GOOD
        return Tone.BAD if self.is_blocking else Tone.WARNING

    @property
    def sign(self) -> str:
        """A sign that reads without colour."""
        if self.is_passed:
            return "\N{CHECK MARK}"
        return "\N{MULTIPLICATION X}" if self.is_blocking else "!"


@dataclass(frozen=True)
class ChargebackLine:
    """One invoice line, rounded as in the file; amounts of one currency."""

    kind: str
    cluster: str
    team: str
    cost_centre: str
    amount: Decimal
    share: float | None


@dataclass(frozen=True)
class MonthRow:
    """One stored month and currency in the list."""

    month: str
    state: str
    total: Decimal
    currency: str | None
    coverage: str
    assumed: str
    closed: str = ""


@dataclass(frozen=True)
class ChargebackBoard:
    """All that the chargeback board shows. ``downloads`` are texts and addresses of the month's files."""

    header: BoardHeader
    months: tuple[MonthRow, ...]
    month: str | None
    currency: str
    figures: tuple[Figure, ...]
    checks: tuple[Check, ...]
    lines: tuple[ChargebackLine, ...]
    total: Decimal
    downloads: tuple[tuple[str, str], ...]
    payers: PayerTable | None = None


@dataclass(frozen=True)
class MonthFacts:
    """What figures and checks of one month need, in one currency; lines are rounded to coins."""

    month: str
    currency: str
    lines: tuple[ChargeLine, ...]
    assumed: Decimal
    unpriced_container_hours: float
    final_day_count: int
    day_count: int
    sees_all: bool
    revision: int = 0

    @property
    def total(self) -> Decimal:
        """Sum of the lines: the total of the summary file."""
        return sum((amount(line.effective) for line in self.lines), _ZERO)

    def total_of(self, *kinds: LineKind) -> Decimal:
        """Sum of the month's own lines of some kinds."""
        own = (line for line in self.lines if line.correction is None and line.kind in kinds)
        return sum((amount(line.effective) for line in own), _ZERO)

    @property
    def corrections(self) -> Decimal:
        """Sum of the lines that correct earlier months."""
        return sum((amount(line.effective) for line in self.lines if line.correction), _ZERO)


def read_chargeback(runtime: Runtime, principal: Principal, month: str | None = None) -> ChargebackBoard:
    """Return the chargeback board of a month, by default the newest one that is over.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    InputError, NotFound
        If the month is not one, or nothing of it is stored.
    """
    costs = CostReads(runtime.warehouse.lake, runtime.warehouse.pin())
    final, is_simulated = read_final_days(runtime, principal, costs)
    periods = list_periods(runtime, principal)
    today = billing_today(runtime.now(), runtime.settings.zone)
    chosen = month or default_month(sorted({row.period for row in periods}, reverse=True), today)
    title = say("chargeback.title")
    if chosen is None:
        header = build_header(runtime, title, final, is_simulated=is_simulated)
        return ChargebackBoard(header, (), None, "", (), (), (), _ZERO, ())
    whole = WholeMonth.read(runtime, chosen)
    facts = _read_month(runtime, principal, whole, final)
    header = build_header(runtime, title, final, is_simulated=is_simulated, extra=_marks(facts))
    payers = read_payers(runtime, principal, chosen, facts.currency, whole=whole)
    return replace(build_board(header, tuple(month_rows(periods, today)), facts), payers=payers)


def default_month(months: Sequence[str], today: date) -> str | None:
    """Return the newest month that is over, else the newest one, else None; months are newest first."""
    return next((month for month in months if month < f"{today:%Y-%m}"), next(iter(months), None))


def month_rows(periods: Sequence[PeriodRow], today: date) -> list[MonthRow]:
    """Return one row per stored month and currency, newest first."""
    rows = []
    for found in reversed(periods):
        is_clean = (
            found.coverage_ratio == 1 and not found.assumed_ratio and not found.unpriced_container_hours
        )
        state = "running" if found.period >= f"{today:%Y-%m}" else ("ready" if is_clean else "blocked")
        if found.state != "open":
            state = found.state
        rows.append(
            MonthRow(
                month=found.period,
                state=say_or(f"chargeback.state.{state}", state)
                + (f" r{found.revision}" if found.revision else ""),
                total=found.total_cost,
                currency=found.currency,
                coverage=percent(found.coverage_ratio, digits=2),
                assumed=percent(found.assumed_ratio),
                closed=_closed_text(found),
            )
        )
    return rows


def _closed_text(row: PeriodRow) -> str:
    if row.closed_at is None or row.closed_by is None:
        return ""
    return f"{row.closed_by}, {row.closed_at:%Y-%m-%d}, {(row.manifest_sha256 or '')[:12]}"


def count_final_days(month: BillingMonth, final_days: Mapping[date, bool]) -> tuple[int, int]:
    """Return how many days of a month are final, and how many it has."""
    count = (month.last - month.first).days + 1
    days = [month.first + index * DAY for index in range(count)]
    return sum(final_days.get(day, False) for day in days), count


def _read_month(
    runtime: Runtime, principal: Principal, whole: WholeMonth, final_days: Mapping[date, bool]
) -> MonthFacts:
    month = whole.facts.period
    found: Preview = preview(runtime, principal, month, whole=whole)
    currencies = sorted({line.currency for line in found.lines})
    currency = main_currency(currencies, runtime.settings.reporting_currency)
    final, days = count_final_days(whole.facts, final_days)
    if found.revision:  # what stood against closing was settled then
        final = days
    return MonthFacts(
        month=month,
        currency=currency,
        lines=tuple(line for line in found.lines if line.currency == currency),
        assumed=found.assumed.get(currency, _ZERO),
        unpriced_container_hours=found.unpriced_container_hours,
        final_day_count=final,
        day_count=days,
        sees_all=principal.sees_all_teams,
        revision=found.revision,
    )


def _marks(facts: MonthFacts) -> tuple[Mark, ...]:
    marks = []
    if facts.final_day_count < facts.day_count:
        text = say("mark.partial", covered=facts.final_day_count, days=facts.day_count)
        marks.append(Mark("partial", text, Tone.WARNING))
    if facts.assumed:
        text = say("mark.assumed", ratio=percent(ratio_of(facts.assumed, facts.total)))
        marks.append(Mark("assumed", text, Tone.WARNING))
    return tuple(marks)


def build_board(header: BoardHeader, rows: tuple[MonthRow, ...], facts: MonthFacts) -> ChargebackBoard:
    """Word a month."""
    return ChargebackBoard(
        header=header,
        months=rows,
        month=facts.month,
        currency=facts.currency,
        figures=_figures(facts),
        checks=() if facts.revision else build_checks(facts),
        lines=tuple(_line(line, facts.total) for line in facts.lines),
        total=facts.total,
        downloads=download_links(facts.month) if facts.sees_all else (),
    )


def _line(line: ChargeLine, total: Decimal) -> ChargebackLine:
    cost = amount(line.effective)
    kind = say_or(f"chargeback.kind.{line.kind}", str(line.kind))
    return ChargebackLine(
        kind=say("chargeback.kind.correction", invoice=line.restates, kind=kind) if line.correction else kind,
        cluster=line.cluster,
        team=line.team or "",
        cost_centre=line.cost_centre or "",
        amount=cost,
        share=ratio_of(cost, total),
    )


def _figures(facts: MonthFacts) -> tuple[Figure, ...]:
    currency, total = facts.currency, facts.total
    kinds = {
        "direct": (LineKind.TEAM,),
        "unowned": (LineKind.UNOWNED,),
        "idle": (LineKind.IDLE,),
        "overhead": (LineKind.OVERHEAD,),
    }
    whole = Figure(
        "total",
        say("chargeback.total"),
        money(total, currency),
        note=say("chargeback.total_note", lines=f"{len(facts.lines):,}", month=facts.month),
        explanation=say("chargeback.difference_help"),
    )
    parts = (
        Figure(
            name,
            say(f"chargeback.figure.{name}"),
            money(facts.total_of(*wanted), currency),
            note=percent(ratio_of(facts.total_of(*wanted), total)),
        )
        for name, wanted in kinds.items()
    )
    found = [whole, *parts]
    rest = facts.total - facts.corrections - facts.total_of(*(kind for own in kinds.values() for kind in own))
    if any(line.kind not in {kind for own in kinds.values() for kind in own} for line in facts.lines):
        share = percent(ratio_of(rest, total))
        found.append(Figure("shared", say("chargeback.figure.shared"), money(rest, currency), note=share))
    if any(line.correction for line in facts.lines):
        text = money(facts.corrections, currency)
        found.append(Figure("corrections", say("chargeback.figure.corrections"), text))
    return tuple(found)


def build_checks(facts: MonthFacts) -> tuple[Check, ...]:
    """Return what must hold before the month may be closed, apart from `check_sums`."""
    unowned = facts.total_of(LineKind.UNOWNED)
    is_complete = facts.final_day_count == facts.day_count
    is_priced = not facts.assumed and not facts.unpriced_container_hours
    return (
        _check(
            "complete",
            is_complete,
            covered=facts.final_day_count,
            days=facts.day_count,
        ),
        _check(
            "priced",
            is_priced,
            amount=money(facts.assumed, facts.currency),
            hours=f"{facts.unpriced_container_hours:,.0f}",
        ),
        _check("owned", not unowned, is_blocking=False, amount=money(unowned, facts.currency)),
    )


def _check(key: str, is_passed: bool, *, is_blocking: bool = True, **values: object) -> Check:  # noqa: FBT001
    result = say(f"chargeback.check.{key}_{'ok' if is_passed else 'bad'}", **values)
    return Check(key, say(f"chargeback.check.{key}"), result, is_passed, is_blocking)


def verify_sums(runtime: Runtime, principal: Principal, month: str) -> tuple[Check, ...]:
    """Compare the lines of a month with the cost of its nodes, each summed from its own table.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    return (check_sums(verify(runtime, principal, month)),)


def check_sums(sums: Sequence[SumCheck]) -> Check:
    """Return whether lines, daily costs, allocation and the nodes' cost agree to the cent everywhere."""
    wrong = next((one for one in sums if not one.is_equal), None)
    if wrong is not None:
        return _check(
            "adds_up",
            False,  # noqa: FBT003
            cluster=wrong.cluster,
            lines=money(wrong.lines, wrong.currency),
            nodes=money(wrong.node_bill, wrong.currency),
            difference=money(wrong.lines - wrong.node_bill, wrong.currency),
        )
    # where a currency has several clusters, their bills together are a row of their own
    whole = {one.currency for one in sums if one.cluster == ALL_CLUSTERS}
    bills = {
        one.currency: one.node_bill
        for one in sums
        if one.cluster == ALL_CLUSTERS or one.currency not in whole
    }
    shown = ", ".join(money(bill, currency) for currency, bill in sorted(bills.items()))
    return _check("adds_up", True, nodes=shown)  # noqa: FBT003


def download_links(month: str) -> tuple[tuple[str, str], ...]:
    """Return text and address of each file of a month, on the route that asks for the reader's right."""
    return tuple(
        (say(f"chargeback.download_{name}"), f"/v1/chargeback/{month}?format={name}") for name in FORMATS
    )
