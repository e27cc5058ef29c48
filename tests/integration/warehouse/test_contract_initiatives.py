"""What initiatives, the savings ledger and priorities promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from support.recommendations import run_of, suggestion
from support.warehouse import NOON

from models.initiatives.initiative import (
    AgreedShare,
    ApplicationTrait,
    Effort,
    Initiative,
    InitiativeScope,
    SavingCategory,
    SavingLine,
)
from models.initiatives.priorities import PriorityWeights
from models.vocabulary.errors import Conflict, InputError, NotFound
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import HourWindow
from warehouse.database.audit import AuditNote
from warehouse.gateway import Warehouse

ADMIN = Principal("root", frozenset({Role.ADMIN}))
NOTE = AuditNote("root", "initiative.test", "spot", NOON, {})
PLANNED = Initiative(
    "spot",
    "spot nodes for batch",
    NOON,
    NOON + timedelta(days=3),
    scope=InitiativeScope(clusters=("prod-*",), workloads=("batch-*", "etl")),
    owner="pat",
    target=Money(Decimal("900"), "EUR"),
    forecast=Money(Decimal("750.123456"), "EUR"),
    forecast_basis="bankable",
    difficulty_ratio=0.25,
    is_core=False,
)


def test_a_plan_is_kept_whole_and_a_file_of_stages_leaves_it_alone(each_database: Warehouse) -> None:
    initiatives = each_database.initiatives
    initiatives.save(PLANNED, NOTE)
    initiatives.save(PLANNED, NOTE)
    assert initiatives.list() == [PLANNED]
    initiatives.save_stage(Initiative("spot", "from the file", NOON, NOON + timedelta(days=4)))
    found = initiatives.get("spot")
    assert found == replace(PLANNED, description="from the file", ended_at=NOON + timedelta(days=4))


def test_what_makes_no_sense_is_refused(each_database: Warehouse) -> None:
    for wrong in (
        {"ended_at": NOON},
        {"difficulty_ratio": 1.5},
        {"target": Money(Decimal(0), "EUR")},
        {"forecast": Money(Decimal(1), "USD")},
        {"name": " "},
    ):
        with pytest.raises(InputError):
            each_database.initiatives.save(replace(PLANNED, **wrong))
    assert each_database.initiatives.list() == []
    with pytest.raises(NotFound, match="initiative list"):
        each_database.initiatives.get("spot")


def test_efforts_are_kept_in_order_and_never_change(each_database: Warehouse) -> None:
    initiatives = each_database.initiatives
    initiatives.save(PLANNED)
    work = Effort("spot", NOON.date(), Decimal("2.5"), None, "planning", "pat")
    tool = Effort("spot", NOON.date(), Decimal(0), Money(Decimal("99.90"), "EUR"), "tool", "pat")
    for effort in (work, tool):
        initiatives.add_effort(effort, NOON)
    initiatives.save(PLANNED)
    assert initiatives.efforts("spot") == [work, tool]
    with pytest.raises(NotFound):
        initiatives.add_effort(replace(work, initiative="other"), NOON)


def test_agreed_shares_replace_earlier_ones_and_the_result_of_a_close_is_kept(
    each_database: Warehouse,
) -> None:
    initiatives = each_database.initiatives
    initiatives.save(PLANNED)
    initiatives.agree("spot", [AgreedShare("a", Decimal("33.3")), AgreedShare("b", Decimal(1))], NOTE)
    agreed = [AgreedShare("a", Decimal("66.7")), AgreedShare("c", Decimal("33.3"))]
    initiatives.agree("spot", agreed, NOTE)
    assert initiatives.shares("spot") == agreed
    assert initiatives.result("spot") is None
    initiatives.close("spot", NOON, {"saving_per_month": "1.5"}, NOTE)
    assert initiatives.get("spot").closed_at == NOON
    assert initiatives.result("spot") == {"saving_per_month": "1.5"}


def test_an_initiative_is_closed_once_and_a_file_of_stages_moves_it_no_more(each_database: Warehouse) -> None:
    initiatives = each_database.initiatives
    initiatives.save(PLANNED)
    initiatives.close("spot", NOON, {"saving_per_month": "1.5"}, NOTE)
    with pytest.raises(Conflict, match="closed already"):
        initiatives.close("spot", NOON + timedelta(days=1), {"saving_per_month": "9"}, NOTE)
    initiatives.save_stage(Initiative("spot", "moved", NOON, NOON + timedelta(days=40)))
    assert initiatives.get("spot") == replace(PLANNED, closed_at=NOON)
    assert initiatives.result("spot") == {"saving_per_month": "1.5"}


def test_a_saving_line_needs_evidence_and_an_approver(each_database: Warehouse) -> None:
    ledger = each_database.savings_ledger
    line = SavingLine(
        "1",
        NOON.date(),
        SavingCategory.PEOPLE,
        "one operator",
        Money(Decimal(60000), "EUR"),
        "HR-1",
        "cfo",
        "pat",
    )
    ledger.add(line, NOON)
    for wrong in ({"evidence": ""}, {"approver": " "}, {"approver": "pat"}, {"description": ""}):
        with pytest.raises(InputError):
            ledger.add(replace(line, id="2", **wrong), NOON)
    assert ledger.list() == [line]


def test_traits_and_weights_are_kept_with_their_version(each_database: Warehouse) -> None:
    traits = each_database.application_traits
    assert traits.weights() == (PriorityWeights(), 0)
    assert traits.save_weights(PriorityWeights(ease=0.5), "pat", NOON) == 1
    assert traits.save_weights(PriorityWeights(ease=0.6), "pat", NOON) == 2
    assert traits.weights() == (PriorityWeights(ease=0.6), 2)
    core = ApplicationTrait("alpha", "shop", None, is_core=True)
    traits.save(ApplicationTrait("alpha", "shop", 0.5), "pat", NOON)
    traits.save(core, "pat", NOON)
    assert traits.all() == {("alpha", "shop"): core}
    with pytest.raises(InputError):
        traits.save(replace(core, difficulty_ratio=2.0), "pat", NOON)


def test_the_guard_reads_what_stands_and_what_was_first_proposed_on_a_day(each_database: Warehouse) -> None:
    store, days = each_database.recommendations, each_database.advice_days
    one = suggestion()
    store.save_run(run_of(one))
    later = NOON + timedelta(days=1)
    store.save_run(run_of(one, as_of=later))
    standing = days.standing("alpha", one.policy)
    assert [key for key, _ in standing.proposed.items()] == [one.key]
    assert (standing.quiet, standing.refused) == (frozenset(), {})
    assert [found.key for found in days.proposed_on("alpha", one.policy, NOON.date())] == [one.key]
    assert days.proposed_on("alpha", one.policy, later.date()) == []
    assert days.standing("beta", one.policy).proposed == {}
    (stored,) = store.list(ADMIN)
    window = HourWindow(NOON.replace(minute=0), NOON.replace(minute=0) + timedelta(hours=24))
    moved = days.moved_to(RecommendationState.PROPOSED, window)
    assert moved == [(NOON, one.key, "shop")]
    assert stored.recommendation.key == one.key
