"""From ten simulated days to suggestions, decisions, plans and tokens, as a person types it."""

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
    folder = tmp_path_factory.mktemp("advice")
    sim = folder / "sim"
    config = folder / "millicore.yaml"
    config.write_text("fixed_now: 2026-11-12T00:00:00Z\nminimum_monthly_saving: 0\n", encoding="utf-8")
    runner = CliRunner()
    files = [
        part for name in ("nodes", "prices", "ownership") for part in (f"--{name}", str(sim / f"{name}.csv"))
    ]
    for words in (
        ["simulate", "fortnight", "--days", "10", "--seed", "3", "--out", str(sim)],
        ["ingest", "files", "--usage", str(sim / "usage"), *files],
        ["allocate"],
        ["recommend", "run"],
        ["oversell", "run"],
    ):
        result = runner.invoke(app, [*words, "--home", str(folder)])
        assert result.exit_code in (0, 3), (words, result.stderr)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def suggestions(run: Run, *states: str) -> list[dict[str, object]]:
    flags = [part for state in states for part in ("--state", state)]
    found: list[dict[str, object]] = json.loads(run("recommend", "list", *flags, "--output", "json").stdout)
    return found


def test_every_suggestion_comes_with_values_risk_money_and_an_explanation(run: Run) -> None:
    found = suggestions(run)
    assert found
    for row in found:
        assert row["risk"]
        assert row["explanation"]
        assert row["currency"] == "USD"
        assert float(str(row["advised_cpu_request_cores"])) > 0


def test_a_container_without_advice_has_a_reason(run: Run) -> None:
    rows = json.loads(run("recommend", "list", "--silent", "--output", "json").stdout)
    assert all(row["reason"] and row["sentence"] for row in rows)


def test_a_decision_is_recorded_and_cannot_be_taken_twice(run: Run) -> None:
    first = str(suggestions(run)[0]["id"])
    accepted = run("recommend", "accept", first[:8], "--note", "ok", "--output", "json")
    assert accepted.exit_code == 0, accepted.stderr
    assert json.loads(accepted.stdout)[0]["state"] == "accepted"
    again = run("recommend", "reject", first, "--reason", "other")
    assert again.exit_code == 1
    assert "accepted cannot become rejected" in again.stderr
    explained = json.loads(run("recommend", "explain", first, "--output", "json").stdout)
    assert [event["state"] for event in explained["events"]] == ["proposed", "accepted"]


def test_a_decision_on_an_older_reading_is_refused(run: Run) -> None:
    row = suggestions(run)[-1]
    result = run("recommend", "snooze", str(row["id"]), "--until", "2026-12-01", "--etag", "0" * 16)
    assert result.exit_code == 1
    assert str(row["id"]) in {str(item["id"]) for item in suggestions(run)}


def test_a_patch_can_be_pasted_and_holds_only_what_changes(run: Run) -> None:
    row = next(item for item in suggestions(run) if "Deployment" not in str(item["explanation"]))
    result = run("recommend", "patch", str(row["id"]))
    if result.exit_code == 0:
        assert "resources:" in result.stdout
        assert run("recommend", "patch", str(row["id"]), "--command").stdout.startswith("kubectl")
    else:
        assert "no pod template" in result.stderr


def test_the_oversell_plan_shows_pools_and_on_demand_nodes(run: Run) -> None:
    pools = json.loads(run("oversell", "show", "--output", "json").stdout)
    nodes = json.loads(run("oversell", "show", "--nodes", "--output", "json").stdout)
    assert {row["scope"] for row in pools} == {"pool"}
    assert {row["scope"] for row in nodes} == {"pool", "node"}
    assert all(row["safe_oversell_ratio"] >= 1.0 for row in nodes)


def test_profiles_forecasts_and_back_tests_answer(run: Run) -> None:
    profiles = json.loads(run("profile", "--output", "json").stdout)
    assert {"workload", "workload_class", "cpu_usage_cores_p99_decayed"} <= set(profiles[0])
    forecasts = json.loads(run("forecast", "--output", "json").stdout)
    assert all(row["value"] is None and row["reason"] for row in forecasts)
    scores = json.loads(run("backtest", "rightsizing", "--output", "json").stdout)
    assert any(row["policy"].startswith("millicore") for row in scores)


def test_a_table_of_the_lake_can_be_exported(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "hours.csv"
    result = run(
        "export", "container_hour", "--window", "2026-11-02,2026-11-03", "--output-file", str(target)
    )
    assert result.exit_code == 0, result.stderr
    assert target.read_text(encoding="utf-8").startswith('"cluster","day","hour"')
    assert run("export", "secrets", "--output-file", str(target)).exit_code == 2


def test_the_doctor_finds_nothing_broken(run: Run) -> None:
    result = run("doctor", "--output", "json")
    assert result.exit_code in (0, 3), result.stderr
    assert {check["state"] for check in json.loads(result.stdout)} <= {"good", "doubtful"}


def test_a_token_is_shown_once_and_can_be_revoked(run: Run) -> None:
    issued = json.loads(run("token", "create", "grafana", "--role", "leadership", "--output", "json").stdout)
    assert issued["token"].startswith("mc_")
    listed = run("token", "list", "--output", "json")
    assert issued["token"] not in listed.stdout
    (token,) = json.loads(listed.stdout)
    assert run("token", "revoke", token["id"]).exit_code == 0
    assert run("token", "revoke", token["id"]).exit_code == 1
    assert run("token", "create", "x", "--role", "king").exit_code == 2
