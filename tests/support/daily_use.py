"""Daily use made by hand or at random, for statistics and back-tests."""

from __future__ import annotations

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from recommender.basis_use import DailyUse

BINS_PER_DAY = 288


def from_samples(
    cpu: FloatArray,
    memory: FloatArray,
    *,
    cpu_request: float | FloatArray = 2.0,
    memory_request: float | FloatArray = 4e9,
) -> DailyUse:
    """Return the use of n containers with one replica each.

    Parameters
    ----------
    cpu : ndarray of float, shape (n, days, samples)
        Cores, NaN where nothing was seen.
    memory : ndarray of float, shape (n, days)
        Daily maxima in bytes.
    cpu_request, memory_request : float or ndarray
        Broadcast to (n, days).
    """
    shape = memory.shape
    return DailyUse(
        count_buckets(cpu),
        memory,
        np.broadcast_to(np.asarray(cpu_request, dtype=np.float64), shape),
        np.broadcast_to(np.asarray(memory_request, dtype=np.float64), shape),
        np.ones(shape),
    )


def one_value_a_day(cpu: FloatArray, memory: FloatArray, **requests: float | FloatArray) -> DailyUse:
    """Return use that is the same in every 5 minutes of a day; both have shape (n, days)."""
    return from_samples(np.repeat(cpu[:, :, None], BINS_PER_DAY, axis=2), memory, **requests)


def made_up(size: int, days: int, seed: int = 0, samples: int = 48) -> DailyUse:
    """Return a fleet of steady, daily, bursty and growing containers of very different size."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(-1.0, 1.0, size)[:, None, None]
    kind = (np.arange(size) % 4)[:, None, None]
    hour = np.linspace(0, 2 * np.pi, samples, endpoint=False)[None, None, :]
    day = np.arange(days)[None, :, None]
    shape = np.where(kind == 1, 1 + 0.8 * np.sin(hour), 1.0) * np.where(kind == 3, 1 + 0.02 * day, 1.0)
    burst = np.where((kind == 2) & (rng.random((size, days, samples)) < 0.02), 6.0, 1.0)
    cpu = level * shape * burst * np.exp(rng.normal(0, 0.15, (size, days, samples)))
    memory_level = np.exp(rng.normal(np.log(8e8), 1.0, size))[:, None]
    spread = rng.choice([0.003, 0.05, 0.25], size)[:, None]
    memory = memory_level * np.exp(np.abs(rng.normal(0, 1, (size, days))) * spread)
    return from_samples(
        cpu,
        memory,
        cpu_request=cpu.max(axis=(1, 2))[:, None] * 1.5,
        memory_request=memory.max(axis=1)[:, None] * 1.5,
    )


def count_buckets(cpu: FloatArray) -> FloatArray:
    """Return samples per CPU bucket as float32, shape (n, days, 176)."""
    size, days, samples = cpu.shape
    seen = ~np.isnan(cpu)
    bucket = CPU_BUCKETS.find(np.nan_to_num(cpu)).astype(np.int64)
    cell = np.arange(size * days)[:, None] * CPU_BUCKETS.count + bucket.reshape(size * days, samples)
    counted = np.bincount(cell[seen.reshape(size * days, samples)], minlength=size * days * CPU_BUCKETS.count)
    return counted.reshape(size, days, CPU_BUCKETS.count).astype(np.float32)
