"""Latency buckets of a Prometheus histogram: from cumulative counts to requests per bucket."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.vocabulary.errors import InputError

Floats = npt.NDArray[np.float64]

LAST_BOUND = "+Inf"


@dataclass(frozen=True, eq=False)
class RequestRates:
    """Requests per second by latency bucket.

    Parameters
    ----------
    upper_bounds : tuple of str
        The label ``le`` of each bucket, ascending; the last is ``+Inf``. Length B.
    rates : array, shape (B, N)
        Requests per second of each bucket alone in each of N bins; NaN where nothing was observed.
    """

    upper_bounds: tuple[str, ...]
    rates: Floats

    @property
    def total(self) -> Floats:
        """Return all requests per second, shape (N,); NaN where a bucket was not observed."""
        return np.asarray(self.rates.sum(axis=0), dtype=np.float64)


def canonical_bound(bound: str) -> str:
    """Return a label ``le`` in one spelling: ``1``, ``1.0`` and ``1e0`` are the same bucket.

    Raises
    ------
    InputError
        If it is not a number.
    """
    number = _as_number(bound)
    return LAST_BOUND if number == math.inf else f"{number:.12g}"


def sort_bounds(bounds: Sequence[str]) -> list[str]:
    """Return labels ``le`` in the order of their numbers.

    Raises
    ------
    InputError
        If one is not a number.
    """
    return sorted(bounds, key=_as_number)


def split_buckets(cumulative: Mapping[str, Floats]) -> RequestRates:
    """Return the rate of each bucket alone: the difference of neighbouring cumulative ones.

    A histogram counts a request in every bucket whose bound it does not exceed. Rates that fall from one
    bound to the next (counters read at slightly different times) count as 0, never as negative requests.

    Parameters
    ----------
    cumulative : mapping of str to array, shape (N,)
        By label ``le``; NaN where not observed.

    Raises
    ------
    InputError
        If ``+Inf`` is missing, so that the slowest requests are not counted, or a bound is not a number.
    """
    bounds = sort_bounds(list(cumulative))
    if not bounds or _as_number(bounds[-1]) != math.inf:
        raise InputError("has no bucket +Inf: it is not a histogram", field="le", value=", ".join(bounds))
    stacked = np.stack([np.asarray(cumulative[bound], dtype=np.float64) for bound in bounds])
    rising = np.maximum.accumulate(stacked, axis=0)
    rates = np.diff(rising, axis=0, prepend=0.0)
    rates[:, np.isnan(stacked).any(axis=0)] = np.nan
    return RequestRates(tuple(bounds), rates)


def _as_number(bound: str) -> float:
    try:
        return float(bound)
    except ValueError as problem:
        raise InputError("is not the bound of a bucket", field="le", value=bound) from problem
