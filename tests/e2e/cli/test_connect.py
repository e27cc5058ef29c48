"""First contact with a real Prometheus that remembers ten days, with stock and with full metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from support.prometheus import load_blocks, run_prometheus
from typer.testing import CliRunner, Result

from ingest.simulated.openmetrics import MetricsOptions
from service.cli.app import app
from service.usecases.simulate import SimulationOptions, simulate

pytestmark = pytest.mark.prometheus

DAYS = 10
Run = Callable[..., Result]


def served(folder: Path, metrics: MetricsOptions) -> Iterator[str]:
    options = SimulationOptions(days=DAYS, pods=8, metrics=metrics)
    done = simulate("fleet", folder / "simulated", seed=5, formats=("openmetrics",), options=options)
    data = load_blocks(done.metrics_files, folder / "data")
    for file in done.metrics_files:
        file.unlink()
    with run_prometheus(data) as url:
        yield url


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from served(tmp_path_factory.mktemp("stock"), MetricsOptions(interval_seconds=120, is_stock=True))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    metrics = MetricsOptions(interval_seconds=120, cluster_label="Lab EU")
    yield from served(tmp_path_factory.mktemp("full"), metrics)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-11-12T00:20:00Z")
    return lambda *words: CliRunner().invoke(app, list(words))


def test_a_dry_run_reports_everything_and_writes_nothing(run: Run, stock: str, tmp_path: Path) -> None:
    result = run("connect", "--prometheus", stock, "--dry-run")
    assert result.exit_code == 0, result.stderr
    for part in (
        "scraped every 120 s",
        "missing (optional): kube_node_labels",
        "queries for about",
        "assumed",
    ):
        assert part in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_stock_metrics_make_a_true_board_with_every_doubt_marked(
    run: Run, stock: str, tmp_path: Path
) -> None:
    result = run("connect", "--prometheus", stock, "--cluster", "lab", "--output", "json")
    assert result.exit_code == 3, result.stderr
    board = json.loads(result.stdout)
    figures = {figure["key"]: figure for figure in board["figures"]}
    assert figures["cost"]["value"].endswith("USD")
    assert float(figures["cost"]["value"].split()[0].replace(",", "")) > 0
    assert figures["owned"]["value"] == "0.0 %"
    assert figures["realised"]["value"] == "not measured yet"
    assert "100.0 % assumed prices" in result.stderr
    assert "without kube_pod_labels" in result.stderr
    status = json.loads(run("ingest", "status", "--output", "json").stdout)
    assert [(row["cluster"], row["owed"]) for row in status] == [("lab", 0)]
    assert status[0]["complete"] >= 24 * DAYS - 1
    assert (tmp_path / "millicore.yaml").stat().st_mode & 0o077 == 0


def test_full_metrics_name_the_cluster_its_node_types_and_teams(run: Run, full: str, tmp_path: Path) -> None:
    result = run("connect", "--prometheus", full, "--since", "3d", "--output", "json")
    assert result.exit_code == 3, result.stderr
    assert "kube_node_labels" not in result.stderr
    assert "kube_pod_labels" not in result.stderr
    config = yaml.safe_load((tmp_path / "millicore.yaml").read_text(encoding="utf-8"))
    assert [cluster["name"] for cluster in config["clusters"]] == ["lab-eu"]
    figures = {figure["key"]: figure for figure in json.loads(result.stdout)["figures"]}
    assert figures["owned"]["value"] != "0.0 %"


def test_connecting_again_changes_nothing_and_reads_nothing(run: Run, full: str, tmp_path: Path) -> None:
    run("connect", "--prometheus", full, "--since", "2d", "--output", "json")
    config = (tmp_path / "millicore.yaml").read_bytes()
    again = run("connect", "--prometheus", full, "--since", "2d", "--output", "json")
    assert "read 0 hours, 0 rows" in again.stderr
    assert (tmp_path / "millicore.yaml").read_bytes() == config
    assert not (tmp_path / "millicore.yaml.before").exists()


def test_a_wrong_address_and_a_wrong_cluster_are_refused_before_anything_is_written(
    run: Run, full: str, tmp_path: Path
) -> None:
    assert run("connect", "--prometheus", "http://127.0.0.1:9").exit_code == 1
    wrong = run("connect", "--prometheus", full, "--cluster", "other", "--cluster-label", "cluster")
    assert wrong.exit_code == 2
    assert "Lab EU" in wrong.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_hour_can_be_repaired_and_run_reads_what_is_owed(run: Run, stock: str) -> None:
    run("connect", "--prometheus", stock, "--cluster", "lab", "--since", "1d")
    window = "2026-11-11T06:00:00Z,2026-11-11T09:00:00Z"
    repaired = run("ingest", "repair", "--window", window, "--output", "json")
    (row,) = json.loads(repaired.stdout)
    assert (row["unchanged"], row["rows"]) == (3, 0)
    (row,) = json.loads(run("ingest", "run", "--output", "json").stdout)
    assert row["failed"] == 0
    assert row["rows"] > 0
