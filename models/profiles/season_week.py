"""Whether days repeat by the week, by permuting whole days, and whether a step explains them as well."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray
from models.profiles.rows import BoolArray
from models.profiles.shape import HOURS_PER_DAY, row_mean

Float32Array = NDArray[np.float32]

_PERMUTATIONS = 999
_BLOCK = 111
_MULTIPLICATIONS_AT_ONCE = 250_000
_LEAST_WEEKLY_DAYS = 14
_SATURDAY = 5
_ROUNDING = 1e-5
_STEP_MARGIN = 1.25
_LEAST_HOURS_OF_DAY = 20
_ROWS_AT_ONCE = 2048


def weekly_chance(flat: FloatArray, known: BoolArray, first_weekday: int, wanted: BoolArray) -> FloatArray:
    """Return p of the weekly period; 1 where it is not asked for or there are less than two weeks."""
    chance = np.ones(len(flat))
    days = flat.shape[1] // HOURS_PER_DAY
    rows = np.flatnonzero(wanted)
    if days < _LEAST_WEEKLY_DAYS or len(rows) == 0:
        return chance
    for part in np.split(rows, range(_ROWS_AT_ONCE, len(rows), _ROWS_AT_ONCE)):
        cut = flat[part].reshape(len(part), days, HOURS_PER_DAY)
        seen = known[part].reshape(cut.shape)
        mean_day = cut.sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1)
        cut = np.where(seen, cut - mean_day, 0.0)
        size = np.sqrt(np.maximum((cut**2).sum(axis=(1, 2), keepdims=True), 1e-300))
        cut = (cut / size).astype(np.float32)
        alike = np.matmul(cut, cut.transpose(0, 2, 1)).reshape(len(part), -1)
        pairs = [_shuffled_pairs(days, first_weekday, weekends_together=both) for both in (False, True)]
        least = np.minimum(_beaten_share(alike, pairs[0]), _beaten_share(alike, pairs[1]))
        observed = (seen.sum(axis=2) >= _LEAST_HOURS_OF_DAY).sum(axis=1)
        chance[part] = np.where(observed >= _LEAST_WEEKLY_DAYS - 1, np.minimum(2 * least, 1.0), 1.0)
    return chance


def _beaten_share(alike: Float32Array, pairs: _Pairs) -> FloatArray:
    """Return the share of permutations that fit as well as the truth; 1 where a moved week does.

    Most series are beaten often: a tenth of the permutations is tried on all, the rest on what is left.
    """
    truth = _multiply(alike, pairs.true) - _ROUNDING
    share = np.ones(len(alike))
    left = np.flatnonzero(~(_multiply(alike, pairs.moved) >= truth).any(axis=1))
    beaten = np.zeros(len(alike), dtype=np.int64)
    for permuted in pairs.permuted:
        beaten[left] += (_multiply(alike[left], permuted) >= truth[left]).sum(axis=1)
        left = left[beaten[left] <= _PERMUTATIONS // 100]
    share[left] = (1 + beaten[left]) / (1 + _PERMUTATIONS)
    return share


def _multiply(left: Float32Array, right: Float32Array) -> Float32Array:
    """Return the matrix product, in pieces for which BLAS starts no threads: they would only spin."""
    rows = max(_MULTIPLICATIONS_AT_ONCE // right.size, 1)
    pieces = [left[first : first + rows] @ right for first in range(0, len(left), rows)]
    return np.concatenate(pieces) if pieces else np.zeros((0, right.shape[1]), dtype=np.float32)


def is_step(series: FloatArray, flat: FloatArray, weekly: FloatArray) -> BoolArray:
    """Return where two levels describe a series about as well as a line and the hours of the week do."""
    known = ~np.isnan(series)
    count = known.sum(axis=1)
    centred = np.where(known, series - row_mean(series)[:, None], 0.0)
    shape = (len(series), series.shape[1] // HOURS_PER_DAY, HOURS_PER_DAY)
    days, seen = centred.reshape(shape).sum(axis=2), known.reshape(shape).sum(axis=2)
    before, seen_before = np.cumsum(days, axis=1)[:, :-1], np.cumsum(seen, axis=1)[:, :-1]
    after = count[:, None] - seen_before
    both = before**2 * (1 / np.maximum(seen_before, 1) + 1 / np.maximum(after, 1))
    left = ((centred**2).sum(axis=1) - both.max(axis=1, initial=0.0)) / np.maximum(count - 2, 1)
    left_by_week = (1.0 - weekly) * (flat**2).sum(axis=1) / np.maximum(count - 1, 1)
    step: BoolArray = left <= _STEP_MARGIN * left_by_week
    return step


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Which pairs of days belong together, shape (days^2, alternatives)."""

    true: Float32Array
    moved: Float32Array
    permuted: tuple[Float32Array, ...]


@lru_cache(maxsize=16)
def _shuffled_pairs(days: int, first_weekday: int, *, weekends_together: bool) -> _Pairs:
    """Return days of one weekday, or of one kind of day, as they are, moved, and permuted.

    Slow drift makes neighbouring days alike, so that any two days in a row look like a weekend and days a
    week apart more alike than days at random: the true weekend must fit better than the six moved ones, and
    days a week apart better than days 5, 6, 8 or 9 days apart.
    """
    random = np.random.default_rng(days)
    weekday = (first_weekday + np.arange(days)) % 7
    label = weekday >= _SATURDAY if weekends_together else weekday
    true = _together(label)
    if weekends_together:
        moved = [_together((weekday + shift) % 7 >= _SATURDAY) for shift in range(1, 7)]
    else:
        distance = np.abs(np.arange(days)[:, None] - np.arange(days)[None, :]).ravel()
        apart = [(distance == near).astype(np.float64) for near in (5, 6, 8, 9)]
        moved = [pairs * (true.sum() / max(pairs.sum(), 1.0)) for pairs in apart]
    permuted: list[FloatArray] = []
    while len(permuted) < _PERMUTATIONS:
        drawn = _together(random.permutation(label))
        if not np.array_equal(drawn, true):  # else it says nothing
            permuted.append(drawn)
    blocks = (permuted[first : first + _BLOCK] for first in range(0, _PERMUTATIONS, _BLOCK))
    return _Pairs(_columns([true]), _columns(moved), tuple(_columns(block) for block in blocks))


def _columns(vectors: list[FloatArray]) -> Float32Array:
    matrix: Float32Array = np.ascontiguousarray(np.stack(vectors, axis=1), dtype=np.float32)
    return matrix


def _together(label: NDArray[np.generic]) -> FloatArray:
    """Return 1 for each pair of different days with one label, shape (days^2,)."""
    pairs = (label[:, None] == label[None, :]) & ~np.eye(len(label), dtype=np.bool_)
    flat: FloatArray = pairs.ravel().astype(np.float64)
    return flat
