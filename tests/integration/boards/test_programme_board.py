"""The programme board on worlds whose figures are known: what a page prints is what the use cases say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from support.container_usage import Container
from support.initiative_world import END, NAME, PLATFORM, build
from support.scaled_workloads import START, hpa_spec, object_row, store_world

from models.initiatives.initiative import AgreedShare, Effort, Initiative, SavingCategory, SavingLine
from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.boards.programme import ProgrammeBoard, read_programme
from service.boards.programme_candidates import read_candidates
from service.boards.programme_initiatives import InitiativeCard
from service.boards.programme_scalers import read_scalers
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.hpa_audit import audit_autoscalers
from service.usecases.initiatives import add_effort, add_initiative, agree_shares
from service.usecases.initiatives_candidates import list_candidates
from service.usecases.replicas import list_replicas
from service.usecases.savings_ledger import add_saving

BURGLAR = Principal("bob", frozenset({Role.OWNER}), frozenset({"other"}))


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """Two nodes of 0.40 EUR an hour let go, with effort and shares; one stage to come; two other savings."""
    found = build(tmp_path_factory.mktemp("programme"))
    spent = Money(Decimal(864), "EUR")
    add_effort(found, PLATFORM, Effort(NAME, END.date(), Decimal(0), spent, "tool", "pat"))
    agree_shares(found, PLATFORM, NAME, [AgreedShare("ops", Decimal(3)), AgreedShare("shop", Decimal(1))])
    add_initiative(
        found, PLATFORM, Initiative("next", "", END + timedelta(days=1), forecast=Money(Decimal(40), "EUR"))
    )
    for amount, code in (("1200", "EUR"), ("300", "USD")):
        line = SavingLine(
            *("", END.date(), SavingCategory.LICENCES, "no renewal", Money(Decimal(amount), code)),
            *("INV-7", "cfo", ""),
        )
        add_saving(found, PLATFORM, line)
    yield found
    found.warehouse.close()


def card(board: ProgrammeBoard, name: str) -> InitiativeCard:
    return next(one for one in board.initiatives if one.name == name)


def cells(found: InitiativeCard) -> dict[str, tuple[str, str]]:
    return {cell.label: (cell.value, cell.note) for cell in found.cells}


def test_an_initiative_shows_target_forecast_realised_and_payback_beside_each_other(
    programme: Runtime,
) -> None:
    found = card(read_programme(programme, PLATFORM), NAME)
    assert (found.state, found.state_text) == ("realised", "realised")
    assert cells(found) == {
        "Target": ("500.00 EUR", ""),
        "Forecast": ("none", ""),
        "Realised": ("576.00 EUR", "80 %: 576.00 to 576.00 EUR"),
        "Payback": ("1.5 months", "864.00 EUR invested"),
    }


def test_an_initiative_shows_the_bill_before_and_after_and_who_gets_what(programme: Runtime) -> None:
    bill, pools, shares = card(read_programme(programme, PLATFORM), NAME).lines
    assert bill.startswith("Node bill a day: 57.60 before, 48.00 after, 67.20 EUR without it (")
    assert pools == "Touches alpha/default; compared with beta/default, gamma/default."
    assert shares == "Shares of the benefit: ops 75 % (432.00 EUR a month), shop 25 % (144.00 EUR a month)."


def test_what_is_not_known_says_why_and_never_shows_a_figure(programme: Runtime) -> None:
    found = card(read_programme(programme, PLATFORM), "next")
    assert cells(found)["Realised"] == ("not yet", "it has not begun")
    assert cells(found)["Payback"] == ("not known", "no effort is recorded")
    assert cells(found)["Forecast"] == ("40.00 EUR", "")
    assert found.lines == ("No shares of the benefit are agreed.",)


def test_the_savings_stand_beside_each_other_and_are_not_added(programme: Runtime) -> None:
    figures = {one.key: one for one in read_programme(programme, PLATFORM).figures}
    assert list(figures) == ["realised", "bankable", "requested", "other"]
    assert figures["realised"].value == "576.00 EUR"
    assert figures["realised"].detail == "1 of 2 initiatives realised"
    assert figures["requested"].value == "no open suggestion saves"
    assert (figures["other"].value, figures["other"].detail) == ("1,200 EUR", "also 300.00 USD")


def test_other_savings_name_evidence_and_approver_in_their_own_currency(programme: Runtime) -> None:
    rows = read_programme(programme, PLATFORM).ledger
    assert {(row.amount, row.currency) for row in rows} == {(Decimal(1200), "EUR"), (Decimal(300), "USD")}
    assert {(row.category, row.evidence, row.approver, row.recorded_by) for row in rows} == {
        ("licences", "INV-7", "cfo", "pat")
    }


def test_a_soaking_stage_shows_what_left_the_bill_but_does_not_count_it(tmp_path: Path) -> None:
    runtime = build(tmp_path, kills_after=4)
    board = read_programme(runtime, PLATFORM)
    (found,) = board.initiatives
    value, note = cells(found)["Realised"]
    assert (found.state_text, value) == ("soaking", "not yet")
    assert note.startswith("counts after the soak: 5 of 7 clean days in a row; last incident 16 Oct")
    assert "So far 576.00 EUR a month left the bill (80 %: 576.00 to 576.00 EUR)." in found.lines
    assert board.figures[0].value == "not measured yet"
    runtime.warehouse.close()


def test_the_ranking_shows_the_order_and_the_inputs_of_the_use_case(programme: Runtime) -> None:
    board = read_candidates(programme, PLATFORM)
    found = list_candidates(programme, PLATFORM).ranked
    assert [(row.rank, row.name, row.score, row.wave) for row in board.rows] == [
        (rank, one.candidate.name, one.score, one.wave) for rank, one in enumerate(found, start=1)
    ]
    assert [(row.cost_ratio, row.difficulty_ratio, row.saving, row.is_core) for row in board.rows] == [
        (one.cost_ratio, one.difficulty_ratio, one.expected_saving, one.is_core)
        for one in (ranked.candidate for ranked in found)
    ]
    assert board.pilot.startswith("No pilot: no application that is not core costs between 1 % and 5 %")
    assert not any(row.is_pilot for row in board.rows)


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """Four replicas of ``web`` that need one by night and seven by day; nodes cost 0.20 EUR an hour."""
    found = Runtime.for_test(
        tmp_path_factory.mktemp("scaled"), now=START + timedelta(days=10), reporting_currency="EUR"
    )
    web = Container(
        cpu=lambda hours: np.where((hours % 24 >= 8) & (hours % 24 < 20), 0.8, 0.1),
        pods=4,
        memory_request=2.0**30,
    )
    hpa = object_row("HorizontalPodAutoscaler", "web", hpa_spec(3, 6))
    store_world(found, [web], 240, [hpa])
    found.warehouse.prices.replace([PriceRow("m5.2xlarge", "EUR", Decimal("0.20"), START)])
    allocate(found)
    yield found
    found.warehouse.close()


def test_an_autoscaler_shows_target_achieved_bounds_and_what_it_spent_beyond_need(scaled: Runtime) -> None:
    board = read_scalers(scaled, PLATFORM)
    (row,) = board.audit
    audit = audit_autoscalers(scaled, PLATFORM)[0].audit
    assert audit is not None
    assert audit.excess_cost is not None
    assert (row.workload, row.scaler) == ("shop/web", "HPA web")
    assert (row.target, row.achieved, row.bounds) == ("cpu 50 %", "45 %", "3 to 6")
    assert row.excess_hours == pytest.approx(12 * 7 * 3)
    assert (row.excess_cost, row.currency) == (audit.excess_cost, "EUR")
    assert board.audit_note == (
        f"Spent while more replicas ran than were needed: {audit.excess_cost:.2f} EUR in 7 days."
    )


def test_replicas_show_now_needed_advised_and_both_costs(scaled: Runtime) -> None:
    (row,) = read_scalers(scaled, PLATFORM).replicas
    advice = list_replicas(scaled, PLATFORM)[0].advice
    assert advice is not None
    assert (row.now, row.needed, row.advised) == (4.0, advice.replica_count_needed, 6)
    assert (row.per_replica, row.bound, row.basis) == ("0.50 cores", "maximum", "its target")
    assert row.cost_now == advice.monthly_cost_now is not None
    assert (row.cost_then, row.currency) == (advice.monthly_cost_advised, "EUR")


def test_an_owner_sees_no_autoscaler_of_another_team_and_is_told_so(scaled: Runtime) -> None:
    board = read_scalers(scaled, BURGLAR)
    assert (board.audit, board.replicas) == ((), ())
    assert "you may see" in board.audit_note
    assert "you may see" in board.replicas_note
