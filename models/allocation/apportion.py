"""Splitting whole units so that the parts add up to the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt


def apportion(total: int, weights: Sequence[Fraction | int]) -> list[int]:
    """Split whole units by weight, by largest remainder; ties go to the earlier part.

    Parameters
    ----------
    total : int
        May be negative.
    weights : sequence of Fraction or int
        Not negative, with a positive sum.
    """
    common = math.lcm(*(weight.denominator for weight in weights))
    whole_weights = [weight.numerator * (common // weight.denominator) for weight in weights]
    whole = sum(whole_weights)
    divided = [divmod(weight * total, whole) for weight in whole_weights]
    parts = [part for part, _ in divided]
    by_remainder = sorted(range(len(parts)), key=lambda index: (-divided[index][1], index))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def apportion_many(total: int, weights: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Split whole units over many parts; like ``apportion``, in float64 with an exact sum.

    Each part is within one unit (or one part in 10^15, where that is more) of its exact share. Without any
    weight the first part takes all.

    Parameters
    ----------
    total : int
    weights : int64 array
        Not negative.
    """
    parts = np.zeros(len(weights), dtype=np.int64)
    whole = float(weights.sum(dtype=np.float64))
    if whole <= 0:
        parts[:1] = total
        return parts
    exact = weights * (total / whole)
    parts += np.floor(exact).astype(np.int64)
    missing = total - int(parts.sum())
    ranked = np.lexsort((np.arange(len(parts)), parts - exact))
    parts += missing // len(parts)
    parts[ranked[: missing % len(parts)]] += 1
    return parts


def apportion_rows(totals: npt.NDArray[np.int64], shares: Sequence[Fraction]) -> list[npt.NDArray[np.int64]]:
    """Split every total by the same shares; the parts of each add up to it exactly.

    Parts are rounded to the nearest unit; the largest share (the first of equals) takes what is left.

    Parameters
    ----------
    totals : int64 array
    shares : sequence of Fraction
        Not negative, adding up to 1.
    """
    largest = max(range(len(shares)), key=lambda index: (shares[index], -index))
    parts = [np.rint(totals * float(share)).astype(np.int64) for share in shares]
    parts[largest] = totals - sum(part for index, part in enumerate(parts) if index != largest)
    return parts
