"""Other systems' right-sizing rules run once a day on stored daily histograms of a whole fleet.

They are in the style of these systems, not these systems: daily decisions, pods pooled, without their
smallest requests (which would only make them save less). Each rule takes the days before a decision and
returns CPU cores and memory bytes, shape (n,), NaN where nothing was measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, Buckets, FloatArray
from models.profiles.histogram import read_percentiles
from recommender.basis_memory import largest_known
from recommender.basis_use import CountArray, DailyUse

RivalRule = Callable[[DailyUse], tuple[FloatArray, FloatArray]]

_VPA_MARGIN = 1.15
_KRR_MEMORY_MARGIN = 1.15
_KRR_DAYS = 14
_KRR_SMALLEST_SAMPLES = 100
_CRANE_MARGIN = 1.15
_CRANE_DAYS = 7
_CRANE_CPU_BUCKET = 0.1
_CRANE_MEMORY_BUCKET = 100.0 * (1 << 20)
_ACK_MARGIN = 1.15
_AUTOPILOT_MARGIN = 1.10


def advise_as_vpa(use: DailyUse) -> tuple[FloatArray, FloatArray]:
    """VPA 1.8: p90 of CPU samples and of daily memory peaks, half-life 24 h, both +15 %."""
    cpu = _read(_decay(use.cpu_counts, 1.0), 0.90, CPU_BUCKETS)
    memory = _read(_decay_peaks(use, 1.0), 0.90, MEMORY_BUCKETS)
    return cpu * _VPA_MARGIN, memory * _VPA_MARGIN


def advise_as_krr(use: DailyUse) -> tuple[FloatArray, FloatArray]:
    """KRR ``simple``: CPU p95 of 14 days, memory maximum +15 %; nothing on fewer than 100 samples."""
    return _krr(use, 0.95)


def advise_as_krr_limit(use: DailyUse) -> tuple[FloatArray, FloatArray]:
    """KRR ``simple_limit``: CPU p66 of 14 days (its limit is p96), memory as ``simple``."""
    return _krr(use, 0.66)


def advise_as_crane(use: DailyUse) -> tuple[FloatArray, FloatArray]:
    """Crane: p99 of 7 days weighted by the samples' own values, on 0.1 core and 100 MiB buckets, +15 %."""
    week = use.days(max(use.day_count - _CRANE_DAYS, 0), use.day_count)
    cpu = _read(_by_value(week.cpu_counts.sum(axis=1), CPU_BUCKETS), 0.99, CPU_BUCKETS)
    memory = _read(_by_value(_memory_counts(week, np.inf), MEMORY_BUCKETS), 0.99, MEMORY_BUCKETS)
    return (
        crane_bucket_end(cpu, _CRANE_CPU_BUCKET) * _CRANE_MARGIN,
        crane_bucket_end(memory, _CRANE_MEMORY_BUCKET) * _CRANE_MARGIN,
    )


def advise_as_ack(use: DailyUse) -> tuple[FloatArray, FloatArray]:
    """ACK resource profiling: CPU p95 and memory p99 of 14 days, half-life 24 h and buffer 15 % assumed."""
    weeks = use.days(max(use.day_count - 14, 0), use.day_count)
    cpu = _read(_decay(weeks.cpu_counts, 1.0), 0.95, CPU_BUCKETS)
    memory = _read(_memory_counts(weeks, 1.0), 0.99, MEMORY_BUCKETS)
    return cpu * _ACK_MARGIN, memory * _ACK_MARGIN


def advise_as_autopilot(use: DailyUse) -> tuple[FloatArray, FloatArray]:
    """Autopilot (EuroSys '20): load-adjusted CPU p95, half-life 12 h; memory p98, 48 h; both +10 %."""
    cpu = _read(_by_value(_decay(use.cpu_counts, 0.5), CPU_BUCKETS), 0.95, CPU_BUCKETS)
    memory = _read(_memory_counts(use, 2.0), 0.98, MEMORY_BUCKETS)
    return cpu * _AUTOPILOT_MARGIN, memory * _AUTOPILOT_MARGIN


RIVAL_RULES: dict[str, RivalRule] = {
    "VPA style": advise_as_vpa,
    "KRR style (simple)": advise_as_krr,
    "KRR style (simple_limit)": advise_as_krr_limit,
    "Crane style": advise_as_crane,
    "ACK style": advise_as_ack,
    "Autopilot style": advise_as_autopilot,
}
"""Constants as in the systems' own sources or, for ACK and Autopilot, in their documents and paper."""


def crane_bucket_end(value: FloatArray, size: float) -> FloatArray:
    """Return the end of the linear bucket that holds a value: never below one bucket."""
    end: FloatArray = (np.floor(value / size * (1 - 1e-9)) + 1) * size
    return end


def _krr(use: DailyUse, percentile: float) -> tuple[FloatArray, FloatArray]:
    weeks = use.days(max(use.day_count - _KRR_DAYS, 0), use.day_count)
    counts = weeks.cpu_counts.sum(axis=1, dtype=np.float64)
    enough = counts.sum(axis=1) >= _KRR_SMALLEST_SAMPLES
    cpu = np.where(enough, _read(counts, percentile, CPU_BUCKETS), np.nan)
    return cpu, largest_known(weeks.memory_maxima) * _KRR_MEMORY_MARGIN


def _decay(counts: CountArray, half_life_days: float) -> FloatArray:
    weight = np.exp2(-np.arange(counts.shape[1])[::-1] / half_life_days).astype(counts.dtype)
    merged: FloatArray = np.einsum("ndb,d->nb", counts, weight).astype(np.float64)
    return merged


def _by_value(counts: CountArray, buckets: Buckets) -> FloatArray:
    """Weigh each sample by its own value (the middle of its bucket)."""
    middle = (buckets.starts + buckets.upper_edges) / 2
    weighted: FloatArray = counts.astype(np.float64) * middle
    return weighted


def _read(counts: FloatArray, probability: float, buckets: Buckets) -> FloatArray:
    return read_percentiles(counts.astype(np.float64), [probability], buckets)[:, 0]


def _memory_counts(use: DailyUse, half_life_days: float) -> FloatArray:
    """Return decayed memory samples per bucket; where only daily maxima are known, of these."""
    if use.memory_counts is None:
        return _decay_peaks(use, half_life_days)
    return _decay(use.memory_counts, half_life_days)


def _decay_peaks(use: DailyUse, half_life_days: float) -> FloatArray:
    row, day = np.nonzero(~np.isnan(use.memory_maxima))
    width = MEMORY_BUCKETS.count
    cell = row * width + MEMORY_BUCKETS.find(use.memory_maxima[row, day]).astype(np.int64)
    weight = np.exp2(-(use.day_count - 1 - day) / half_life_days)
    peaks: FloatArray = np.bincount(cell, weights=weight, minlength=use.size * width).astype(np.float64)
    return peaks.reshape(use.size, width)
