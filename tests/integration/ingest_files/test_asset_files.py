"""Volumes, load balancers and flows from files into a warehouse: stored once, replaced whole, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.small_files import DAY, SmallFiles, write_small_files
from support.warehouse import lake_digest

from models.vocabulary.errors import InputError
from service.runtime import Runtime
from service.usecases.ingest_files import InputFiles, ingest_files

VOLUMES = "cluster,volume,claim_namespace,claim,storage_class,capacity_bytes,valid_from,valid_to\n"
MOUNTS = "cluster,volume,namespace,pod,valid_from,valid_to\n"
BALANCERS = "cluster,namespace,service,valid_from,valid_to\n"
FLOWS = "cluster,namespace,pod,traffic_class,interval_start,interval_seconds,bytes\n"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime.for_test(tmp_path / "home", now=DAY + timedelta(days=1), workers=1)
    yield runtime
    runtime.warehouse.close()


@pytest.fixture
def given(tmp_path: Path) -> InputFiles:
    small: SmallFiles = write_small_files(tmp_path)
    rows = {
        "volumes": VOLUMES + f"prod,pv-1,shop,data,gp3,{2**34},2026-09-01T00:00:00Z,\n",
        "mounts": MOUNTS + "prod,pv-1,shop,shop-web-1,2026-10-01T06:00:00Z,2026-10-01T18:00:00Z\n",
        "load_balancers": BALANCERS + "prod,shop,public,2026-10-01T12:00:00Z,\n",
        "network": FLOWS + "prod,shop,shop-web-1,internet,2026-10-01T06:00:00Z,3600,1000\n",
    }
    paths = {name: tmp_path / f"{name}.csv" for name in rows}
    for name, text in rows.items():
        paths[name].write_text(text, encoding="utf-8")
    return InputFiles(usage=small.usage, nodes=small.nodes, **paths)


def total(runtime: Runtime, table: str, column: str) -> float:
    return float(sum(runtime.warehouse.lake.scan(table)[column].to_pylist()))


def test_assets_are_stored_beside_the_usage(runtime: Runtime, given: InputFiles) -> None:
    ingest_files(runtime, given)
    assert total(runtime, "volume_hour", "running_seconds") == 24 * 3600
    assert total(runtime, "volume_mount_hour", "mounted_seconds") == 12 * 3600
    assert total(runtime, "load_balancer_hour", "running_seconds") == 12 * 3600
    assert total(runtime, "network_flow_hour", "bytes") == 1000
    pods = runtime.warehouse.lake.scan("pod_hour").to_pylist()
    mounts = runtime.warehouse.lake.scan("volume_mount_hour").to_pylist()
    assert {row["pod_uid"] for row in mounts} == {
        row["pod_uid"] for row in pods if row["namespace"] == "shop"
    }


def test_the_same_files_again_change_nothing(runtime: Runtime, given: InputFiles) -> None:
    ingest_files(runtime, given)
    before = lake_digest(runtime.warehouse)
    (again,) = ingest_files(runtime, given).outcomes
    assert again.unchanged_count == 24
    assert lake_digest(runtime.warehouse) == before


def test_a_grown_volume_replaces_what_was_stored_and_an_absent_file_removes_it(
    runtime: Runtime, given: InputFiles
) -> None:
    ingest_files(runtime, given)
    assert given.volumes is not None
    given.volumes.write_text(given.volumes.read_text().replace(str(2**34), str(2**35)))
    ingest_files(runtime, given)
    sizes = set(runtime.warehouse.lake.scan("volume_hour")["capacity_bytes"].to_pylist())
    assert sizes == {float(2**35)}
    ingest_files(runtime, replace(given, volumes=None, mounts=None))
    assert runtime.warehouse.lake.scan("volume_hour").num_rows == 0
    assert runtime.warehouse.lake.scan("load_balancer_hour").num_rows == 12


def test_a_bad_row_of_any_file_stores_nothing(runtime: Runtime, given: InputFiles) -> None:
    assert given.network is not None
    given.network.write_text(given.network.read_text().replace("internet", "moon"))
    with pytest.raises(InputError, match=r"network\.csv, row 1, field traffic_class: value 'moon'"):
        ingest_files(runtime, given)
    assert runtime.warehouse.lake.scan("container_hour").num_rows == 0
