"""Seconds that intervals share with the hours of a window, for many intervals at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.vocabulary.windows import HourWindow

OPEN_END = np.iinfo(np.int64).max
"""End, in microseconds, of an interval that has not ended."""
HOUR_MICROSECONDS = 3_600_000_000


def summed_spans(spread: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the time held per group of the rows of :func:`spread_over_hours`.

    Returns
    -------
    pandas.DataFrame
        The group's columns, ``mounted_seconds`` (of all intervals together, overlaps counted once), and
        ``first_mounted_at`` and ``last_mounted_at``, missing where the time between has holes.
    """
    cut = spread[by].assign(
        first_us=np.maximum(spread["start_us"], spread["hour_us"]),
        last_us=np.minimum(spread["end_us"], spread["hour_us"] + HOUR_MICROSECONDS),
    )
    cut["held_us"] = cut["last_us"] - cut["first_us"]
    is_alone = ~cut.duplicated(by, keep=False)
    sums = pd.concat([cut[is_alone], _join_spans(cut[~is_alone], by)], ignore_index=True)
    sums["mounted_seconds"] = sums["held_us"] / 1e6
    is_whole = (sums["last_us"] - sums["first_us"]) == sums["held_us"]
    for name in ("first", "last"):
        moments = pd.to_datetime(sums[f"{name}_us"], unit="us", utc=True).dt.as_unit("us")
        sums[f"{name}_mounted_at"] = moments.where(is_whole)
    return sums.drop(columns=["held_us", "first_us", "last_us"])


def _join_spans(spans: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return one row per group: its first and last moment, and the time held in between."""
    cut = spans.sort_values([*by, "first_us"], kind="stable")
    reached = cut.groupby(by, sort=False)["last_us"].cummax().groupby([cut[name] for name in by]).shift()
    begin = np.fmax(cut["first_us"].astype("float64"), reached)
    cut["held_us"] = np.maximum(cut["last_us"] - begin, 0.0)
    return cut.groupby(by, as_index=False, sort=False).agg(
        held_us=("held_us", "sum"), first_us=("first_us", "min"), last_us=("last_us", "max")
    )


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
