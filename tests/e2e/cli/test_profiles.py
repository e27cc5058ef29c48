"""`millicore profile` as a person types it: table, JSON, CSV, half-lives, partners and wrong input."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profiles")
    sim = folder / "sim"
    (folder / "millicore.yaml").write_text("fixed_now: 2026-11-12T00:00:00Z\n", encoding="utf-8")
    nodes = ["--nodes", str(sim / "nodes.csv"), "--prices", str(sim / "prices.csv")]
    for words in (
        ["simulate", "fortnight", "--days", "3", "--seed", "3", "--out", str(sim)],
        ["ingest", "files", "--usage", str(sim / "usage"), *nodes],
    ):
        result = CliRunner().invoke(app, [*words, "--home", str(folder)])
        assert result.exit_code in (0, 3), (words, result.stderr)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def test_json_and_csv_hold_every_fact_of_each_container(run: Run) -> None:
    rows = json.loads(run("profile", "--output", "json").stdout)
    assert len(rows) > 10
    facts = {
        "workload", "container", "workload_class", "class_reason", "confidence", "outlier_pods", "revisions",
        "seasonality_period_hours", "seasonality_strength", "cpu_peak_valley_ratio", "cpu_startup_cores_max",
        "memory_leak_bytes_per_day", "is_new_revision_unlike", "run_count", "cpu_usage_cores_p95_pod_p95",
        "memory_usage_bytes_max_pod_p95", "cpu_usage_cores_by_hour_of_week_p50",
    }  # fmt: skip
    assert facts <= set(rows[0])
    assert any(row["revisions"] for row in rows)
    # The clock stands a week after the newest data: nothing is known of that week.
    assert max(row["history_days"] for row in rows) == 3
    printed = list(csv.DictReader(io.StringIO(run("profile", "--output", "csv").stdout)))
    assert [row["workload"] for row in printed] == [row["workload"] for row in rows]
    assert facts <= set(printed[0])


def test_the_same_question_gets_the_same_bytes(run: Run) -> None:
    assert run("profile", "--output", "json").stdout == run("profile", "--output", "json").stdout


def test_the_table_can_be_narrowed_to_a_workload(run: Run) -> None:
    rows = json.loads(run("profile", "--output", "json").stdout)
    name = rows[0]["workload"].rsplit("/", 1)[-1]
    result = run("profile", "--workload", name)
    assert result.exit_code == 0
    assert name in result.stdout
    assert len(json.loads(run("profile", "--workload", name, "--output", "json").stdout)) < len(rows)


def test_a_shorter_half_life_changes_percentiles_and_nothing_that_is_not_decayed(run: Run) -> None:
    plain, vpa = (
        json.loads(run("profile", *words, "--output", "json").stdout)
        for words in ((), ("--half-life", "vpa"))
    )
    assert [row["cpu_usage_cores_max_5m"] for row in plain] == [row["cpu_usage_cores_max_5m"] for row in vpa]
    decayed = "cpu_usage_cores_p95_decayed"
    assert [row[decayed] for row in plain] != [row[decayed] for row in vpa]


def test_partners_are_listed_with_their_gain(run: Run) -> None:
    pairs = json.loads(run("profile", "--partners", "--output", "json").stdout)
    gains = [pair["gain_ratio"] for pair in pairs]
    assert gains
    assert gains == sorted(gains, reverse=True)
    assert all(pair["workload"] != pair["partner"] for pair in pairs)
    assert "gain" in run("profile", "--partners").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--half-life", "soon"), 2, "36h, 7d or 2w"),
        (("--half-life", "vpa", "--partners"), 2, "leave one of them out"),
        (("--workload", "no-such-thing"), 1, "part of no workload's name"),
        (("--cluster", "nowhere"), 1, "nowhere"),
        (("--as-of", "yesterday"), 2, "yesterday"),
    ],
)
def test_wrong_input_is_answered_with_the_remedy(
    run: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    result = run("profile", *words)
    assert message in result.stderr
    assert result.exit_code == code
    assert "Traceback" not in result.stderr


def test_before_any_data_there_is_nothing_and_no_error(run: Run) -> None:
    result = run("profile", "--as-of", "2020-01-01T00:00:00Z")
    assert result.exit_code == 0
    assert "No container has any history yet" in result.stdout + result.stderr
    assert json.loads(run("profile", "--as-of", "2020-01-01T00:00:00Z", "--output", "json").stdout) == []
