"""Forecast real traces again from past moments, and judge by what came, beside the best naive forecast.

Run with ``python tests/benchmarks/bench_forecast_accuracy.py [--data ../shared/data]``. The traces are those
of tests/support/traces.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from support.traces import azure_hours, bitbrains_hours, pool_hours  # noqa: E402

from models.forecast.accuracy import Accuracy, replay_forecasts, spread_moments  # noqa: E402

_HORIZONS = ((1, 40), (24, 20), (168, 8))
_FIRST_SHARE = 0.66
"""Judging begins after two thirds of a trace, so that every moment has two weeks or more to learn from."""


def main() -> None:
    """Print one line per fleet and horizon."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=default)
    data = parser.parse_args().data
    fleets = {
        "Azure VMs": azure_hours(data),
        "resource pools": np.concatenate([pool_hours(data), pool_hours(data, "mem")]),
        "Bitbrains VMs": bitbrains_hours(data),
    }
    for horizon, count in _HORIZONS:
        for name, series in fleets.items():
            hours = series.shape[1]
            moments = spread_moments(hours, horizon, count, int(hours * _FIRST_SHARE))
            found = replay_forecasts(series, horizon, moments)
            if found is not None:
                sys.stdout.write(_line(name, found))


def _line(name: str, found: Accuracy) -> str:
    inside = " / ".join(f"{share:.0%}" for share in found.coverage.values())
    naive = f"{found.naive_wape:.1%} ({found.naive_model})"
    return (
        f"| {name} | {found.horizon_hours} h | {found.moment_count} | {found.wape:.1%} | {naive} "
        f"| {found.mean_loss_ratio:.2f} | {inside} | {found.worse_ratio:.0%} "
        f"| {found.surely_worse_ratio:.0%} |\n"
    )


if __name__ == "__main__":
    main()
