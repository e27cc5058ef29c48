"""Calibration of predicted peaks to a stated violation rate, and the violation rate on held-out days."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.oversell.peaks import FloatArray, IntArray, TaskUsage, find_alive, predict_peaks, realised_peaks

HISTORY_HOURS = 168
HORIZON_HOURS = 24
UNCALIBRATED_FACTOR = 1.15
"""Safety on the prediction where there is no held-out day to calibrate on."""

_ENOUGH = 200
"""Below this many node-days the factor is never under 1: luck must not lower a peak."""


@dataclass(frozen=True, eq=False)
class PeakReplay:
    """Predicted and realised peaks of nodes at past origins, shape (k,) each; ``origin`` counts hours."""

    origin: IntArray
    node: IntArray
    predicted: FloatArray
    realised: FloatArray


@dataclass(frozen=True)
class Calibration:
    """Factor on predicted peaks of a group of nodes.

    Parameters
    ----------
    factor : float
    violation_ratio : float or None
        Share of held-out node-origins whose peak exceeded the prediction, calibrated on older ones only;
        None without held-out ones.
    sample_count : int
        Node-origins behind the factor.
    """

    factor: float
    violation_ratio: float | None
    sample_count: int


def replay_peaks(usage: TaskUsage, *, step_hours: int = 24) -> PeakReplay:
    """Predict at past origins from 7 days each and look up what the next 24 hours brought.

    Origins end where a whole horizon is stored. Nodes without a predicted peak are left out.
    """
    parts = []
    for origin in range(usage.hours - HORIZON_HOURS, HISTORY_HOURS - 1, -step_hours):
        alive = find_alive(usage, origin - 1)
        if len(alive) == 0:
            continue
        predicted = predict_peaks(usage, alive, origin - HISTORY_HOURS, origin)
        realised = realised_peaks(usage, alive, origin, origin + HORIZON_HOURS)
        nodes = np.flatnonzero(predicted > 0)
        parts.append((np.full(len(nodes), origin), nodes, predicted[nodes], realised[nodes]))
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return PeakReplay(none, none, np.zeros(0), np.zeros(0))
    return PeakReplay(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def calibrate(replay: PeakReplay, target_ratio: float) -> Calibration:
    """Return the factor that would have kept violations at the target, with its held-out violation rate.

    Split calibration: a factor from the older half of the origins is judged on the newer half; the factor
    in use then comes from all of them.

    Parameters
    ----------
    replay : PeakReplay
        Of one group of nodes.
    target_ratio : float
        Stated share of violations, 0 to 1.
    """
    count = len(replay.origin)
    if count == 0:
        return Calibration(UNCALIBRATED_FACTOR, None, 0)
    ratio = replay.realised / replay.predicted
    origins = np.unique(replay.origin)
    violation = None
    if len(origins) >= 2:
        is_old = replay.origin < origins[len(origins) // 2]
        factor = _factor(ratio[is_old], target_ratio)
        violation = float((ratio[~is_old] > factor * (1 + 1e-9)).mean())
    return Calibration(_factor(ratio, target_ratio), violation, count)


def _factor(ratio: FloatArray, target_ratio: float) -> float:
    count = len(ratio)
    rank = math.ceil((count + 1) * (1 - target_ratio))
    found = float(np.sort(ratio)[min(rank, count) - 1])
    return found if count >= _ENOUGH else max(found, 1.0)
