"""What an initiative really brought: node bills before and after against pools that it did not touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from models.initiatives.differences import (
    FEWEST_DAYS,
    NotMeasurable,
    Peer,
    SavingEffect,
    Unmeasured,
    measure_effect,
)
from models.initiatives.initiative import Initiative
from models.initiatives.soak import CLEAN_DAYS_NEEDED, Soak, SoakState, judge_soak
from models.vocabulary.identity import Principal
from models.vocabulary.money import MICRO
from service.runtime import Runtime
from service.usecases.initiatives_health import read_day_health
from warehouse.pins import Pin
from warehouse.reads.node_bills import NodeBillReads, PoolDay, PoolKey

DAYS_BESIDE = 28
"""At most so many days before and after a stage are compared."""
DAYS_PER_MONTH = 30
_WHOLE_WEEK = 7
_TOUCHED_COST_RATIO = Decimal("0.05")
"""A pool of whose workload cost the scope holds less is untouched."""


@dataclass(frozen=True)
class Measurement:
    """Realised saving of one initiative, or in words why there is none. Money per month of 30 days.

    Parameters
    ----------
    state : str
        ``planned``, ``running``, ``not_measurable``, ``soaking`` or ``realised``.
    reason : str
        Why the saving is not known or does not count yet; empty when it counts.
    currency : str or None
    before_per_day, after_per_day, counterfactual_per_day : Decimal or None
    saving_per_month, saving_lower_80_per_month, saving_upper_80_per_month : Decimal or None
        What left the node bill against untouched peers, with its 80 % interval.
    saving_ratio, saving_lower_80_ratio, saving_upper_80_ratio : float or None
    realised_per_month : Decimal or None
        The part of it that is money: after seven clean days, and not what a commitment still costs.
    days : tuple of (first, last, first, last) or None
        Days before and after that were compared.
    touched, peers, left_out_peers : tuple of str
        Pools (``cluster/pool``) that it touches, that were compared, and that did not run parallel before.
    soak : Soak
    """

    state: str
    reason: str
    soak: Soak
    currency: str | None = None
    before_per_day: Decimal | None = None
    after_per_day: Decimal | None = None
    counterfactual_per_day: Decimal | None = None
    saving_per_month: Decimal | None = None
    saving_lower_80_per_month: Decimal | None = None
    saving_upper_80_per_month: Decimal | None = None
    saving_ratio: float | None = None
    saving_lower_80_ratio: float | None = None
    saving_upper_80_ratio: float | None = None
    realised_per_month: Decimal | None = None
    days: tuple[date, date, date, date] | None = None
    touched: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    left_out_peers: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Bills:
    """Node bills of all pools, those an initiative touches, and pools that no initiative touched."""

    by_pool: Mapping[PoolKey, Mapping[date, PoolDay]]
    touched: frozenset[PoolKey]
    untouched: tuple[PoolKey, ...]
    currency: str | None


def measure_initiative(
    runtime: Runtime,
    principal: Principal,
    initiative: Initiative,
    final_days: Mapping[date, bool],
    pin: Pin | None = None,
) -> Measurement:
    """Return what an initiative brought by the final days that are stored.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Must see all teams: node bills belong to none.
    initiative : Initiative
    final_days : mapping of date to bool
        Billing days and whether each is final.
    pin : Pin, optional

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    zone = runtime.settings.zone
    first, last = days_of(initiative, zone)
    today = runtime.now().astimezone(zone).date()
    final = sorted(day for day, is_final in final_days.items() if is_final)
    if last is None or today <= last:
        soak = judge_soak(first, last, today, [])
        is_planned = soak.state is SoakState.PROPOSED
        state, reason = ("planned", _PLANNED) if is_planned else ("running", _RUNNING)
        return Measurement(state, reason, soak)
    before, after = days_compared(final, first, last)
    bills = _read_bills(runtime, principal, initiative, (before, after), pin)
    health = read_day_health(runtime, initiative, bills.touched, before, [day for day in final if day > last])
    soak = judge_soak(first, last, today, health)
    found = _measure(bills, before, after)
    if isinstance(found, Unmeasured):
        reason = _why(found, len(before), len(after))
        return Measurement(
            "not_measurable", reason, soak, bills.currency, left_out_peers=found.left_out_peers
        )
    days = (before[0], before[-1], after[0], after[-1])
    return _state(found, soak, bills, after, days)


def days_of(initiative: Initiative, zone: ZoneInfo) -> tuple[date, date | None]:
    """Return the first and the last billing day of an initiative; None while it has no end."""
    ended = initiative.ended_at
    last = None if ended is None else (ended - timedelta(microseconds=1)).astimezone(zone).date()
    return initiative.started_at.astimezone(zone).date(), last


def days_compared(final: Sequence[date], first: date, last: date) -> tuple[list[date], list[date]]:
    """Return the final days before a stage's first day and after its last: whole weeks, at most four.

    The days before are the nearest ones; after, they begin the day after the stage ended. Fewer than a week
    is returned as it is.
    """
    before = [day for day in final if day < first][-DAYS_BESIDE:]
    after = [day for day in final if day > last][:DAYS_BESIDE]
    return before[_odd_days(before) :], after[: len(after) - _odd_days(after)]


def _odd_days(days: Sequence[date]) -> int:
    return len(days) % _WHOLE_WEEK if len(days) >= _WHOLE_WEEK else 0


def _read_bills(
    runtime: Runtime,
    principal: Principal,
    initiative: Initiative,
    days: tuple[Sequence[date], Sequence[date]],
    pin: Pin | None,
) -> _Bills:
    reads = NodeBillReads(runtime.warehouse.lake, pin)
    used = [*days[0], *days[1]] or [initiative.started_at.astimezone(runtime.settings.zone).date()]
    by_pool: dict[PoolKey, dict[date, PoolDay]] = {}
    for row in reads.by_pool_and_day(principal, min(used), max(used)):
        by_pool.setdefault((row.cluster, row.node_pool), {})[row.day] = row
    touched = find_touched(reads, principal, initiative, by_pool, used)
    others = [
        one
        for one in runtime.warehouse.initiatives.list()
        if one.name != initiative.name and _overlaps(one, min(used), max(used), runtime.settings.zone)
    ]
    disturbed = {key for one in others for key in find_touched(reads, principal, one, by_pool, used)}
    untouched = tuple(key for key in sorted(by_pool) if key not in touched | disturbed)
    currencies = {row.currency for key in touched for row in by_pool[key].values() if row.currency}
    currency = currencies.pop() if len(currencies) == 1 else None
    return _Bills(by_pool, frozenset(touched), untouched, currency)


def find_touched(
    reads: NodeBillReads,
    principal: Principal,
    initiative: Initiative,
    pools: Mapping[PoolKey, object],
    days: Sequence[date],
) -> set[PoolKey]:
    """Return the pools of an initiative's scope, where it names workloads those in which they cost 5 %."""
    scope = initiative.whole_scope
    placed = {key for key in pools if scope.covers_pool(*key)}
    if not scope.names_workloads:
        return placed
    cost: dict[PoolKey, Decimal] = {}
    mine: dict[PoolKey, Decimal] = {}
    for row in reads.by_workload(principal, min(days), max(days)):
        key = (row.cluster, row.node_pool)
        cost[key] = cost.get(key, Decimal(0)) + row.cost
        if scope.covers_workload(row.cluster, row.namespace, row.workload_name, row.team):
            mine[key] = mine.get(key, Decimal(0)) + row.cost
    return {
        key for key in placed if mine.get(key, Decimal(0)) > _TOUCHED_COST_RATIO * cost.get(key, Decimal(0))
    }


def _overlaps(other: Initiative, first: date, last: date, zone: ZoneInfo) -> bool:
    ended = other.ended_at
    return other.started_at.astimezone(zone).date() <= last and (
        ended is None or ended.astimezone(zone).date() >= first
    )


def _measure(bills: _Bills, before: Sequence[date], after: Sequence[date]) -> SavingEffect | Unmeasured:
    if bills.currency is None:
        return Unmeasured(NotMeasurable.NO_BILL)
    peers = [
        Peer("/".join(key), _series(bills, [key], before), _series(bills, [key], after))
        for key in bills.untouched
    ]
    touched = sorted(bills.touched)
    return measure_effect(_series(bills, touched, before), _series(bills, touched, after), peers)


def _series(bills: _Bills, keys: Sequence[PoolKey], days: Sequence[date]) -> np.ndarray:
    """Return the bill per day of some pools together; NaN where a pool has no price or another currency."""
    return np.array([sum(_cost(bills, key, day) for key in keys) for day in days], dtype=np.float64)


def _cost(bills: _Bills, key: PoolKey, day: date) -> float:
    row = bills.by_pool[key].get(day)
    if row is None:
        return 0.0
    if row.cost is None or row.currency != bills.currency:
        return float("nan")
    return float(row.cost)


def _state(
    effect: SavingEffect,
    soak: Soak,
    bills: _Bills,
    after: Sequence[date],
    days: tuple[date, date, date, date],
) -> Measurement:
    monthly = _per_month(effect.saving_per_day)
    counted = max(min(monthly, _uncommitted(bills, effect, after)), Decimal(0))
    state, reason = "realised", ""
    realised: Decimal | None = counted
    if soak.state is not SoakState.CONFIRMED:
        incident = f"; last incident {soak.last_incident}" if soak.last_incident else ""
        needed = f"{soak.clean_day_count} of {CLEAN_DAYS_NEEDED} clean days in a row"
        state, realised, reason = "soaking", None, f"counts after the soak: {needed}{incident}"
    elif monthly <= 0:
        reason = "the nodes still cost what they did, growth of untouched pools taken out"
    elif counted < monthly:
        reason = "a commitment still runs on these nodes: only what it does not cover is money"
    elif effect.saving_lower_80_ratio <= 0:
        reason = "untouched pools move as much by chance"
    return Measurement(
        state=state,
        reason=reason,
        soak=soak,
        currency=bills.currency,
        before_per_day=_amount(effect.before_per_day),
        after_per_day=_amount(effect.after_per_day),
        counterfactual_per_day=_amount(effect.counterfactual_per_day),
        saving_per_month=monthly,
        saving_lower_80_per_month=_per_month(effect.saving_lower_80_per_day),
        saving_upper_80_per_month=_per_month(effect.saving_upper_80_per_day),
        saving_ratio=effect.saving_ratio,
        saving_lower_80_ratio=effect.saving_lower_80_ratio,
        saving_upper_80_ratio=effect.saving_upper_80_ratio,
        realised_per_month=realised,
        days=days,
        touched=tuple("/".join(key) for key in sorted(bills.touched)),
        peers=effect.peers,
        left_out_peers=effect.left_out_peers,
    )


def _uncommitted(bills: _Bills, effect: SavingEffect, after: Sequence[date]) -> Decimal:
    """Return what of the bill without the stage no commitment covered, per month.

    A commitment is paid to its end whether nodes run or not, so only what exceeds it can be saved.
    """
    rows = [bills.by_pool[key][day] for key in bills.touched for day in bills.by_pool[key] if day < after[0]]
    total = sum((row.cost or Decimal(0) for row in rows), Decimal(0))
    committed = sum((row.committed_cost for row in rows), Decimal(0))
    ratio = Decimal(0) if total == 0 else committed / total
    return (_per_month(effect.counterfactual_per_day) * (1 - ratio)).quantize(MICRO)


def _per_month(per_day: float) -> Decimal:
    return _amount(per_day * DAYS_PER_MONTH)


def _amount(value: float) -> Decimal:
    return Decimal(repr(round(value, 6))).quantize(MICRO)


_PLANNED = "it has not begun"
_RUNNING = "it still runs; its end is not set or not reached"


def _why(found: Unmeasured, before: int, after: int) -> str:
    left_out = f" ({', '.join(found.left_out_peers)})" if found.left_out_peers else ""
    return {
        NotMeasurable.TOO_FEW_DAYS_BEFORE: f"{before} final days before it; {FEWEST_DAYS} are needed",
        NotMeasurable.TOO_FEW_DAYS_AFTER: f"{after} final days after it; {FEWEST_DAYS} are needed",
        NotMeasurable.NO_BILL: "its nodes have no bill on each of these days in one currency",
        NotMeasurable.NO_PEERS: "no pool is untouched, so growth cannot be told from saving",
        NotMeasurable.ONE_PEER: "only one pool is untouched, so chance cannot be told from saving",
        NotMeasurable.NOT_PARALLEL: f"untouched pools did not run parallel before it{left_out}",
    }[found.reason]
