"""The same simulated days through a real Prometheus and through files."""

import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from support.prometheus import find_tools, run_prometheus
from support.simulated_files import lake_rows, total

from ingest.files.asset_hours import AssetPaths
from ingest.files.source import FileSource
from ingest.prometheus.settings import PrometheusSettings
from ingest.prometheus.source import PrometheusSource
from ingest.simulated.write import SimulationOptions, write_simulation
from models.vocabulary.windows import HourWindow
from warehouse.observed import ObservedWindow

pytestmark = pytest.mark.prometheus
CLUSTER = "fortnight"


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ObservedWindow, ObservedWindow]:
    _, promtool = find_tools()
    folder = tmp_path_factory.mktemp("two-sources")
    summary = write_simulation(
        "fortnight", folder, seed=7, formats=("files", "openmetrics"), options=SimulationOptions(days=3)
    )
    # by its own two hours promtool would read the text 36 times
    command = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=512h", "openmetrics", "-q"]
    metrics, data = summary.metrics_files[0], Path(folder) / "data"
    subprocess.run([*command, str(metrics), str(data)], check=True, capture_output=True)
    metrics.unlink()
    window = HourWindow(summary.start, summary.end)
    assert summary.node_file is not None
    assert summary.volume_file is not None
    assert summary.mount_file is not None
    assert summary.load_balancer_file is not None
    assets = AssetPaths([summary.volume_file], [summary.mount_file], [summary.load_balancer_file])
    with FileSource(summary.usage_files, [summary.node_file], assets) as files:
        of_files = files.observe(CLUSTER, window)
    with run_prometheus(data) as url:
        of_prometheus = PrometheusSource(PrometheusSettings(url=url)).observe(CLUSTER, window)
    return of_files, of_prometheus


def test_node_hours_are_equal_to_the_second(observed: tuple[ObservedWindow, ObservedWindow]) -> None:
    of_files, of_prometheus = (total(one.tables["node_hour"], "running_seconds") for one in observed)
    assert of_files == of_prometheus


@pytest.mark.parametrize("table", ["volume_hour", "load_balancer_hour"])
def test_volumes_and_load_balancers_are_the_same_rows(
    observed: tuple[ObservedWindow, ObservedWindow], table: str
) -> None:
    of_files, of_prometheus = (lake_rows(one, table) for one in observed)
    assert of_files
    assert of_prometheus == of_files


def test_volumes_are_held_as_long_by_the_same_pods(observed: tuple[ObservedWindow, ObservedWindow]) -> None:
    held: list[dict[tuple[object, object], float]] = []
    for one in observed:
        sums: dict[tuple[object, object], float] = defaultdict(float)
        for row in lake_rows(one, "volume_mount_hour"):
            sums[row["volume"], row["pod_uid"]] += float(str(row["mounted_seconds"]))
        held.append(dict(sums))
    assert held[0].keys() == held[1].keys()
    for pair, seconds in held[0].items():
        # metrics see the end of a deleted pod to a scrape of kube-state-metrics
        assert held[1][pair] == pytest.approx(seconds, abs=240), pair
    claims = {(row["claim"], row["volume"]) for row in lake_rows(observed[0], "volume_hour")}
    spare = {volume for claim, volume in claims if claim == "old-exports"}
    assert spare
    assert spare.isdisjoint(volume for volume, _ in held[0])


@pytest.mark.parametrize(
    ("request_column", "usage_column"),
    [
        ("cpu_request_core_seconds", "cpu_usage_core_seconds"),
        ("memory_request_byte_seconds", "memory_usage_byte_seconds"),
    ],
)
def test_what_each_namespace_is_charged_for_is_within_half_a_percent(
    observed: tuple[ObservedWindow, ObservedWindow], request_column: str, usage_column: str
) -> None:
    charged: list[dict[str, float]] = []
    for one in observed:
        sums: dict[str, float] = defaultdict(float)
        for row in lake_rows(one, "container_hour"):
            sums[str(row["namespace"])] += max(row[request_column] or 0.0, row[usage_column] or 0.0)
        charged.append(dict(sums))
    assert charged[0].keys() == charged[1].keys()
    for namespace, amount in charged[0].items():
        assert charged[1][namespace] == pytest.approx(amount, rel=0.005), namespace
