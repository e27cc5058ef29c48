"""The life of suggestions as a person types it: edit, withdraw, bulk, exclude, sign, history, regret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.life import MADE, OLD, RAISED, WANTED, advice, pods, priced_world, record, save
from typer.testing import CliRunner, Result

from models.vocabulary.windows import HOUR
from service.cli.app import app
from service.runtime import Runtime
from service.usecases.effects import observe_effects

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    runtime = priced_world(tmp_path)
    risky = advice("hot")
    risky = replace(risky, risk=replace(risky.risk, cpu_over_request_ratio=0.3))
    save(runtime, advice(), risky, advice("up", advised=RAISED))
    runtime.warehouse.close()
    (tmp_path / "millicore.yaml").write_text(f"fixed_now: {MADE:%Y-%m-%dT%H:%M:%SZ}\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def named(run: Run, name: str) -> dict[str, object]:
    every = rows(run("recommend", "list", "--output", "json"))
    return next(row for row in every if str(row["workload"]).endswith(f"/{name}"))


def test_edited_values_a_withdrawal_and_the_history_of_both(run: Run) -> None:
    identity = str(named(run, "web")["id"])
    refused = run("recommend", "accept", identity, "--memory-request", "2Gi")
    assert (refused.exit_code, "above the limit" in refused.stderr) == (1, True)
    edits = ("--cpu-request", "250m", "--memory-limit", "768Mi")
    (event,) = rows(run("recommend", "accept", identity[:8], *edits, "--note", "tried", "--output", "json"))
    assert event["evidence"]["agreed"]["cpu_request_cores"] == 0.25
    rows(run("recommend", "withdraw", identity, "--output", "json"))
    rows(run("recommend", "accept", identity, "--output", "json"))
    life = rows(run("recommend", "history", identity, "--output", "json"))
    assert [event["state"] for event in life] == ["proposed", "accepted", "proposed", "accepted"]
    again = run("recommend", "accept", identity)
    assert (again.exit_code, "cannot become accepted" in again.stderr) == (1, True)


def test_a_bulk_acceptance_shows_first_and_says_what_it_left_out(run: Run) -> None:
    preview = rows(run("recommend", "accept", "--bulk", "--team", "shop", "--preview", "--output", "json"))
    words = {str(row["workload"]).split("/")[-1]: row["decision"] for row in preview}
    assert words == {"web": "would be accepted", "up": "would be accepted", "hot": "left out"}
    raises = rows(run("recommend", "accept", "--bulk", "--increases", "--output", "json"))
    assert {str(row["workload"]).split("/")[-1] for row in raises if row["decision"] == "accepted"} == {"up"}
    table = run("recommend", "accept", "--bulk")
    assert "30.0%" in table.stdout
    assert run("recommend", "accept", "--bulk", "--cpu-request", "1").exit_code == 2
    mistyped = run("recommend", "accept", "--bulk", "--cluster", "alhpa")
    assert (mistyped.exit_code, "there is no cluster alhpa" in mistyped.stderr) == (1, True)
    assert run("recommend", "accept").exit_code == 2
    assert run("recommend", "accept", "abc", "--team", "shop").exit_code == 2


def test_an_exclusion_is_added_listed_and_removed(run: Run) -> None:
    words = ("--namespace", "sh*", "--resource", "memory", "--until", "2026-12-01", "--reason", "heap tuned")
    (rule,) = rows(run("recommend", "exclude", "add", *words, "--output", "json"))
    assert rule["resource"] == "memory"
    assert "heap tuned" in run("recommend", "exclude", "list", "--output", "csv").stdout
    rows(run("recommend", "exclude", "remove", str(rule["id"])[:8], "--output", "json"))
    assert rows(run("recommend", "exclude", "list", "--output", "json")) == []
    assert len(rows(run("recommend", "exclude", "list", "--history", "--output", "json"))) == 1
    assert run("recommend", "exclude", "remove", "none").exit_code == 2


def test_a_calendar_peak_is_signed_for_a_known_workload(run: Run) -> None:
    words = ("--event", "singles-day", "--days", "30", "--output", "json")
    (signature,) = rows(run("recommend", "sign", "alpha/shop/Deployment/web", *words))
    assert signature["event"] == "singles-day"
    assert run("recommend", "sign", "alpha/shop/Deployment/none").exit_code == 1
    assert run("recommend", "sign", "web").exit_code == 2


def test_regret_says_that_none_was_applied_and_then_counts(run: Run, home: Path) -> None:
    nothing = run("recommend", "regret", "--output", "json")
    assert "none applied yet" in nothing.stderr
    assert rows(nothing)[0]["regret_ratio"] is None
    runtime = Runtime.for_test(home, now=MADE)
    record(runtime, [pods(WANTED)], MADE, 3)
    end = record(runtime, [pods(OLD)], MADE + 3 * HOUR, 1)
    observe_effects(runtime, "alpha", end)
    runtime.warehouse.close()
    (row, *_) = rows(run("recommend", "regret", "--output", "json"))
    assert (row["applied_count"], row["overwritten_count"], row["regret_ratio"]) == (1, 1, 1.0)
