"""Queries per cluster-hour beside the number of containers: the first does not depend on the second.

Run: ``python tests/benchmarks/bench_queries.py [--sizes 10 100 1000]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from support.open_metrics import ClusterWriter, MetricFile, TestPod  # noqa: E402
from support.prometheus import load_blocks, run_prometheus  # noqa: E402

from ingest.prometheus.settings import PrometheusSettings  # noqa: E402
from ingest.prometheus.source import PrometheusSource  # noqa: E402
from models.vocabulary.windows import HourWindow  # noqa: E402

HOUR = HourWindow.of_hour(datetime(2026, 11, 1, 1, tzinfo=UTC))


def add_cluster(file: MetricFile, name: str, pods: int) -> None:
    """Add two hours of a cluster with so many pods."""
    start = HOUR.start.timestamp() - 3600
    writer = ClusterWriter(start, start + 7200, scrape=60, extra={"cluster": name})
    writer.file = file
    for node in range(max(1, pods // 50)):
        writer.add_node(f"n{node}", start - 90, start + 9e9)
    for pod in range(pods):
        node = f"n{pod % max(1, pods // 50)}"
        writer.add_pod(TestPod("shop", f"web-5d4f7-{pod:05d}", f"u{pod}", node, start - 90, start + 9e9))


def main() -> None:
    """Print a line per size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    sizes = parser.parse_args().sizes
    file = MetricFile()
    for size in sizes:
        add_cluster(file, f"c{size}", size)
    with tempfile.TemporaryDirectory() as folder:
        data = load_blocks([file.write(Path(folder) / "metrics.om")], Path(folder) / "data")
        with run_prometheus(data) as url:
            for size in sizes:
                settings = PrometheusSettings(url, cluster_label="cluster", cluster_label_value=f"c{size}")
                source = PrometheusSource(settings)
                source.observe("c", HOUR)
                before = source.load
                rows = source.observe("c", HOUR).tables["container_hour"].num_rows
                load = source.load - before
                asked = f"{load.query_count} queries, {load.sample_count:8,} samples"
                print(f"{rows:6} containers: {asked} in one hour")


if __name__ == "__main__":
    main()
