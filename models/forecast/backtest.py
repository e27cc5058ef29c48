"""Rolling back-test of forecast models and the choice of one per series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.forecast.seasonal_naive import FloatArray, Model, is_naive

_ADVANTAGE = 0.98
"""A model that is not naive must do better than this share of the best naive one's loss to be chosen."""


@dataclass(frozen=True, eq=False)
class Choice:
    """One model per series and what the back-test says about it.

    Parameters
    ----------
    model : list of str, length n
    wape, naive_wape : ndarray of float, shape (n,)
        Held-out weighted absolute percentage error of the chosen model, and of the naive model that is best
        for all series together; NaN where the actual values sum to 0.
    """

    model: list[str]
    wape: FloatArray
    naive_wape: FloatArray


def list_origins(steps: int, horizon: int, shortest_history: int) -> list[int]:
    """Return the origins of a rolling back-test: every step with enough before and a horizon after it."""
    return list(range(shortest_history, steps - horizon + 1))


def absolute_errors(series: FloatArray, model: Model, horizon: int, origins: Sequence[int]) -> FloatArray:
    """Return the absolute errors of forecasts that each saw only what came before their origin.

    Returns
    -------
    ndarray of float, shape (n, origins)
        Summed over the horizon.
    """
    columns = [
        np.abs(model(series[:, :origin], horizon) - series[:, origin : origin + horizon]).sum(axis=1)
        for origin in origins
    ]
    return np.stack(columns, axis=1)


def choose_models(
    series: FloatArray, models: Mapping[str, Model], horizon: int, origins: Sequence[int]
) -> Choice:
    """Choose a model per series on the older origins and judge it on the newer ones.

    Per series the naive model with the least error, unless another one is better by two per cent. If the
    choices together have a greater held-out mean loss than the best naive model for all, that one is taken
    for every series: the choice is never worse than the best naive.

    Parameters
    ----------
    series : ndarray of float, shape (n, steps)
        Complete, steps of equal length.
    models : mapping of str to Model
        Holds at least one naive one.
    horizon : int
    origins : sequence of int
        At least two, ascending.
    """
    names = list(models)
    errors = np.stack([absolute_errors(series, models[name], horizon, origins) for name in names])
    actual = np.stack([np.abs(series[:, o : o + horizon]).sum(axis=1) for o in origins], axis=1)
    cut = max(len(origins) // 2, 1)
    chosen = _choose(errors[:, :, :cut].sum(axis=2), names)
    held_out = errors[:, :, cut:].sum(axis=2)
    naive = [index for index, name in enumerate(names) if is_naive(name)]
    best_naive = naive[int(np.argmin(held_out[naive].sum(axis=1)))]
    rows = np.arange(len(series))
    if held_out[chosen, rows].sum() > held_out[best_naive].sum():
        chosen = np.full(len(series), best_naive)
    total = actual[:, cut:].sum(axis=1)
    return Choice(
        [names[index] for index in chosen],
        _share(held_out[chosen, rows], total),
        _share(held_out[best_naive], total),
    )


def _choose(loss: FloatArray, names: Sequence[str]) -> np.ndarray:
    naive = np.array([is_naive(name) for name in names])
    handicapped = np.where(naive[:, None], loss, loss / _ADVANTAGE)
    # Ties go to the naive model: it stands first and needs no explanation.
    chosen: np.ndarray = np.argmin(handicapped, axis=0)
    return chosen


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share
