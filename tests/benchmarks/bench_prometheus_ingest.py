"""A day of a simulated fleet, ingested from a local Prometheus: seconds, queries, samples, bytes.

Run: ``python tests/benchmarks/bench_prometheus_ingest.py [--pods 1000] [--folder DIR]``. Making the day takes
some minutes; it is kept in the folder and used again.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from support.prometheus import load_blocks, run_prometheus  # noqa: E402

from ingest.prometheus.settings import PrometheusSettings  # noqa: E402
from ingest.prometheus.source import PrometheusSource  # noqa: E402
from ingest.simulated.openmetrics import MetricsOptions  # noqa: E402
from ingest.simulated.write import SimulationOptions, write_simulation  # noqa: E402
from models.vocabulary.windows import HourWindow  # noqa: E402

DAY = HourWindow.of_day(datetime(2026, 11, 2, tzinfo=UTC).date())


def make_data(folder: Path, pods: int, interval: int) -> Path:
    """Write and load a day of the scenario fleet, unless the folder holds it."""
    data = folder / "data"
    if data.is_dir():
        return data
    metrics = MetricsOptions(interval_seconds=interval, state_interval_seconds=240)
    options = SimulationOptions(days=1, pods=pods, metrics=metrics)
    summary = write_simulation("fleet", folder, seed=7, formats=("openmetrics",), options=options)
    load_blocks(summary.metrics_files, data)
    for file in summary.metrics_files:
        file.unlink()
    return data


def main() -> None:
    """Print what a day costs, in one run of 24 hours and hour by hour."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=120)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    folder = options.folder or Path(f"/tmp/millicore-fleet-{options.pods}-{options.interval}")
    data = make_data(folder, options.pods, options.interval)
    with run_prometheus(data) as url:
        source = PrometheusSource(PrometheusSettings(url))
        source.oldest("fleet")
        before = source.load
        started, cpu = time.perf_counter(), time.process_time()
        observed = source.observe("fleet", DAY)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        load = source.load - before
    rows = {name: table.num_rows for name, table in observed.tables.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.pods} pods, 24 h: {seconds:.1f} s in all, {cpu:.1f} CPU-seconds here, {peak:.0f} MB")
    print(
        f"{load.query_count} queries ({load.query_count / 24:.1f} per cluster-hour), "
        f"{load.sample_count:,} samples, {load.answer_bytes / 1e6:.1f} MB, "
        f"{load.answer_bytes / max(load.sample_count, 1):.0f} bytes per sample"
    )
    print(rows)


if __name__ == "__main__":
    main()
