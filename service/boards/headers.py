"""What stands above every board: until when its data is final, and every doubt about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, HourWindow
from service.boards.coverage import billing_today, days_of_clusters, final_days
from service.boards.figures import BoardHeader, Mark
from service.boards.formats import Tone, percent, ratio_of
from service.boards.freshness import age_of, stale_mark
from service.boards.periods import Period
from service.boards.texts import say
from service.runtime import Runtime
from warehouse.reads.costs import CostReads
from warehouse.reads.coverage import CoverageReads, HourState


def read_final_days(
    runtime: Runtime, principal: Principal, costs: CostReads
) -> tuple[dict[date, bool], bool]:
    """Return each day with stored hours and whether it is final, and whether the data is simulated."""
    coverage = CoverageReads(runtime.warehouse.database)
    window = coverage.stored_window(principal)
    is_simulated = any(cluster.is_simulated for cluster in coverage.clusters(principal))
    if window is None:
        return {}, is_simulated
    hours = coverage.hours(principal, window)
    return days_that_are_final(runtime, principal, costs, hours, window), is_simulated


def days_that_are_final(
    runtime: Runtime,
    principal: Principal,
    costs: CostReads,
    hours: Sequence[HourState],
    window: HourWindow,
) -> dict[date, bool]:
    """Return each day of the stored window with any complete hour, and whether it is final."""
    zone, now = runtime.settings.zone, runtime.now()
    first = window.start.astimezone(zone).date()
    last = (window.end - DAY / 24).astimezone(zone).date()
    days = days_of_clusters(hours, first, last, now, zone)
    today = billing_today(now, zone)
    return final_days(days, costs.days_with_cost(principal), today)


def last_final_day(days: dict[date, bool]) -> date | None:
    """Return the newest final day, or None."""
    return max((day for day, is_final in days.items() if is_final), default=None)


def build_header(
    runtime: Runtime, title: str, days: dict[date, bool], *, is_simulated: bool, extra: tuple[Mark, ...] = ()
) -> BoardHeader:
    """Return title, state of the data and marks: simulated first, then age, then the board's own."""
    last = last_final_day(days)
    now = runtime.now()
    until = (
        say("header.no_final_day")
        if last is None
        else say("header.data_until", day=f"{last.day} {last:%b %Y}")
    )
    marks = [Mark("simulated", say("mark.simulated"), Tone.NEUTRAL)] if is_simulated else []
    stale = stale_mark(age_of(last, now, runtime.settings.zone))
    if stale is not None:
        marks.append(stale)
    return BoardHeader(title, until, (*marks, *extra), now)


def doubt_marks(
    period: Period, assumed: Decimal, total: Decimal, unpriced_row_count: int
) -> tuple[Mark, ...]:
    """Return the marks for missing days, assumed prices and missing prices of a period."""
    marks = []
    if period.shown is not None and not period.is_fully_covered:
        text = say("mark.partial", covered=len(period.covered), days=period.shown.day_count)
        marks.append(Mark("partial", text, Tone.WARNING))
    if assumed:
        text = say("mark.assumed", ratio=percent(ratio_of(assumed, total)))
        marks.append(Mark("assumed", text, Tone.WARNING))
    if unpriced_row_count:
        text = say("mark.unpriced", count=f"{unpriced_row_count:,}")
        marks.append(Mark("unpriced", text, Tone.BAD))
    return tuple(marks)
