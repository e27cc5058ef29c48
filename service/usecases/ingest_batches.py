"""How much one commit takes: few commits, bounded memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.vocabulary.windows import DAY, HOUR, HourWindow, day_start

FIRST_READ = timedelta(hours=6)
"""Length of the first read of a cluster whose size is not known yet."""
ROWS_PER_COMMIT = 300_000
"""Container hours that one window may hold."""
MONTHLY_SOURCES = frozenset({"files"})
"""Sources that are read in whole months: their data lies in one file anyway."""


def next_batch(
    window: HourWindow, rows_per_hour: float | None, source: str
) -> tuple[HourWindow, HourWindow | None]:
    """Cut off what one commit takes: a month from files; from Prometheus a day, or less of a large cluster.

    Parameters
    ----------
    window : HourWindow
        What is still to be read.
    rows_per_hour : float or None
        What was seen so far; None while nothing is known.
    source : str
        Name of the source.

    Returns
    -------
    tuple of HourWindow and HourWindow or None
        The batch, and what remains after it.
    """
    start = window.start
    if source in MONTHLY_SOURCES:
        longest = day_start((start.replace(day=1) + 32 * DAY).date().replace(day=1))
    else:
        longest = min(start + _affordable(rows_per_hour), day_start((start + DAY).date()))
    end: datetime = min(window.end, longest)
    return HourWindow(start, end), HourWindow(end, window.end) if end < window.end else None


def _affordable(rows_per_hour: float | None) -> timedelta:
    if rows_per_hour is None:
        return FIRST_READ
    hours = int(ROWS_PER_COMMIT / max(rows_per_hour, 1.0))
    return min(max(hours, 1), 24) * HOUR
