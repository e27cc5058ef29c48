"""Forecast 10,000 hourly series of 28 days for 7 days, back-tested and weighed, beside statsmodels.

Run with ``python tests/benchmarks/bench_forecast.py [--series 10000] [--sample 12]``. The target is 30 s on
2 cores. statsmodels fits one Holt-Winters per series, once, without any back-test, on a sample; it gets the
season of 24 hours, because one of 168 would take minutes. Its time is scaled to all series.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from models.forecast.many import forecast_many  # noqa: E402

HISTORY_HOURS, HORIZON_HOURS = 28 * 24, 7 * 24


def make_series(count: int) -> NDArray[np.float64]:
    """Return series of daily and weekly shape with noise, bursts and a few holes."""
    rng = np.random.default_rng(2026)
    hour = np.arange(HISTORY_HOURS)
    day = rng.uniform(0, 0.8, (count, 1)) * np.sin(2 * np.pi * (hour + rng.uniform(0, 24, (count, 1))) / 24)
    weekend = 1 - rng.uniform(0, 0.8, (count, 1)) * ((hour // 24) % 7 >= 5)
    series = rng.lognormal(0, 1.5, (count, 1)) * (1 + day) * weekend
    series *= rng.lognormal(0, 0.25, series.shape)
    series *= np.where(rng.uniform(size=series.shape) < 0.01, 3.0, 1.0)
    series[rng.uniform(size=series.shape) < 0.005] = np.nan
    return series


def time_statsmodels(series: NDArray[np.float64]) -> float:
    """Return the seconds of processor time that one fit per series takes."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    start = time.process_time()
    for row in np.nan_to_num(series):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = ExponentialSmoothing(
                row, trend="add", damped_trend=True, seasonal="add", seasonal_periods=24
            )
            fit.fit().forecast(HORIZON_HOURS)
    return time.process_time() - start


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=12)
    options = parser.parse_args()
    series = make_series(options.series)
    start, begun = time.perf_counter(), time.process_time()
    found = forecast_many(series, HORIZON_HOURS)
    wall, busy = time.perf_counter() - start, time.process_time() - begun
    error, naive = float(np.nanmean(found.wape)), float(np.nanmean(found.naive_wape))
    sample = time_statsmodels(series[: options.sample])
    scaled = sample / options.sample * options.series
    sys.stdout.write(
        f"{options.series:,} series x {HISTORY_HOURS} h for {HORIZON_HOURS} h, back-tested and weighed: "
        f"{wall:.1f} s ({busy:.1f} cpu-s); mean error {error:.1%}, best naive {naive:.1%}\n"
        f"statsmodels Holt-Winters, one fit each, no back-test: {sample / options.sample:.2f} cpu-s each, "
        f"{scaled:,.0f} cpu-s for all: {scaled / busy:,.0f} times as long\n"
    )


if __name__ == "__main__":
    main()
