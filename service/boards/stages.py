"""Optimisation stages: as many final days before each as after it, and what the two windows hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from models.vocabulary.identity import Principal
from service.boards.formats import short_span
from service.boards.leadership_facts import Footprint, StageFacts
from service.runtime import Runtime
from warehouse.database.plans import Initiative
from warehouse.pins import Pin
from warehouse.reads.footprints import FootprintReads, FootprintSums, Scope

DAYS_BESIDE_A_STAGE = 7
"""Whole weeks compare like with like: each weekday once before and once after."""


def days_beside(final_days: Mapping[date, bool], first: date, last: date) -> tuple[list[date], list[date]]:
    """Return equally many final days before a stage's first day and after its last one, at most a week.

    The days before are the nearest ones; after, they begin the day after the stage ended.
    """
    final = sorted(day for day, is_final in final_days.items() if is_final)
    before = [day for day in final if day < first][-DAYS_BESIDE_A_STAGE:]
    after = [day for day in final if day > last][:DAYS_BESIDE_A_STAGE]
    count = min(len(before), len(after))
    return before[len(before) - count :], after[:count]


def read_stages(
    runtime: Runtime, principal: Principal, pin: Pin, final_days: Mapping[date, bool], currency: str
) -> tuple[StageFacts, ...]:
    """Return every optimisation stage with its footprint before and after, the newest first."""
    reads = FootprintReads(runtime.warehouse.lake, pin)
    zone = runtime.settings.zone
    found = []
    for stage in runtime.warehouse.initiatives.list():
        first = stage.started_at.astimezone(zone).date()
        last = stage.ended_at.astimezone(zone).date() if stage.ended_at is not None else None
        before, after = days_beside(final_days, first, last or first)
        scope = _scope(stage)
        found.append(
            StageFacts(
                name=stage.name,
                first=first,
                last=last,
                before_text=short_span(before[0], before[-1]) if before else "",
                after_text=short_span(after[0], after[-1]) if after else "",
                before=_footprint(reads.over(principal, before, scope, currency)),
                after=_footprint(reads.over(principal, after, scope, currency)),
            )
        )
    return tuple(sorted(found, key=lambda stage: stage.first, reverse=True))


def _scope(stage: Initiative) -> Scope:
    # a stage on a cluster or pool covers all of it; its team is then who carries it out
    is_placed = stage.cluster is not None or stage.node_pool is not None
    return Scope(stage.cluster, stage.node_pool, None if is_placed else stage.team)


def _footprint(sums: FootprintSums | None) -> Footprint | None:
    return None if sums is None else Footprint(**vars(sums))
