"""Realised saving by difference-in-differences of node bills against untouched peers.

With ``B`` and ``A`` the mean bill per day before and after, of the touched pools (T) and of each of ``k``
untouched ones (j), and ``d = ln(A / B)``::

    effect         = d_T - mean(d_j)
    counterfactual = B_T * exp(mean(d_j))         what T would have cost, grown like its peers
    saving         = counterfactual - A_T         per day
    placebo_j      = d_j - mean(d_i, i != j)      each peer treated as if it had been the stage
    half_width     = t(k - 1, 0.9) * sqrt(mean(placebo_j ** 2))

so growth that peers share is not credited (Card and Krueger 1994), and the interval is what untouched pools
do by chance (permutation over peers; Abadie, Diamond and Hainmueller 2010), with Student's t because peers
are few. A peer counts only if it ran parallel before: no trend in ``ln(T / peer)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

FEWEST_DAYS = 7
"""Whole weeks compare like with like."""
FEWEST_PEERS = 2
"""One peer cannot tell chance from effect."""
_DRIFT_MIN = 0.03
_T_SIGNIFICANT = 2.6
_UPPER_TAIL = 0.9


class NotMeasurable(StrEnum):
    """Why no realised saving can be stated."""

    TOO_FEW_DAYS_BEFORE = "too_few_days_before"
    TOO_FEW_DAYS_AFTER = "too_few_days_after"
    NO_BILL = "no_bill"
    NO_PEERS = "no_peers"
    ONE_PEER = "one_peer"
    NOT_PARALLEL = "not_parallel"


@dataclass(frozen=True, eq=False)
class Peer:
    """An untouched pool: bills per day, shapes (days before,) and (days after,)."""

    name: str
    before: FloatArray
    after: FloatArray


@dataclass(frozen=True)
class SavingEffect:
    """What left the bill against what peers did.

    Ratios are of the counterfactual; amounts are per day in the bill's currency. The interval is 80 %.
    """

    before_per_day: float
    after_per_day: float
    counterfactual_per_day: float
    saving_per_day: float
    saving_lower_80_per_day: float
    saving_upper_80_per_day: float
    saving_ratio: float
    saving_lower_80_ratio: float
    saving_upper_80_ratio: float
    peers: tuple[str, ...]
    left_out_peers: tuple[str, ...]


@dataclass(frozen=True)
class Unmeasured:
    """Why there is no effect, with the untouched pools that were looked at and left out."""

    reason: NotMeasurable
    left_out_peers: tuple[str, ...] = ()


def measure_effect(before: FloatArray, after: FloatArray, peers: Sequence[Peer]) -> SavingEffect | Unmeasured:
    """Return the saving of a stage, or why none can be stated.

    Parameters
    ----------
    before, after : ndarray of float, shapes (days before,) and (days after,)
        Node bill per day of everything the stage touches, in one currency.
    peers : sequence of Peer
        Untouched pools over the same days.
    """
    if len(before) < FEWEST_DAYS:
        return Unmeasured(NotMeasurable.TOO_FEW_DAYS_BEFORE)
    if len(after) < FEWEST_DAYS:
        return Unmeasured(NotMeasurable.TOO_FEW_DAYS_AFTER)
    if not _is_positive(before) or not np.isfinite(after).all() or float(np.mean(after)) < 0:
        return Unmeasured(NotMeasurable.NO_BILL)
    usable = [peer for peer in peers if _is_positive(peer.before) and _is_positive(peer.after)]
    parallel = [peer for peer in usable if is_parallel(before, peer.before)]
    left_out = tuple(peer.name for peer in peers if peer not in parallel)
    if len(parallel) < FEWEST_PEERS:
        return Unmeasured(_too_few(len(usable), len(parallel)), left_out)
    return _compare(before, after, parallel, left_out)


def is_parallel(before: FloatArray, peer_before: FloatArray) -> bool:
    """Whether a peer's bill moved with that of the stage before it: the pre-trend test.

    Least squares of ``ln(stage / peer)`` on the day; parallel unless the slope is significant
    (``|t| > 2.6``) and amounts to more than 3 % over the days before.

    Parameters
    ----------
    before, peer_before : ndarray of float, shape (days,)
        Above 0.
    """
    gap = np.log(before / peer_before)
    day = np.arange(len(gap), dtype=np.float64)
    day -= day.mean()
    slope = float(day @ gap / (day @ day))
    rest = gap - gap.mean() - slope * day
    error = float(np.sqrt(rest @ rest / max(len(gap) - 2, 1) / (day @ day)))
    drift = abs(slope) * len(gap)
    return drift <= _DRIFT_MIN or abs(slope) <= _T_SIGNIFICANT * error


def _is_positive(values: FloatArray) -> bool:
    return bool(np.isfinite(values).all() and (values > 0).all())


def _too_few(usable: int, parallel: int) -> NotMeasurable:
    if usable == 0:
        return NotMeasurable.NO_PEERS
    if usable == 1 and parallel == 1:
        return NotMeasurable.ONE_PEER
    return NotMeasurable.NOT_PARALLEL


def _compare(
    before: FloatArray, after: FloatArray, peers: Sequence[Peer], left_out: tuple[str, ...]
) -> SavingEffect:
    from scipy.special import stdtrit

    changes = np.array([np.log(peer.after.mean() / peer.before.mean()) for peer in peers])
    count = len(peers)
    placebos = (changes - changes.mean()) * count / (count - 1)
    half_width = float(stdtrit(count - 1, _UPPER_TAIL) * np.sqrt(np.mean(placebos**2)))
    actual, usual = float(after.mean()), float(before.mean())
    grown = float(changes.mean())
    middle, low, high = (usual * float(np.exp(grown + shift)) for shift in (0.0, -half_width, half_width))
    return SavingEffect(
        before_per_day=usual,
        after_per_day=actual,
        counterfactual_per_day=middle,
        saving_per_day=middle - actual,
        saving_lower_80_per_day=low - actual,
        saving_upper_80_per_day=high - actual,
        saving_ratio=1 - actual / middle,
        saving_lower_80_ratio=1 - actual / low,
        saving_upper_80_ratio=1 - actual / high,
        peers=tuple(peer.name for peer in peers),
        left_out_peers=left_out,
    )
