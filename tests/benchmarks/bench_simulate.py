"""Usage rows simulated and written per CPU-second, beside the same simulation one row at a time.

Run: ``python tests/benchmarks/bench_simulate.py [--pods 1000] [--days 2]``
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from ingest.simulated.usage_files import UsageFileWriter, month_spans
from models.simulation.distributions import PEAK_TO_MEAN
from models.simulation.life import build_timeline
from models.simulation.presets import build_scenario
from models.simulation.shapes import demand_level
from models.simulation.timeline import ClusterTimeline
from models.simulation.usage import iterate_usage

_BASELINE_HOURS = 2
_BIN = 300


def simulate_only(timeline: ClusterTimeline) -> int:
    """Make every usage row of the cluster."""
    return sum(len(rows) for rows in iterate_usage(timeline, timeline.start, timeline.end))


def simulate_and_write(timeline: ClusterTimeline, folder: Path) -> int:
    """Make every usage row and write it as Parquet."""
    writer, count = UsageFileWriter(timeline, folder, "parquet"), 0
    for month, start, end in month_spans(timeline.start, timeline.end):
        for rows in iterate_usage(timeline, start, end):
            writer.write(month, rows)
            count += len(rows)
    writer.close()
    return count


def simulate_by_row(timeline: ClusterTimeline, path: Path) -> int:
    """Make and write the rows of two hours as a script would: a loop, a generator of noise, a CSV writer.

    It leaves out restarts, node sizes, gaps and the noise that pods of a workload share, so it is the
    cheaper job.
    """
    columns, draw, count = timeline.containers, random.Random(1), 0
    span = (timeline.start, timeline.end)
    times = np.arange(timeline.start, timeline.start + _BASELINE_HOURS * 3600, _BIN)
    levels = [demand_level(plan, times, span, index) for index, plan in enumerate(timeline.plan.workloads)]
    peaks = PEAK_TO_MEAN.at((np.arange(1024) + 0.5) / 1024).tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for step, begin in enumerate(times.tolist()):
            for row in range(len(columns)):
                seconds = min(begin + _BIN, int(columns.end[row])) - max(begin, int(columns.start[row]))
                if seconds <= 0:
                    continue
                workload = int(columns.workload[row])
                pod = timeline.pods[int(columns.pod[row])]
                noise = math.exp(draw.gauss(0.0, float(columns.cpu_noise_log_sd[row])))
                cpu = float(columns.cpu_usage_cores_mean[row]) * float(levels[workload][step]) * noise
                limit = float(columns.cpu_limit_cores[row])
                highest = cpu * peaks[draw.randrange(1024)]
                if not math.isnan(limit):
                    cpu, highest = min(cpu, limit), min(highest, limit)
                memory = float(columns.memory_usage_bytes_mean[row]) * (1 + 0.03 * draw.gauss(0.0, 1.0))
                writer.writerow(
                    (timeline.plan.name, pod.name, pod.uid, begin, seconds, cpu, highest, memory, limit)
                )
                count += 1
    return count


def cpu_seconds(work: Callable[[], int]) -> tuple[int, float]:
    """Return what the work counted and the least CPU time of three runs."""
    best, count = float("inf"), 0
    for _ in range(3):
        started = time.process_time()
        count = work()
        best = min(best, time.process_time() - started)
    return count, best


def main() -> None:
    """Print rows per CPU-second and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--days", type=int, default=2)
    options = parser.parse_args()
    scenario = build_scenario("fleet", seed=1, pods=options.pods, days=options.days)
    started = time.process_time()
    timeline = build_timeline(scenario, scenario.clusters[0])
    spent = time.process_time() - started
    print(
        f"{len(timeline.pods):,} pods, {len(timeline.nodes)} nodes, {options.days} days; life {spent:.2f} s"
    )
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], int]] = {
            "usage rows in numpy": lambda: simulate_only(timeline),
            "the same, written as Parquet": lambda: simulate_and_write(timeline, Path(folder)),
            "one row at a time, to CSV": lambda: simulate_by_row(timeline, Path(folder) / "rows.csv"),
        }
        rates: dict[str, float] = {}
        for name, work in ways.items():
            count, seconds = cpu_seconds(work)
            rates[name] = count / seconds
            print(f"{name:30} {count:10,} rows {rates[name] / 1e6:7.3f} M rows per CPU-second")
    ours, theirs = rates["the same, written as Parquet"], rates["one row at a time, to CSV"]
    print(f"written: {ours / theirs:.1f} times the rows per CPU-second of the loop")


if __name__ == "__main__":
    main()
