"""Samples of one question about a window, and the grid of bins and hours on which they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR, HourWindow

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Frame:
    """Samples of one query over a window, on its grid.

    Parameters
    ----------
    labels : list of dict
        Label map per series, length S; every map occurs once.
    series, steps : array of int64, shape (N,)
        Index into ``labels``; step 0 is the first of the window, lead steps are negative.
    values : array of float64, shape (N,)
    warnings : tuple of (hour index, text)
        Hours of the window (from 0) about whose samples the server warned.
    """

    labels: list[dict[str, str]]
    series: Integers
    steps: Integers
    values: Floats
    warnings: tuple[tuple[int, str], ...] = ()

    def dense(self, first_step: int, step_count: int) -> Floats:
        """Return a matrix (S, step_count) from ``first_step`` on, NaN where there is no sample."""
        matrix = np.full((len(self.labels), step_count), np.nan)
        columns = self.steps - first_step
        inside = (columns >= 0) & (columns < step_count)
        matrix[self.series[inside], columns[inside]] = self.values[inside]
        return matrix

    def only(self, **labels: str) -> Frame:
        """Return the series that carry the labels."""
        chosen = [all(m.get(k) == v for k, v in labels.items()) for m in self.labels]
        index = np.cumsum(chosen) - 1
        kept = np.asarray(chosen, dtype=bool)[self.series] if len(self.series) else np.empty(0, dtype=bool)
        return Frame(
            [m for m, keep in zip(self.labels, chosen, strict=True) if keep],
            index[self.series[kept]].astype(np.int64),
            self.steps[kept],
            self.values[kept],
        )


EMPTY_FRAME = Frame([], np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class Axis:
    """The grid of a window: H hours of 12 bins, with one bin before and one after it.

    Parameters
    ----------
    window : HourWindow
    """

    window: HourWindow

    @property
    def start(self) -> float:
        """Start of the window, Unix seconds."""
        return self.window.start.timestamp()

    @property
    def end(self) -> float:
        """End of the window, Unix seconds."""
        return self.window.end.timestamp()

    @property
    def hour_count(self) -> int:
        """Number of hours H."""
        return self.window.hour_count

    @property
    def bin_count(self) -> int:
        """Number of bins inside the window, 12 H."""
        return self.hour_count * BINS_PER_HOUR

    @property
    def hour_starts(self) -> Floats:
        """Start of each hour, Unix seconds, shape (H,)."""
        return np.asarray(self.start + HOUR_SECONDS * np.arange(self.hour_count), dtype=np.float64)

    @property
    def bin_starts(self) -> Floats:
        """Start of each bin, Unix seconds, shape (12 H,)."""
        return np.asarray(self.start + BIN_SECONDS * np.arange(self.bin_count), dtype=np.float64)

    @property
    def wide_bin_starts(self) -> Floats:
        """Start of each bin, the one before and the one after the window included, shape (12 H + 2,)."""
        return np.asarray(self.start + BIN_SECONDS * np.arange(-1, self.bin_count + 1), dtype=np.float64)


def overlap_seconds(starts: Floats, ends: Floats, cell_starts: Floats, cell_seconds: float) -> Floats:
    """Return how long each interval lies in each cell.

    Parameters
    ----------
    starts, ends : array, shape (P,)
        Half-open intervals, Unix seconds; infinite bounds are allowed.
    cell_starts : array, shape (C,)
    cell_seconds : float

    Returns
    -------
    array, shape (P, C)
        Seconds, 0 to ``cell_seconds``.
    """
    first = np.maximum(starts[:, None], cell_starts[None, :])
    last = np.minimum(ends[:, None], cell_starts[None, :] + cell_seconds)
    return np.asarray(np.maximum(last - first, 0.0))


def fill_forward_then_back(values: Floats) -> Floats:
    """Return rows in which a missing value is the last known one, else the first known after it."""
    return _fill(_fill(values)[:, ::-1])[:, ::-1]


def _fill(values: Floats) -> Floats:
    columns = np.arange(values.shape[1])
    known = np.where(np.isnan(values), -1, columns[None, :])
    last = np.maximum.accumulate(known, axis=1)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.asarray(np.where(last >= 0, filled, np.nan))
