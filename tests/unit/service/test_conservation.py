"""The identities of a month: what makes a check equal, and what names the place where it is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from support.charge_lines import line

from service.cli.check_rows import CHECK_COLUMNS, check_row, say_wrong
from service.usecases.chargeback_check import Check
from service.usecases.conservation import CauseTerms, HourProof, PayerTerms, Proof, payer_terms

D = Decimal
HOURS = HourProof(744, 1488, 0, D(0), None)
CAUSES = CauseTerms(used=D(50), unused_request=D(20), idle=D(25), overhead=D(5), oversell_gain=D(9))
PROOF = Proof(HOURS, CAUSES, {"node": D(90), "volume": D(10)})
PAYERS = PayerTerms(direct=D(70), idle_share=D(25), overhead_left=D(5), other_items=D(12))
GOOD = Check("c", "USD", D(100), D(100), D(100), D(115), D(3), D(12), PROOF, PAYERS)


def test_a_month_is_equal_when_every_identity_holds():
    assert GOOD.is_equal
    assert GOOD.parts == (D(100), D(100), D(100), D(100))
    assert CAUSES.total == PAYERS.total == D(100)  # gains and bill items are in neither


def test_each_broken_identity_alone_makes_it_unequal():
    broken = {
        "hours": replace(GOOD, proof=replace(PROOF, hours=replace(HOURS, hours_unequal=1))),
        "causes": replace(GOOD, proof=replace(PROOF, causes=replace(CAUSES, idle=D("25.02")))),
        "kinds": replace(GOOD, proof=replace(PROOF, bill={"node": D(90)})),
        "payers": replace(GOOD, payers=replace(PAYERS, shared_out=D("-0.02"))),
        "lines": replace(GOOD, lines=D("115.01")),
        "daily costs": replace(GOOD, daily_costs=D("99.98")),
        "bill items": replace(GOOD, other_items=D(0)),
    }
    assert [name for name, check in broken.items() if check.is_equal] == []


def test_an_unequal_hour_is_named_with_its_asset():
    hours = replace(
        HOURS, hours_unequal=2, largest_difference=D("0.001"), first_unequal="2026-10-03 04:00Z n7"
    )
    check = replace(GOOD, proof=replace(PROOF, hours=hours))
    assert say_wrong(check) == "c (2 of 744 hours, first 2026-10-03 04:00Z n7, by up to 0.001 USD)"
    assert say_wrong(replace(GOOD, lines=D(1))) == "c"


def test_a_row_has_every_term_and_a_manifest_keeps_the_proof():
    row = check_row(GOOD)
    assert {column.name for column in CHECK_COLUMNS} <= set(row)
    assert (row["bill_volume"], row["payer_direct"], row["used"], row["hours_checked"]) == (10, 70, 50, 744)
    assert Proof.read(PROOF.described()) == PROOF


def test_payer_terms_part_lines_by_kind():
    lines = [line("team", 3, team="a"), line("idle_share", 1, team="a"), line("tax", 2), line("unowned", 4)]
    terms = payer_terms(lines)["USD", "c"]
    assert (terms.direct, terms.idle_share, terms.other_items, terms.unowned) == (3, 1, 2, 4)
    assert terms.total == 8
