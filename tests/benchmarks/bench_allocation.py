"""Allocates a synthetic fleet through the lake's files, beside a plain pandas version of the same job.

Run from the repository::

    .venv/bin/python tests/benchmarks/bench_allocation.py [--container-hours 10_000_000] [--layout day|hour]

Prints CPU seconds of user and system of this process (all threads), peak resident memory and the ratio. Each
cluster-day has about 500,000 container-hours in the layout of a compacted day (one file ordered by node and
pod) or, with ``--layout hour``, of 24 hour commits. The pandas version works on the same files and keeps its
result as Parquet too; it is measured on a tenth of the days and scaled.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.pricing.price_list import PriceRow
from models.vocabulary.windows import HourWindow, day_start
from service.jobs.allocation import AllocationTask, allocate_partition
from service.usecases.allocation import files_by_day
from warehouse.lake.location import LakeRoot
from warehouse.lake.partition_files import write_partition
from warehouse.lake.store import Lake

CONTAINERS = 20_833
CONTAINERS_PER_NODE = 30
FIRST_DAY = date(2026, 9, 1)
GIB = float(1 << 30)


@dataclass(frozen=True)
class Usage:
    """CPU seconds and peak memory since a mark."""

    cpu_seconds: float
    peak_megabytes: float


def cpu_seconds() -> float:
    """Return CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_megabytes() -> float:
    """Return the peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _coded(codes: np.ndarray, values: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))


def day_hours(day: date) -> np.ndarray:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000_000)
    return start + np.arange(24) * 3_600_000_000


def container_rows(day: date, hours: np.ndarray, containers: int = CONTAINERS) -> pa.Table:
    """Return container-hours of the fleet, ordered by node, pod and hour."""
    random = np.random.default_rng(day.toordinal())
    container = np.repeat(np.arange(containers), len(hours))
    count = len(container)
    request = np.repeat(random.choice([0.1, 0.25, 0.5, 1.0, 2.0], containers), len(hours))
    memory = np.repeat(random.choice([0.25, 0.5, 1.0, 2.0, 4.0], containers) * GIB, len(hours))
    unset = np.repeat(random.random(containers) < 0.05, len(hours))
    missing = random.random(count) < 0.01
    workload = container // 8
    return pa.table(
        {
            "hour": pa.array(np.tile(hours, containers), pa.timestamp("us", tz="UTC")),
            "node_key": _coded(
                container // CONTAINERS_PER_NODE, _names("i-0", containers // CONTAINERS_PER_NODE + 1)
            ),
            "pod_uid": _coded(
                container, [f"{day:%m%d}-{index:08x}-4f1c-9a7e" for index in range(containers)]
            ),
            "container": _coded(container % 5, ["app", "proxy", "cache", "worker", "agent"]),
            "namespace": _coded(workload % 120, _names("ns-", 120)),
            "workload_kind": _coded(workload % 3, ["Deployment", "StatefulSet", "DaemonSet"]),
            "workload_name": _coded(workload, _names("service-", containers // 8 + 1)),
            "container_kind": _coded(np.zeros(count, np.int64), ["main"]),
            "running_seconds": pa.array(np.full(count, 3600.0)),
            "cpu_request_core_seconds": pa.array(request * 3600, mask=unset),
            "cpu_usage_core_seconds": pa.array(request * random.gamma(2.0, 0.15, count) * 3600, mask=missing),
            "memory_request_byte_seconds": pa.array(memory * 3600, mask=unset),
            "memory_usage_byte_seconds": pa.array(memory * random.beta(4, 4, count) * 3600, mask=missing),
        }
    )


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{index:05d}" for index in range(count)]


def pod_rows(day: date, hours: np.ndarray, containers: int = CONTAINERS) -> pa.Table:
    """Return the pod-hours of the same fleet (one container per pod: the dearest case)."""
    pod = np.repeat(np.arange(containers), len(hours))
    return pa.table(
        {
            "hour": pa.array(np.tile(hours, containers), pa.timestamp("us", tz="UTC")),
            "pod_uid": _coded(pod, [f"{day:%m%d}-{index:08x}-4f1c-9a7e" for index in range(containers)]),
            "scheduled_seconds": pa.array(np.full(len(pod), 3600.0)),
            "label_set_id": _coded(pod // 8, [f"{index:016x}" for index in range(containers // 8 + 1)]),
        }
    )


def node_rows(hours: np.ndarray, containers: int = CONTAINERS) -> pa.Table:
    """Return the node-hours: 32 cores and 128 GiB each, 1 in 10 of another type."""
    nodes = containers // CONTAINERS_PER_NODE + 1
    node = np.tile(np.arange(nodes), len(hours))
    count = len(node)
    return pa.table(
        {
            "hour": pa.array(np.repeat(hours, nodes), pa.timestamp("us", tz="UTC")),
            "node_key": _coded(node, _names("i-0", nodes)),
            "instance_type": _coded((node % 10 == 0).astype(np.int64), ["m6i.8xlarge", "m6a.8xlarge"]),
            "node_pool": _coded(node % 4, _names("pool-", 4)),
            "running_seconds": pa.array(np.full(count, 3600.0)),
            "cpu_capacity_cores": pa.array(np.full(count, 32.0)),
            "cpu_allocatable_cores": pa.array(np.full(count, 31.85)),
            "memory_capacity_bytes": pa.array(np.full(count, 128 * GIB)),
            "memory_allocatable_bytes": pa.array(np.full(count, 120 * GIB)),
        }
    )


def build(lake: Lake, root: str, days: list[date], layout: str) -> None:
    """Write the observed tables of the days and commit them."""
    for table, rows_of in (
        ("container_hour", container_rows),
        ("pod_hour", pod_rows),
        ("node_hour", lambda day, hours: node_rows(hours)),
    ):
        files, partitions = [], []
        for day in days:
            partition = {"cluster": "bench", "day": day}
            partitions.append(partition)
            hours = day_hours(day)
            pieces = [hours] if layout == "day" else [hours[index : index + 1] for index in range(24)]
            files += [write_partition(table, partition, rows_of(day, piece), root) for piece in pieces]
        lake.replace_partitions(table, partitions, files)


def prices() -> tuple[PriceRow, ...]:
    """Return a price for both node types."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        PriceRow("m6i.8xlarge", "USD", Decimal("1.536"), start, hourly_effective_price=Decimal("1.1")),
        PriceRow("m6a.8xlarge", "USD", Decimal("1.3824"), start),
    )


def allocate(lake: Lake, root: str, days: list[date]) -> int:
    """Run the product's job over the days, a partition at a time, and commit; return container-hours."""
    results = []
    whole = HourWindow(day_start(days[0]), day_start(days[-1] + timedelta(days=1)))
    files = {
        name: files_by_day(lake.files(name, cluster="bench", window=whole))
        for name in ("container_hour", "pod_hour", "node_hour")
    }
    for day in days:
        task = AllocationTask(
            "bench",
            day,
            files["container_hour"][day],
            files["pod_hour"][day],
            files["node_hour"][day],
            prices(),
            None,
            root,
        )
        results.append(allocate_partition(task))
    partitions = [{"cluster": "bench", "day": day} for day in days]
    lake.replace_partitions("asset_price_hour", partitions, [result.asset_prices for result in results])
    lake.replace_partitions("allocation_hour", partitions, [result.allocation for result in results])
    return sum(result.container_hours for result in results)


def allocate_in_pandas(lake: Lake, root: str, days: list[date]) -> int:
    """Do the same job as one would write it in pandas: joins, groupby, one frame per resource."""
    import pandas as pd

    price_of = {row.instance_type: float(row.effective_price) for row in prices()}
    done = 0
    for day in days:
        window = HourWindow.of_day(day)
        containers, pods, nodes = (
            pd.concat([pd.read_parquet(file) for file in lake.files(name, cluster="bench", window=window)])
            for name in ("container_hour", "pod_hour", "node_hour")
        )
        nodes["cost"] = nodes["instance_type"].map(price_of) * nodes["running_seconds"] / 3600
        weighted = 9 * nodes["cpu_capacity_cores"] + nodes["memory_capacity_bytes"] / GIB
        frame = containers.merge(
            pods[["hour", "pod_uid", "scheduled_seconds", "label_set_id"]], on=["hour", "pod_uid"], how="left"
        )
        for name, capacity, allocatable, request, usage, share in (
            ("cpu", "cpu_capacity_cores", "cpu_allocatable_cores", "cpu_request_core_seconds",
             "cpu_usage_core_seconds", 9 * nodes["cpu_capacity_cores"] / weighted),
            ("memory", "memory_capacity_bytes", "memory_allocatable_bytes", "memory_request_byte_seconds",
             "memory_usage_byte_seconds", nodes["memory_capacity_bytes"] / GIB / weighted),
        ):  # fmt: skip
            facts = nodes[["hour", "node_key", "node_pool"]].assign(
                resource_cost=nodes["cost"] * share,
                capacity=nodes[capacity] * nodes["running_seconds"],
                allocatable=nodes[allocatable] * nodes["running_seconds"],
            )
            lines = frame.merge(facts, on=["hour", "node_key"], how="left")
            lines["billed"] = lines[[request, usage]].max(axis=1).fillna(0)
            sold = lines.groupby(["hour", "node_key"])["billed"].transform("sum")
            unit = lines["resource_cost"] / np.maximum(
                lines["capacity"], sold + lines["capacity"] - lines["allocatable"]
            )
            lines["used_cost"] = (unit * lines[usage]).round(9)
            lines["unused_request_cost"] = (unit * (lines["billed"] - lines[usage])).round(9)
            lines["unmeasured_cost"] = (unit * lines["billed"]).where(lines[usage].isna()).round(9)
            lines["resource"] = name
            lines[
                ["hour", "node_key", "node_pool", "pod_uid", "container", "resource", "namespace",
                 "workload_kind", "workload_name", "label_set_id", request, usage, "used_cost",
                 "unused_request_cost", "unmeasured_cost"]
            ].to_parquet(f"{root}/pandas-{day}-{name}.parquet")  # fmt: skip
        done += len(containers)
    return done


def _measured(mode: str, root: str, day_count: int) -> tuple[float, float, float, int]:
    """Run one version in a process of its own; return CPU seconds, peak MB, wall seconds, container-hours."""
    command = [sys.executable, __file__, "--run", mode, "--root", root, "--days", str(day_count)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(output[0]), float(output[1]), float(output[2]), int(output[3])


def _run(mode: str, root: str, days: list[date]) -> None:
    lake = Lake(LakeRoot.parse(root))
    started_cpu, started = cpu_seconds(), time.perf_counter()
    count = (allocate if mode == "millicore" else allocate_in_pandas)(lake, root, days)
    print(cpu_seconds() - started_cpu, peak_megabytes(), time.perf_counter() - started, count)


def main() -> None:
    """Build the lake, run both versions and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--container-hours", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    parser.add_argument("--layout", choices=("day", "hour"), default="day")
    parser.add_argument("--without-pandas", action="store_true")
    parser.add_argument("--run", choices=("millicore", "pandas"))
    parser.add_argument("--root")
    parser.add_argument("--days", type=int)
    options = parser.parse_args()
    count = options.days or max(round(options.container_hours / (CONTAINERS * 24)), 1)
    days = [FIRST_DAY + timedelta(days=index) for index in range(count)]
    if options.run:
        _run(options.run, options.root, days)
        return
    with tempfile.TemporaryDirectory(prefix="millicore-bench-") as root:
        lake = Lake(LakeRoot.parse(root))
        lake.create_tables()
        build(lake, root, days, options.layout)
        cpu, memory, wall, rows = _measured("millicore", root, count)
        print(
            f"millicore: {rows:,} container-hours, layout {options.layout}: {cpu:.2f} CPU s "
            f"({cpu / rows * 1e7:.2f} per 10 M), {wall:.2f} s, peak {memory:.0f} MB"
        )
        if not options.without_pandas:
            some = max(count // 10, 1)
            plain, plain_memory, _, plain_rows = _measured("pandas", root, some)
            print(
                f"pandas: {plain_rows:,} container-hours: {plain:.2f} CPU s "
                f"({plain / plain_rows * 1e7:.2f} per 10 M), peak {plain_memory:.0f} MB"
            )
            print(f"ratio: {plain / plain_rows / (cpu / rows):.1f}")


if __name__ == "__main__":
    main()
