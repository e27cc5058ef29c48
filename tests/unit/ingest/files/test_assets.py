from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
from support.simulated_files import NODE_ROW, START, lake_rows, observe_all, usage_row, write_rows

from ingest.files.asset_hours import AssetPaths
from ingest.files.source import FileSource
from models.vocabulary.errors import InputError
from models.vocabulary.windows import HOUR, HourWindow
from warehouse.observed import ObservedWindow

Rows = Sequence[Mapping[str, object]]
GIB = 2**30
VOLUME = {
    "cluster": "prod",
    "volume": "pv-1",
    "claim_namespace": "web",
    "claim": "data",
    "storage_class": "gp3",
    "provider_id": "vol-1",
    "capacity_bytes": 20 * GIB,
    "valid_from": "2026-10-01T00:00:00Z",
    "valid_to": "",
}
MOUNT = {
    "cluster": "prod",
    "volume": "pv-1",
    "namespace": "web",
    "pod": "shop-5d8f-x2x4z",
    "valid_from": "2026-10-05T10:15:00Z",
    "valid_to": "",
}
BALANCER = {
    "cluster": "prod",
    "namespace": "web",
    "service": "public",
    "provider_id": "a1.elb",
    "valid_from": "2026-10-05T10:30:00Z",
}
FLOW = {
    "cluster": "prod",
    "namespace": "web",
    "pod": "shop-5d8f-x2x4z",
    "traffic_class": "internet",
    "interval_start": "2026-10-05T10:00:00Z",
    "interval_seconds": 300,
    "bytes": 1000,
}
TWO_HOURS = [usage_row(minute) for minute in range(0, 120, 5)]


def files_of(folder: Path, **kinds: Rows) -> AssetPaths:
    return AssetPaths(**{name: (write_rows(folder / f"{name}.csv", rows),) for name, rows in kinds.items()})


def observe(folder: Path, usage: Rows = TWO_HOURS, **kinds: Rows) -> ObservedWindow:
    written = write_rows(folder / "usage.csv", usage)
    nodes = write_rows(folder / "nodes.csv", [NODE_ROW])
    with FileSource([written], [nodes], files_of(folder, **kinds)) as source:
        return observe_all(source, "prod")


def test_a_volume_stands_as_long_as_its_rows_say(tmp_path: Path) -> None:
    row = {**VOLUME, "valid_from": "2026-10-05T10:10:00Z", "valid_to": "2026-10-05T11:20:00Z"}
    first, second = lake_rows(observe(tmp_path, volumes=[row]), "volume_hour")
    assert (first["running_seconds"], second["running_seconds"]) == (3000.0, 1200.0)
    assert first["capacity_bytes"] == second["capacity_bytes"] == 20 * GIB
    assert (first["claim_namespace"], first["claim"], first["storage_class"]) == ("web", "data", "gp3")
    assert (first["used_bytes"], first["region"]) == (None, None)


def test_a_volume_that_grows_counts_each_size_by_its_seconds(tmp_path: Path) -> None:
    small = {**VOLUME, "valid_to": "2026-10-05T10:45:00Z", "used_bytes": 2 * GIB}
    large = {
        **VOLUME,
        "valid_from": "2026-10-05T10:45:00Z",
        "capacity_bytes": 60 * GIB,
        "used_bytes": 6 * GIB,
    }
    first, second = lake_rows(observe(tmp_path, volumes=[small, large]), "volume_hour")
    assert (first["capacity_bytes"], second["capacity_bytes"]) == (30 * GIB, 60 * GIB)
    assert (first["used_bytes"], second["used_bytes"]) == (3 * GIB, 6 * GIB)


def test_a_mount_without_uid_belongs_to_the_pod_of_that_name(tmp_path: Path) -> None:
    stranger = {**MOUNT, "pod": "batch-1"}
    found = lake_rows(observe(tmp_path, volumes=[VOLUME], mounts=[MOUNT, stranger]), "volume_mount_hour")
    by_pod = {(row["pod_uid"], row["hour"]): row["mounted_seconds"] for row in found}
    assert by_pod == {
        ("uid-1", START): 2700.0,
        ("uid-1", START + HOUR): 3600.0,
        ("web/batch-1", START): 2700.0,
        ("web/batch-1", START + HOUR): 3600.0,
    }


def test_a_mount_with_a_hole_says_how_long_but_not_from_when_to_when(tmp_path: Path) -> None:
    first = {**MOUNT, "valid_to": "2026-10-05T10:20:00Z"}
    again = {**MOUNT, "valid_from": "2026-10-05T10:30:00Z"}
    rows = lake_rows(observe(tmp_path, volumes=[VOLUME], mounts=[first, again]), "volume_mount_hour")
    assert [row["mounted_seconds"] for row in rows] == [300.0 + 1800.0, 3600.0]
    assert [row["first_mounted_at"] for row in rows] == [None, START + HOUR]
    assert [row["last_mounted_at"] for row in rows] == [None, START + 2 * HOUR]


def test_a_mount_ends_with_its_volume(tmp_path: Path) -> None:
    volume = {**VOLUME, "valid_to": "2026-10-05T10:45:00Z"}
    (row,) = lake_rows(observe(tmp_path, volumes=[volume], mounts=[MOUNT]), "volume_mount_hour")
    assert row["mounted_seconds"] == 1800.0


def test_a_load_balancer_is_named_by_namespace_and_service(tmp_path: Path) -> None:
    first, second = lake_rows(observe(tmp_path, load_balancers=[BALANCER]), "load_balancer_hour")
    assert (first["load_balancer"], first["running_seconds"]) == ("web/public", 1800.0)
    assert (second["running_seconds"], second["provider_id"]) == (3600.0, "a1.elb")


def test_flows_are_summed_by_class_and_hour_and_are_what_the_pod_sent(tmp_path: Path) -> None:
    flows = [
        FLOW,
        FLOW,  # files may overlap
        {**FLOW, "interval_start": "2026-10-05T10:05:00Z", "bytes": 500},
        {**FLOW, "traffic_class": "", "bytes": 7},
    ]
    observed = observe(tmp_path, network=flows)
    found = lake_rows(observed, "network_flow_hour")
    assert [(row["pod_uid"], row["traffic_class"], row["bytes"]) for row in found] == [
        ("uid-1", "internet", 1500.0),
        ("uid-1", "unclassified", 7.0),
    ]
    sent = [row["network_transmit_bytes"] for row in lake_rows(observed, "pod_hour")]
    assert sent == [1507.0, None]


@pytest.mark.parametrize(
    ("kind", "rows", "message"),
    [
        ("volumes", [VOLUME, VOLUME], "row 2, field valid_from.*overlaps row 1: volume pv-1"),
        ("volumes", [{**VOLUME, "capacity_bytes": ""}], "row 1, field capacity_bytes.*is empty"),
        ("volumes", [{**VOLUME, "valid_to": "2026-09-01T00:00:00Z"}], "valid_to.*is not after valid_from"),
        ("volumes", [{**VOLUME, "cluster": "Prod!"}], "row 1, field cluster"),
        ("mounts", [MOUNT], "row 1, field volume: value 'pv-1' is a volume that no volume file describes"),
        ("load_balancers", [BALANCER, BALANCER], "overlaps row 1: load balancer web/public"),
        (
            "network",
            [{**FLOW, "traffic_class": "moon"}],
            "is not one of zone, region, internet, unclassified",
        ),
        ("network", [{**FLOW, "interval_seconds": 7200}], "is not between 1 and 3600 seconds"),
        ("network", [{**FLOW, "bytes": -1}], "row 1, field bytes.*is negative"),
        (
            "network",
            [FLOW, {**FLOW, "bytes": 2}],
            "overlaps another row of pod shop-5d8f-x2x4z, class internet",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, kind: str, rows: Rows, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        observe(tmp_path, **{kind: rows})
    assert f"{kind}.csv" in str(caught.value)


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    from_csv = observe(tmp_path, volumes=[VOLUME], network=[FLOW])
    for name, row, times in (
        ("volumes", VOLUME, ("valid_from", "valid_to")),
        ("network", FLOW, ("interval_start",)),
    ):
        frame = pd.DataFrame([row])
        for column in times:
            frame[column] = pd.to_datetime(frame[column], utc=True)
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
    paths = AssetPaths(volumes=[tmp_path / "volumes.parquet"], network=[tmp_path / "network.parquet"])
    with FileSource([tmp_path / "usage.csv"], [tmp_path / "nodes.csv"], paths) as source:
        from_parquet = observe_all(source, "prod")
    assert from_parquet.hours == from_csv.hours
    for table in ("volume_hour", "network_flow_hour", "pod_hour"):
        assert lake_rows(from_parquet, table) == lake_rows(from_csv, table)


def test_an_hour_has_one_hash_in_whatever_window_and_another_one_when_an_asset_changes(
    tmp_path: Path,
) -> None:
    kinds: dict[str, Rows] = {"volumes": [VOLUME], "mounts": [MOUNT], "load_balancers": [BALANCER]}
    whole = observe(tmp_path, **kinds)
    written, nodes = tmp_path / "usage.csv", tmp_path / "nodes.csv"
    with FileSource([written], [nodes], files_of(tmp_path, **kinds)) as source:
        parts = [source.observe("prod", window) for window in HourWindow(START, START + 2 * HOUR).split(HOUR)]
    assert tuple(report for part in parts for report in part.hours) == whole.hours
    grown = observe(tmp_path, **{**kinds, "volumes": [{**VOLUME, "capacity_bytes": 30 * GIB}]})
    assert {report.input_hash for report in grown.hours}.isdisjoint(
        report.input_hash for report in whole.hours
    )
    assert whole.hours[0].row_count == 1 + 1 + 1 + 3


def test_without_asset_files_nothing_is_said_of_assets(tmp_path: Path) -> None:
    assert set(observe(tmp_path).tables) == {"container_hour", "pod_hour", "node_hour", "label_set"}
