import csv
import hashlib
import json
import shutil
import subprocess
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest
from support.simulated_files import observe_all, total

from ingest.files.asset_hours import AssetPaths
from ingest.files.lists import load_budgets, load_initiatives, load_ownership, load_prices
from ingest.files.source import FileSource
from ingest.simulated.openmetrics import MetricsOptions
from ingest.simulated.write import SimulationOptions, SimulationSummary, write_simulation
from models.kubernetes.nodes import describe_node
from models.kubernetes.workloads import Owner, PodOwnership, find_workload, owner_lookup
from models.vocabulary.errors import UsageError
from warehouse.observed import WindowState

TWO_DAYS = SimulationOptions(days=2)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    folder = tmp_path_factory.mktemp("simulated")
    options = SimulationOptions(days=2, metrics=MetricsOptions(interval_seconds=120))
    return write_simulation(
        "fortnight", folder, seed=3, formats=("files", "openmetrics", "api"), options=options
    )


def truth_of(summary: SimulationSummary) -> dict[str, object]:
    return json.loads(summary.truth_file.read_text())["clusters"][0]


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_simulation("fortnight", tmp_path / name, seed=3, formats=("files", "api"), options=TWO_DAYS)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    write_simulation("fortnight", tmp_path / "c", seed=4, options=TWO_DAYS)
    assert hashes(tmp_path / "a")["truth.json"] != hashes(tmp_path / "c")["truth.json"]


def test_the_file_source_gives_the_true_totals_back(written: SimulationSummary) -> None:
    truth = truth_of(written)
    assert written.node_file is not None
    with FileSource(written.usage_files, [written.node_file]) as source:
        observed = observe_all(source, "fortnight")
    node_seconds = total(observed.tables["node_hour"], "running_seconds")
    assert node_seconds / 3600 == pytest.approx(truth["node_hours"], rel=1e-12)
    cpu = total(observed.tables["container_hour"], "cpu_usage_core_seconds") / 3600
    assert cpu == pytest.approx(sum(truth["cpu_core_hours_by_team"].values()), rel=1e-5)
    memory = total(observed.tables["container_hour"], "memory_usage_byte_seconds") / 3600 / 1024**3
    assert memory == pytest.approx(sum(truth["memory_gib_hours_by_team"].values()), rel=1e-5)
    assert total(observed.tables["container_hour"], "oom_killed_count") == truth["oom_killed_count"]
    assert {report.state for report in observed.hours} == {WindowState.COMPLETE}


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    totals = []
    for file_format in ("csv", "parquet"):
        options = SimulationOptions(days=1, file_format=file_format)
        summary = write_simulation("fortnight", tmp_path / file_format, seed=3, options=options)
        with FileSource(summary.usage_files) as source:
            tables = observe_all(source, "fortnight").tables
        totals.append(
            (tables["container_hour"].num_rows, total(tables["container_hour"], "cpu_usage_core_seconds"))
        )
    assert totals[0][0] == totals[1][0]
    assert totals[0][1] == pytest.approx(totals[1][1], rel=1e-6)


def test_the_nodes_of_the_bill_add_up_to_the_true_cost(written: SimulationSummary) -> None:
    assert written.bill_file is not None
    with written.bill_file.open(newline="") as file:
        billed = sum(float(row["EffectiveCost"]) for row in csv.DictReader(file) if row["ResourceType"])
    assert billed == pytest.approx(float(truth_of(written)["cost"]["effective"]), abs=1e-6)


def test_every_list_file_is_read_by_its_loader(written: SimulationSummary) -> None:
    assert written.price_file is not None
    assert written.ownership_file is not None
    assert written.budget_file is not None
    assert written.initiative_file is not None
    assert load_prices(written.price_file)
    assert {rule.cluster for rule in load_ownership(written.ownership_file)} == {"fortnight"}
    assert load_budgets(written.budget_file)
    assert load_initiatives(written.initiative_file) == []


def samples(path: Path, metric: str) -> dict[str, list[tuple[int, float]]]:
    """Return the samples of a metric by the text of its labels."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with path.open() as file:
        for line in file:
            if line.startswith(f"{metric}{{"):
                labels, value, moment = line.rsplit(" ", 2)
                found[labels].append((int(moment), float(value)))
    return found


def test_counters_rise_and_their_increase_is_the_true_use(written: SimulationSummary) -> None:
    series = samples(written.metrics_files[0], "container_cpu_usage_seconds_total")
    increase = 0.0
    for labels, points in series.items():
        values = [value for _, value in points]
        assert values == sorted(values)
        if "container=" in labels and 'container="POD"' not in labels:
            increase += values[-1]
    truth = sum(truth_of(written)["cpu_core_hours_by_team"].values())
    assert increase / 3600 == pytest.approx(truth, rel=0.01)


def test_a_killed_container_has_one_series_per_life(written: SimulationSummary) -> None:
    series = samples(written.metrics_files[0], "container_memory_working_set_bytes")
    leaky = {label for label in series if 'container="app"' in label and "-leaky-" in label}
    pods = {label.split('pod="')[1].split('"')[0] for label in leaky}
    assert len(leaky) > len(pods)
    killed = samples(written.metrics_files[0], "kube_pod_container_status_last_terminated_reason")
    assert any("OOMKilled" in label and "-leaky-" in label for label in killed)


def test_families_are_written_once_and_the_text_ends_as_it_must(written: SimulationSummary) -> None:
    text = written.metrics_files[0].read_text()
    types = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert text.endswith("# EOF\n")


def test_stock_metrics_have_no_labels_volumes_or_file_descriptors(tmp_path: Path) -> None:
    options = SimulationOptions(days=1, metrics=MetricsOptions(interval_seconds=240, is_stock=True))
    summary = write_simulation("fortnight", tmp_path, seed=3, formats=("openmetrics",), options=options)
    text = summary.metrics_files[0].read_text()
    for absent in ("kube_pod_labels", "node_filefd", "kube_persistentvolume", "kube_node_labels"):
        assert absent not in text
    assert "kube_pod_info" in text


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_makes_blocks_of_it(written: SimulationSummary, tmp_path: Path) -> None:
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=512h", "openmetrics", "-q"]
    subprocess.run(
        [*command, str(written.metrics_files[0]), str(tmp_path / "blocks")], check=True, capture_output=True
    )
    assert list((tmp_path / "blocks").iterdir())


def test_objects_lead_from_pods_to_the_workloads_of_the_files(written: SimulationSummary) -> None:
    folder = written.object_folders[0]

    def items(kind: str) -> list[dict[str, object]]:
        body = json.loads((folder / f"{kind}s.json").read_text())
        assert body["kind"].endswith("List")
        return body["items"]

    owners = {}
    for kind, stored in (("ReplicaSet", "replicaset"), ("Job", "job"), ("StatefulSet", "statefulset")):
        for item in items(stored):
            meta = item["metadata"]
            above = meta.get("ownerReferences", [None])[0]
            owners[meta["namespace"], kind, meta["name"]] = above and Owner(above["kind"], above["name"])
    kinds = set()
    for pod in items("pod"):
        meta = pod["metadata"]
        reference = meta.get("ownerReferences", [None])[0]
        owner = reference and Owner(reference["kind"], reference["name"])
        found = find_workload(
            PodOwnership(meta["namespace"], meta["name"], owner, meta["labels"]), owner_lookup(owners)
        )
        kinds.add(found.kind)
        assert datetime.fromisoformat(pod["status"]["startTime"])
    assert {"Deployment", "DaemonSet", "CronJob", "Pod"} <= kinds
    described = {describe_node(node["metadata"]["labels"]).node_pool for node in items("node")}
    assert described == {"general"}


def test_objects_and_files_tell_of_the_same_volumes_and_load_balancers(written: SimulationSummary) -> None:
    folder = written.object_folders[0]
    listed = {
        kind: json.loads((folder / f"{kind}s.json").read_text())["items"]
        for kind in ("persistentvolume", "persistentvolumeclaim", "service", "pod")
    }
    at_end = "2026-11-03T23:59:59Z"
    lasting = [row for row in csv_rows(written.volume_file) if not row["valid_to"]]
    assert {item["metadata"]["name"] for item in listed["persistentvolume"]} == {r["volume"] for r in lasting}
    bound = {item["spec"]["volumeName"] for item in listed["persistentvolumeclaim"]}
    mounts = [row for row in csv_rows(written.mount_file) if row["valid_from"] <= at_end < row["valid_to"]]
    assert mounts
    assert {row["volume"] for row in mounts} <= bound
    mounting = {pod["metadata"]["uid"] for pod in listed["pod"] if pod["spec"].get("volumes")}
    assert {row["pod_uid"] for row in mounts} == mounting
    services = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in listed["service"]}
    assert services == {(row["namespace"], row["service"]) for row in csv_rows(written.load_balancer_file)}


def csv_rows(path: Path | None) -> list[dict[str, str]]:
    assert path is not None
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_shared_file_system_own_disks_and_one_left_behind_are_there(written: SimulationSummary) -> None:
    volumes = {row["volume"]: row for row in csv_rows(written.volume_file)}
    holders: dict[str, set[str]] = defaultdict(set)
    for row in csv_rows(written.mount_file):
        holders[row["volume"]].add(row["pod"])
    shared = [name for name, row in volumes.items() if row["storage_class"] == "efs-sc"]
    assert [len(holders[name]) > 1 for name in shared] == [True]
    assert [row["claim"] for name, row in volumes.items() if name not in holders] == ["old-exports"]
    own = [name for name, row in volumes.items() if row["claim"].startswith("data-")]
    assert own
    assert all(len(holders[name]) == 1 for name in own)


def test_the_file_source_gives_the_true_use_of_assets_back(written: SimulationSummary) -> None:
    paths = (written.volume_file, written.mount_file, written.load_balancer_file, written.network_file)
    assert all(paths)
    with FileSource(written.usage_files, (), AssetPaths(*([path] for path in paths if path))) as source:
        tables = observe_all(source, "fortnight").tables
    prices = {(row.asset_kind, row.instance_type): row for row in load_prices(written.price_file)}
    volumes = sum(
        row["running_seconds"] / 3600 * row["capacity_bytes"] / 1024**3
        * float(prices["volume", row["storage_class"]].effective_price)
        for row in tables["volume_hour"].to_pylist()
    )  # fmt: skip
    balancers = total(tables["load_balancer_hour"], "running_seconds") / 3600
    sent = sum(
        row["bytes"] / 1024**3 * float(prices["network", row["traffic_class"]].effective_price)
        for row in tables["network_flow_hour"].to_pylist()
    )
    truth = {kind: float(cost) for kind, cost in truth_of(written)["asset_cost"].items()}
    assert volumes == pytest.approx(truth["volume"])
    assert balancers * float(prices["load_balancer", None].effective_price) == pytest.approx(
        truth["load_balancer"]
    )
    assert sent == pytest.approx(truth["network"])
    assert 48 * float(prices["control_plane", None].effective_price) == pytest.approx(truth["control_plane"])


def test_progress_reaches_what_it_promised(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    write_simulation(
        "fortnight", tmp_path, seed=3, options=TWO_DAYS, progress=lambda done, of: steps.append((done, of))
    )
    assert steps == sorted(steps)
    assert steps[-1][0] == pytest.approx(steps[-1][1], rel=0.02)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose of files, openmetrics, api"):
        write_simulation("fortnight", tmp_path, seed=1, formats=("xml",))
    with pytest.raises(UsageError, match="1 to 299 seconds"):
        MetricsOptions(interval_seconds=300)
