"""When a cluster may be changed: weekly maintenance windows in a named zone, and freezes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD_DAYS = 15
"""Two weeks and a day: the first window after any weekly one is missed by a clock change."""
_MOST_STEPS = 64


@dataclass(frozen=True)
class Scope:
    """Which workloads a rule is about; globs, each must match."""

    cluster: str = "*"
    namespace: str = "*"
    team: str = "*"

    def includes(self, cluster: str, namespace: str, team: str | None) -> bool:
        """Say whether a workload is meant; an unowned one matches only ``*``."""
        pairs = ((self.cluster, cluster), (self.namespace, namespace), (self.team, team or ""))
        return all(fnmatchcase(text, pattern) for pattern, text in pairs)


@dataclass(frozen=True)
class WeeklyWindow:
    """A stretch of the week in which changes are allowed.

    Parameters
    ----------
    scope : Scope
    days : tuple of int
        Weekdays on which it opens, Monday is 0.
    opens, closes : datetime.time
        Wall clock of the zone; a window that closes at or before it opens runs past midnight.
    zone : str
        IANA name.
    """

    scope: Scope
    days: tuple[int, ...]
    opens: time
    closes: time
    zone: str = "UTC"

    def spans_from(self, moment: datetime) -> list[tuple[datetime, datetime]]:
        """Return the next openings in UTC, half-open, the one that is open now included, in order."""
        zone = ZoneInfo(self.zone)
        first = (moment.astimezone(zone) - timedelta(days=1)).date()
        found = []
        for number in range(_LOOK_AHEAD_DAYS + 1):
            day = first + timedelta(days=number)
            if day.weekday() not in self.days:
                continue
            last = day if self.closes > self.opens else day + timedelta(days=1)
            start = datetime.combine(day, self.opens, zone).astimezone(UTC)
            end = datetime.combine(last, self.closes, zone).astimezone(UTC)
            if end > moment and end > start:
                found.append((start, end))
        return found


@dataclass(frozen=True)
class Freeze:
    """A stretch of time in which nothing is changed, and why."""

    scope: Scope
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True)
class Admission:
    """Whether a change may be made now; else why not and from when on (None: no time in two weeks)."""

    is_open: bool
    reason: str = ""
    next_at: datetime | None = None


def admit(moment: datetime, windows: Sequence[WeeklyWindow], freezes: Sequence[Freeze]) -> Admission:
    """Say whether a change may be made at a moment.

    A freeze always wins. Without any window every time is open; with one or more, one of them must be open.

    Parameters
    ----------
    moment : datetime
        Aware.
    windows, freezes : sequence
        Those whose scope includes the workload.
    """
    freeze = _freeze_at(moment, freezes)
    if freeze is not None:
        reason = f"changes are frozen until {_say(freeze.end)}: {freeze.reason}"
        return Admission(is_open=False, reason=reason, next_at=next_open(moment, windows, freezes))
    if not windows or _is_open(moment, windows):
        return Admission(is_open=True)
    following = next_open(moment, windows, freezes)
    when = "no window opens within two weeks" if following is None else f"the next one is {_say(following)}"
    return Admission(is_open=False, reason=f"outside the maintenance windows; {when}", next_at=following)


def next_open(
    moment: datetime, windows: Sequence[WeeklyWindow], freezes: Sequence[Freeze]
) -> datetime | None:
    """Return the first moment, not before this one, at which a change may be made."""
    candidate: datetime | None = moment
    for _ in range(_MOST_STEPS):
        if candidate is None:
            return None
        freeze = _freeze_at(candidate, freezes)
        if freeze is not None:
            candidate = freeze.end
        elif not windows or _is_open(candidate, windows):
            return candidate
        else:
            at = candidate
            starts = [start for one in windows for start, _ in one.spans_from(at) if start > at]
            candidate = min(starts, default=None)
    return None


def _freeze_at(moment: datetime, freezes: Sequence[Freeze]) -> Freeze | None:
    standing = [one for one in freezes if one.start <= moment < one.end]
    return max(standing, key=lambda one: one.end, default=None)


def _is_open(moment: datetime, windows: Sequence[WeeklyWindow]) -> bool:
    return any(start <= moment < end for one in windows for start, end in one.spans_from(moment))


def _say(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
