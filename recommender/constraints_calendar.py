"""Peaks of the calendar: which ones are ahead, and whether a workload's history holds one like them.

A workload is not reduced before a peak that its profile window has not seen. Peaks are declared (sales,
holidays, month ends in the calendar of events) or found: an older day, on whose like the calendar comes back
soon, was clearly higher than everything in the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.events.calendar import CalendarEvent, EventKind

HORIZON_DAYS = 45
"""Peaks this far ahead hold back reductions."""

PEAK_RATIO = 1.3
"""An older day is a peak when it exceeds the window's maximum by this factor."""

PEAK_KINDS = frozenset({EventKind.SALE, EventKind.HOLIDAY, EventKind.MONTH_END})
"""Events that may ask for more than an ordinary day and come again."""

_EDGE_DAYS = 3
_YEAR = timedelta(days=364)
"""Fifty-two weeks: sales keep their weekday."""


@dataclass(frozen=True)
class PastPeriod:
    """Days before the window on whose like the calendar comes back soon, first to last."""

    name: str
    first: date
    last: date


def find_unseen_event(
    events: Sequence[CalendarEvent], window_start: datetime, as_of: datetime
) -> CalendarEvent | None:
    """Return the next peak ahead of whose kind the window holds none, None where there is no such peak.

    Parameters
    ----------
    events : sequence of CalendarEvent
        Those that are about the workload, past and to come.
    window_start, as_of : datetime
        The history that was looked at.
    """
    peaks = [event for event in events if event.kind in PEAK_KINDS]
    seen = {event.kind for event in peaks if event.start < as_of and event.end > window_start}
    horizon = as_of + timedelta(days=HORIZON_DAYS)
    ahead = [e for e in peaks if e.end > as_of and e.start < horizon and e.kind not in seen]
    return min(ahead, key=lambda event: (event.start, event.name)) if ahead else None


def say_event(event: CalendarEvent) -> str:
    """Return the peak in words that follow "but"."""
    kind = event.kind.replace("_", " ")
    return f"the {kind} {event.name} begins on {event.start:%Y-%m-%d} and no {kind} is in its history"


def list_past_periods(window_start: date, as_of: date) -> list[PastPeriod]:
    """Return the older days that stand for what is ahead: a year ago, and ends of quarter and month.

    Quarter ends count where one is ahead within `HORIZON_DAYS` and none is in the window; month ends too.
    """
    horizon = as_of + timedelta(days=HORIZON_DAYS)
    before = window_start - timedelta(days=1)
    found = [_clipped("about a year ago", as_of - _YEAR, horizon - _YEAR, before)]
    for name, months in (("at the end of a quarter", (1, 4, 7, 10)), ("at the end of a month", range(1, 13))):
        turns = _turns(as_of - timedelta(days=400), horizon, frozenset(months))
        is_ahead = any(as_of < turn <= horizon for turn in turns)
        is_seen = any(_edge(turn)[0] >= window_start and _edge(turn)[1] < as_of for turn in turns)
        if is_ahead and not is_seen:
            older = [turn for turn in turns if turn < window_start][-4:]
            found += [_clipped(name, *_edge(turn), before) for turn in older]
    return [period for period in found if period is not None]


def _clipped(name: str, first: date, last: date, latest: date) -> PastPeriod | None:
    last = min(last, latest)
    return PastPeriod(name, first, last) if first <= last else None


def _turns(first: date, last: date, months: frozenset[int]) -> list[date]:
    """Return the first days of some months in a span of days."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.day == 1 and day.month in months]


def _edge(turn: date) -> tuple[date, date]:
    """Return the days around the turn of a month: its last three and the next one's first two."""
    return turn - timedelta(days=_EDGE_DAYS), turn + timedelta(days=_EDGE_DAYS - 2)


def is_peak(value: float | None, largest_in_window: float | None) -> bool:
    """Whether an older day's maximum is clearly above everything in the window."""
    if value is None or largest_in_window is None:
        return False
    return value > PEAK_RATIO * largest_in_window
