"""Seconds that intervals share with the hours of a window, for many intervals at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.vocabulary.windows import HourWindow

OPEN_END = np.iinfo(np.int64).max
"""End, in microseconds, of an interval that has not ended."""
HOUR_MICROSECONDS = 3_600_000_000


def spread_over_hours(frame: pd.DataFrame, window: HourWindow) -> pd.DataFrame:
    """Return one row per interval and hour of the window that they share.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``start_us`` and ``end_us`` (half-open, microseconds); other columns are repeated.
    window : HourWindow

    Returns
    -------
    pandas.DataFrame
        The columns of the frame and ``hour_us`` (start of the hour) and ``seconds`` (above 0).
    """
    first = int(window.start.timestamp()) * 1_000_000
    last = first + window.hour_count * HOUR_MICROSECONDS
    starts = np.clip(frame["start_us"].to_numpy(np.int64), first, last)
    ends = np.clip(frame["end_us"].to_numpy(np.int64), first, last)
    first_hour = (starts - first) // HOUR_MICROSECONDS
    end_hour = -((first - ends) // HOUR_MICROSECONDS)
    counts = np.where(ends > starts, end_hour - first_hour, 0)
    rows = np.repeat(np.arange(len(frame)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    hours = first + (first_hour[rows] + within) * HOUR_MICROSECONDS
    shared = np.minimum(ends[rows], hours + HOUR_MICROSECONDS) - np.maximum(starts[rows], hours)
    spread = frame.iloc[rows].reset_index(drop=True)
    spread["hour_us"] = hours
    spread["seconds"] = shared / 1e6
    return spread
