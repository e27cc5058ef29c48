"""Half-open UTC windows of whole hours, and the grammar in which people name them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.vocabulary.errors import InputError, UsageError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BINS_PER_HOUR = 12
BIN_SECONDS = 300

_RELATIVE = re.compile(r"^(\d+)([mhdw])$")
_RELATIVE_UNIT = {"m": timedelta(minutes=1), "h": HOUR, "d": DAY, "w": timedelta(weeks=1)}


def to_utc(moment: datetime) -> datetime:
    """Return the moment in UTC. A naive moment is refused: nobody can know which hour it means.

    Raises
    ------
    InputError
        If the moment carries no time zone.
    """
    if moment.tzinfo is None:
        raise InputError("has no time zone", value=moment.isoformat())
    return moment.astimezone(UTC)


def floor_hour(moment: datetime) -> datetime:
    """Return the start of the UTC hour that holds the moment."""
    return to_utc(moment).replace(minute=0, second=0, microsecond=0)


def day_start(day: date, zone: ZoneInfo | None = None) -> datetime:
    """Return the instant at which a calendar day of the zone (UTC by default) begins, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone or UTC).astimezone(UTC)


def month_bounds(month: str, zone: ZoneInfo | None = None) -> tuple[datetime, datetime]:
    """Return start and end, in UTC, of a month written as ``2026-10`` in the zone (UTC by default).

    Raises
    ------
    InputError
        If the text is not a month.
    """
    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)
    if match is None:
        raise InputError("is not a month like 2026-10", field="month", value=month)
    year, number = int(match[1]), int(match[2])
    following = date(year + number // 12, number % 12 + 1, 1)
    return day_start(date(year, number, 1), zone), day_start(following, zone)


@dataclass(frozen=True, order=True)
class HourWindow:
    """A half-open range ``[start, end)`` of whole UTC hours.

    Parameters
    ----------
    start, end : datetime
        Aware instants on the hour, ``start < end``.

    Raises
    ------
    InputError
        If a bound is naive or not on the hour, or the range is empty.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            moment = to_utc(getattr(self, name))
            if moment != floor_hour(moment):
                raise InputError("is not on the hour", field=name, value=moment.isoformat())
            object.__setattr__(self, name, moment)
        if self.start >= self.end:
            raise InputError("ends before it starts", field="window", value=str(self))

    @classmethod
    def of_hour(cls, moment: datetime) -> HourWindow:
        """Return the hour that holds the moment."""
        start = floor_hour(moment)
        return cls(start, start + HOUR)

    @classmethod
    def of_day(cls, day: date) -> HourWindow:
        """Return the 24 hours of a UTC day."""
        start = day_start(day)
        return cls(start, start + DAY)

    @property
    def hour_count(self) -> int:
        """Number of hours in the window."""
        return int((self.end - self.start) / HOUR)

    def hours(self) -> Iterator[datetime]:
        """Yield the start of each hour, oldest first."""
        moment = self.start
        while moment < self.end:
            yield moment
            moment += HOUR

    def days(self) -> Iterator[date]:
        """Yield each UTC day that the window touches, oldest first."""
        day = self.start.date()
        while day_start(day) < self.end:
            yield day
            day += DAY

    def split(self, longest: timedelta) -> Iterator[HourWindow]:
        """Yield consecutive windows of at most ``longest``, oldest first."""
        start = self.start
        while start < self.end:
            end = min(start + longest, self.end)
            yield HourWindow(start, end)
            start = end

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%MZ},{self.end:%Y-%m-%dT%H:%MZ}"


def windows_of(hours: list[datetime]) -> list[HourWindow]:
    """Join hour starts (any order) into the fewest windows of consecutive hours, oldest first."""
    windows: list[HourWindow] = []
    for hour in sorted(set(hours)):
        if windows and windows[-1].end == hour:
            windows[-1] = HourWindow(windows[-1].start, hour + HOUR)
        else:
            windows.append(HourWindow(hour, hour + HOUR))
    return windows


def parse_instant(text: str) -> datetime:
    """Parse an RFC 3339 instant, a bare date (midnight UTC) or Unix seconds.

    Raises
    ------
    UsageError
        If the text is none of these.
    """
    if re.fullmatch(r"\d{9,11}", text):
        return datetime.fromtimestamp(int(text), UTC)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return day_start(date.fromisoformat(text))
        return to_utc(datetime.fromisoformat(text))
    except (ValueError, InputError):
        raise UsageError(
            f"{text!r} is not a time: write 2026-10-01T00:00:00Z, 2026-10-01 or Unix seconds"
        ) from None


def parse_window(text: str, *, now: datetime, zone: ZoneInfo | None = None) -> HourWindow:
    """Parse a window: ``24h 7d today yesterday week month lastweek lastmonth 2026-10 start,end``.

    Bounds are widened to whole hours. ``today``, ``week`` and ``month`` end with the last full hour
    before ``now``; days, weeks (from Monday) and months are those of the zone.

    Raises
    ------
    UsageError
        If the text is not in the grammar, or names an empty window.
    """
    try:
        start, end = _bounds(text.strip(), floor_hour(now), zone)
        return HourWindow(floor_hour(start), _ceil_hour(end))
    except InputError as problem:
        raise UsageError(f"window {text!r}: {problem}") from problem


def _ceil_hour(moment: datetime) -> datetime:
    floored = floor_hour(moment)
    return floored if floored == moment else floored + HOUR


def _bounds(text: str, now: datetime, zone: ZoneInfo | None) -> tuple[datetime, datetime]:
    if "," in text:
        start, _, end = text.partition(",")
        return parse_instant(start.strip()), parse_instant(end.strip())
    if match := _RELATIVE.match(text):
        return now - int(match[1]) * _RELATIVE_UNIT[match[2]], now
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return month_bounds(text, zone)
    today = now.astimezone(zone or UTC).date()
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    last_month = (first - DAY).replace(day=1)
    named = {
        "today": (day_start(today, zone), now),
        "yesterday": (day_start(today - DAY, zone), day_start(today, zone)),
        "week": (day_start(monday, zone), now),
        "month": (day_start(first, zone), now),
        "lastweek": (day_start(monday - timedelta(weeks=1), zone), day_start(monday, zone)),
        "lastmonth": (day_start(last_month, zone), day_start(first, zone)),
    }
    if text not in named:
        raise UsageError(f"{text!r} is not a window: write 24h, 7d, {', '.join(named)}, 2026-10 or start,end")
    return named[text]
