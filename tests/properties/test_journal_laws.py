"""Journals balance, conversions add up, accruals cancel: whatever the charges are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from support.books import MONTH, charge, mapping

from models.chargeback.lines import ChargeLine, LineKind, amount
from models.exchange.convert import convert_lines, convert_summary, round_to_coins
from models.exchange.rates import DatedRate, MonthRates, RateRule
from models.journal.accrual import accrued, spread
from models.journal.booking import book_all
from models.journal.entries import (
    Side,
    Statement,
    accrual_lines,
    balances,
    charged_totals,
    journal_lines,
    showback_totals,
)
from models.vocabulary.money import minor_digits

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 3)
CURRENCIES = ("USD", "CNY", "JPY")
KINDS = (
    LineKind.TEAM,
    LineKind.IDLE,
    LineKind.OVERHEAD,
    LineKind.TAX,
    LineKind.DISPUTE,
    LineKind.ROUNDING,
)


@st.composite
def coins(draw: st.DrawFn) -> ChargeLine:
    """Return an invoice line in whole coins, of either sign."""
    currency = draw(st.sampled_from(CURRENCIES))
    count = draw(st.integers(-10_000_000, 10_000_000))
    kind = draw(st.sampled_from(KINDS))
    owners = (None,) if kind is LineKind.ROUNDING else (None, "4711", "4712", "9000")
    text = str(Decimal(count).scaleb(-minor_digits(currency)))
    cluster = draw(st.sampled_from(("c1", "prod-1", "(all clusters)")))
    return charge(text, draw(st.sampled_from(owners)), kind, currency=currency, cluster=cluster)


@st.composite
def rates(draw: st.DrawFn) -> MonthRates:
    """Return rates of every currency to the euro, one for the month or one per day."""
    value = st.decimals(Decimal("0.0001"), Decimal(200), places=4)

    def dated(day: date) -> DatedRate:
        return DatedRate(draw(value), day, "ECB")

    rule = draw(st.sampled_from(RateRule))
    closing = {currency: dated(LAST) for currency in CURRENCIES}
    daily = {}
    if rule is RateRule.DAILY:
        days = [FIRST, date(2026, 10, 2), LAST]
        daily = {(currency, day): dated(day) for currency in CURRENCIES for day in days}
    return MonthRates("EUR", rule, FIRST, LAST, closing, daily)


@given(st.lists(coins(), max_size=25), rates())
def test_every_document_balances_and_journal_plus_showback_is_the_statement(
    lines: list[ChargeLine], found: MonthRates
) -> None:
    bookings = book_all(lines, mapping(), MONTH, {"prod-1": "aws"})
    converted = convert_lines(lines, found, 2)
    journal = journal_lines(bookings, converted, Statement(MONTH, "r1", mapping()))
    assert all(one.is_balanced for one in balances(journal))
    assert all(line.amount > 0 for line in journal)
    charged, shown = charged_totals(journal), showback_totals(bookings)
    for currency in CURRENCIES:
        statement = sum(line.effective for line in lines if line.currency == currency)
        only_shown = sum(total for (_, _, code), total in shown.items() if code == currency)
        assert charged.get(currency, 0) + only_shown == statement


@given(st.lists(coins(), max_size=25), rates())
def test_the_journal_does_not_depend_on_the_order_of_the_statement(
    lines: list[ChargeLine], found: MonthRates
) -> None:
    statement = Statement(MONTH, "r1", mapping())

    def journal(ordered: list[ChargeLine]) -> list[tuple[str, str, str, str, int]]:
        bookings = book_all(ordered, mapping(), MONTH, {})
        made = journal_lines(bookings, convert_lines(ordered, found, 2), statement)
        return sorted(
            (line.document_reference, line.account, line.side, line.source_kind, line.amount) for line in made
        )

    assert journal(lines) == journal(lines[::-1])


@given(st.lists(coins(), max_size=25), rates())
def test_an_accrual_with_its_reversal_is_nothing_per_account(
    lines: list[ChargeLine], found: MonthRates
) -> None:
    own, following = Statement(MONTH, "DRAFT", mapping()), Statement("2026-11", "DRAFT", mapping())
    bookings = book_all(lines, mapping(), MONTH, {})
    made = accrual_lines(bookings, convert_lines(lines, found, 2), own, following)
    assert all(one.is_balanced for one in balances(made))
    sums: dict[tuple[str, str, str, str | None], list[int]] = {}
    for line in made:
        sign = 1 if line.side is Side.DEBIT else -1
        known = sums.setdefault((line.entity, line.account, line.currency, line.cost_centre), [0, 0])
        known[0] += sign * line.amount
        known[1] += sign * (line.reporting_amount or 0)
    assert all(total == [0, 0] for total in sums.values())


@given(
    st.lists(
        st.tuples(st.integers(-(10**13), 10**13), st.sampled_from((None, FIRST, LAST, date(2026, 9, 1)))),
        max_size=30,
    ),
    rates(),
)
def test_converted_lines_add_up_to_the_converted_total_in_whole_cents(
    amounts: list[tuple[int, date | None]], found: MonthRates
) -> None:
    lines = [charge(str(amount(nano)), day=day) for nano, day in amounts]
    converted = [one.units for one in convert_lines(lines, found) if one is not None]
    exact = Fraction(0)
    for line in lines:
        rate = found.at(line.currency, line.day)
        assert rate is not None
        exact += line.effective * Fraction(rate.rate)
    cent = 10_000_000
    assert sum(converted) == round(exact / cent) * cent
    payers = [charge(str(amount(sum(nano for nano, _ in amounts))))] if amounts else []
    if found.rule is RateRule.DAILY and payers:
        (whole,) = convert_summary(payers, lines, found)
        assert whole is not None
        assert whole.units == sum(converted)


@given(
    st.lists(st.integers(-(10**16), 10**16), min_size=1, max_size=20),
    st.sampled_from((1, 10, 10**4)),
    st.data(),
)
def test_each_rounded_part_but_one_is_within_a_unit(
    parts: list[int], scale: int, data: st.DataObject
) -> None:
    closing = data.draw(st.integers(0, len(parts) - 1))
    rounded = round_to_coins((parts, scale), 9, 2, closing)
    assert sum(rounded) == round(Fraction(sum(parts), scale * 10**7)) * 10**7
    for index, (part, units) in enumerate(zip(parts, rounded, strict=True)):
        assert abs(units - Fraction(part, scale)) <= (1 if index != closing else 10**7)


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_an_estimate_is_shared_exactly_and_never_by_a_credit(estimated: int, costs: list[int]) -> None:
    payers = [charge(str(amount(cost))) for cost in costs]
    parts = spread(estimated, payers)
    assert sum(parts) == estimated
    if any(cost > 0 for cost in costs):
        assert all(part == 0 for part, cost in zip(parts, costs, strict=True) if cost <= 0)
    assert sum(line.effective for line in accrued(payers, parts)) == estimated + sum(costs)
