"""Billing periods: which months are closed, with what totals and hashes, and what corrected them since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, select, update

from models.vocabulary.errors import Conflict, NotFound
from models.vocabulary.windows import HourWindow, floor_hour, month_bounds
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.clusters import check_zone
from warehouse.database.connection import Database
from warehouse.database.facts import BILLING_ZONE, fix_fact, read_fact
from warehouse.database.leases import check_lease
from warehouse.database.schema import BILLING_CORRECTION, BILLING_PERIOD, CLOSE_PREPARATION
from warehouse.fencing import Lease

_P = BILLING_PERIOD.c
_C = BILLING_CORRECTION.c

Totals = list[dict[str, str]]
"""One entry per currency and cluster: ``currency``, ``cluster``, ``effective_cost`` in nine decimals."""


class PeriodState(StrEnum):
    """Whether hours of a month may still change."""

    OPEN = "open"
    CLOSED = "closed"
    CORRECTING = "correcting"


@dataclass(frozen=True)
class BillingPeriod:
    """One close of a month. ``folder`` and ``manifest_hash`` name its frozen copy.

    Parameters
    ----------
    period : str
        Month of the billing zone, ``2026-10``.
    revision : int
        1 when first closed; each close after a reopening adds one.
    state : PeriodState
        ``open`` again once the month was reopened; all else never changes.
    totals : list of dict
        Per currency and cluster, exact.
    prepared_by, principal : str
        Who prepared the close and who approved it.
    """

    period: str
    revision: int
    state: PeriodState
    totals: Totals
    input_hash: str
    manifest_hash: str
    folder: str
    prepared_by: str
    principal: str
    reason: str | None
    recorded_at: datetime

    @property
    def is_frozen(self) -> bool:
        """Whether the month is read from its closed files."""
        return self.state is not PeriodState.OPEN

    @property
    def invoice_id(self) -> str:
        """Name of the invoice of this close."""
        return f"{self.period}-r{self.revision}"


@dataclass(frozen=True)
class Correction:
    """What changed in a closed month, charged in a later one. Never changes.

    Parameters
    ----------
    period, revision : str, int
        The close that it corrects.
    sequence : int
        1 for the first correction of the month.
    posted_in : str
        The month whose lines it joins.
    """

    period: str
    sequence: int
    revision: int
    posted_in: str
    totals: Totals
    manifest_hash: str
    folder: str
    principal: str
    reason: str | None
    recorded_at: datetime

    @property
    def restates(self) -> str:
        """Name of the invoice that it corrects."""
        return f"{self.period}-r{self.revision}"

    @property
    def key(self) -> tuple[str, int]:
        """Month and number."""
        return self.period, self.sequence


@dataclass(frozen=True)
class Preparation:
    """A close that a second person still has to approve, of figures with this hash."""

    period: str
    input_hash: str
    principal: str
    prepared_at: datetime


class BillingPeriods:
    """All periods of a warehouse, and its billing zone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_close(
        self, period: BillingPeriod, *, zone: str, corrections: Collection[tuple[str, int]], lease: Lease
    ) -> None:
        """Close a month in one transaction, with its entry in the audit log; fix the billing zone.

        Parameters
        ----------
        period : BillingPeriod
        zone : str
            The zone that cut the month.
        corrections : collection of (month, sequence)
            The corrections that are in its closed files.
        lease : Lease
            Of the closing job.

        Raises
        ------
        InputError
            If the month is not one.
        Conflict
            If it is closed, the revision does not follow the last one, another zone is fixed, or a
            correction was posted in it meanwhile.
        LeaseLost
            If another process took the lease over.
        """
        month_bounds(period.period)
        check_zone(zone)
        with self._database.write() as connection:
            check_lease(connection, lease)
            _fix_zone(connection, zone)
            last = _newest(connection, period.period)
            wanted = 1 if last is None else last.revision + 1
            if last is not None and last.is_frozen:
                raise Conflict(f"{period.period} is closed already, as revision {last.revision}")
            if period.revision != wanted:
                raise Conflict(f"{period.period}: the next revision is {wanted}, not {period.revision}")
            if {one.key for one in _corrections(connection, _C.posted_in == period.period)} != set(
                corrections
            ):
                raise Conflict(f"a correction was posted in {period.period} meanwhile: close it again")
            connection.execute(insert(BILLING_PERIOD).values(**{**vars(period), "state": period.state.value}))
            connection.execute(delete(CLOSE_PREPARATION).where(CLOSE_PREPARATION.c.period == period.period))
            detail = {
                "revision": period.revision,
                "manifest_sha256": period.manifest_hash,
                "prepared_by": period.prepared_by,
                "note": period.reason,
            }
            note = AuditNote(period.principal, "close period", period.period, period.recorded_at, detail)
            append_entry(connection, note)

    def record_correction(self, correction: Correction, lease: Lease) -> None:
        """Post a correction in one transaction and close the corrected month again.

        Raises
        ------
        Conflict
            If the corrected close is not in force, the number does not follow the last one, or the month
            that takes the lines is closed.
        LeaseLost
            If another process took the lease over.
        """
        with self._database.write() as connection:
            check_lease(connection, lease)
            target = _frozen(connection, correction.period)
            if target.revision != correction.revision:
                raise Conflict(f"{correction.period} was closed again meanwhile: correct it again")
            taker = _newest(connection, correction.posted_in)
            if taker is not None and taker.is_frozen:
                raise Conflict(f"{correction.posted_in} was closed meanwhile: correct again")
            wanted = len(_corrections(connection, _C.period == correction.period)) + 1
            if correction.sequence != wanted:
                raise Conflict(f"{correction.period}: the next correction is {wanted}")
            connection.execute(insert(BILLING_CORRECTION).values(**vars(correction)))
            _set_state(connection, target, PeriodState.CLOSED)
            detail = {
                "sequence": correction.sequence,
                "restates": correction.restates,
                "posted_in": correction.posted_in,
                "manifest_sha256": correction.manifest_hash,
                "reason": correction.reason,
            }
            append_entry(
                connection,
                AuditNote(
                    correction.principal,
                    "correct period",
                    correction.period,
                    correction.recorded_at,
                    detail,
                ),
            )

    def change_state(self, month: str, state: PeriodState, note: AuditNote) -> BillingPeriod:
        """Reopen a closed month, let late hours into it, or close it again; return it as it was before.

        Raises
        ------
        Conflict
            If it is not closed, or is to be reopened although corrections of it were posted.
        """
        with self._database.write() as connection:
            target = _frozen(connection, month)
            posted = _corrections(connection, _C.period == month)
            if state is PeriodState.OPEN and posted:
                raise Conflict(
                    f"{month} cannot be reopened: corrections of it are charged in "
                    f"{', '.join(sorted({one.posted_in for one in posted}))}. Correct it again instead"
                )
            _set_state(connection, target, state)
            append_entry(connection, note)
        return target

    def prepare(self, preparation: Preparation, note: AuditNote) -> None:
        """Note that somebody asked for a close, in place of an earlier request."""
        with self._database.write() as connection:
            connection.execute(
                delete(CLOSE_PREPARATION).where(CLOSE_PREPARATION.c.period == preparation.period)
            )
            connection.execute(insert(CLOSE_PREPARATION).values(**vars(preparation)))
            append_entry(connection, note)

    def prepared(self, month: str) -> Preparation | None:
        """Return the close of a month that waits for approval, or None."""
        statement = select(CLOSE_PREPARATION).where(CLOSE_PREPARATION.c.period == month)
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        return None if row is None else Preparation(**row._mapping)

    def get(self, period: str) -> BillingPeriod | None:
        """Return the newest close of a month, or None while it was never closed."""
        with self._database.read() as connection:
            return _newest(connection, period)

    def list(self) -> list[BillingPeriod]:
        """Return all closes of all months, oldest first."""
        statement = select(BILLING_PERIOD).order_by(_P.period, _P.revision)
        with self._database.read() as connection:
            return [_period(row) for row in connection.execute(statement)]

    def months(self) -> set[str]:
        """Return every month that was ever closed or takes a correction."""
        with self._database.read() as connection:
            closed = connection.execute(select(_P.period)).scalars()
            return {*closed, *connection.execute(select(_C.posted_in)).scalars()}

    def corrections_of(self, month: str) -> tuple[Correction, ...]:
        """Return what corrected a month, in order."""
        with self._database.read() as connection:
            return _corrections(connection, _C.period == month)

    def corrections_in(self, month: str) -> tuple[Correction, ...]:
        """Return the corrections whose lines a month takes, in order."""
        with self._database.read() as connection:
            return _corrections(connection, _C.posted_in == month)

    def next_open(self, month: str) -> str:
        """Return the first month after one that is not closed: the one that takes corrections."""
        year, number = map(int, month.split("-"))
        with self._database.read() as connection:
            while True:
                year, number = (year, number + 1) if number < 12 else (year + 1, 1)
                following = f"{year:04}-{number:02}"
                newest = _newest(connection, following)
                if newest is None or not newest.is_frozen:
                    return following

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
            _fix_zone(connection, name)

    def billing_zone(self) -> ZoneInfo | None:
        """Return the fixed zone, or None while none is fixed."""
        with self._database.read() as connection:
            name = read_fact(connection, BILLING_ZONE)
        return None if name is None else ZoneInfo(name)

    def locked(self, window: HourWindow) -> dict[str, HourWindow]:
        """Return the closed months that a window touches, with their bounds in whole hours."""
        with self._database.read() as connection:
            return _locked(connection, window)

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
    for period in _locked(connection, window):
        raise Conflict(
            f"{period} is closed, so its hours in {window} cannot change: `millicore ingest repair "
            f"--window ... --correct` lets late hours in, then `millicore chargeback correct --month "
            f"{period}` charges the difference in the next open month"
        )


def _locked(connection: Connection, window: HourWindow) -> dict[str, HourWindow]:
    zone = ZoneInfo(read_fact(connection, BILLING_ZONE) or "UTC")
    statement = select(_P.period, _P.state).order_by(_P.period, _P.revision)
    newest = {row.period: row.state for row in connection.execute(statement)}
    found = {}
    for period, state in newest.items():
        start, end = month_bounds(period, zone)
        if state == PeriodState.CLOSED and window.start < end and start < window.end:
            last = HourWindow.of_hour(end - timedelta(microseconds=1))
            found[period] = HourWindow(floor_hour(start), last.end)
    return found


def _fix_zone(connection: Connection, name: str) -> None:
    fixed = fix_fact(connection, BILLING_ZONE, name)
    if fixed != name:
        raise Conflict(f"the billing zone is fixed to {fixed}; it cannot become {name}")


def _newest(connection: Connection, month: str) -> BillingPeriod | None:
    newest = select(func.max(_P.revision)).where(_P.period == month).scalar_subquery()
    statement = select(BILLING_PERIOD).where(_P.period == month, _P.revision == newest)
    row = connection.execute(statement).first()
    return None if row is None else _period(row)


def _frozen(connection: Connection, month: str) -> BillingPeriod:
    found = _newest(connection, month)
    if found is None or not found.is_frozen:
        raise Conflict(f"{month} is not closed")
    return found


def _period(row: Any) -> BillingPeriod:
    return BillingPeriod(**{**row._mapping, "state": PeriodState(row.state)})


def _corrections(connection: Connection, condition: Any) -> tuple[Correction, ...]:
    statement = select(BILLING_CORRECTION).where(condition).order_by(_C.period, _C.sequence)
    return tuple(Correction(**row._mapping) for row in connection.execute(statement))


def _set_state(connection: Connection, target: BillingPeriod, state: PeriodState) -> None:
    done = connection.execute(
        update(BILLING_PERIOD)
        .where(_P.period == target.period, _P.revision == target.revision)
        .values(state=state.value)
    )
    if done.rowcount != 1:
        raise NotFound(f"{target.period} has no revision {target.revision}")
