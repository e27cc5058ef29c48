"""Prices of risk of a fleet, fitted on its past and corrected by what replaying them day by day realised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from recommender import basis_cpu, basis_memory
from recommender.basis_cpu import count_over, walk_cpu_ladders
from recommender.basis_memory import learn_jumps, walk_memory_ladders
from recommender.basis_price import (
    LEVELS,
    Ladder,
    calibrate_levels,
    interpolate_price,
    price_levels,
    sample_rows,
)
from recommender.basis_use import DailyUse

REPLAYED_DAYS = 14
"""Newest days on which the past is replayed."""

FIRST_REPLAYED_DAY = 3

_SAMPLED_ROWS = 2000
_PRIOR_CPU_SAMPLES = 100 * 288.0
_PRIOR_CPU_EXCESS = 1.5
"""Without a replay a stated share is taken to come out half as large again."""
_PRIOR_MEMORY_DAYS = 500.0


@dataclass(frozen=True, eq=False)
class ResourceFit:
    """Price and cap of one resource for any stated risk.

    Parameters
    ----------
    prices, realised : ndarray of float, shape (levels,)
        Price of each of `LEVELS`, and the share exceeded when it was paid in the replay.
    largest_multiple : float
    """

    prices: FloatArray
    realised: FloatArray
    largest_multiple: float

    def asked(self, stated: FloatArray) -> FloatArray:
        """Return the mean chance to ask for so that the stated one is realised, shape (n,)."""
        return calibrate_levels(self.realised, stated)

    def terms(self, stated: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return price and cap per container for its stated mean risk, each of shape (n,)."""
        asked = self.asked(stated)
        return interpolate_price(self.prices, asked), asked * self.largest_multiple


def first_replayed(days: int) -> int:
    """Return the first day that is replayed."""
    return min(max(days - REPLAYED_DAYS, FIRST_REPLAYED_DAY), days)


def fit_cpu(use: DailyUse) -> ResourceFit:
    """Return the fit of CPU: its risk is the share of 5-minute samples above the request."""
    counts = use.cpu_counts[sample_rows(use.size, _SAMPLED_ROWS)]
    days = use.day_count
    *_, (_, newest) = walk_cpu_ladders(counts, days)
    prices = price_levels(newest, basis_cpu.LARGEST_MULTIPLE)
    over, total = np.zeros(len(LEVELS)), 0.0
    for day, ladder in walk_cpu_ladders(counts, first_replayed(days)):
        if day < days:
            chosen = _choose_levels(ladder, prices, basis_cpu.LARGEST_MULTIPLE)
            over += [float(count_over(counts[:, day], rung)[ladder.weight > 0].sum()) for rung in chosen]
            total += float(counts[ladder.weight > 0, day].sum(dtype=np.float64))
    prior = _PRIOR_CPU_SAMPLES * _PRIOR_CPU_EXCESS * LEVELS
    return ResourceFit(prices, (over + prior) / (total + _PRIOR_CPU_SAMPLES), basis_cpu.LARGEST_MULTIPLE)


def fit_memory(use: DailyUse, curves: list[FloatArray]) -> ResourceFit:
    """Return the fit of memory: its risk is the share of days with a maximum above the request."""
    maxima = use.memory_maxima[sample_rows(use.size, _SAMPLED_ROWS)]
    days = use.day_count
    *_, (_, newest) = walk_memory_ladders(maxima, days, curves)
    prices = price_levels(newest, basis_memory.LARGEST_MULTIPLE)
    over, total = np.zeros(len(LEVELS)), 0.0
    for day, ladder in walk_memory_ladders(maxima, first_replayed(days), curves):
        if day < days:
            known = ~np.isnan(maxima[:, day]) & (ladder.weight > 0)
            for level, rung in enumerate(_choose_levels(ladder, prices, basis_memory.LARGEST_MULTIPLE)):
                over[level] += float((maxima[known, day] > ladder.at(rung)[0][known]).sum())
            total += float(known.sum())
    prior = _PRIOR_MEMORY_DAYS * LEVELS
    return ResourceFit(prices, (over + prior) / (total + _PRIOR_MEMORY_DAYS), basis_memory.LARGEST_MULTIPLE)


def learn_fleet_jumps(use: DailyUse) -> list[FloatArray]:
    """Return the curves of memory jumps before each day, learned from a sample of the fleet."""
    return learn_jumps(use.memory_maxima[sample_rows(use.size, _SAMPLED_ROWS)])


def _choose_levels(ladder: Ladder, prices: FloatArray, largest_multiple: float) -> Iterator[IntArray]:
    size = len(ladder.chance)
    for price, level in zip(prices, LEVELS, strict=True):
        yield ladder.choose(np.full(size, price), np.full(size, level * largest_multiple))
