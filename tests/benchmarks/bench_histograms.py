"""Daily histograms and profiles of many containers, beside plain pandas.

    python tests/benchmarks/bench_histograms.py --containers 10000 --days 14

Prints CPU seconds. The data is made up: one pod per container, gamma-distributed use.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from models.profiles.build import ProfileOptions, build_profiles
from models.profiles.container_day import summarise_day
from models.profiles.daily import STATISTICS, build_day_histograms
from models.vocabulary.windows import HourWindow
from recommender.policy import recommend_each
from recommender.presets import PRESETS, PolicySettings
from recommender.subject import Subject

START = datetime(2026, 9, 7, tzinfo=UTC)


def make_day(containers: int, day: date, seed: int) -> pa.Table:
    """Return a cluster-day of ``container_hour`` rows, text columns as dictionary codes."""
    rng = np.random.default_rng(seed)
    count = containers * 24
    container = np.repeat(np.arange(containers), 24)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    hours = pa.array([midnight + timedelta(hours=hour) for hour in range(24)], pa.timestamp("us", "UTC"))
    constant = np.zeros(count, dtype=np.int32)
    size = rng.gamma(2.0, 0.1, containers)
    cpu = make_lists(rng, size[container])
    memory = make_lists(rng, 1e8 + 2e9 * size[container])
    seconds = np.full(count, 3600.0)
    return pa.table(
        {
            "hour": hours.take(pa.array(np.tile(np.arange(24), containers))),
            "pod_uid": codes("uid", container),
            "namespace": codes("namespace", container % 50),
            "workload_kind": codes("Deployment", constant),
            "workload_name": codes("workload", container),
            "container": codes("app", constant),
            "container_kind": codes("main", constant),
            "revision": codes("r", constant),
            "running_seconds": seconds,
            "cpu_request_core_seconds": seconds,
            "cpu_limit_cores": np.full(count, 2.0),
            "cpu_usage_core_seconds": size[container] * 3600,
            "memory_request_byte_seconds": seconds * 4e9,
            "memory_limit_bytes": np.full(count, 4e9),
            "memory_usage_byte_seconds": seconds * 2e9,
            "cpu_throttled_ratio": np.zeros(count, dtype=np.float32),
            "oom_killed_count": constant,
            "restart_count": constant,
            "sample_coverage_ratio": np.ones(count, dtype=np.float32),
            "cpu_usage_cores_by_5m": cpu,
            "cpu_usage_cores_max_1m_by_5m": cpu,
            "memory_usage_bytes_max_by_5m": memory,
        }
    )


def make_lists(rng: np.random.Generator, level: np.ndarray) -> pa.ListArray:
    """Return twelve noisy values per row."""
    values = (rng.random((len(level), 12)) * level[:, None]).astype(np.float32)
    return pa.ListArray.from_arrays(
        pa.array(np.arange(0, values.size + 1, 12, dtype=np.int32)), values.ravel()
    )


def codes(prefix: str, code: np.ndarray) -> pa.DictionaryArray:
    """Return a text column as codes."""
    names = pa.array([f"{prefix}-{number}" for number in range(int(code.max()) + 1)])
    return pa.DictionaryArray.from_arrays(pa.array(code.astype(np.int32)), names)


def build_with_pandas(rows: pa.Table) -> int:
    """Count the same buckets the plain way: explode the lists, group, count."""
    groups = 0
    for column, buckets in STATISTICS.values():
        frame = rows.select(["pod_uid", "container", column]).to_pandas()
        flat = frame.explode(column)
        flat["bucket"] = buckets.find(flat[column].astype("float64").to_numpy())
        counted = flat.groupby(["pod_uid", "container", "bucket"], observed=True).size()
        groups += len(counted)
    return groups


def timed(name: str, work: Callable[[], object]) -> object:
    """Run and print CPU seconds."""
    start = time.process_time()
    result = work()
    print(f"{name:<58}{time.process_time() - start:8.2f} cpu-s")
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=14)
    chosen = parser.parse_args()
    count, days = chosen.containers, [START.date() + timedelta(days=index) for index in range(chosen.days)]
    rows = make_day(count, days[0], 0)
    print(f"{count:,} containers, {rows.num_rows:,} rows a day, {rows.num_rows * 36:,} values a day")
    histograms = timed("histograms of one day", lambda: build_day_histograms(rows))
    timed("the same counts with pandas explode and groupby", lambda: build_with_pandas(rows))
    summary = timed("summaries of one day", lambda: summarise_day(rows))
    window = HourWindow(START, START + timedelta(days=len(days)))
    found = timed(
        f"profiles over {len(days)} days",
        lambda: build_profiles("bench", on(days, summary), on(days, histograms), window, ProfileOptions()),
    )
    subjects = [
        (Subject(profile, evidence), PRESETS["balanced"])
        for profile, evidence in zip(found.profiles, found.evidence, strict=True)
    ]
    timed("policy and stated risk", lambda: recommend_each(subjects, PolicySettings(), window.end))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def on(days: list[date], table: pa.Table) -> pa.Table:
    """Return the rows once per day."""
    return pa.concat_tables(
        [table.append_column("day", pa.array([day] * table.num_rows, pa.date32())) for day in days]
    )


if __name__ == "__main__":
    main()
