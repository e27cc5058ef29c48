"""Events and forecasts as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ahead")
    sim = folder / "sim"
    (folder / "millicore.yaml").write_text("fixed_now: 2026-11-12T00:00:00Z\n", encoding="utf-8")
    runner = CliRunner()
    files = [
        part for name in ("nodes", "prices", "ownership") for part in (f"--{name}", str(sim / f"{name}.csv"))
    ]
    for words in (
        ["simulate", "fortnight", "--days", "10", "--seed", "3", "--out", str(sim)],
        ["ingest", "files", "--usage", str(sim / "usage"), *files],
        ["allocate"],
    ):
        result = runner.invoke(app, [*words, "--home", str(folder)])
        assert result.exit_code in (0, 3), (words, result.stderr)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def test_use_is_forecast_per_team_and_per_workload(run: Run) -> None:
    teams = json.loads(run("forecast", "--series", "usage", "--horizon", "24h", "--output", "json").stdout)
    assert {row["resource"] for row in teams} == {"cpu", "memory", "replicas"}
    known = [row for row in teams if row["reason"] is None]
    assert known
    for row in known:
        assert len(row["value_by_hour"]) == row["horizon_hours"] == 24
        assert row["peak_lower_80"] <= row["peak"] <= row["peak_upper_80"]
    workloads = json.loads(run("forecast", "--workloads", "--horizon", "1h", "--output", "json").stdout)
    assert len(workloads) > len(teams)
    assert all((row["mean"] is None) == (row["reason"] is not None) for row in workloads)


def test_the_error_stands_beside_that_of_the_best_naive(run: Run) -> None:
    shown = run("forecast", "--series", "usage", "--horizon", "24h")
    assert shown.exit_code == 0
    assert "past error" in shown.stdout
    assert "best naive" in shown.stdout


def test_before_the_first_hour_nothing_is_forecast_and_the_time_is_named(run: Run) -> None:
    found = run("forecast", "--series", "usage", "--as-of", "2020-01-01")
    assert found.exit_code == 0, found.stderr
    assert "No use is stored before 2020-01-01 00:00Z" in found.stdout


@pytest.mark.parametrize("horizon", ["31d", "0h", "week", "1.5d"])
def test_a_horizon_of_something_else_is_refused(run: Run, horizon: str) -> None:
    refused = run("forecast", "--workloads", "--horizon", horizon)
    assert refused.exit_code == 2
    assert "1h to 30d" in refused.stderr


def test_a_horizon_for_cost_is_refused_instead_of_ignored(run: Run) -> None:
    refused = run("forecast", "--horizon", "30d")
    assert refused.exit_code == 2
    assert "--horizon goes with --series usage" in refused.stderr


def test_a_replay_is_shown_per_kind_and_horizon(run: Run) -> None:
    rows = json.loads(run("backtest", "forecast", "--output", "json").stdout)
    assert {row["horizon_hours"] for row in rows} <= {1, 24, 168}
    assert all({"wape", "naive_wape", "coverage_80", "worse_ratio"} <= set(row) for row in rows)


def test_an_event_is_added_shown_and_removed(run: Run, tmp_path: Path) -> None:
    added = run(
        "event", "add", "flash sale", "--start", "2026-11-11", "--end", "2026-11-12",
        "--namespace", "shop*", "--factor", "3", "--output", "json",
    )  # fmt: skip
    (event,) = json.loads(added.stdout)
    assert (event["kind"], event["expected_factor"], event["namespace"]) == ("sale", 3.0, "shop*")
    listed = json.loads(run("event", "list", "--window", "2026-11", "--output", "json").stdout)
    assert listed == [event]
    assert run("event", "remove", event["id"]).exit_code == 0
    assert json.loads(run("event", "list", "--output", "json").stdout) == []
    assert run("event", "remove", event["id"]).exit_code == 1
    assert run("event", "add", "nameless").exit_code == 2
    file = tmp_path / "events.yaml"
    file.write_text("- {name: a, start: 2026-11-11, end: 2026-11-10}\n", encoding="utf-8")
    refused = run("event", "add", "--file", str(file))
    assert refused.exit_code == 1
    assert "is not after start" in refused.stderr
