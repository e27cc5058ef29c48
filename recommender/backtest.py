"""Rolling back-test of right-sizing policies on stored daily histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, FloatArray
from models.profiles.histogram import count_above, read_percentiles
from recommender.presets import PolicySettings, Preset

MINIMUM_DAYS = 7
"""Days of history before the first decision."""

_MOVED = 0.10
_VPA_MARGIN = 1.15
_KRR_MEMORY_MARGIN = 1.15


@dataclass(frozen=True, eq=False)
class DailyUse:
    """Use of n containers of workloads over consecutive days, pods pooled.

    Parameters
    ----------
    cpu_counts : ndarray of float, shape (n, days, 176)
        5-minute samples per bucket.
    memory_maxima : ndarray of float, shape (n, days)
        Bytes, NaN where the container did not run.
    cpu_requests, memory_requests : ndarray of float, shape (n, days)
        In force, NaN where unset.
    replicas : ndarray of float, shape (n, days)
        Mean replicas.
    """

    cpu_counts: FloatArray
    memory_maxima: FloatArray
    cpu_requests: FloatArray
    memory_requests: FloatArray
    replicas: FloatArray


Policy = Callable[[FloatArray, FloatArray, FloatArray | None], tuple[FloatArray, FloatArray]]
"""Counts and memory maxima of the days before, the requests it set last (2, n) or None -> CPU, memory."""


@dataclass(frozen=True)
class PolicyScore:
    """What a policy would have done; ratios over all containers and days after the warm-up.

    Parameters
    ----------
    policy : str
    cpu_saved_ratio, memory_saved_ratio : float or None
        ``1 - sum of advised / sum of requested``, where a request was set; None when none was.
    cpu_samples_over_ratio : float or None
        5-minute samples above the request.
    oom_day_ratio : float or None
        Container-days with memory above the request, as if the limit were the request.
    changes_per_day : float
        Moves of more than 10 % per container-day.
    container_days : int
    """

    policy: str
    cpu_saved_ratio: float | None
    memory_saved_ratio: float | None
    cpu_samples_over_ratio: float | None
    oom_day_ratio: float | None
    changes_per_day: float
    container_days: int


def list_policies(preset: Preset, settings: PolicySettings) -> dict[str, Policy]:
    """Return the policies that are compared: ours in a preset, and VPA's and KRR's rules.

    The rules are run once a day on pooled 5-minute values, so they are in the style of these systems, not
    these systems. Ours is replayed without the limit on the size of a cut.
    """
    return {
        f"millicore {preset.name}": _ours(preset, settings),
        "VPA style (p90 decayed +15 %)": _advise_as_vpa,
        "KRR style (p95, maximum +15 %)": _advise_as_krr,
    }


def score_policies(use: DailyUse, policies: Mapping[str, Policy]) -> list[PolicyScore]:
    """Replay each policy: every day it sees only earlier days and sets the requests of that day.

    Parameters
    ----------
    use : DailyUse
        More than `MINIMUM_DAYS` days; fewer give scores without ratios.
    policies : mapping of str to Policy
    """
    return [_score(use, name, policy) for name, policy in policies.items()]


def _ours(preset: Preset, settings: PolicySettings) -> Policy:
    half_life_days = settings.half_life.total_seconds() / 86_400

    def advise(
        counts: FloatArray, maxima: FloatArray, last: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        cpu = _percentile_decayed(counts, preset.cpu_percentile, half_life_days)
        cpu = np.maximum(cpu * (1 + preset.cpu_headroom_ratio), settings.cpu_floor_cores)
        memory = _largest(maxima) * (1 + preset.memory_headroom_ratio)
        memory = np.maximum(memory, settings.memory_floor_bytes)
        if last is None:
            return cpu, memory
        return _hold(cpu, last[0], settings.hysteresis_ratio), _hold(
            memory, last[1], settings.hysteresis_ratio
        )

    return advise


def _hold(wanted: FloatArray, last: FloatArray, ratio: float) -> FloatArray:
    return np.where(np.abs(wanted - last) < ratio * last, last, wanted)


def _advise_as_vpa(
    counts: FloatArray, maxima: FloatArray, last: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """CPU p90 decayed over a day's half-life, memory p90 of decayed daily peaks, both +15 %."""
    del last
    peaks = np.zeros((*maxima.shape, MEMORY_BUCKETS.count))
    known = ~np.isnan(maxima)
    row, day = np.nonzero(known)
    peaks[row, day, MEMORY_BUCKETS.find(maxima[known])] = 1.0
    memory = _percentile_decayed(peaks, 0.9, 1.0, memory=True)
    return _percentile_decayed(counts, 0.9, 1.0) * _VPA_MARGIN, memory * _VPA_MARGIN


def _advise_as_krr(
    counts: FloatArray, maxima: FloatArray, last: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """CPU p95 of up to 14 days without decay, memory maximum +15 %."""
    del last
    cpu = read_percentiles(counts[:, -14:].sum(axis=1), [0.95], CPU_BUCKETS)[:, 0]
    return cpu, _largest(maxima[:, -14:]) * _KRR_MEMORY_MARGIN


def _percentile_decayed(
    counts: FloatArray, probability: float, half_life_days: float, *, memory: bool = False
) -> FloatArray:
    age = np.arange(counts.shape[1])[::-1]
    weight = np.exp2(-age / half_life_days)
    buckets = MEMORY_BUCKETS if memory else CPU_BUCKETS
    merged = np.einsum("ndb,d->nb", counts, weight)
    return read_percentiles(merged, [probability], buckets)[:, 0]


def _largest(maxima: FloatArray) -> FloatArray:
    best = np.where(np.isnan(maxima), -np.inf, maxima).max(axis=1)
    answer: FloatArray = np.where(np.isfinite(best), best, np.nan)
    return answer


def _score(use: DailyUse, name: str, policy: Policy) -> PolicyScore:
    size, days = use.memory_maxima.shape
    advised = np.full((days, 2, size), np.nan)
    last: FloatArray | None = None
    for day in range(MINIMUM_DAYS, days):
        cpu, memory = policy(use.cpu_counts[:, :day], use.memory_maxima[:, :day], last)
        last = np.stack([cpu, memory])
        advised[day] = last
    later = advised[MINIMUM_DAYS:]
    cpu_set, memory_set = later[:, 0].T, later[:, 1].T
    counts, maxima = use.cpu_counts[:, MINIMUM_DAYS:], use.memory_maxima[:, MINIMUM_DAYS:]
    ran = ~np.isnan(maxima) & ~np.isnan(memory_set)
    replicas = np.nan_to_num(use.replicas[:, MINIMUM_DAYS:])
    return PolicyScore(
        policy=name,
        cpu_saved_ratio=_saved(cpu_set, use.cpu_requests[:, MINIMUM_DAYS:], replicas),
        memory_saved_ratio=_saved(memory_set, use.memory_requests[:, MINIMUM_DAYS:], replicas),
        cpu_samples_over_ratio=_over(counts, cpu_set),
        oom_day_ratio=float((maxima[ran] > memory_set[ran]).mean()) if ran.any() else None,
        changes_per_day=_changes(later),
        container_days=int(ran.sum()),
    )


def _saved(advised: FloatArray, requested: FloatArray, replicas: FloatArray) -> float | None:
    known = ~np.isnan(advised) & ~np.isnan(requested) & (replicas > 0)
    before = float((requested[known] * replicas[known]).sum())
    return 1 - float((advised[known] * replicas[known]).sum()) / before if before > 0 else None


def _over(counts: FloatArray, advised: FloatArray) -> float | None:
    flat = counts.reshape(-1, counts.shape[2])
    threshold = advised.reshape(-1)
    known = ~np.isnan(threshold)
    total = float(flat[known].sum())
    return float(count_above(flat[known], threshold[known], CPU_BUCKETS).sum()) / total if total else None


def _changes(advised: FloatArray) -> float:
    """Return moves of more than 10 % of either resource per container-day, the first day left out."""
    if len(advised) < 2:
        return 0.0
    moved = np.abs(np.diff(advised, axis=0)) > _MOVED * advised[:-1]
    known = ~np.isnan(advised[:-1]).any(axis=1)
    return float((moved.any(axis=1) & known).sum()) / max(int(known.sum()), 1)
