from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.initiative_world import END, NAME, PLATFORM, PRICE, STAGE, STAGE_END, build

from models.initiatives.initiative import (
    AgreedShare,
    Effort,
    Initiative,
    InitiativeScope,
    SavingCategory,
    SavingLine,
)
from models.vocabulary.errors import Conflict, Forbidden, InputError, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.boards.leadership import read_leadership
from service.runtime import Runtime
from service.usecases.bankable import estimate_bankable
from service.usecases.initiatives import (
    add_effort,
    add_initiative,
    agree_shares,
    close_initiative,
    list_initiatives,
    share_benefit,
    show_initiative,
)
from service.usecases.initiatives_candidates import list_candidates
from service.usecases.initiatives_health import read_day_health
from service.usecases.savings_ledger import add_saving, list_savings

TWO_NODES = 2 * PRICE * 720
OWNER = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[Runtime]:
    runtime = build(tmp_path_factory.mktemp("programme"))
    yield runtime
    runtime.warehouse.close()


def test_growth_of_untouched_pools_is_not_credited(world):
    found = show_initiative(world, PLATFORM, NAME).measurement
    assert (found.state, found.reason, found.currency) == ("realised", "", "EUR")
    assert found.before_per_day == 6 * 24 * PRICE
    assert found.after_per_day == 5 * 24 * PRICE
    assert found.counterfactual_per_day == 7 * 24 * PRICE
    assert found.realised_per_month == found.saving_per_month == TWO_NODES
    assert found.saving_ratio == pytest.approx(2 / 7)
    assert found.peers == ("beta/default", "gamma/default")
    assert found.touched == ("alpha/default",)
    assert found.days == (date(2026, 10, 5), date(2026, 10, 11), date(2026, 10, 13), date(2026, 10, 19))


def test_the_board_shows_target_and_realised_with_its_interval(world):
    board = read_leadership(world, PLATFORM)
    stage = next(row for row in board.stages if row.name == NAME)
    assert stage.state == "576 EUR a month (80 %: 576 to 576 EUR), target 500 EUR"
    realised = next(figure for figure in board.figures if figure.key == "realised")
    assert realised.value == "576.00 EUR"


def test_a_saving_counts_only_after_seven_clean_days(tmp_path):
    runtime = build(tmp_path, kills_after=4)
    try:
        found = show_initiative(runtime, PLATFORM, NAME).measurement
        assert found.state == "soaking"
        assert found.realised_per_month is None
        assert found.saving_per_month == TWO_NODES
        assert found.reason.startswith(
            "counts after the soak: 5 of 7 clean days in a row; last incident 16 Oct"
        )
        # killed at midnight UTC: the evening before, where the billing day is New York's
        western = runtime.settings.model_copy(update={"billing_zone": "America/New_York"})
        stage, pool = runtime.warehouse.initiatives.get(NAME), {("alpha", "default")}
        days = [date(2026, 10, day) for day in range(13, 19)]
        health = read_day_health(replace(runtime, settings=western), stage, pool, [], days)
        assert [one.day.day for one in health if one.incidents] == [15]
        agree_shares(runtime, PLATFORM, NAME, [AgreedShare("a", Decimal(1))])
        with pytest.raises(UsageError, match=r"nothing of .* is realised yet"):
            share_benefit(runtime, PLATFORM, NAME)
    finally:
        runtime.warehouse.close()


def test_what_a_commitment_still_costs_is_not_money(tmp_path):
    runtime = build(tmp_path, is_committed=True)
    try:
        found = show_initiative(runtime, PLATFORM, NAME).measurement
        assert (found.saving_per_month, found.realised_per_month) == (TWO_NODES, Decimal(0))
        assert "a commitment still runs" in found.reason
    finally:
        runtime.warehouse.close()


def test_without_untouched_pools_nothing_is_claimed(tmp_path):
    runtime = build(tmp_path, clusters=("alpha", "beta"))
    try:
        found = show_initiative(runtime, PLATFORM, NAME).measurement
        assert (found.state, found.realised_per_month) == ("not_measurable", None)
        assert found.reason == "only one pool is untouched, so chance cannot be told from saving"
        both = Initiative("everything", "", STAGE, STAGE_END)
        runtime.warehouse.initiatives.save(both)
        found = show_initiative(runtime, PLATFORM, "everything").measurement
        assert found.reason == "no pool is untouched, so growth cannot be told from saving"
    finally:
        runtime.warehouse.close()


def test_too_few_days_and_a_running_stage_say_so(world):
    late = Initiative("late", "", END - timedelta(days=4), END - timedelta(days=3), cluster="beta")
    running = Initiative("running", "", STAGE, None, cluster="beta")
    for stage, words in ((late, "3 final days after it; 7 are needed"), (running, "it still runs")):
        add = Initiative(**{**vars(stage), "forecast": Money(Decimal(1), "EUR")})
        found = add_initiative(world.at(END), PLATFORM, add)
        try:
            assert words in show_initiative(world, PLATFORM, found.name).measurement.reason
        finally:
            remove(world, found.name)


def remove(runtime: Runtime, name: str) -> None:
    """Move a stage of a test out of the way of others: it ended long before."""
    past = Initiative(name, "", STAGE - timedelta(days=400), STAGE - timedelta(days=399), cluster="none")
    runtime.warehouse.initiatives.save(past)


def test_effort_is_paid_back_by_what_is_realised(world):
    add_effort(world, PLATFORM, Effort(NAME, date(2026, 10, 12), Decimal("1.5"), None, "drain", "pat"))
    spent = Money(Decimal("144"), "EUR")
    add_effort(world, PLATFORM, Effort(NAME, date(2026, 10, 13), Decimal(0), spent, "tool", "pat"))
    status = show_initiative(world, PLATFORM, NAME)
    assert status.person_days == Decimal("1.5")
    assert status.invested == Money(Decimal("864"), "EUR")
    assert status.payback_months == Decimal("1.5")
    with pytest.raises(InputError, match="above 0"):
        add_effort(world, PLATFORM, Effort(NAME, date(2026, 10, 13), Decimal(0), None, "", "pat"))


def test_benefit_shares_add_up_to_the_realised_saving(world):
    agree_shares(world, PLATFORM, NAME, [AgreedShare(name, Decimal(1)) for name in ("a", "b", "c", "d", "e")])
    parts, measured = share_benefit(world, PLATFORM, NAME)
    assert sum(part.amount for part in parts.values()) == measured.realised_per_month


def test_a_new_initiative_is_forecast_by_what_its_pools_could_bank(world):
    planned = add_initiative(
        world,
        PLATFORM,
        Initiative("next", "", END, None, scope=InitiativeScope(clusters=("beta", "gamma"))),
    )
    try:
        pools = [pool for pool in estimate_bankable(world, PLATFORM) if pool.cluster != "alpha"]
        assert planned.forecast is not None
        assert planned.forecast.amount == sum(pool.bankable_saving_per_month for pool in pools)
        assert "bankable" in planned.forecast_basis
        assert all(len(pool.removable_nodes) == pool.removable_then for pool in pools)
        assert {pool.note for pool in pools} == {
            "taints, affinity and disruption budgets are not known without the Kubernetes API"
        }
    finally:
        remove(world, "next")


def test_owners_of_teams_learn_nothing_about_node_bills(world):
    assert list_initiatives(world, OWNER) == []
    with pytest.raises(Forbidden):
        show_initiative(world, OWNER, NAME)
    with pytest.raises(Forbidden):
        list_candidates(world, OWNER)


LINE = SavingLine(
    "",
    date(2026, 10, 1),
    SavingCategory.LICENCES,
    "Monitoring",
    Money(Decimal(900), "EUR"),
    "INV-7",
    "cfo",
    "",
)


def test_a_saving_that_is_no_infrastructure_needs_evidence_and_somebody_else_who_vouches(world):
    for wrong in ({"evidence": " "}, {"approver": ""}, {"approver": "pat"}, {"amount": Money.zero("EUR")}):
        with pytest.raises(InputError):
            add_saving(world, PLATFORM, SavingLine(**{**vars(LINE), **wrong, "recorded_by": "pat"}))
    stored = add_saving(world, PLATFORM, LINE)
    assert stored.recorded_by == "pat"
    assert stored in list_savings(world, PLATFORM)
    with pytest.raises(Forbidden):
        add_saving(world, OWNER, LINE)


def test_the_savings_ledger_moves_no_cost_and_no_realised_saving(world):
    def figures() -> list[str]:
        board = read_leadership(world, PLATFORM)
        return [str(board.total), *(figure.value for figure in board.figures)]

    before = figures()
    add_saving(world, PLATFORM, LINE)
    assert figures() == before


def test_a_closed_initiative_keeps_what_was_measured(world):
    stage = Initiative("done", "", STAGE, STAGE_END, cluster="alpha", forecast=Money(Decimal(1), "EUR"))
    world.warehouse.initiatives.save(stage)
    closed = close_initiative(world, PLATFORM, "done")
    remove(world, NAME + " (moved)")
    again = show_initiative(world, PLATFORM, "done")
    assert again.measurement == closed.measurement
    with pytest.raises(Conflict):
        close_initiative(world, PLATFORM, "done")
    with pytest.raises(Conflict):
        add_initiative(world, PLATFORM, stage)


def test_candidates_are_namespaces_with_their_share_of_the_cost(world):
    found = list_candidates(world, PLATFORM)
    assert {one.candidate.name for one in found.ranked} == {"alpha/shop", "beta/shop", "gamma/shop"}
    assert sum(one.candidate.cost_ratio for one in found.ranked) == pytest.approx(1.0)
