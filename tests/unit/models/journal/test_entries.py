"""A journal checked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from support.books import MONTH, charge, mapping, month_end_rates

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, LineKind, amount
from models.exchange.convert import convert_lines
from models.exchange.rates import MonthRates
from models.journal.booking import book_all, find_gaps
from models.journal.entries import (
    JournalLine,
    Side,
    Statement,
    accrual_lines,
    balances,
    charged_totals,
    journal_lines,
    showback_totals,
)
from models.journal.mapping import JournalMapping


def journal(
    lines: Sequence[ChargeLine], rates: MonthRates | None = None, used: JournalMapping | None = None
) -> list[JournalLine]:
    chosen = used or mapping()
    bookings = book_all(lines, chosen, MONTH, {})
    return journal_lines(
        bookings, convert_lines(lines, rates or MonthRates(), 2), Statement(MONTH, "r1", chosen)
    )


def shown(line: JournalLine) -> tuple[str, str, str, Decimal]:
    return line.entity, line.account, line.side.value, amount(line.amount)


def test_a_charge_between_entities_balances_in_both() -> None:
    """DE01 owes HQ 100: 6500 to 2500 in DE01, 1500 to 1800 in HQ."""
    found = journal([charge("100.00")])
    assert [shown(line) for line in found] == [
        ("DE01", "6500", "debit", Decimal(100)),
        ("DE01", "2500", "credit", Decimal(100)),
        ("HQ", "1500", "debit", Decimal(100)),
        ("HQ", "1800", "credit", Decimal(100)),
    ]
    assert [line.document_reference for line in found] == [
        *["MC-2026-10-DE01-USD-r1"] * 2,
        *["MC-2026-10-HQ-USD-r1"] * 2,
    ]
    assert {line.posting_period for line in found} == {"FY2027-P07"}
    assert (found[0].project, found[0].cost_centre, found[0].source_kind) == ("P1", "4711", "team")
    assert (found[1].partner_entity, found[2].partner_entity) == ("HQ", "DE01")


def test_a_charge_within_an_entity_goes_straight_to_clearing() -> None:
    found = journal([charge("7.00", None, LineKind.IDLE), charge("3.00", None, LineKind.OVERHEAD)])
    assert [shown(line) for line in found] == [
        ("HQ", "6510", "debit", Decimal(7)),
        ("HQ", "6510", "debit", Decimal(3)),
        ("HQ", "1800", "credit", Decimal(10)),
    ]


def test_a_credit_swaps_sides() -> None:
    found = journal([charge("-4.00", "9000"), charge("10.00", "9000")])
    assert [shown(line) for line in found] == [
        ("HQ", "6510", "credit", Decimal(4)),
        ("HQ", "6510", "debit", Decimal(10)),
        ("HQ", "1800", "credit", Decimal(10)),
        ("HQ", "1800", "debit", Decimal(4)),
    ]
    assert charged_totals(found) == {"USD": 6_000_000_000}


def test_showback_is_listed_and_never_booked() -> None:
    lines = [charge("100.00"), charge("30.00", "4712")]
    bookings = book_all(lines, mapping(), MONTH, {})
    assert {line.cost_centre for line in journal(lines)} == {"4711", None}
    assert showback_totals(bookings) == {("DE02", "4712", "USD"): 30_000_000_000}
    november = book_all(lines, mapping(), "2026-11", {})
    assert showback_totals(november) == {}


def test_a_kind_with_an_account_of_its_own_keeps_the_cost_centre() -> None:
    found = journal([charge("19.00", "4711", LineKind.TAX)])[0]
    assert (found.account, found.cost_centre, found.entity) == ("6600", "4711", "DE01")


def test_cents_of_all_clusters_go_to_the_rounding_account() -> None:
    found = journal([charge("-0.01", None, LineKind.ROUNDING, cluster=ALL_CLUSTERS)])
    assert [shown(line) for line in found] == [
        ("HQ", "6999", "credit", Decimal("0.01")),
        ("HQ", "1800", "debit", Decimal("0.01")),
    ]


def test_a_correction_names_the_invoice_that_it_restates() -> None:
    late = replace(charge("5.00"), correction="2026-09-r1-c1", restates="2026-09-r1")
    found = journal([late])[0]
    assert (found.restates, found.text) == (
        "2026-09-r1",
        "Correction of 2026-09-r1: Kubernetes 2026-10 c1 team",
    )


def test_currencies_are_documents_of_their_own() -> None:
    found = journal([charge("1.00", "9000"), charge("2.00", "9000", currency="CNY")])
    assert [(one.document_reference, one.currency) for one in balances(found)] == [
        ("MC-2026-10-HQ-CNY-r1", "CNY"),
        ("MC-2026-10-HQ-USD-r1", "USD"),
    ]
    assert charged_totals(found) == {"CNY": 2_000_000_000, "USD": 1_000_000_000}


def test_the_reporting_currency_balances_too() -> None:
    """Three lines of 0.05 x 0.9 are 0.14 together; the clearing line carries the same 0.14."""
    found = journal([charge("0.05", "9000", cluster=name) for name in ("a", "b", "c")], month_end_rates())
    assert [amount(line.reporting_amount or 0) for line in found] == [
        Decimal("0.05"),
        Decimal("0.05"),
        Decimal("0.04"),
        Decimal("0.14"),
    ]
    assert {(line.rate, line.reporting_currency) for line in found} == {(Decimal("0.9"), "EUR")}


def test_an_accrual_and_its_reversal_are_nothing_together() -> None:
    lines = [charge("100.00"), charge("-4.00", "9000")]
    chosen = mapping()
    found = accrual_lines(
        book_all(lines, chosen, MONTH, {}),
        convert_lines(lines, month_end_rates(), 2),
        Statement(MONTH, "DRAFT", chosen),
        Statement("2026-11", "DRAFT", chosen),
    )
    assert [(*shown(line), line.posting_period) for line in found[:4]] == [
        ("DE01", "6500", "debit", Decimal(100), "FY2027-P07"),
        ("DE01", "3990", "credit", Decimal(100), "FY2027-P07"),
        ("HQ", "6510", "credit", Decimal(4), "FY2027-P07"),
        ("HQ", "3990", "debit", Decimal(4), "FY2027-P07"),
    ]
    assert [(line.side, line.posting_period) for line in found[4:6]] == [
        (Side.CREDIT, "FY2027-P08"),
        (Side.DEBIT, "FY2027-P08"),
    ]
    assert found[4].document_reference == "MC-2026-10-DE01-USD-DRAFT-ACCRUAL-REV"
    assert found[4].reversal_of == found[0].document_reference == "MC-2026-10-DE01-USD-DRAFT-ACCRUAL"
    assert charged_totals(found) == {"USD": 0}


def test_every_gap_is_named_with_its_money_and_remedy() -> None:
    lines = [
        charge("1.00", "1234"),
        charge("2.00", "1234"),
        charge("3.00", None, LineKind.SUPPORT),
        charge("4.00", None),
    ]
    bare = mapping(kinds=[], intercompany=[])
    assert find_gaps([*lines, charge("5.00")], bare, MONTH, {}) == [
        "DE01 owes HQ, but no row of intercompany is between them (5.00 USD)",
        "cost centre 1234 is not mapped for 2026-10: add a row to cost_centres (3.00 USD)",
        "cost of kind support has no cost centre: add cost_centre to a row of kinds (3.00 USD)",
        "team red has no cost centre: give the team one in the ownership rules (4.00 USD)",
    ]
    only_aws = mapping(providers=[{"cluster": "*", "provider": "aws", "entity": "HQ", "account": "1"}])
    assert find_gaps([charge("5.00")], only_aws, MONTH, {"c1": "azure"}) == [
        "cluster c1 has no clearing account: add a row to providers (5.00 USD)"
    ]
    assert find_gaps([charge("5.00")], only_aws, MONTH, {"c1": "aws"}) == []
