"""``backtest rightsizing`` on a trace from files, years old, as a person types it."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
START = datetime(2013, 8, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clusters ten years ago: twelve days of three workloads, two days of one."""
    folder = tmp_path_factory.mktemp("backtest")
    rows = [
        {
            "cluster": cluster,
            "namespace": "shop",
            "workload_kind": "Deployment",
            "workload_name": f"web-{number}",
            "pod": f"web-{number}-0",
            "container": "app",
            "node": "n1",
            "interval_start": f"{START + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}",
            "interval_seconds": 3600,
            "cpu_usage_cores": f"{(0.2 + number) * (1.2 + math.sin(hour / 24 * 2 * math.pi)):.4f}",
            "memory_usage_bytes": int(4e8 * (1 + number)),
            "memory_usage_bytes_max": int(4e8 * (1 + number) * (1 + 0.01 * (hour % 5))),
            "cpu_request_cores": 8,
            "memory_request_bytes": 4_000_000_000,
        }
        for cluster, days, workloads in (("old", 12, 3), ("young", 2, 1))
        for number in range(workloads)
        for hour in range(days * 24)
    ]
    path = folder / "usage.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = CliRunner().invoke(app, ["ingest", "files", "--usage", str(path), "--home", str(folder / "home")])
    assert done.exit_code in (0, 3), done.stderr
    return folder / "home"


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, ["backtest", "rightsizing", *words, "--home", str(home)])


def test_policies_stand_beside_each_other_and_ours_at_their_risk(run: Run) -> None:
    result = run("--cluster", "old", "--output", "json")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    by_policy = {row["policy"]: row for row in rows}
    for name in (
        *(
            "as provisioned",
            "oracle (knows the day)",
            "millicore cost",
            "millicore balanced",
            "millicore safe",
        ),
        *("VPA style", "KRR style (simple)", "KRR style (simple_limit)", "Crane style", "ACK style"),
        "Autopilot style",
    ):
        assert by_policy[name]["container_days"] == 3 * 6
        assert by_policy[name]["coverage_ratio"] == 1
    assert by_policy["as provisioned"]["cpu_saved_ratio"] == 0
    ours = by_policy["millicore balanced"]
    assert 0.5 < ours["cpu_saved_ratio"] < 0.9
    assert ours["cpu_saved_ratio_lower_90"] <= ours["cpu_saved_ratio"] <= ours["cpu_saved_ratio_upper_90"]
    matched = by_policy["millicore at the risk of KRR style (simple)"]
    assert matched["memory_footprint_to_rival_ratio"] < 1
    assert {row["kind"] for row in rows} == {"policy", "matched", "frontier"}
    assert "6 days scored after 6 days of warm-up, 2013-08-12 to 2013-08-24" in result.stderr


def test_one_policy_and_each_workload_can_be_asked_for(run: Run) -> None:
    result = run("--cluster", "old", "--policy", "vpa", "--per", "workload", "--output", "csv")
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert {row["policy"] for row in rows} == {"VPA style"}
    assert {row["workload"] for row in rows} == {f"old/shop/Deployment/web-{number}" for number in range(3)}
    assert {row["container"] for row in rows} == {"app"}


def test_a_risk_class_is_chosen_by_name(run: Run) -> None:
    rows = json.loads(run("--cluster", "old", "--risk-class", "jvm", "--output", "json").stdout)
    ours = [
        row["policy"] for row in rows if row["policy"].startswith("millicore") and row["kind"] == "policy"
    ]
    assert ours == ["millicore jvm"]
    assert run("--risk-class", "reckless").exit_code == 2


def test_a_cluster_with_too_few_days_says_how_many_are_missing(run: Run) -> None:
    result = run("--cluster", "young")
    assert result.exit_code == 3
    assert "young: nothing can be replayed yet; it needs 2 more whole days of history" in result.stderr
    assert "No cluster has enough history to replay." in result.stdout


def test_only_days_before_an_event_time_are_read(run: Run) -> None:
    result = run("--cluster", "old", "--as-of", "2013-08-20T12:00:00Z", "--output", "json")
    assert "4 days scored after 4 days of warm-up, 2013-08-12 to 2013-08-20" in result.stderr
