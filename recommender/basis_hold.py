"""From a daily statistic to requests that change seldom, and the floor after an OOM kill."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from recommender.basis_use import DailyUse
from recommender.presets import PolicySettings

SMALLEST_RAISE_RATIO = 0.08
"""A raise is at least this large, so that a request that creeps up is not raised every day."""


@dataclass(frozen=True)
class Stiffness:
    """How unwilling the request of a resource is to move.

    Parameters
    ----------
    held_days : int
        It is lowered when a lower one was wanted for so many days in a row.
    step : float
        Cuts smaller than this are not made, raises are at least as large: a bucket of a small container is
        more than a tenth of it.
    """

    held_days: int
    step: float


CPU_STIFFNESS = Stiffness(4, 0.015)
"""More than a weekend; cores."""

MEMORY_STIFFNESS = Stiffness(7, 8.0 * (1 << 20))
"""A whole week, as too little memory kills; bytes."""


@dataclass(eq=False)
class Hold:
    """Hysteresis of one resource of n containers: raises at once, lowers only what stays lower.

    Parameters
    ----------
    ratio : float
        Wanted reductions up to this share are not made.
    stiffness : Stiffness
    last : ndarray of float, shape (n,)
        Set on the day before; NaN sets the first wanted value.
    """

    ratio: float
    stiffness: Stiffness
    last: FloatArray
    _days: IntArray = field(init=False)
    _largest: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self._days = np.zeros(len(self.last), dtype=np.int64)
        self._largest = np.full(len(self.last), -np.inf)

    def settle(self, wanted: FloatArray) -> FloatArray:
        """Return the requests of the day, shape (n,).

        A raise is made at once. A cut is made when it was wanted for the held days in a row, down to the
        largest value wanted on these days. Nothing wanted (NaN) keeps what is set.

        Parameters
        ----------
        wanted : ndarray of float, shape (n,)
        """
        wanted = np.where(np.isnan(wanted), self.last, wanted)
        step = self.stiffness.step
        is_lower = wanted < np.minimum(self.last * (1 - self.ratio), self.last - step)
        self._days = np.where(is_lower, self._days + 1, 0)
        self._largest = np.where(is_lower, np.maximum(self._largest, wanted), -np.inf)
        is_held = self._days >= self.stiffness.held_days
        is_raise = np.isnan(self.last) | (wanted > self.last)
        raised = np.fmax(wanted, np.maximum(self.last * (1 + SMALLEST_RAISE_RATIO), self.last + step))
        self.last = np.where(is_raise, raised, np.where(is_held, self._largest, self.last))
        self._days[is_held] = 0
        self._largest[is_held] = -np.inf
        return self.last


def find_oom_floors(use: DailyUse, settings: PolicySettings) -> FloatArray:
    """Return ``max(1.2 m, m + 100 MiB)`` with ``m`` the largest memory at a kill, 0 without one, shape (n,).

    The ratio and the bytes are those of the settings (VPA's rule).
    """
    if use.memory_oom_bytes is None or use.day_count == 0:
        return np.zeros(use.size)
    killed = ~np.isnan(use.memory_oom_bytes)
    largest = np.where(killed, use.memory_oom_bytes, 0.0).max(axis=1)
    raised = np.maximum(largest * (1 + settings.oom_raise_ratio), largest + settings.oom_raise_bytes)
    floors: FloatArray = np.where(killed.any(axis=1), raised, 0.0)
    return floors
