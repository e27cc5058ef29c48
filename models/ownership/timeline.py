"""Cutting a span of hours where billing days begin and owners change, by seconds (DESIGN section 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from models.vocabulary.windows import DAY, HOUR, HourWindow, day_start, floor_hour


@dataclass(frozen=True)
class Segment:
    """A stretch of time inside one billing day in which no ownership rule changes."""

    start: datetime
    end: datetime
    billing_date: date


@dataclass(frozen=True)
class HourGroup:
    """Hours that are divided alike: all inside one segment, or one hour cut at its edges.

    Parameters
    ----------
    hours : tuple of datetime
    pieces : tuple of (int, int)
        Segment number and microseconds of an hour in it; they add up to an hour.
    """

    hours: tuple[datetime, ...]
    pieces: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Timeline:
    """Segments of consecutive billing days and the groups of hours that make them up.

    Where a billing day begins within an hour, the segments reach to the full hour on both sides, so that
    an hour is cut alike from whichever side; only days ``first`` to ``last`` are meant.
    """

    first: date
    last: date
    segments: tuple[Segment, ...]
    groups: tuple[HourGroup, ...]

    def hour_marks(self) -> list[tuple[datetime, int, int]]:
        """Return every hour with its group and a bit that is its own within a billing day."""
        return [
            (hour, number, 1 << (int(hour.timestamp()) // 3600 % 32))
            for number, group in enumerate(self.groups)
            for hour in group.hours
        ]

    @property
    def window(self) -> HourWindow:
        """The whole hours that the billing days touch."""
        hours = [hour for group in self.groups for hour in group.hours]
        return HourWindow(min(hours), max(hours) + HOUR)


def cut(first: date, last: date, zone: ZoneInfo, changes: Iterable[datetime]) -> Timeline:
    """Cut the billing days ``first`` to ``last`` (both included) at midnights and changes.

    Parameters
    ----------
    first, last : date
        Billing days of the zone.
    zone : ZoneInfo
    changes : iterable of datetime
        Instants at which ownership changes, from an hour before to an hour after.
    """
    midnights = [day_start(first + index * DAY, zone) for index in range((last - first).days + 2)]
    start = floor_hour(midnights[0])
    end = HourWindow.of_hour(midnights[-1] - timedelta(microseconds=1)).end
    edges = sorted({start, end, *midnights, *(change for change in changes if start < change < end)})
    segments = tuple(
        Segment(begin, finish, begin.astimezone(zone).date()) for begin, finish in pairwise(edges)
    )
    return Timeline(first, last, segments, _groups(segments))


def _groups(segments: tuple[Segment, ...]) -> tuple[HourGroup, ...]:
    hour = segments[0].start
    found: list[tuple[datetime, tuple[tuple[int, int], ...]]] = []
    first = 0
    while hour < segments[-1].end:
        while segments[first].end <= hour:
            first += 1
        found.append((hour, _pieces(segments, first, hour)))
        hour += HOUR
    groups: list[HourGroup] = []
    for moment, pieces in found:
        if groups and len(pieces) == 1 and groups[-1].pieces == pieces:
            groups[-1] = HourGroup((*groups[-1].hours, moment), pieces)
        else:
            groups.append(HourGroup((moment,), pieces))
    return tuple(groups)


def _pieces(segments: tuple[Segment, ...], first: int, hour: datetime) -> tuple[tuple[int, int], ...]:
    pieces = []
    for number in range(first, len(segments)):
        segment = segments[number]
        if segment.start >= hour + HOUR:
            break
        length = min(segment.end, hour + HOUR) - max(segment.start, hour)
        pieces.append((number, length // timedelta(microseconds=1)))
    return tuple(pieces)
