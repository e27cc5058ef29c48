"""The identities of a month: by hour, by cause and by payer, each cluster for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from models.chargeback.lines import OTHER_KINDS, ChargeLine, LineKind, amount
from models.ownership.timeline import cut
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from warehouse.pins import Pin
from warehouse.reads.conservation import hourly_conservation

_HOUR_MICROSECONDS = 3_600_000_000
_ZERO = Decimal(0)
Key = tuple[str, str]
"""Currency and cluster."""


@dataclass(frozen=True)
class HourProof:
    """Every hour of one cluster: what was allocated of each asset is what it cost, to the last decimal.

    Parameters
    ----------
    hours_checked, asset_hours_checked : int
    hours_unequal : int
        Hours in which an asset's lines do not add up to its cost.
    largest_difference : Decimal
        Of one asset-hour.
    first_unequal : str or None
        Hour and asset.
    """

    hours_checked: int
    asset_hours_checked: int
    hours_unequal: int
    largest_difference: Decimal
    first_unequal: str | None


@dataclass(frozen=True)
class CauseTerms:
    """A cluster's month by cause. The two gains explain the unit cost and are in no sum."""

    used: Decimal = _ZERO
    unused_request: Decimal = _ZERO
    unmeasured: Decimal = _ZERO
    idle: Decimal = _ZERO
    overhead: Decimal = _ZERO
    oversell_gain: Decimal = _ZERO
    burst_gain: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """What the five causes add up to."""
        return self.used + self.unused_request + self.unmeasured + self.idle + self.overhead


@dataclass(frozen=True)
class PayerTerms:
    """A cluster's month by payer: what is charged to teams, and what stayed lines of their own."""

    direct: Decimal = _ZERO
    unowned: Decimal = _ZERO
    idle_share: Decimal = _ZERO
    overhead_share: Decimal = _ZERO
    shared_in: Decimal = _ZERO
    shared_out: Decimal = _ZERO
    oversell_gain: Decimal = _ZERO
    idle_left: Decimal = _ZERO
    overhead_left: Decimal = _ZERO
    other_items: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """What all terms but bill items and disputes add up to: what the assets cost."""
        return sum((getattr(self, field.name) for field in fields(self)), -self.other_items)


@dataclass(frozen=True)
class Proof:
    """The identities of one cluster and currency.

    Parameters
    ----------
    hours : HourProof
    causes : CauseTerms
    bill : mapping of str to Decimal
        What assets cost, by kind.
    """

    hours: HourProof
    causes: CauseTerms
    bill: Mapping[str, Decimal]

    def described(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        hours = {**asdict(self.hours), "largest_difference": str(self.hours.largest_difference)}
        causes = {name: str(value) for name, value in asdict(self.causes).items()}
        return {
            "hours": hours,
            "causes": causes,
            "bill": {kind: str(part) for kind, part in self.bill.items()},
        }

    @classmethod
    def read(cls, described: Mapping[str, Any]) -> Proof:
        """Return what `described` wrote."""
        difference = Decimal(described["hours"]["largest_difference"])
        return cls(
            HourProof(**{**described["hours"], "largest_difference": difference}),
            CauseTerms(**{name: Decimal(value) for name, value in described["causes"].items()}),
            {kind: Decimal(part) for kind, part in described["bill"].items()},
        )


def prove(runtime: Runtime, month: BillingMonth, pin: Pin | None = None) -> dict[Key, Proof]:
    """Return the identities by hour and by cause of an open month; an hour that it cuts counts in part."""
    rows = hourly_conservation(runtime.warehouse.lake, month.hours, pin)
    shares = hour_shares(month)
    grouped: dict[Key, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["currency"], row["cluster"]), []).append(row)
    return {key: _proof(own, shares) for key, own in sorted(grouped.items())}


def _proof(rows: Sequence[Mapping[str, Any]], shares: Mapping[datetime, Decimal]) -> Proof:
    wrong = [row for row in rows if row["unequal_count"]]
    first = min(wrong, key=lambda row: (row["hour"], row["asset_kind"]), default=None)
    hours = HourProof(
        hours_checked=len({row["hour"] for row in rows}),
        asset_hours_checked=sum(row["asset_count"] for row in rows),
        hours_unequal=len({row["hour"] for row in wrong}),
        largest_difference=max(row["largest_difference"] for row in rows),
        first_unequal=None if first is None else f"{first['hour']:%Y-%m-%d %H:%M}Z {first['first_unequal']}",
    )
    names = {
        "used": "used_cost",
        "unused_request": "unused_request_cost",
        "unmeasured": "unmeasured_cost",
        "idle": "idle_cost",
        "overhead": "overhead_cost",
        "oversell_gain": "oversell_gain",
        "burst_gain": "burst_gain",
    }
    causes = CauseTerms(**{term: _summed(rows, name, shares) for term, name in names.items()})
    kinds = sorted({row["asset_kind"] for row in rows})
    bill = {
        kind: _summed([row for row in rows if row["asset_kind"] == kind], "bill", shares) for kind in kinds
    }
    return Proof(hours, causes, bill)


def _summed(rows: Iterable[Mapping[str, Any]], name: str, shares: Mapping[datetime, Decimal]) -> Decimal:
    return sum((row[name] * shares.get(row["hour"], Decimal(1)) for row in rows), _ZERO)


def hour_shares(month: BillingMonth) -> dict[datetime, Decimal]:
    """Return for the hours that a month cuts which part lies within it."""
    timeline = cut(month.first, month.last, month.zone, ())
    shares = {}
    for group in timeline.groups:
        inside = sum(
            length
            for number, length in group.pieces
            if month.first <= timeline.segments[number].billing_date <= month.last
        )
        if inside < _HOUR_MICROSECONDS:
            shares.update(dict.fromkeys(group.hours, Decimal(inside) / _HOUR_MICROSECONDS))
    return shares


_TERM_OF = {
    LineKind.TEAM: "direct",
    LineKind.UNOWNED: "unowned",
    LineKind.IDLE: "idle_left",
    LineKind.OVERHEAD: "overhead_left",
    LineKind.IDLE_SHARE: "idle_share",
    LineKind.OVERHEAD_SHARE: "overhead_share",
    LineKind.SHARED_IN: "shared_in",
    LineKind.SHARED_OUT: "shared_out",
    LineKind.OVERSELL_GAIN: "oversell_gain",
    **dict.fromkeys(OTHER_KINDS, "other_items"),
}


def payer_terms(lines: Iterable[ChargeLine]) -> dict[Key, PayerTerms]:
    """Return the terms by payer of exact lines, per currency and cluster."""
    sums: dict[Key, dict[str, int]] = {}
    for line in lines:
        term = _TERM_OF.get(line.kind)
        if term is not None:
            own = sums.setdefault((line.currency, line.cluster), {})
            own[term] = own.get(term, 0) + line.effective
    return {
        key: PayerTerms(**{term: amount(total) for term, total in own.items()})
        for key, own in sorted(sums.items())
    }
