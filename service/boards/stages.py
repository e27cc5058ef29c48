"""Optimisation stages: as many final days before each as after it, and what the two windows hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from models.initiatives.initiative import Initiative
from models.vocabulary.identity import Principal
from service.boards.formats import short_span
from service.boards.leadership_facts import Footprint, RealisedFacts, StageFacts
from service.runtime import Runtime
from service.usecases.initiatives_measure import Measurement, measure_initiative
from service.usecases.initiatives_results import read_result
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
        measured = None
        if principal.sees_all_teams:
            # what was measured at the close stands: it is not computed again for every page
            stored = read_result(runtime, stage) if stage.closed_at is not None else None
            measured = stored or measure_initiative(runtime, principal, stage, final_days, pin)
        first = stage.started_at.astimezone(zone).date()
        last = None if stage.ended_at is None else stage.ended_at.astimezone(zone).date()
        before, after = days_beside(final_days, first, last or first)
        scope = _scope(stage)
        found.append(
            StageFacts(
                name=stage.name,
                first=first,
                last=last,
                before_text=short_span(before[0], before[-1]) if before else "",
                after_text=short_span(after[0], after[-1]) if after else "",
                before=_read(reads, principal, before, (scope, currency)),
                after=_read(reads, principal, after, (scope, currency)),
                realised=None if measured is None else realised_facts(stage, measured),
            )
        )
    return tuple(sorted(found, key=lambda stage: stage.first, reverse=True))


def realised_facts(stage: Initiative, measured: Measurement) -> RealisedFacts:
    """Return what a board shows of a measurement beside its target; another currency's target is left out."""
    target = stage.target
    is_same = target is not None and measured.currency in (None, target.currency)
    return RealisedFacts(
        amount=measured.realised_per_month,
        lower_80=measured.saving_lower_80_per_month,
        upper_80=measured.saving_upper_80_per_month,
        currency=measured.currency,
        reason=measured.reason,
        target=target.amount if target is not None and is_same else None,
        touched=measured.touched,
    )


def total_realised(stages: Iterable[RealisedFacts | None], currency: str) -> Decimal | None:
    """Return what all stages really saved per month, None when nothing of it is known.

    Of stages that touch the same pool only the largest counts: the bill of a pool falls once.
    """
    known = [
        (found.amount, found.touched)
        for found in stages
        if found is not None and found.amount is not None and found.currency == currency
    ]
    taken: set[str] = set()
    total = Decimal(0)
    for amount, touched in sorted(known, reverse=True):
        if not taken & set(touched):
            taken |= set(touched)
            total += amount
    return total if known else None


def _scope(stage: Initiative) -> Scope | None:
    """Return the one place that a stage covers, None where globs name more than one or only workloads."""
    whole = stage.whole_scope
    kinds = (whole.clusters, whole.node_pools, whole.teams)
    has_globs = any(mark in name for names in kinds for name in names for mark in "*?[")
    if has_globs or whole.namespaces or whole.workloads or any(len(names) > 1 for names in kinds):
        return None
    return Scope(*(names[0] if names else None for names in kinds))


def _read(
    reads: FootprintReads, principal: Principal, days: Sequence[date], what: tuple[Scope | None, str]
) -> Footprint | None:
    scope, currency = what
    return None if scope is None else _footprint(reads.over(principal, days, scope, currency))


def _footprint(sums: FootprintSums | None) -> Footprint | None:
    return None if sums is None else Footprint(**vars(sums))
