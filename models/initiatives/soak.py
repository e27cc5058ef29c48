"""The soak of a stage: its saving counts only after seven clean days in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CLEAN_DAYS_NEEDED = 7


class SoakState(StrEnum):
    """Where a stage stands."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    SOAKING = "soaking"
    CONFIRMED = "confirmed"


@dataclass(frozen=True)
class DayHealth:
    """One whole day after a stage: the incidents of its scope, in words."""

    day: date
    incidents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Soak:
    """State, clean days in a row, the last day of the seven once confirmed, and the newest incident."""

    state: SoakState
    clean_day_count: int
    confirmed_on: date | None = None
    last_incident: str | None = None


def judge_soak(first: date, last: date | None, today: date, days: Sequence[DayHealth]) -> Soak:
    """Return where a stage stands; an incident before it is confirmed starts the count anew.

    Parameters
    ----------
    first, last : date
        First and last day of the stage; None while it runs.
    today : date
    days : sequence of DayHealth
        Final days, in any order; those up to ``last`` are not looked at. A day that is not final is no
        clean day and breaks no row.
    """
    if today < first:
        return Soak(SoakState.PROPOSED, 0)
    if last is None or today <= last:
        return Soak(SoakState.APPLIED, 0)
    clean, incident = 0, None
    for health in sorted((one for one in days if one.day > last), key=lambda one: one.day):
        if health.incidents:
            clean, incident = 0, f"{health.day:%-d %b}: {', '.join(health.incidents)}"
            continue
        clean += 1
        if clean == CLEAN_DAYS_NEEDED:
            return Soak(SoakState.CONFIRMED, clean, health.day, incident)
    return Soak(SoakState.SOAKING, clean, None, incident)
