"""An optimisation programme as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from support.initiative_world import NAME, build
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("initiatives")
    build(folder).warehouse.close()
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def rows(result: Result) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_a_stage_is_measured_with_what_was_compared(run: Run) -> None:
    (row,) = rows(run("initiative", "measure", NAME, "--output", "json"))
    assert row["state"] == "realised"
    assert row["realised_per_month"] == "576.000000"
    assert row["peers"] == ["beta/default", "gamma/default"]
    table = run("initiative", "list").stdout
    assert "576.00" in table
    assert "28.6 %" in table


def test_a_plan_is_added_shown_worked_on_and_closed(run: Run) -> None:
    added = run(
        "initiative", "add", "Next", "--start", "2026-10-20", "--cluster", "beta", "--target", "100",
        "--difficulty", "0.3", "--not-core", "--output", "json",
    )  # fmt: skip
    assert added.exit_code == 0, added.stderr
    (row,) = rows(added)
    assert (row["state"], row["target_per_month"]) == ("running", "100")
    assert run("initiative", "effort", "Next", "--person-days", "2").exit_code == 0
    (row,) = rows(run("initiative", "show", "Next", "--output", "json"))
    assert row["person_days"] == "2"
    measured = run("initiative", "measure", "Next")
    assert measured.exit_code == 3
    assert "it still runs" in measured.stderr
    assert run("initiative", "close", "Next").exit_code == 1
    early = run("initiative", "close", "Next", "--ended-at", "2026-10-21")
    assert early.exit_code == 1
    assert "cannot be closed before 28 Oct 2026" in early.stderr
    short = ("--start", "2026-10-07", "--end", "2026-10-08", "--cluster", "alpha")
    assert run("initiative", "add", "Short", *short).exit_code == 0
    closed = run("initiative", "close", "Short")
    assert closed.exit_code == 0, closed.stderr
    assert "not measurable" in closed.stdout
    assert run("initiative", "show", "Nothing").exit_code == 1


def test_one_initiative_is_shown_as_lines(run: Run) -> None:
    lines = run("initiative", "show", NAME).stdout.splitlines()
    assert f"name: {NAME}" in lines
    assert "realised/month: 576.00" in lines
    assert "scope: clusters alpha" in lines
    assert "untouched pools: beta/default, gamma/default" in lines
    assert not [line for line in lines if line.endswith((": -", ": "))]


def test_a_place_that_nobody_knows_is_refused_with_the_known_ones(run: Run) -> None:
    for option, known in (("--team", "shop"), ("--cluster", "alpha, beta, gamma")):
        refused = run("initiative", "add", "Wrong", "--start", "2026-10-20", option, "nope")
        assert refused.exit_code == 1
        assert f"known: {known}" in refused.stderr


def test_shares_add_up_and_levers_are_split_by_shapley(run: Run, tmp_path: Path) -> None:
    shares = rows(
        run("initiative", "share", NAME, "--agree", "platform=2", "--agree", "shop=1", "--output", "json")
    )
    assert {row["party"]: row["saving_per_month"] for row in shares} == {
        "platform": "384",
        "shop": "192",
    }
    table = tmp_path / "levers.csv"
    table.write_text("levers,saving\ncompress,60\noversell,40\ncompress+oversell,70\n", encoding="utf-8")
    levers = rows(run("initiative", "share", NAME, "--levers", str(table), "--output", "json"))
    assert {row["party"]: float(str(row["saving_per_month"])) for row in levers} == {
        "compress": 45.0,
        "oversell": 25.0,
    }
    assert run("initiative", "share", NAME, "--agree", "platform").exit_code == 2


def test_candidates_follow_weights_and_traits_and_no_pilot_is_out_of_band(run: Run) -> None:
    assert run("initiative", "trait", "alpha/shop", "--core", "--difficulty", "0.9").exit_code == 0
    assert rows(run("initiative", "weights", "--ease", "0.5", "--output", "json"))[0]["version"] == 1
    listed = run("initiative", "candidates", "--output", "json")
    assert "weights 1: cost_share 0.3, ease 0.5" in listed.stderr
    core = next(row for row in rows(listed) if row["name"] == "alpha/shop")
    assert (core["is_core"], core["wave"], core["difficulty_ratio"]) == (True, 2, 0.9)
    pilot = run("initiative", "pilot")
    assert pilot.exit_code == 1
    assert "no application that is not core costs between 1 % and 5 %" in pilot.stderr


def test_nodes_that_could_go_are_named_per_pool(run: Run) -> None:
    found = run("initiative", "bankable", "--output", "json")
    for row in rows(found):
        assert len(list(row["removable_nodes"])) == row["removable_then"]  # type: ignore[call-overload]
        assert row["removable_saving_per_month_now"] == row["bankable_saving_per_month"]
        assert Decimal(str(row["bankable_by_suggestions_per_month"])) == 0
    assert "taints, affinity and disruption budgets are not known" in found.stderr
    nodes = rows(run("initiative", "bankable", "--nodes", "--output", "json"))
    assert len(nodes) == sum(row["removable_then"] for row in rows(found))
    assert nodes[0]["next_step"] == f"kubectl cordon {nodes[0]['node']}"


def test_other_savings_need_evidence_and_an_approver(run: Run) -> None:
    words = ["savings", "add", "licences", "1200", "--description", "Old tool", "--evidence", "INV-7"]
    assert run(*words).exit_code == 2
    assert run(*words, "--approver", "cfo").exit_code == 0
    (line,) = rows(run("savings", "list", "--output", "json"))
    assert (line["amount"], line["category"], line["evidence"]) == ("1200.000000", "licences", "INV-7")
