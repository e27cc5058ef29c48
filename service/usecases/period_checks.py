"""What stands against closing a month: everything that must be fixed, at once and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from models.chargeback.lines import ChargeLine, amount
from models.vocabulary.money import to_coins
from models.vocabulary.windows import HourWindow, windows_of
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import Check
from service.usecases.cluster_life import expected_hours
from service.usecases.unpriced import unpriced_problems
from warehouse.observed import WindowState

_MOST_WINDOWS = 6
_FINAL = (WindowState.PARTIAL, WindowState.UNRECOVERABLE)
"""States that reading again will hardly change."""


@dataclass(frozen=True)
class ClusterHours:
    """Hours of a cluster that are expected in a month and not complete.

    Parameters
    ----------
    cluster : str
    expected_count : int
        From the first stored hour of the cluster, or the start of the month, to its end or the cluster's.
    thin : tuple of HourWindow
        Partly observed, or lost by their source: accepted while coverage suffices.
    missing : tuple of HourWindow
        Not stored, failed or being written.
    """

    cluster: str
    expected_count: int
    thin: tuple[HourWindow, ...]
    missing: tuple[HourWindow, ...]

    @property
    def complete_ratio(self) -> float:
        """Share of the expected hours that is complete."""
        count = sum(window.hour_count for window in (*self.thin, *self.missing))
        return 1 - count / self.expected_count


@dataclass(frozen=True)
class CloseFacts:
    """All that closing looks at.

    Parameters
    ----------
    hours : sequence of ClusterHours
    checks : sequence of Check
        Of `verify`.
    lines : sequence of ChargeLine
        Exact lines of the month.
    unpriced : sequence of dict
        Rows whose cost is not known.
    """

    hours: Sequence[ClusterHours]
    checks: Sequence[Check]
    lines: Sequence[ChargeLine]
    unpriced: Sequence[Any]


def cluster_hours(runtime: Runtime, month: BillingMonth) -> tuple[ClusterHours, ...]:
    """Return for every cluster with history in a month which of its hours are not complete."""
    found = []
    for cluster, window in expected_hours(runtime, month.hours):
        states: dict[datetime, WindowState | None] = {}
        for row in runtime.warehouse.ledger.rows(cluster, window):
            if states.get(row.hour) is not WindowState.COMPLETE:
                states[row.hour] = None if row.is_pending else row.state
        present = {
            hour
            for hour, state in states.items()
            if state in (WindowState.COMPLETE, WindowState.BEFORE_HISTORY)
        }
        thin = [hour for hour, state in states.items() if state in _FINAL]
        missing = [hour for hour in window.hours() if hour not in present and hour not in set(thin)]
        found.append(
            ClusterHours(cluster, window.hour_count, tuple(windows_of(thin)), tuple(windows_of(missing)))
        )
    return tuple(found)


def close_problems(
    runtime: Runtime, month: BillingMonth, facts: CloseFacts, *, is_missing_accepted: bool
) -> tuple[str, ...]:
    """Return everything that must be fixed before a month can be closed, each with its remedy."""
    found = [*_time_problems(runtime, month)]
    if not facts.hours:
        found.append(f"no cluster has hours of {month.period}: run `millicore ingest run`")
    if not is_missing_accepted:
        for hours in facts.hours:
            found += _hour_problems(runtime, hours)
    found += _price_problems(runtime, month, facts)
    found += [_difference(check) for check in facts.checks if not check.is_equal]
    return tuple(found)


def _time_problems(runtime: Runtime, month: BillingMonth) -> list[str]:
    now, settles_at = runtime.now(), month.end + timedelta(hours=runtime.settings.close_settle_hours)
    if now < month.end:
        return [f"{month.period} is not over: it ends at {month.end:%Y-%m-%d %H:%M}Z ({month.zone.key})"]
    if now < settles_at:
        return [
            f"{month.period} may be closed from {settles_at:%Y-%m-%d %H:%M}Z on "
            "(setting close_settle_hours): samples come late"
        ]
    return []


def _hour_problems(runtime: Runtime, hours: ClusterHours) -> list[str]:
    found = []
    if hours.missing:
        count = sum(window.hour_count for window in hours.missing)
        found.append(
            f"{hours.cluster}: {count} of {hours.expected_count} hours are not stored "
            f"({_named(hours.missing)}): run `millicore ingest run` or `ingest repair`, say "
            "with `ingest retire` that the cluster is gone, or accept the gap with --accept-missing and a "
            "note"
        )
    least = runtime.settings.close_minimum_coverage_ratio
    if hours.complete_ratio < least:
        found.append(
            f"{hours.cluster}: {hours.complete_ratio:.2%} of the hours are complete, {least:.2%} must be "
            f"(setting close_minimum_coverage_ratio); thin are {_named(hours.thin) or 'none'}"
        )
    return found


def _named(windows: Sequence[HourWindow]) -> str:
    shown = ", ".join(str(window) for window in windows[:_MOST_WINDOWS])
    rest = len(windows) - _MOST_WINDOWS
    return f"{shown} and {rest} more" if rest > 0 else shown


def _price_problems(runtime: Runtime, month: BillingMonth, facts: CloseFacts) -> list[str]:
    found = []
    assumed: dict[str, int] = {}
    for line in facts.lines:
        assumed[line.currency] = assumed.get(line.currency, 0) + line.assumed
    for currency, total in sorted(assumed.items()):
        if total:
            shown = to_coins(amount(total), currency)
            found.append(
                f"{shown} {currency} rest on assumed prices: add them with "
                "`millicore ingest files --prices`, then run `millicore allocate`"
            )
    return [*found, *unpriced_problems(runtime, month.period, facts.unpriced)]


def _difference(check: Check) -> str:
    if check.proof is not None and check.hours_unequal:
        hours = check.proof.hours
        return (
            f"{check.cluster}: {hours.hours_unequal} of {hours.hours_checked} hours are not allocated "
            f"exactly (first {hours.first_unequal}, by up to {hours.largest_difference:f} {check.currency}): "
            "run `millicore allocate` for them again"
        )
    parts = (check.node_bill, check.allocated, check.daily_costs, check.lines, check.corrections)
    bill, allocated, daily, lines, corrections = (Decimal(part).normalize() for part in parts)
    others = Decimal(check.other_items).normalize()
    return (
        f"{check.cluster}: the sums differ in {check.currency}: assets {bill:f}, allocated {allocated:f}, "
        f"daily costs {daily:f}, lines {lines:f} with corrections {corrections:f} and bill items {others:f}"
    )


def accepted_hours(hours: Sequence[ClusterHours]) -> list[dict[str, object]]:
    """Return, for a manifest, the hours that a close accepts although they are not complete."""
    return [
        {"cluster": one.cluster, "state": state, "start": f"{window.start:%Y-%m-%dT%H:%MZ}"}
        | {"end": f"{window.end:%Y-%m-%dT%H:%MZ}", "hour_count": window.hour_count}
        for one in hours
        for state, windows in (("thin", one.thin), ("missing", one.missing))
        for window in windows
    ]
