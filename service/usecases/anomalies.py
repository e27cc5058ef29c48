"""Cost anomalies: which payer's cost left its range, what it may cost, and whether price or volume did it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from models.anomaly.detect import Run, Threshold, find_runs
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import DAY
from service.boards.headers import read_final_days
from service.runtime import Runtime
from service.usecases.budgets import fiscal_calendar
from service.usecases.daily_series import as_series
from service.usecases.variance import explain_change
from warehouse.database.anomalies import AnomalyState, CostAnomaly
from warehouse.reads.costs import CostReads
from warehouse.reads.variance import CostScope, PayerCost, VarianceReads

WATCHED_DAYS = 35
"""A run that began earlier is not looked at again: what was told of it stands."""

_HISTORY_DAYS = 120
_WATCHER = Principal("millicore", frozenset({Role.PLATFORM}))
_CAUSES = {
    "price": "price",
    "quantity": "volume",
    "efficiency": "volume",
    "mix": "volume",
    "new": "workload",
    "gone": "workload",
}
"""What a cause of a change is called in an alert."""

_MICRO = Decimal("1e-6")


@dataclass(frozen=True)
class AnomalyRun:
    """What one search found: every run that stands, and those that nobody was told of before."""

    found: tuple[CostAnomaly, ...]
    told: tuple[CostAnomaly, ...]


def find_anomalies(runtime: Runtime, as_of: datetime | None = None) -> AnomalyRun:
    """Search the final days for costs outside their range, store them, and return what is new.

    One series per payer: each team, unowned cost, and idle and overhead of each cluster, so that no cost is
    told twice. A run of days is told on its first day only; running again tells nothing.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        Only days that end by then are used; now by default.
    """
    moment = as_of or runtime.now()
    then = runtime.at(moment)
    today = moment.astimezone(runtime.settings.zone).date()
    pin = runtime.warehouse.pin()
    costs = CostReads(runtime.warehouse.lake, pin)
    final, _ = read_final_days(then, _WATCHER, costs)
    past = sorted(day for day, is_final in final.items() if is_final and day < today)
    since = today - WATCHED_DAYS * DAY
    if not past:
        return AnomalyRun((), ())
    first = max(past[0], today - _HISTORY_DAYS * DAY)
    days = [first + index * DAY for index in range((past[-1] - first).days + 1)]
    reads = VarianceReads(runtime.warehouse.lake, pin)
    settings = runtime.settings
    threshold = Threshold(
        settings.anomaly_sigmas, settings.anomaly_excess_ratio, float(settings.anomaly_minimum_excess)
    )
    found = [
        _anomaly(then, payer, days, run, final)
        for payer in reads.payers_per_day(_WATCHER, days[0], days[-1])
        for run in find_runs(as_series(payer.cost_per_day, days, final), threshold)
        if days[run.first] >= since
    ]
    told = runtime.warehouse.anomalies.record(found, since)
    return AnomalyRun(tuple(found), tuple(told))


def _anomaly(
    runtime: Runtime, payer: PayerCost, days: Sequence[date], run: Run, final: Mapping[date, bool]
) -> CostAnomaly:
    first, last = days[run.first], days[run.last]
    cause, text = _cause(runtime, payer, first, final)
    excess = _money(run.excess)
    month_end = fiscal_calendar(runtime).period_of(last).last
    rest = max((month_end - last).days, 0)
    return CostAnomaly(
        payer.currency,
        payer.scope_kind,
        payer.scope,
        first,
        last,
        run.day_count,
        _money(run.expected),
        _money(run.actual),
        excess + (excess / run.day_count * rest).quantize(_MICRO),
        cause,
        text,
        AnomalyState.FOUND,
        runtime.now(),
    )


def _cause(runtime: Runtime, payer: PayerCost, first: date, final: Mapping[date, bool]) -> tuple[str, str]:
    """Compare the first day with the same weekday before it, exactly, and name what moved most."""
    before = next(
        (day for weeks in (1, 2, 3, 4) if final.get(day := first - timedelta(weeks=weeks), False)),
        first - timedelta(weeks=1),
    )
    base, current = (
        CostScope(
            day,
            day,
            payer.currency,
            team=payer.scope if payer.scope_kind == "team" else None,
            cluster=payer.scope if payer.scope_kind == "cluster" else None,
            payer_kind=payer.scope_kind,
        )
        for day in (before, first)
    )
    found = explain_change(runtime, _WATCHER, base, current, most_movers=1, final=final)
    cause = _CAUSES[found.causes.largest]
    if not found.movers:
        return cause, f"nothing moved since {before}"
    mover = found.movers[0]
    amount = f"{mover.change:+,.2f} {payer.currency}"
    return cause, f"{mover.name} in {mover.cluster}: {amount} a day since {before} ({mover.cause})"


def _money(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_MICRO)
