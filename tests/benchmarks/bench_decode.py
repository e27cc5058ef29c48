"""Samples decoded per CPU-second, beside prometheus-api-client and beside json with pandas.

Run: ``python tests/benchmarks/bench_decode.py [--series 5000] [--steps 288]``
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd
from prometheus_api_client import MetricRangeDataFrame

from ingest.prometheus.decode import decode_matrix


def make_answer(series: int, steps: int) -> bytes:
    """Return an answer as a fleet query gets it."""
    draw = random.Random(1)
    result = [
        {
            "metric": {"namespace": f"team-{s % 20}", "pod": f"web-{s}-5d4f7c9b8-abcde", "container": "app"},
            "values": [[1_700_000_000 + 300 * i, repr(draw.random() * 4)] for i in range(steps)],
        }
        for s in range(series)
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(answer, separators=(",", ":")).encode()


def decode_with_pandas(body: bytes) -> int:
    """Decode as a script would: json, then one frame of numbers."""
    rows = [
        (index, moment, value)
        for index, one in enumerate(json.loads(body)["data"]["result"])
        for moment, value in one["values"]
    ]
    frame = pd.DataFrame(rows, columns=["series", "time", "value"])
    return len(frame.astype({"value": "float64"}))


def decode_with_client(body: bytes) -> int:
    """Decode with prometheus-api-client's own frame."""
    return len(MetricRangeDataFrame(json.loads(body)["data"]["result"]))


def cpu_seconds(work: Callable[[], int]) -> tuple[int, float]:
    """Return what the work counted and the least CPU time of three runs."""
    best, count = float("inf"), 0
    for _ in range(3):
        started = time.process_time()
        count = work()
        best = min(best, time.process_time() - started)
    return count, best


def main() -> None:
    """Print samples per CPU-second and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=288)
    options = parser.parse_args()
    body = make_answer(options.series, options.steps)
    print(f"{options.series * options.steps:,} samples, {len(body) / 1e6:.1f} MB")
    ways: dict[str, Callable[[], int]] = {
        "millicore (msgspec, numpy)": lambda: len(decode_matrix(body, 300).values),
        "json + pandas": lambda: decode_with_pandas(body),
        "prometheus-api-client": lambda: decode_with_client(body),
    }
    ours = 0.0
    for name, work in ways.items():
        count, seconds = cpu_seconds(work)
        ours = ours or seconds
        rate = count / seconds / 1e6
        print(f"{name:28} {rate:6.2f} M samples per CPU-second, {seconds / ours:5.1f} times our CPU time")


if __name__ == "__main__":
    main()
