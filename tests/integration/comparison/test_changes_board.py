from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.boards.changes import read_changes
from service.boards.leadership import read_leadership
from service.usecases.anomalies import find_anomalies
from warehouse.database.plans import Budget

LEADER = Principal("leader", frozenset({Role.LEADERSHIP}))
OWNER = Principal("owner", frozenset({Role.OWNER}), frozenset({"data"}))


@pytest.fixture(autouse=True)
def known(runtime):
    find_anomalies(runtime)
    budgets = [("all", "*", 700), ("team", "shop", 10), ("team", "data", 500)]
    runtime.warehouse.budgets.replace(
        [Budget(kind, scope, "2026-10", Money(Decimal(amount), "EUR")) for kind, scope, amount in budgets]
    )


def test_the_bars_lead_from_the_earlier_cost_to_the_later_one(runtime):
    board = read_changes(runtime, LEADER, "2026-10")
    first, *between, last = board.steps
    assert (first.end, last.end) == (4 * 24 * 30 * 0.2, pytest.approx(4 * 24 * 31 * 0.22))
    level = first.end
    for step in between:
        assert step.start == pytest.approx(level)
        level = step.end
    assert level == pytest.approx(last.end)
    assert "New" in [step.label for step in between]


def test_the_sentence_names_the_largest_cause_and_its_direction(runtime):
    board = read_changes(runtime, LEADER, "2026-10")
    assert "units became dearer" in board.sentence
    assert "EUR" in board.sentence


def test_a_budget_that_will_be_overrun_stands_above_one_that_will_not(runtime):
    board = read_changes(runtime, LEADER, "2026-10")
    assert [(row.payer, row.state) for row in board.budgets] == [
        ("Everything", "under"),
        ("shop", "over"),
        ("data", "under"),
    ]


def test_an_owner_sees_the_own_anomaly_and_budget_only(runtime):
    board = read_changes(runtime, OWNER, "2026-10")
    assert {row.payer for row in board.anomalies} == {"data"}
    assert [row.payer for row in board.budgets] == ["data"]
    assert not any("idle" in row.name for row in board.movers)


def test_without_days_to_compare_with_the_board_says_why_and_draws_nothing(runtime):
    board = read_changes(runtime.at(datetime(2026, 9, 10, 1, tzinfo=UTC)), LEADER, "2026-09")
    assert board.steps == ()
    assert board.movers == ()
    assert board.sentence == "No change shown: the days before are not fully stored."
    figures = {figure.key: figure.value for figure in board.figures}
    assert figures["core-hour"].endswith("EUR")
    assert "0.00" not in figures["change"]


def test_with_too_few_days_to_judge_anomalies_are_not_known_and_not_0(runtime):
    def figure(day):
        board = read_changes(runtime.at(datetime(2026, 9, day, 1, tzinfo=UTC)), OWNER, "2026-09")
        return next(figure for figure in board.figures if figure.key == "anomalies")

    assert figure(20).value == "\N{EM DASH}"
    assert figure(20).note == "needs 36 final days, has 19"
    later = read_changes(runtime, LEADER, "2026-09")
    assert next(figure for figure in later.figures if figure.key == "anomalies").value == "0"


def test_the_cost_board_names_the_dearest_anomaly_of_its_last_days(runtime):
    board = read_leadership(runtime.at(datetime(2026, 10, 25, 1, tzinfo=UTC)), LEADER, "2026-10")
    (line,) = [line.text for line in board.attention if line.key == "anomaly"]
    assert line.startswith("data: cost left its range on 21 Oct")
    assert "EUR at risk" in line
