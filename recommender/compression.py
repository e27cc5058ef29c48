"""Request-to-limit compression: the CPU request as a share of a limit that stays (requirement R25).

``request = ratio * limit``, ``ratio = clip(Q(use) / limit * (1 + margin), smallest, 1)``, looked at once a
day. It moves by at most 0.05 a day and not at all inside a dead band, except that a request below the
observed 95th percentile rises to it at once: safety is not limited. Memory is not compressed: its ratio is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.profiles.buckets import FloatArray

MEMORY_RATIO = 1.0


@dataclass(frozen=True)
class CompressionRules:
    """How a ratio follows use.

    Parameters
    ----------
    margin_ratio : float
        On top of the percentile.
    smallest_ratio : float
    largest_step : float
        Of the ratio, per day.
    dead_band_ratio : float
        Relative distance from the target inside which nothing moves.
    """

    margin_ratio: float = 0.15
    smallest_ratio: float = 0.05
    largest_step: float = 0.05
    dead_band_ratio: float = 0.15


RULES = CompressionRules()


def next_ratio(
    ratio: ArrayLike,
    usage_cores: ArrayLike,
    usage_last_day_cores: ArrayLike,
    limit_cores: ArrayLike,
    rules: CompressionRules = RULES,
) -> FloatArray:
    """Return tomorrow's ratio of request to limit, element by element.

    Parameters
    ----------
    ratio : array of float
        Today's, 0 to 1.
    usage_cores, usage_last_day_cores : array of float
        95th percentile of the window (decayed), and of its newest day alone; NaN is not known.
    limit_cores : array of float
        Above 0.
    rules : CompressionRules

    Returns
    -------
    ndarray of float
        ``ratio * limit`` is never below the larger percentile unless that exceeds the limit.
    """
    now, limit = np.asarray(ratio, dtype=np.float64), np.asarray(limit_cores, dtype=np.float64)
    window = np.asarray(usage_cores, dtype=np.float64)
    observed = np.fmax(window, np.asarray(usage_last_day_cores, dtype=np.float64))
    wanted = np.clip(observed / limit * (1 + rules.margin_ratio), rules.smallest_ratio, 1.0)
    step = np.clip(wanted - now, -rules.largest_step, rules.largest_step)
    calm = np.where(np.abs(wanted - now) <= rules.dead_band_ratio * wanted, now, now + step)
    short = observed > now * limit
    moved = np.where(short, np.maximum(wanted, now), calm)
    return np.where(np.isnan(observed), now, np.clip(moved, rules.smallest_ratio, 1.0))
