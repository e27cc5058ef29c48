"""Replicas, load tests and request metrics from the command line."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.container_usage import Container
from support.scaled_workloads import START, hpa_spec, object_row, request_rows, store_world
from typer.testing import CliRunner, Result

from service.cli.app import app
from service.runtime import Runtime

DAYS = 5
NOW = START + timedelta(days=DAYS)


def office(hours: np.ndarray) -> np.ndarray:
    return np.where((hours % 24 >= 8) & (hours % 24 < 20), 0.8, 0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replicas") / "home"
    runtime = Runtime.for_test(folder, now=NOW)
    hpa = object_row("HorizontalPodAutoscaler", "web", hpa_spec(2, 6))
    count = DAYS * 288
    rates = {"0.1": np.full(count, 30.0), "+Inf": 1 + np.sin(np.arange(count) / 46) ** 2}
    store_world(runtime, [Container(cpu=office, pods=4)], DAYS * 24, [hpa], request_rows(rates))
    runtime.warehouse.close()
    (folder / "millicore.yaml").write_text(f"fixed_now: {NOW.isoformat()}\n")
    return folder


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def read(home: Path, *words: str) -> list[dict[str, object]]:
    answer = run(home, *words, "--output", "json")
    assert answer.exit_code in {0, 3}, answer.stderr
    found: list[dict[str, object]] = json.loads(answer.stdout)
    return found


def test_the_list_has_advice_for_what_scales_and_for_all_on_request(home: Path) -> None:
    (row,) = read(home, "replicas", "list")
    assert (row["workload"], row["basis"]) == ("alpha/shop/Deployment/web", "utilisation")
    assert (row["scaler"], row["bound"]) == ("HorizontalPodAutoscaler web", "maximum")
    floor = read(home, "replicas", "list", "--floor", "--all")[0]
    assert int(str(row["replica_count_needed"])) - int(str(floor["replica_count_needed"])) in {0, 1}
    table = run(home, "replicas", "list")
    assert "alpha/shop/Deployment/web" in table.stdout


def test_a_schedule_is_printed_as_lines_that_can_be_run(home: Path) -> None:
    answer = run(home, "replicas", "schedule", "alpha/shop/Deployment/web", "--zone", "Europe/Berlin")
    assert answer.exit_code == 0, answer.stderr
    assert "kubectl patch hpa web -n shop --type=merge" in answer.stdout
    keda = run(home, "replicas", "schedule", "alpha/shop/Deployment/web", "--format", "keda")
    assert keda.stdout.startswith("apiVersion: keda.sh/v1alpha1")
    for words, message in (
        (["alpha/shop/web"], "cluster/namespace/kind/name"),
        (["alpha/shop/Deployment/web", "--format", "helm"], "auto, keda or hpa"),
        (["alpha/shop/Deployment/web", "--zone", "Nowhere"], "IANA"),
    ):
        refused = run(home, "replicas", "schedule", *words)
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_the_audit_names_target_use_and_hours_beyond_need(home: Path) -> None:
    (row,) = read(home, "replicas", "audit", "--window", "5d")
    assert (row["metric"], row["target"]) == ("cpu", 0.5)
    assert row["achieved"] == pytest.approx(0.45)
    assert row["excess_replica_hours"] == pytest.approx(12 * DAYS * 3)
    assert row["excess_cost"] is None
    lines = run(home, "replicas", "audit", "--window", "5d", "--output", "csv").stdout
    assert next(csv.DictReader(io.StringIO(lines)))["currency"] == ""


def test_load_tests_are_imported_listed_and_used(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "tests.csv"
    file.write_text(
        "cluster,namespace,workload_name,metric,capacity_per_replica,service_level,tested_at\n"
        "alpha,shop,web,cpu_cores,1.6,p99 < 300 ms,2026-11-02T00:00:00Z\n"
    )
    assert run(home, "load-test", "import", str(file)).stdout == "1 load test stored\n"
    (listed,) = read(home, "load-test", "list")
    assert (listed["capacity_per_replica"], listed["is_expired"]) == (1.6, False)
    (row,) = read(home, "replicas", "list")
    assert row["basis"] == "load_test"
    file.write_text(file.read_text() + "alpha,shop,web,rps,none,p99,2026-11-02T00:00:00Z\n")
    refused = run(home, "load-test", "import", str(file))
    assert refused.exit_code == 1
    assert "tests.csv, row 2, field capacity_per_replica" in refused.stderr


def test_request_weights_are_shown_before_and_after_the_fit(home: Path) -> None:
    (before,) = read(home, "request-metric", "show")
    assert before["reason"] is not None
    (fitted,) = read(home, "request-metric", "fit")
    (shown,) = read(home, "request-metric", "show")
    assert shown == fitted
    assert shown["held_out_r2"] is not None
    assert float(np.mean(np.array(shown["weights"]))) == pytest.approx(1.0)


def test_what_an_autoscaler_would_ask_for_is_counted_without_data(home: Path) -> None:
    words = ["replicas", "needed", "--target", "50", *["--metric", "80"] * 4]
    assert read(home, *words)[0]["replica_count_needed"] == 7
    assert read(home, *words, "--floor")[0]["replica_count_needed"] == 6
    assert read(home, *words, "--missing", "4", "--missing-as-seen")[0]["metric_total"] == 640.0


def test_unit_costs_by_request_say_when_there_is_no_cost(home: Path) -> None:
    answer = run(home, "unit-cost", "--period", "5d", "--metric", "weighted-requests", "--currency", "EUR")
    assert answer.exit_code == 0, answer.stderr
    assert "No requests are stored" in answer.stdout
