"""Labelled containers with noise: what a workload of each class looks like, many seeds each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from support.container_usage import MIB, Container, Series

from models.vocabulary.profile import WorkloadClass

DAYS = 14
_BINS = 288

Maker = Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Random numbers and hours since a Monday to cores and the share of memory in use."""


def _noise(random: np.random.Generator, count: int, sigma: float) -> np.ndarray:
    """Return autocorrelated lognormal noise around 1, as services show it."""
    steps = random.normal(0, sigma * np.sqrt(1 - 0.7**2), count)
    level, found = random.normal(0, sigma), np.empty(count)
    for position, step in enumerate(steps):
        level = 0.7 * level + step
        found[position] = level
    return np.exp(found)


def _flat(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cpu = random.uniform(0.1, 2.0) * _noise(random, len(hours), random.uniform(0.05, 0.25))
    return cpu, 1 + 0.02 * random.normal(size=len(hours))


def _diurnal(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    phase, swing = random.uniform(0, 24), random.uniform(0.4, 0.9)
    shape = 1 + swing * np.sin((hours - phase) / 24 * 2 * np.pi)
    cpu = random.uniform(0.1, 2.0) * shape * _noise(random, len(hours), random.uniform(0.05, 0.2))
    return cpu, 1 + 0.05 * shape + 0.02 * random.normal(size=len(hours))


def _weekly(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    day, hour = hours // 24 % 7, hours % 24
    start, length = random.integers(6, 11), random.integers(6, 11)
    busy = (day < 5) & (hour >= start) & (hour < start + length)
    low = random.uniform(0.05, 0.3)
    cpu = random.uniform(0.3, 2.0) * np.where(busy, 1.0, low) * _noise(random, len(hours), 0.15)
    return cpu, 1 + 0.02 * random.normal(size=len(hours))


def _bursty(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    base = random.uniform(0.05, 0.3)
    bursts = random.random(len(hours)) < random.uniform(0.02, 0.05)
    cpu = base * _noise(random, len(hours), 0.15) * np.where(bursts, random.uniform(8, 20), 1.0)
    return cpu, 1 + 0.02 * random.normal(size=len(hours))


def _leaking(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cpu, _ = _flat(random, hours)
    per_day, restart = random.uniform(0.04, 0.3), random.choice([72, 120, 10_000])
    return cpu, 1 + per_day * (hours % restart) / 24 + 0.01 * random.normal(size=len(hours))


def _idle(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cpu = random.uniform(0.0, 0.003) * np.clip(_noise(random, len(hours), 0.2), 0, 1.6)
    return cpu, 1 + 0.005 * random.normal(size=len(hours))


def _growing(random: np.random.Generator, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    per_day = random.uniform(0.02, 0.08)
    cpu = random.uniform(0.1, 1.0) * (1 + per_day * hours / 24) * _noise(random, len(hours), 0.1)
    return cpu, 1 + 0.02 * random.normal(size=len(hours))


_MAKERS: dict[WorkloadClass, Maker] = {
    WorkloadClass.STEADY: _flat,
    WorkloadClass.DAILY: _diurnal,
    WorkloadClass.WEEKLY: _weekly,
    WorkloadClass.BURSTY: _bursty,
    WorkloadClass.LEAKING: _leaking,
    WorkloadClass.DORMANT: _idle,
    WorkloadClass.GROWING: _growing,
}
LABELS = (*_MAKERS, WorkloadClass.BATCH)


def archetype(label: WorkloadClass, seed: int, pods: int = 1) -> Container:
    """Return a container of a class, drawn at random; batch runs one night hour after another."""
    random = np.random.default_rng([seed, list(LABELS).index(label)])
    hours = np.arange(DAYS * _BINS) / 12
    if label is WorkloadClass.BATCH:
        start = int(random.integers(0, 5))
        length = int(random.integers(1, 5))
        return Container(
            workload=f"{label}-{seed}",
            cpu=_read(random.uniform(0.5, 2.0) * _noise(random, len(hours), 0.2)),
            hours_of_day=frozenset(range(start, start + length)),
            kind="CronJob" if seed % 2 else "Deployment",
        )
    cpu, memory = _MAKERS[label](random, hours)
    return Container(
        workload=f"{label}-{seed}",
        cpu=_read(cpu),
        memory=_read(memory * random.uniform(100, 900) * MIB),
        pods=pods,
    )


def _read(values: np.ndarray) -> Series:
    """Return a series that looks its values up by bin."""
    return lambda hours: values[np.round(hours * 12).astype(int)]
