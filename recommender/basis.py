"""The statistic behind a request: one CPU and one memory value per container, for a stated risk.

``find_bases(use, presets, settings)`` is called by the live policy and by the back-test alike. It answers
with one row per container, in order: CPU request in cores and memory request in bytes, headroom included,
before any guard rail; the statistic in words; the risk stated for that container; and the share of its own
past that the same rule would have missed, seen by replaying it day by day. How values are chosen is told in
`basis_price`, what a container may choose from in `basis_cpu` and `basis_memory`. Give it the whole fleet of
a cluster at once: prices and the tail of memory are learned from all of it. The fit takes no account of the
presets, so for one history a class that takes more risk never gets more.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import CPU_BUCKETS, FloatArray, IntArray
from recommender.basis_cpu import count_over, walk_cpu_ladders
from recommender.basis_fit import ResourceFit, first_replayed, fit_cpu, fit_memory, learn_fleet_jumps
from recommender.basis_memory import largest_known, walk_memory_ladders
from recommender.basis_use import DailyUse
from recommender.basis_young import (
    MINIMUM_DAYS,
    name_cpu_statistics,
    name_memory_statistics,
    read_young_cpu,
    read_young_memory,
)
from recommender.presets import PolicySettings, Preset

__all__ = ["Bases", "DailyUse", "RiskModel", "find_bases", "fit_risk"]

_THREADS = 2
_CHUNK_ROWS = 1000
"""Small enough for a processor's cache, and it bounds the memory of a large fleet."""


@dataclass(frozen=True, eq=False)
class Bases:
    """One row per container.

    Parameters
    ----------
    cpu_request_cores, memory_request_bytes : ndarray of float, shape (n,)
        With headroom, before guard rails; NaN where nothing was measured.
    cpu_statistics, memory_statistics : tuple of str
        In words, such as ``p97.5 of 14 days`` or ``maximum of 14 days +6 %``; empty where nothing was
        measured.
    cpu_over_request_ratios_stated, memory_over_day_ratios_stated : ndarray of float, shape (n,)
        What is stated for the container: share of 5-minute samples above the CPU request, share of days
        with memory above the request. Their mean over a fleet of one class is the class's target.
    cpu_over_request_ratios_seen, memory_over_day_ratios_seen : ndarray of float, shape (n,)
        The same, seen on the container's own past by replay; NaN where no day could be replayed.
    replayed_days : ndarray of int, shape (n,)
        Days behind the two ratios seen.
    """

    cpu_request_cores: FloatArray
    memory_request_bytes: FloatArray
    cpu_statistics: tuple[str, ...]
    memory_statistics: tuple[str, ...]
    cpu_over_request_ratios_stated: FloatArray
    memory_over_day_ratios_stated: FloatArray
    cpu_over_request_ratios_seen: FloatArray
    memory_over_day_ratios_seen: FloatArray
    replayed_days: IntArray


@dataclass(frozen=True, eq=False)
class _Found:
    """One resource of a chunk: request, chance of exceeding it, share exceeded in the replay, its days."""

    request: FloatArray
    chance: FloatArray
    seen: FloatArray
    days: IntArray


@dataclass(frozen=True, eq=False)
class RiskModel:
    """What a fleet's past says about the cost of risk: fitted once, asked for any classes.

    Parameters
    ----------
    use : DailyUse
    settings : PolicySettings
    cpu, memory : ResourceFit
    jumps : list of ndarray
        Curves of memory jumps before each day.
    """

    use: DailyUse
    settings: PolicySettings
    cpu: ResourceFit
    memory: ResourceFit
    jumps: list[FloatArray]

    def advise(self, presets: Sequence[Preset], *, with_replay: bool = True) -> Bases:
        """Return the bases for one preset per container.

        Parameters
        ----------
        presets : sequence of Preset
        with_replay : bool
            False leaves the ratios seen unknown, which is faster.
        """
        use = self.use
        cpu_stated = np.array([preset.cpu_over_request_ratio_target for preset in presets], dtype=np.float64)
        memory_stated = np.array(
            [preset.memory_over_day_ratio_target for preset in presets], dtype=np.float64
        )
        terms = (*self.cpu.terms(cpu_stated), *self.memory.terms(memory_stated))
        stated = (cpu_stated, memory_stated)
        start = first_replayed(use.day_count) if with_replay else use.day_count

        def replay(first: int) -> tuple[_Found, _Found]:
            rows = slice(first, first + _CHUNK_ROWS)
            part = use.rows(rows)
            own = [term[rows] for term in terms]
            cpu = _replay_cpu(part, own[0], own[1], start)
            return cpu, _replay_memory(part, own[2], own[3], start, self.jumps)

        # numpy lets other threads work; chunks share nothing, and map keeps their order
        with ThreadPoolExecutor(_THREADS) as threads:
            found = list(threads.map(replay, range(0, use.size, _CHUNK_ROWS)))
        parts = (_joined([cpu for cpu, _ in found]), _joined([memory for _, memory in found]))
        return _assemble(self, presets, stated, parts)


def fit_risk(use: DailyUse, settings: PolicySettings) -> RiskModel:
    """Fit the prices of risk of a fleet on the days before a decision."""
    jumps = learn_fleet_jumps(use)
    return RiskModel(use, settings, fit_cpu(use), fit_memory(use, jumps), jumps)


def find_bases(use: DailyUse, presets: Sequence[Preset], settings: PolicySettings) -> Bases:
    """Return the statistic of each container for the risk of its class.

    A container with fewer than `MINIMUM_DAYS` days of history gets the preset's decayed percentile and
    maximum with the preset's headroom.

    Parameters
    ----------
    use : DailyUse
        The days before the decision, newest last.
    presets : sequence of Preset
        One per container.
    settings : PolicySettings
    """
    return fit_risk(use, settings).advise(presets)


def _replay_cpu(use: DailyUse, price: FloatArray, cap: FloatArray, start: int) -> _Found:
    over, total = np.zeros(use.size), np.zeros(use.size)
    days = np.zeros(use.size, dtype=np.int64)
    for day, ladder in walk_cpu_ladders(use.cpu_counts, start):
        rung = ladder.choose(price, cap)
        if day < use.day_count:
            counted = use.cpu_counts[:, day].sum(axis=1, dtype=np.float64) * (ladder.weight > 0)
            over += np.where(counted > 0, count_over(use.cpu_counts[:, day], rung), 0.0)
            total += counted
            days += counted > 0
    known = ladder.weight > 0
    # The edge itself, not its float32 neighbour, which could lie just below the samples it covers.
    request = np.where(known, CPU_BUCKETS.upper_edges[rung], np.nan)
    return _Found(request, ladder.at(rung)[1], _share(over, total), days)


def _replay_memory(
    use: DailyUse, price: FloatArray, cap: FloatArray, start: int, jumps: list[FloatArray]
) -> _Found:
    over, days = np.zeros(use.size), np.zeros(use.size, dtype=np.int64)
    for day, ladder in walk_memory_ladders(use.memory_maxima, start, jumps):
        request, chance = ladder.at(ladder.choose(price, cap))
        if day < use.day_count:
            value = use.memory_maxima[:, day]
            counted = ~np.isnan(value) & (ladder.weight > 0)
            over += counted & (value > request)
            days += counted
    known = ladder.weight > 0
    return _Found(np.where(known, request, np.nan), chance, _share(over, days.astype(np.float64)), days)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share


def _joined(parts: list[_Found]) -> _Found:
    if not parts:
        nothing = np.zeros(0)
        return _Found(nothing, nothing, nothing, np.zeros(0, dtype=np.int64))
    return _Found(
        np.concatenate([part.request for part in parts]),
        np.concatenate([part.chance for part in parts]),
        np.concatenate([part.seen for part in parts]),
        np.concatenate([part.days for part in parts]),
    )


def _assemble(
    model: RiskModel,
    presets: Sequence[Preset],
    stated: tuple[FloatArray, FloatArray],
    found: tuple[_Found, _Found],
) -> Bases:
    use, (cpu, memory) = model.use, found
    cpu_days = use.cpu_counts.any(axis=2).sum(axis=1)
    memory_days = (~np.isnan(use.memory_maxima)).sum(axis=1)
    cpu_request, memory_request = cpu.request.copy(), memory.request.copy()
    young = (cpu_days < MINIMUM_DAYS, memory_days < MINIMUM_DAYS)
    cpu_request[young[0]] = read_young_cpu(use.rows(young[0]), _of(presets, young[0]), model.settings)
    memory_request[young[1]] = read_young_memory(use.rows(young[1]), _of(presets, young[1]))
    margin = memory_request / largest_known(use.memory_maxima) - 1
    return Bases(
        cpu_request,
        memory_request,
        name_cpu_statistics(cpu_days, presets, cpu.chance),
        name_memory_statistics(memory_days, margin),
        np.where(young[0], stated[0], _state(cpu.chance, model.cpu, stated[0])),
        np.where(young[1], stated[1], _state(memory.chance, model.memory, stated[1])),
        cpu.seen,
        memory.seen,
        np.maximum(cpu.days, memory.days),
    )


def _of(presets: Sequence[Preset], chosen: NDArray[np.bool_]) -> list[Preset]:
    return [preset for preset, is_chosen in zip(presets, chosen.tolist(), strict=True) if is_chosen]


def _state(chance: FloatArray, fit: ResourceFit, target: FloatArray) -> FloatArray:
    """Return the chance of each container as it comes out, not as its past alone would have it."""
    stated: FloatArray = np.minimum(chance * target / fit.asked(target), 1.0)
    return stated
