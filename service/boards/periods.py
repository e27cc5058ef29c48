"""Which days a board speaks about, and which days it may compare them with (DESIGN section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from models.vocabulary.errors import UsageError
from models.vocabulary.windows import month_bounds
from service.boards.formats import date_span, short_span
from service.boards.texts import say

LAST_SEVEN_DAYS = "7d"
FORECAST_NEEDS_FINAL_DAYS = 28
LEAST_EARLIER_COVERAGE = 0.95
"""Share of the earlier days that must be final, or nothing is compared."""

_ONE = timedelta(days=1)


class NoComparison(StrEnum):
    """Why a period is not compared with the one before."""

    NOT_FULLY_COVERED = "not_fully_covered"
    EARLIER_NOT_COVERED = "earlier_not_covered"
    NO_FINAL_DAY = "no_final_day"


@dataclass(frozen=True)
class DayRange:
    """Billing days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def day_count(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """Return each day, oldest first."""
        return [self.first + index * _ONE for index in range(self.day_count)]

    def __str__(self) -> str:
        return date_span(self.first, self.last)


@dataclass(frozen=True)
class Period:
    """The days of a board.

    Parameters
    ----------
    name : str
        ``2026-11`` or ``7d``, as in the page's address.
    whole : DayRange
        The period as a calendar knows it (the month to its last day).
    shown : DayRange or None
        From its first to its last final day; None while no day of it is final.
    covered : tuple of date
        The final days of ``shown``, each complete for every cluster.
    compared : DayRange or None
        The equally many days before; None with the reason in ``no_comparison``.
    paired_days, compared_days : tuple of date
        What the change is taken from: of periods of equal length the days that are final in both, day by
        day; of months of different length all final days, compared by their average.
    is_running : bool
        Whether days of it are still to come.
    """

    name: str
    whole: DayRange
    shown: DayRange | None
    covered: tuple[date, ...]
    compared: DayRange | None
    no_comparison: NoComparison | None
    is_running: bool
    paired_days: tuple[date, ...] = ()
    compared_days: tuple[date, ...] = ()

    @property
    def is_fully_covered(self) -> bool:
        """Whether every day from the period's start to its last final day is final."""
        return self.shown is not None and len(self.covered) == self.shown.day_count

    @property
    def days_text(self) -> str:
        """The days in words: ``1-20 Nov 2026``, or ``10-20 Nov, 11 of 20`` where some are missing."""
        if self.shown is None or not self.covered:
            return say("period.no_final_day")
        if self.is_fully_covered:
            return str(self.shown)
        span = short_span(self.covered[0], self.covered[-1])
        return say("period.partial", span=span, covered=len(self.covered), days=self.shown.day_count)


def default_period(final_days: Mapping[date, bool], today: date) -> str:
    """Return the period a board opens on.

    The running month, or the last month with a final day; the last 7 full days until one whole month is
    stored.

    Parameters
    ----------
    final_days : mapping of date to bool
        Days with any data, and whether each is complete for every cluster.
    today : date
        The billing day of now; it is never final.
    """
    final = sorted(day for day, is_final in final_days.items() if is_final and day < today)
    if not final:
        return f"{today:%Y-%m}"
    last = final[-1]
    month_before = (last.replace(day=1) - _ONE).replace(day=1)
    whole_month_stored = min(final_days) <= month_before or _is_whole_month(min(final_days), last)
    return f"{last:%Y-%m}" if whole_month_stored else LAST_SEVEN_DAYS


def _is_whole_month(first: date, last: date) -> bool:
    return first.day == 1 and (first.year, first.month) == (last.year, last.month) and (last + _ONE).day == 1


def choose_period(name: str | None, final_days: Mapping[date, bool], today: date) -> Period:
    """Return the days of a named period and what they may be compared with.

    Raises
    ------
    UsageError
        If the name is neither ``7d`` nor a month.
    """
    chosen = name or default_period(final_days, today)
    final = {day for day, is_final in final_days.items() if is_final and day < today}
    whole = _last_seven(final, today) if chosen == LAST_SEVEN_DAYS else _month(chosen)
    in_period = sorted(day for day in final if whole.first <= day <= whole.last)
    is_running = whole.last >= today
    if not in_period:
        return Period(chosen, whole, None, (), None, NoComparison.NO_FINAL_DAY, is_running)
    last = in_period[-1] if is_running else whole.last
    shown = DayRange(whole.first, last)
    period = Period(chosen, whole, shown, tuple(in_period), None, None, is_running)
    return _compared(period, shown, final)


def _compared(period: Period, shown: DayRange, final: set[date]) -> Period:
    if len(period.covered) < shown.day_count:
        return replace(period, no_comparison=NoComparison.NOT_FULLY_COVERED)
    earlier = _days_before(shown, period.whole)
    earlier_days = earlier.days()
    known = [day for day in earlier_days if day in final]
    if len(known) < LEAST_EARLIER_COVERAGE * len(earlier_days):
        return replace(period, no_comparison=NoComparison.EARLIER_NOT_COVERED)
    if len(earlier_days) != shown.day_count:
        return replace(period, compared=earlier, paired_days=tuple(shown.days()), compared_days=tuple(known))
    pairs = [pair for pair in zip(shown.days(), earlier_days, strict=True) if pair[1] in final]
    return replace(
        period,
        compared=earlier,
        paired_days=tuple(day for day, _ in pairs),
        compared_days=tuple(day for _, day in pairs),
    )


def _days_before(shown: DayRange, whole: DayRange) -> DayRange:
    if whole.first.day != 1 or (whole.last + _ONE).day != 1:
        return DayRange(shown.first - shown.day_count * _ONE, shown.first - _ONE)
    last_of_previous = whole.first - _ONE
    first = last_of_previous.replace(day=1)
    if shown == whole:
        return DayRange(first, last_of_previous)
    return DayRange(first, min(first + (shown.day_count - 1) * _ONE, last_of_previous))


def _last_seven(final: set[date], today: date) -> DayRange:
    last = max(final, default=today - _ONE)
    return DayRange(last - 6 * _ONE, last)


def _month(name: str) -> DayRange:
    if len(name) != 7 or name[4] != "-" or not (name[:4] + name[5:]).isdigit():
        raise UsageError(f"{name!r} is not a period: write a month like 2026-10, or 7d")
    start, end = month_bounds(name)
    return DayRange(start.date(), end.date() - _ONE)
