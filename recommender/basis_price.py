"""One price of risk for a whole fleet: where cover is cheap it is bought, where it is dear it is not.

Every container has a ladder of requests, each with its chance of being exceeded. A flat percentile buys the
last per cent of cover everywhere, whatever it costs. Here each container takes the request that minimises

    request + price x chance of exceeding it

with one price (cores, or bytes, per whole chance) for the fleet, and never more than `LARGEST_MULTIPLE` times
the stated chance. The price is the lowest at which the fleet's mean chance is what the risk class states. For
a given mean chance no other choice of rungs has a smaller sum of requests (Lagrange), caps aside.
A riskier class has a lower price and a higher cap, so it never takes a higher rung.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray, IntArray
from recommender.basis_use import CountArray

LEVELS: FloatArray = np.array(
    [0.0005, 0.001, 0.002, 0.004, 0.007, 0.01, 0.015, 0.02, 0.03, 0.045, 0.07, 0.1, 0.15, 0.25]
)
"""Mean chances at which a fleet is priced; classes between two of them are interpolated."""

_PRICE_STEPS = np.geomspace(1e-3, 50.0, 40)
"""Times the mean request. Above the last, cover is refused whatever was stated: it would double requests to
avoid what more past could not rule out either."""
_LARGEST_CORRECTION = 6.0
_LARGEST_RELIEF = 1.5


@dataclass(frozen=True, eq=False)
class Ladder:
    """Requests that each container may take, and the chance that each is exceeded.

    Parameters
    ----------
    request : ndarray of float, shape (1 or n, rungs)
        Ascending along the rungs.
    chance : ndarray of float, shape (n, rungs)
        Not ascending along the rungs.
    weight : ndarray of float, shape (n,)
        Share of a container in the fleet's mean chance; 0 leaves it out.
    """

    request: CountArray
    chance: CountArray
    weight: FloatArray

    def first_within(self, cap: FloatArray) -> IntArray:
        """Return the lowest rung whose chance is at most the cap, shape (n,); the highest if none is."""
        within = self.chance <= cap[:, None].astype(self.chance.dtype)
        rung = within.argmax(axis=1)
        found: IntArray = np.where(within[:, -1], rung, self.chance.shape[1] - 1).astype(np.int64)
        return found

    def choose(self, price: FloatArray, cap: FloatArray) -> IntArray:
        """Return the rung of least ``request + price x chance``, not below the cap's, shape (n,).

        Parameters
        ----------
        price, cap : ndarray of float, shape (n,)
        """
        cost = self.chance * price[:, None].astype(self.chance.dtype)
        cost += self.request
        rung: IntArray = np.maximum(cost.argmin(axis=1).astype(np.int64), self.first_within(cap))
        return rung

    def at(self, rung: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return request and chance of a rung per container, each of shape (n,)."""
        row = np.arange(len(self.chance))
        request = self.request[0, rung] if len(self.request) == 1 else self.request[row, rung]
        return request.astype(np.float64), self.chance[row, rung].astype(np.float64)


def price_levels(ladder: Ladder, largest_multiple: float) -> FloatArray:
    """Return the price at which the mean chance of the fleet is each of `LEVELS`, never rising with risk.

    Parameters
    ----------
    ladder : Ladder
    largest_multiple : float
        No container's chance may exceed the level by more than this factor.
    """
    size = len(ladder.chance)
    middle = ladder.first_within(np.full(size, 0.05))
    counted = ladder.weight > 0
    if not counted.any():
        return np.zeros(len(LEVELS))
    steps = _PRICE_STEPS * max(float(ladder.at(middle)[0][counted].mean()), 1e-12)
    free = np.full(size, np.inf)
    chances = np.stack([ladder.at(ladder.choose(np.full(size, step), free))[1] for step in steps])
    share = ladder.weight / ladder.weight.sum()
    prices = np.zeros(len(LEVELS))
    for number, level in enumerate(LEVELS):
        capped = ladder.at(ladder.first_within(np.full(size, level * largest_multiple)))[1]
        prices[number] = _price_of(level, steps, np.minimum(chances, capped) @ share)
    never_rising: FloatArray = np.maximum.accumulate(prices[::-1])[::-1]
    return never_rising


def _price_of(level: float, steps: FloatArray, means: FloatArray) -> float:
    """Return the price at which the mean chance falls to a level, between two steps by logarithms."""
    enough = means <= level
    if not enough.any():
        return float(steps[-1])
    last = int(enough.argmax())
    if last == 0:
        return float(steps[0])
    share = (means[last - 1] - level) / (means[last - 1] - means[last])
    return float(steps[last - 1] ** (1 - share) * steps[last] ** share)


def calibrate_levels(realised: FloatArray, stated: FloatArray) -> FloatArray:
    """Return the mean chance to ask for so that the one realised in the replay is the one stated.

    Never less than a sixth of the stated and never more than one and a half times it, and never falling as
    the stated chance rises.

    Parameters
    ----------
    realised : ndarray of float, shape (levels,)
        Share exceeded in the replay when each of `LEVELS` was asked for.
    stated : ndarray of float, shape (k,)

    Returns
    -------
    ndarray of float, shape (k,)
    """
    rising = np.maximum.accumulate(np.maximum(realised, 1e-7)) * (1 + 1e-9 * np.arange(len(LEVELS)))
    asked = np.exp(np.interp(np.log(stated), np.log(rising), np.log(LEVELS)))
    return np.clip(asked, stated / _LARGEST_CORRECTION, stated * _LARGEST_RELIEF)


def interpolate_price(prices: FloatArray, asked: FloatArray) -> FloatArray:
    """Return the price of a mean chance between two of `LEVELS`, by logarithms, shape of ``asked``."""
    safe = np.log(np.maximum(prices, 1e-12))
    price: FloatArray = np.exp(np.interp(np.log(asked), np.log(LEVELS), safe))
    return price


def sample_rows(size: int, largest: int) -> NDArray[np.int64]:
    """Return at most ``largest`` row numbers, evenly spread: the fleet's price needs no more."""
    return np.unique(np.linspace(0, max(size - 1, 0), min(size, largest)).round().astype(np.int64))
