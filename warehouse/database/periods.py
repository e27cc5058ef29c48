"""Billing periods: totals and hashes of months, and the lock on closed ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select

from models.vocabulary.errors import Conflict
from models.vocabulary.money import check_currency
from models.vocabulary.windows import HourWindow, month_bounds
from warehouse.database.clusters import check_zone
from warehouse.database.connection import Database
from warehouse.database.facts import BILLING_ZONE, fix_fact, read_fact
from warehouse.database.schema import BILLING_PERIOD

_P = BILLING_PERIOD.c


class PeriodState(StrEnum):
    """Whether hours of a month may still change."""

    OPEN = "open"
    CLOSED = "closed"
    CORRECTING = "correcting"


@dataclass(frozen=True)
class BillingPeriod:
    """One revision of a month. ``folder`` and ``manifest_hash`` name its frozen copy.

    Parameters
    ----------
    period : str
        Month of the billing zone, ``2026-10``.
    revision : int
        0 when first closed; each correction adds one.
    total : Decimal
        In ``currency``.
    """

    period: str
    revision: int
    state: PeriodState
    total: Decimal
    currency: str
    input_hash: str
    manifest_hash: str | None
    folder: str | None
    principal: str
    reason: str | None
    recorded_at: datetime


class BillingPeriods:
    """All periods of a warehouse, and its billing zone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, period: BillingPeriod) -> None:
        """Add a revision of a month; an existing one is never changed.

        Raises
        ------
        InputError
            If the month or currency is not one.
        Conflict
            If this revision is there already or does not follow the last one.
        """
        month_bounds(period.period)
        check_currency(period.currency)
        with self._database.write() as connection:
            last = connection.execute(
                select(func.max(_P.revision)).where(_P.period == period.period)
            ).scalar_one()
            wanted = 0 if last is None else last + 1
            if period.revision != wanted:
                raise Conflict(f"{period.period}: the next revision is {wanted}, not {period.revision}")
            connection.execute(insert(BILLING_PERIOD).values(**_values(period)))

    def get(self, period: str) -> BillingPeriod | None:
        """Return the newest revision of a month, or None while nothing was recorded."""
        statement = select(BILLING_PERIOD).where(_P.period == period).order_by(_P.revision.desc())
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        return None if row is None else BillingPeriod(**{**row._mapping, "state": PeriodState(row.state)})

    def list(self) -> list[BillingPeriod]:
        """Return all revisions of all months, oldest first."""
        statement = select(BILLING_PERIOD).order_by(_P.period, _P.revision)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [BillingPeriod(**{**row._mapping, "state": PeriodState(row.state)}) for row in rows]

    def set_billing_zone(self, name: str) -> None:
        """Fix the zone that cuts days and months.

        Raises
        ------
        InputError
            If there is no such zone.
        Conflict
            If another one was fixed before.
        """
        check_zone(name)
        with self._database.write() as connection:
            fixed = fix_fact(connection, BILLING_ZONE, name)
            if fixed != name:
                raise Conflict(f"the billing zone is fixed to {fixed}; it cannot become {name}")

    def billing_zone(self) -> ZoneInfo | None:
        """Return the fixed zone, or None while none is fixed."""
        with self._database.read() as connection:
            name = read_fact(connection, BILLING_ZONE)
        return None if name is None else ZoneInfo(name)

    def refuse_closed(self, window: HourWindow) -> None:
        """Refuse a window that touches a closed month; see `refuse_closed`."""
        with self._database.read() as connection:
            refuse_closed(connection, window)


def refuse_closed(connection: Connection, window: HourWindow) -> None:
    """Refuse to change hours of a closed month, within the caller's transaction.

    Raises
    ------
    Conflict
        Naming the month and the way to correct it.
    """
    zone = ZoneInfo(read_fact(connection, BILLING_ZONE) or "UTC")
    statement = select(_P.period, _P.state).order_by(_P.period, _P.revision)
    newest = {row.period: row.state for row in connection.execute(statement)}
    for period, state in newest.items():
        start, end = month_bounds(period, zone)
        if state == PeriodState.CLOSED and window.start < end and start < window.end:
            raise Conflict(
                f"{period} is closed, so its hours in {window} cannot change: "
                f"`millicore chargeback correct --month {period}` opens it for a correction"
            )


def _values(period: BillingPeriod) -> dict[str, object]:
    return {**vars(period), "state": period.state.value}
