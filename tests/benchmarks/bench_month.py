"""A month of 1,000 nodes and 30,000 containers: allocated, charged, exported and verified.

Run from the repository::

    python tests/benchmarks/bench_month.py [--days 31] [--workers 2] [--without-baselines] [--profile PHASE]

The month is written straight into a warehouse (one file per table and day, as after compaction), which is
not measured. Then one process runs the phases as the commands do; each line has CPU seconds (workers
included), wall seconds, and the peak so far of the resident memory of the process and its workers together.
The baselines (month_baselines.py) do the phase "allocate" over the same files, in DuckDB SQL with two threads
and in pandas (a tenth of the days, scaled).
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

import psutil  # noqa: E402
import pyarrow as pa  # noqa: E402
from bench_allocation import container_rows, day_hours, node_rows, pod_rows  # noqa: E402
from month_baselines import in_duckdb, in_pandas  # noqa: E402

from models.ownership.rules import OwnershipRow  # noqa: E402
from models.pricing.price_list import PriceRow  # noqa: E402
from models.vocabulary.identity import Principal, Role  # noqa: E402
from models.vocabulary.windows import DAY, HourWindow, day_start  # noqa: E402
from service.leasing import holding  # noqa: E402
from service.runtime import Runtime  # noqa: E402
from service.usecases.allocation import allocate  # noqa: E402
from service.usecases.chargeback_check import verify  # noqa: E402
from service.usecases.chargeback_export import export_chargeback  # noqa: E402
from warehouse.observed import HourReport, ObservedWindow, WindowState  # noqa: E402

MONTH = "2026-10"
START = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FINANCE = Principal("finance", frozenset({Role.FINANCE}))
CONTAINERS = 29_970
"""30 on each of 1,000 nodes."""
TEAMS = 40


def runtime_of(home: Path, workers: int) -> Runtime:
    """Open the warehouse of the benchmark."""
    return Runtime.for_test(home, now=datetime(2026, 11, 20, tzinfo=UTC), workers=workers)


def build(home: Path, day_count: int) -> None:
    """Write the month: container-, pod- and node-hours, prices and owners."""
    runtime = runtime_of(home, 0)
    runtime.warehouse.prices.replace(
        [
            PriceRow("m6i.8xlarge", "USD", Decimal("1.536"), LONG_AGO, hourly_effective_price=Decimal("1.1")),
            PriceRow("m6a.8xlarge", "USD", Decimal("1.3824"), LONG_AGO),
        ]
    )
    runtime.warehouse.ownership.replace(
        [
            OwnershipRow(
                "*",
                f"ns-{number:05d}",
                f"team-{number % TEAMS}",
                LONG_AGO,
                cost_centre=f"cc-{number % TEAMS}",
            )
            for number in range(118)
        ]
    )
    runtime.warehouse.clusters.register("bench", "aws", "eu-west-1")
    for number in range(day_count):
        day = (START + number * DAY).date()
        hours = day_hours(day)
        window = HourWindow(day_start(day), day_start(day + DAY))
        rows = {
            "container_hour": container_rows(day, hours, CONTAINERS),
            "pod_hour": pod_rows(day, hours, CONTAINERS),
            "node_hour": node_rows(hours, CONTAINERS),
        }
        tables = {name: _placed(table, day) for name, table in rows.items()}
        reports = tuple(
            HourReport(hour, WindowState.COMPLETE, 1.0, CONTAINERS, f"{hour:%Y%m%d%H}")
            for hour in window.hours()
        )
        with holding(runtime, "bench") as held:
            runtime.warehouse.record(ObservedWindow("bench", "files", window, tables, reports), held.lease)


def _placed(table: pa.Table, day: date) -> pa.Table:
    count = table.num_rows
    placed = table.append_column("cluster", pa.array(["bench"] * count))
    return placed.append_column("day", pa.array([day] * count, pa.date32()))


class Peak:
    """Peak resident memory of this process and its children, sampled."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._process = psutil.Process()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            total = 0
            for process in (self._process, *self._process.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.megabytes = max(self.megabytes, total / 1e6)
            time.sleep(0.1)


def cpu_seconds() -> float:
    """Return CPU seconds of this process and of its children that have ended."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in parts)


@contextmanager
def profiled(is_on: bool) -> Iterator[None]:
    """Print the slowest functions of a block."""
    if not is_on:
        yield
        return
    profile = cProfile.Profile()
    with profile:
        yield
    pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(45)


def phases(runtime: Runtime, folder: Path) -> dict[str, Callable[[], object]]:
    """Return what is measured, in order."""

    def export(name: str, file_type: str) -> Callable[[], object]:
        return lambda: (
            export_chargeback(
                runtime, FINANCE, MONTH, format=name, file_type=file_type, output_file=folder
            ).line_count
        )

    def prove() -> object:
        checks = verify(runtime, FINANCE, MONTH)
        if not all(check.is_equal for check in checks):
            raise SystemExit(f"the sums differ: {checks}")
        return f"{checks[0].node_bill:,.2f} {checks[0].currency}"

    return {
        "allocate": lambda: allocate(runtime).container_hours,
        "summary csv": export("summary", "csv"),
        "detail csv": export("detail", "csv"),
        "focus csv": export("focus", "csv"),
        "detail parquet": export("detail", "parquet"),
        "verify": prove,
    }


def run(home: Path, workers: int, profile: str | None) -> None:
    """Run the phases and print a line of JSON for each."""
    runtime = runtime_of(home, workers)
    peak = Peak()
    with tempfile.TemporaryDirectory() as folder:
        for name, work in phases(runtime, Path(folder)).items():
            cpu, wall = cpu_seconds(), time.perf_counter()
            with profiled(name == profile):
                outcome = work()
            row = {
                "phase": name,
                "cpu": cpu_seconds() - cpu,
                "wall": time.perf_counter() - wall,
                "peak": peak.megabytes,
                "outcome": outcome,
            }
            print(json.dumps(row), flush=True)


def run_baseline(name: str, home: Path, day_count: int) -> None:
    """Run a baseline and print a line of JSON."""
    peak, cpu, wall = Peak(), cpu_seconds(), time.perf_counter()
    work = in_duckdb if name == "duckdb" else in_pandas
    days = [(START + number * DAY).date() for number in range(day_count)]
    with tempfile.TemporaryDirectory() as kept:
        rows = work(home / "lake", days, Path(kept))
    row = {
        "cpu": cpu_seconds() - cpu,
        "wall": time.perf_counter() - wall,
        "peak": peak.megabytes,
        "outcome": rows,
    }
    print(json.dumps({"phase": name, **row}))


def child(*arguments: str) -> Iterator[dict[str, object]]:
    """Run this file in a process of its own and yield what it prints."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(process.returncode)


def show(row: dict[str, object], scale: float = 1.0) -> float:
    """Print a phase and return its CPU seconds, scaled."""
    cpu = float(str(row["cpu"])) * scale
    wall = float(str(row["wall"])) * scale
    print(f"{row['phase']:16} {cpu:8.1f} {wall:8.1f} {row['peak']:9,.0f}   {row['outcome']}", flush=True)
    return cpu


def compare(home: str, day_count: int, total: float) -> None:
    """Run the baselines and print how they compare with allocation and sums."""
    few = max(day_count // 10, 1)
    for name, days, scale in (("duckdb", day_count, 1.0), ("pandas", few, day_count / few)):
        for row in child("--baseline", name, "--home", home, "--days", str(days)):
            cpu = show(row, scale)
            print(f"{'':16} {name} / millicore: {cpu / total:.1f}")


def main() -> None:
    """Build the month, run the phases and the baselines, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-baselines", action="store_true")
    parser.add_argument("--profile")
    parser.add_argument("--keep", type=Path, help="Build here, or use what is there.")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--baseline", choices=("duckdb", "pandas"))
    parser.add_argument("--home")
    options = parser.parse_args()
    if options.run:
        run(Path(options.home), options.workers, options.profile)
    elif options.baseline:
        run_baseline(options.baseline, Path(options.home), options.days)
    else:
        with tempfile.TemporaryDirectory(prefix="millicore-bench-") as temporary:
            home = str(options.keep or temporary)
            if not (Path(home) / "lake").exists():
                build(Path(home), options.days)
            print(f"{'phase':16} {'CPU s':>8} {'wall s':>8} {'peak MB':>9}")
            more = ["--profile", options.profile] if options.profile else []
            rows = list(child("--run", "--home", home, "--workers", str(options.workers), *more))
            costs = [show(row) for row in rows]
            print(f"{'together':16} {sum(costs):8.1f} {sum(float(str(row['wall'])) for row in rows):8.1f}")
            if not options.without_baselines:
                compare(home, options.days, costs[0])


if __name__ == "__main__":
    main()
