"""How old the newest final day may be before a board says so."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from models.vocabulary.windows import DAY, day_start
from service.boards.figures import Mark
from service.boards.formats import Tone, duration
from service.boards.texts import say

AMBER_AFTER = timedelta(hours=36)
RED_AFTER = timedelta(hours=72)


class Freshness(StrEnum):
    """State of the newest final day."""

    FRESH = "fresh"
    AMBER = "amber"
    RED = "red"
    NONE = "none"


def age_of(last_final: date | None, now: datetime, zone: ZoneInfo) -> timedelta | None:
    """Return how long ago the newest final day ended; None when there is none."""
    return None if last_final is None else now - day_start(last_final + DAY, zone)


def freshness_of(age: timedelta | None) -> Freshness:
    """Return the state for an age."""
    if age is None:
        return Freshness.NONE
    if age > RED_AFTER:
        return Freshness.RED
    return Freshness.AMBER if age > AMBER_AFTER else Freshness.FRESH


def stale_mark(age: timedelta | None) -> Mark | None:
    """Return the mark for old data, amber from 36 h and red from 72 h on."""
    state = freshness_of(age)
    if age is None or state in (Freshness.FRESH, Freshness.NONE):
        return None
    tone = Tone.BAD if state is Freshness.RED else Tone.WARNING
    return Mark("stale", say("mark.stale", age=duration(age)), tone)
