"""Allocates one cluster-day of volumes, mounts and traffic beside 20,833 pods, through files as workers do.

Run from the repository::

    .venv/bin/python tests/benchmarks/bench_assets.py [--volumes 5000]

Prints CPU seconds of this process and the rows it read and wrote. One volume in 25 is shared by 20 pods, some
of which hold it for half the hour; every pod sends traffic in two classes, one of which has a price.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.pricing.asset_book import AssetPrices, charged_kinds
from models.pricing.price_list import PriceRow
from service.jobs.asset_tables import AssetInputs, AssetReader, ChargedSpan
from service.jobs.assets import AssetAllocation, allocate_assets
from warehouse.lake.partition_files import write_partition

PODS = 20_833
DAY = date(2026, 9, 1)
START, END = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
HOURS = int(START.timestamp()) * 1_000_000 + np.arange(24) * 3_600_000_000
INSTANT = pa.timestamp("us", tz="UTC")
GIB = float(1 << 30)


def _hours(count: int) -> pa.Array:
    return pa.array(np.tile(HOURS, count), INSTANT)


def _names(prefix: str, codes: np.ndarray) -> pa.Array:
    values = pa.array([f"{prefix}{index:06d}" for index in range(int(codes.max()) + 1)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), values)


def observed(volume_count: int) -> dict[str, pa.Table]:
    """Return a day's rows by table."""
    random = np.random.default_rng(1)
    volume = np.repeat(np.arange(volume_count), 24)
    size = np.repeat(random.choice([10, 20, 50, 100, 500], volume_count) * GIB, 24)
    held = np.concatenate([np.arange(volume_count), np.repeat(np.arange(volume_count // 25), 20)])
    holder = np.repeat(np.arange(len(held)) % PODS, 24)
    seconds = np.repeat(random.choice([3600, 1800], len(held), p=[0.7, 0.3]), 24)
    pod, sender = np.repeat(np.arange(PODS), 24), np.repeat(np.arange(PODS), 48)
    first = np.tile(HOURS, len(held))
    return {
        "volume_hour": pa.table(
            {
                "hour": _hours(volume_count),
                "volume": _names("pv-", volume),
                "claim_namespace": _names("ns-", volume % 120),
                "claim": _names("data-", volume),
                "storage_class": _names("gp", volume % 3),
                "capacity_bytes": size,
                "used_bytes": size * 0.4,
                "running_seconds": np.full(len(size), 3600.0),
            }
        ),
        "volume_mount_hour": pa.table(
            {
                "hour": pa.array(first, INSTANT),
                "volume": _names("pv-", np.repeat(held, 24)),
                "pod_uid": _names("pod-", holder),
                "namespace": _names("ns-", np.repeat(held % 120, 24)),
                "mounted_seconds": seconds.astype(np.float64),
                "first_mounted_at": pa.array(first, INSTANT),
                "last_mounted_at": pa.array(first + seconds * 1_000_000, INSTANT),
            }
        ),
        "network_flow_hour": pa.table(
            {
                "hour": _hours(2 * PODS),
                "pod_uid": _names("pod-", sender),
                "namespace": _names("ns-", sender % 120),
                "traffic_class": pa.array(np.tile(np.repeat(["internet", "zone"], 24), PODS)),
                "bytes": random.random(48 * PODS) * 1e9,
            }
        ),
        "pod_hour": pa.table(
            {
                "hour": _hours(PODS),
                "pod_uid": _names("pod-", pod),
                "workload_kind": _names("kind-", pod % 3),
                "workload_name": _names("service-", pod // 8),
                "label_set_id": _names("set-", pod // 8),
            }
        ),
    }


def prices() -> list[PriceRow]:
    """Return a price for every storage class, for egress and for the control plane."""
    rows = [(f"gp{index:06d}", "volume", "gib_hour", "0.0001") for index in range(3)]
    rows += [("internet", "network", "gib", "0.09"), (None, "control_plane", "hour", "0.1")]
    return [
        PriceRow(name, "USD", Decimal(price), START, asset_kind=kind, unit=unit)
        for name, kind, unit, price in rows
    ]


def allocate(tables: dict[str, pa.Table], root: str) -> tuple[AssetAllocation, float]:
    """Stage the day, allocate its assets and return them with the CPU seconds that took."""
    files = {}
    for name, rows in tables.items():
        staged = write_partition(name, {"cluster": "bench", "day": DAY}, rows, root)
        files[name] = tuple(f"{root}/{name}/{part.path}" for part in staged.parts)
    inputs = AssetInputs(
        files["volume_hour"],
        files["volume_mount_hour"],
        (),
        files["network_flow_hour"],
        (ChargedSpan(START, END, charged_kinds(prices(), START, END)),),
    )
    texts = {name: pa.array(["eu-1"] * 24) for name in ("region", "label_set_id")}
    nodes = pa.table({"hour": pa.array(HOURS, INSTANT), **texts})
    started = time.process_time()
    found = allocate_assets(AssetReader(inputs, files["pod_hour"]), nodes, AssetPrices(prices()))
    return found, time.process_time() - started


def main() -> None:
    """Allocate a day and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volumes", type=int, default=5000)
    tables = observed(parser.parse_args().volumes)
    with tempfile.TemporaryDirectory(prefix="millicore-bench-") as root:
        found, cpu = allocate(tables, root)
    rows = sum(table.num_rows for table in tables.values())
    lines = sum(table.num_rows for table in found.lines)
    print(f"assets of a cluster-day: {rows:,} rows read, {lines:,} lines, {cpu:.2f} CPU s")


if __name__ == "__main__":
    main()
