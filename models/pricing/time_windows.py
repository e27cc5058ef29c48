"""Prices that hold for some hours of the day or week only: tidal and night rates.

A window is written in local time: from ``daily_from`` to ``daily_to`` on the ``weekdays`` on which it begins.
Bounds become instants one by one, so that windows that meet on the clock meet in time as well, also on the
two days a year on which the clock is put forward or back. A local time that does not exist is the instant of
the jump; one that exists twice is its first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.vocabulary.errors import InputError

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_MINUTES_PER_DAY = 1440
_MINUTES_PER_WEEK = 7 * _MINUTES_PER_DAY
_LONGEST_JUMP = timedelta(hours=3)


@dataclass(frozen=True)
class TimeWindow:
    """Hours of the week, in a zone.

    Parameters
    ----------
    start, end : time
        ``end`` at or before ``start`` is on the next day; equal bounds are the whole day.
    weekdays : frozenset of int
        Days on which it begins, Monday 0.
    zone : ZoneInfo
    """

    start: time
    end: time
    weekdays: frozenset[int]
    zone: ZoneInfo

    @property
    def text(self) -> str:
        """Return the window as people read it; the same hours are always the same text."""
        days = ",".join(DAY_NAMES[day] for day in sorted(self.weekdays))
        shown = "" if len(self.weekdays) == 7 else f"{days} "
        return f"{shown}{self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"

    def covers(self, moment: datetime) -> bool:
        """Whether an instant lies in the window."""
        return any(start <= moment < end for start, end in self.between(moment, moment + _DAY / 86400))

    def edges_between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the instants inside ``(start, end)`` at which it begins or ends, oldest first."""
        edges = {edge for span in self.between(start, end) for edge in span if start < edge < end}
        return sorted(edges)

    def between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans of instants of the window that touch ``[start, end)``, oldest first."""
        day = start.astimezone(self.zone).date() - _DAY
        last = end.astimezone(self.zone).date()
        while day <= last:
            if day.weekday() in self.weekdays:
                closing = day + _DAY if self.end <= self.start else day
                opens, closes = (
                    instant_of(day, self.start, self.zone),
                    instant_of(closing, self.end, self.zone),
                )
                if opens < closes and opens < end and start < closes:
                    yield opens, closes
            day += _DAY

    def minutes_of_week(self) -> list[tuple[int, int]]:
        """Return its ranges of minutes since Monday midnight by the clock, cut at the end of the week."""
        found = []
        for day in sorted(self.weekdays):
            opens = day * _MINUTES_PER_DAY + self.start.hour * 60 + self.start.minute
            closes = day * _MINUTES_PER_DAY + self.end.hour * 60 + self.end.minute
            closes += _MINUTES_PER_DAY if self.end <= self.start else 0
            found.append((opens, min(closes, _MINUTES_PER_WEEK)))
            if closes > _MINUTES_PER_WEEK:
                found.append((0, closes - _MINUTES_PER_WEEK))
        return found

    def overlaps(self, other: TimeWindow) -> bool:
        """Whether two windows of one zone share a minute of the week."""
        return any(
            first < end and start < last
            for first, last in self.minutes_of_week()
            for start, end in other.minutes_of_week()
        )


@lru_cache(maxsize=65536)
def instant_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return the instant of a local time: the jump itself for a time that the clock skips."""
    local = datetime.combine(day, clock)
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    return _jump_before(moment, zone)


def _jump_before(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second of the offset that holds at a moment, by bisection."""
    after, before = moment, moment - _LONGEST_JUMP
    offset = moment.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


@lru_cache(maxsize=4096)
def parse_window(
    daily_from: str | None, daily_to: str | None, weekdays: str | None, time_zone: str | None
) -> TimeWindow | None:
    """Return the window that four cells describe, None where all but the zone are empty.

    Parameters
    ----------
    daily_from, daily_to : str or None
        ``HH:MM``; both or neither. ``24:00`` is midnight. Neither is the whole day.
    weekdays : str or None
        ``mon,tue`` or ``mon-fri``; None is every day.
    time_zone : str or None
        IANA name; None is UTC.

    Raises
    ------
    InputError
        Naming field and value.
    """
    if daily_from is None and daily_to is None and weekdays is None:
        return None
    for name, value in (("daily_from", daily_from), ("daily_to", daily_to)):
        if value is None and (daily_from or daily_to):
            raise InputError("is missing: a window has both daily_from and daily_to", field=name)
    start = _clock("daily_from", daily_from or "00:00")
    end = _clock("daily_to", daily_to or "00:00")
    return TimeWindow(start, end, _weekdays(weekdays), _zone(time_zone or "UTC"))


def _clock(name: str, text: str) -> time:
    if text == "24:00":
        return time()
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if found is None:
        raise InputError("is not a time of day like 22:00", field=name, value=text)
    return time(int(found[1]), int(found[2]))


def _weekdays(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, separator, last = part.partition("-")
        if first not in DAY_NAMES or (separator and last not in DAY_NAMES):
            raise InputError("is not a list of days like mon-fri or sat,sun", field="weekdays", value=text)
        start = DAY_NAMES.index(first)
        length = (DAY_NAMES.index(last) - start) % 7 if separator else 0
        found.update((start + step) % 7 for step in range(length + 1))
    return frozenset(found)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError(
            "is not an IANA time zone like Asia/Shanghai", field="time_zone", value=name
        ) from None
