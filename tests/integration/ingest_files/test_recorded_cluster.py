"""The recorded OpenShift cluster (project-koku/koku-metrics-operator, Apache-2.0) through the file source."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.simulated_files import lake_rows, observe_all, total

from ingest.files.source import FileSource


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> pd.DataFrame:
    return pd.read_parquet(shared_data / "usage" / "openshift_cluster_3h.parquet")


@pytest.fixture(scope="module")
def source_files(recorded: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("openshift")
    usage = pd.DataFrame(
        {
            "cluster": "openshift",
            "namespace": recorded.namespace,
            "workload_kind": "Pod",
            "workload_name": recorded.pod,
            "pod": recorded.pod,
            "container": "pod",
            "node": recorded.node,
            "interval_start": recorded.ts,
            "interval_seconds": 3600,
            "cpu_usage_cores": recorded.cpu_usage_cores,
            "memory_usage_bytes": recorded.mem_usage_bytes,
            "cpu_request_cores": recorded.cpu_request_cores,
            "cpu_limit_cores": recorded.cpu_limit_cores,
            "memory_request_bytes": recorded.mem_request_bytes,
            "memory_limit_bytes": recorded.mem_limit_bytes,
        }
    )
    usage.to_parquet(folder / "usage.parquet", index=False)
    nodes = recorded.drop_duplicates("node")
    node_rows = pd.DataFrame(
        {
            "cluster": "openshift",
            "node": nodes.node,
            "valid_from": "2021-07-01T00:00:00Z",
            "instance_type": "m5.4xlarge",
            "region": "us-east-2",
            "cpu_capacity_cores": nodes.node_capacity_cpu_cores,
            "memory_capacity_bytes": nodes.node_capacity_memory_bytes,
        }
    )
    node_rows.to_csv(folder / "nodes.csv", index=False)
    return folder / "usage.parquet", folder / "nodes.csv"


def test_no_pod_hour_no_request_and_no_core_second_is_lost(
    recorded: pd.DataFrame, source_files: tuple[Path, Path]
) -> None:
    with FileSource([source_files[0]], [source_files[1]]) as source:
        observed = observe_all(source, "openshift")
    containers = observed.tables["container_hour"]
    assert containers.num_rows == len(recorded)
    assert total(containers, "cpu_usage_core_seconds") == pytest.approx(
        float(recorded.cpu_usage_cores.sum()) * 3600
    )
    assert total(containers, "cpu_request_core_seconds") == pytest.approx(
        float(recorded.cpu_request_cores.sum()) * 3600
    )
    assert total(containers, "memory_usage_byte_seconds") == pytest.approx(
        float(recorded.mem_usage_bytes.sum()) * 3600
    )
    assert observed.tables["node_hour"].num_rows == 5 * len(observed.hours)
    assert not any("no file describes" in report.note for report in observed.hours)


def test_what_was_unset_stays_unset(recorded: pd.DataFrame, source_files: tuple[Path, Path]) -> None:
    with FileSource([source_files[0]], [source_files[1]]) as source:
        rows = lake_rows(observe_all(source, "openshift"), "container_hour")
    for column, ours in (
        ("cpu_usage_cores", "cpu_usage_core_seconds"),
        ("cpu_request_cores", "cpu_request_core_seconds"),
        ("cpu_limit_cores", "cpu_limit_cores"),
        ("mem_limit_bytes", "memory_limit_bytes"),
    ):
        assert sum(row[ours] is None for row in rows) == int(np.isnan(recorded[column]).sum())
