"""Events as steps of series: kept out of what is learned, and put into what is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_LEAST_FACTOR, _MOST_FACTOR = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class EventSpan:
    """One event as steps of series that begin together.

    Parameters
    ----------
    name : str
        Events of one name are alike: what the past ones did is expected of the next.
    first, end : int
        Half-open range of steps; may lie before the first or beyond the last known step.
    rows : ndarray of bool, shape (n,), optional
        Series that it concerns; None concerns all.
    is_learned_from : bool
        Whether its steps count as ordinary history.
    expected_factor : float or None
        What its owner expects as a multiple of an ordinary time; None takes what past events of its name did.
    """

    name: str
    first: int
    end: int
    rows: BoolArray | None = None
    is_learned_from: bool = False
    expected_factor: float | None = None

    def steps(self, count: int) -> slice:
        """Return its part of ``count`` steps."""
        return slice(min(max(self.first, 0), count), min(max(self.end, 0), count))


def leave_out_events(history: FloatArray, events: Sequence[EventSpan]) -> FloatArray:
    """Return a copy of series, shape (n, steps), in which steps of events are NaN unless learned from."""
    ordinary = np.array(history, dtype=np.float64)
    for event in events:
        if not event.is_learned_from:
            inside = event.steps(history.shape[1])
            rows = slice(None) if event.rows is None else event.rows
            ordinary[rows, inside] = np.nan
    return ordinary


def learn_factors(
    history: FloatArray, ordinary: FloatArray, events: Sequence[EventSpan]
) -> Mapping[str, FloatArray]:
    """Return by name how many times an ordinary time past events were, per series.

    Parameters
    ----------
    history : ndarray of float, shape (n, steps)
        What was, NaN where unknown.
    ordinary : ndarray of float, shape (n, steps)
        Complete: what an ordinary time would have been.
    events : sequence of EventSpan

    Returns
    -------
    mapping of str to ndarray of float, shape (n,)
        Median over the events of a name, from 0.05 to 20; NaN for a series that had none.
    """
    ratios: dict[str, list[FloatArray]] = {}
    for event in events:
        inside = event.steps(history.shape[1])
        if event.is_learned_from or inside.start == inside.stop:
            continue
        was, usual = history[:, inside], ordinary[:, inside]
        is_known = np.isfinite(was)
        usual_total = np.where(is_known, usual, 0).sum(axis=1)
        concerned = usual_total > 0 if event.rows is None else (usual_total > 0) & event.rows
        ratio = np.divide(
            np.where(is_known, was, 0).sum(axis=1),
            usual_total,
            out=np.full(len(history), np.nan),
            where=concerned,
        )
        ratios.setdefault(event.name, []).append(ratio)
    return {name: _median_known(np.stack(found)) for name, found in ratios.items()}


def future_factor(
    shape: tuple[int, int], start: int, events: Sequence[EventSpan], learned: Mapping[str, FloatArray]
) -> FloatArray:
    """Return by how much events to come multiply a forecast, shape (n, horizon).

    Where several overlap their factors multiply. An event's own ``expected_factor`` goes before what was
    learned of its name; one of which nothing is known changes nothing.

    Parameters
    ----------
    shape : tuple of int
        Series and steps ahead.
    start : int
        Steps of history.
    """
    factor = np.ones(shape)
    for event in events:
        inside = EventSpan(event.name, event.first - start, event.end - start).steps(shape[1])
        known = np.full(shape[0], event.expected_factor or np.nan)
        if event.expected_factor is None and not event.is_learned_from:
            known = learned.get(event.name, known)
        if event.rows is not None:
            known = np.where(event.rows, known, np.nan)
        factor[:, inside] *= np.where(np.isfinite(known), known, 1.0)[:, None]
    return factor


def _median_known(ratios: FloatArray) -> FloatArray:
    """Return the median per column of what is known, NaN where nothing is."""
    ordered = np.sort(ratios, axis=0)  # NaN goes last
    count = np.isfinite(ratios).sum(axis=0)
    columns = np.arange(ratios.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(ratios) - 1)
    middle = (ordered[low, columns] + ordered[high, columns]) / 2
    median: FloatArray = np.clip(np.where(count > 0, middle, np.nan), _LEAST_FACTOR, _MOST_FACTOR)
    return median
