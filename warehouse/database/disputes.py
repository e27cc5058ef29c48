"""Disputes about charges: what is contested, what was said, and how it was decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from models.vocabulary.errors import Conflict, NotFound
from models.vocabulary.identity import Principal
from models.vocabulary.money import Money
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.journal_tables import DISPUTE, DISPUTE_EVENT
from warehouse.database.leases import check_lease
from warehouse.database.schema import BILLING_PERIOD
from warehouse.fencing import Lease

_D = DISPUTE.c
_E = DISPUTE_EVENT.c


class DisputeState(StrEnum):
    """Where a dispute stands; the last three are final."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def is_pending(self) -> bool:
        """Whether nothing is decided yet."""
        return self in (DisputeState.OPEN, DisputeState.ANSWERED)


@dataclass(frozen=True)
class Dispute:
    """What a team contests of a month.

    Parameters
    ----------
    id : str
        ``D-0001``.
    month : str
        The month that is contested.
    restates : str or None
        Its invoice; None while it was open.
    cluster : str
        The cluster, or ``(all clusters)``.
    amount : Money
        What is contested, above 0.
    subject : str
        Which lines, in words.
    owner : str or None
        Who in finance answers for it.
    credit : Money or None
        What the team gets back, once settled.
    receiver, receiver_cost_centre : str or None
        The team that is charged instead; None where the platform bears it.
    posted_in : str or None
        The month whose lines take the credit.
    """

    id: str
    month: str
    restates: str | None
    team: str
    cost_centre: str | None
    cluster: str
    amount: Money
    subject: str
    reason: str
    opened_by: str
    opened_at: datetime
    deadline_at: datetime
    owner: str | None
    state: DisputeState = DisputeState.OPEN
    credit: Money | None = None
    receiver: str | None = None
    receiver_cost_centre: str | None = None
    posted_in: str | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Whether it should have been decided by now."""
        return self.state.is_pending and now > self.deadline_at


@dataclass(frozen=True)
class DisputeEvent:
    """One thing said or done; evidence is named by its file name and sha256.

    Parameters
    ----------
    action : str
        ``open``, ``comment`` or the state it led to.
    """

    action: str
    principal: str
    occurred_at: datetime
    note: str
    evidence_name: str | None = None
    evidence_sha256: str | None = None


@dataclass(frozen=True)
class Settlement:
    """What a settlement fills in."""

    credit: Decimal
    receiver: str | None
    receiver_cost_centre: str | None
    posted_in: str


class Disputes:
    """All disputes of a warehouse. What people read or do needs a `Principal`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, dispute: Dispute, event: DisputeEvent) -> Dispute:
        """Store a new dispute under the next number, with its first event; return it with its id."""
        with self._database.write() as connection:
            count = connection.execute(select(func.count()).select_from(DISPUTE)).scalar_one()
            values = {**_values(dispute), "id": f"D-{count + 1:04d}"}
            connection.execute(insert(DISPUTE).values(**values))
            _append(connection, values["id"], event)
        return _dispute(values)

    def move(
        self,
        dispute_id: str,
        event: DisputeEvent,
        *,
        expected: Collection[DisputeState],
        owner: str | None = None,
    ) -> Dispute:
        """Add an event and, unless it is a comment, take the dispute to the state that it names.

        Parameters
        ----------
        dispute_id : str
        event : DisputeEvent
        expected : collection of DisputeState
            States from which this may be done.
        owner : str or None
            Who answers for it from now on; None leaves that as it is.

        Raises
        ------
        NotFound
            If there is no such dispute.
        Conflict
            If it stands in another state.
        """
        with self._database.write() as connection:
            found = _expect(connection, dispute_id, expected)
            changes: dict[str, Any] = {} if owner is None else {"owner": owner}
            if event.action != "comment":
                changes["state"] = DisputeState(event.action).value
            if changes:
                connection.execute(update(DISPUTE).where(_D.id == found.id).values(**changes))
            _append(connection, found.id, event)
            return _read(connection, dispute_id)

    def settle(
        self,
        dispute_id: str,
        settlement: Settlement,
        event: DisputeEvent,
        *,
        expected: Collection[DisputeState],
        lease: Lease,
    ) -> Dispute:
        """Settle a dispute in one transaction with its entry in the audit log.

        Raises
        ------
        Conflict
            If it stands in another state, or the month that takes the credit was closed meanwhile.
        LeaseLost
            If another process took the lease of closing over.
        """
        with self._database.write() as connection:
            check_lease(connection, lease)
            found = _expect(connection, dispute_id, expected)
            _refuse_closed_month(connection, settlement.posted_in)
            values = {**vars(settlement), "state": DisputeState.SETTLED.value}
            if found.owner is None:
                values["owner"] = event.principal
            connection.execute(update(DISPUTE).where(_D.id == found.id).values(**values))
            _append(connection, found.id, event)
            detail = {
                "credit": str(settlement.credit),
                "currency": found.amount.currency,
                "receiver": settlement.receiver or "platform",
                "posted_in": settlement.posted_in,
            }
            note = AuditNote(event.principal, "settle dispute", found.id, event.occurred_at, detail)
            append_entry(connection, note)
            return _read(connection, dispute_id)

    def list(self, principal: Principal, states: Collection[DisputeState] | None = None) -> list[Dispute]:
        """Return the disputes that a principal may see, oldest first.

        Owners see those of their teams and those settled at their teams' expense.
        """
        statement = select(DISPUTE).order_by(_D.id)
        teams = principal.visible_teams()
        if teams is not None:
            statement = statement.where(or_(_D.team.in_(sorted(teams)), _D.receiver.in_(sorted(teams))))
        if states is not None:
            statement = statement.where(_D.state.in_([state.value for state in states]))
        with self._database.read() as connection:
            return [_dispute(row._mapping) for row in connection.execute(statement)]

    def get(self, dispute_id: str, principal: Principal) -> Dispute:
        """Return one dispute.

        Raises
        ------
        NotFound
            If there is none of that id, or the principal may not see it.
        """
        found = next((one for one in self.list(principal) if one.id == dispute_id), None)
        if found is None:
            raise NotFound(f"there is no dispute {dispute_id}")
        return found

    def events(self, dispute_id: str) -> tuple[DisputeEvent, ...]:
        """Return what was said and done about a dispute, in order."""
        statement = select(DISPUTE_EVENT).where(_E.dispute_id == dispute_id).order_by(_E.sequence)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return tuple(
            DisputeEvent(
                row.action,
                row.principal,
                row.occurred_at,
                row.note,
                row.evidence_name,
                row.evidence_sha256,
            )
            for row in rows
        )

    def posted_in(self, month: str) -> tuple[Dispute, ...]:
        """Return the settled disputes whose credit a month takes, by number."""
        statement = select(DISPUTE).where(_D.posted_in == month).order_by(_D.id)
        with self._database.read() as connection:
            return tuple(_dispute(row._mapping) for row in connection.execute(statement))

    def about(self, month: str) -> tuple[Dispute, ...]:
        """Return every dispute about a month, by number."""
        statement = select(DISPUTE).where(_D.month == month).order_by(_D.id)
        with self._database.read() as connection:
            return tuple(_dispute(row._mapping) for row in connection.execute(statement))


def _expect(connection: Connection, dispute_id: str, expected: Collection[DisputeState]) -> Dispute:
    found = _read(connection, dispute_id)
    if found.state not in expected:
        raise Conflict(f"dispute {dispute_id} is {found.state}; that can no longer be done")
    return found


def _refuse_closed_month(connection: Connection, month: str) -> None:
    period = BILLING_PERIOD.c
    statement = select(period.state).where(period.period == month).order_by(period.revision.desc()).limit(1)
    state = connection.execute(statement).scalar()
    if state is not None and state != "open":
        raise Conflict(f"{month} was closed meanwhile: settle again")


def _read(connection: Connection, dispute_id: str) -> Dispute:
    row = connection.execute(select(DISPUTE).where(_D.id == dispute_id)).first()
    if row is None:
        raise NotFound(f"there is no dispute {dispute_id}")
    return _dispute(row._mapping)


def _append(connection: Connection, dispute_id: str, event: DisputeEvent) -> None:
    statement = select(func.count()).select_from(DISPUTE_EVENT).where(_E.dispute_id == dispute_id)
    sequence = connection.execute(statement).scalar_one() + 1
    connection.execute(insert(DISPUTE_EVENT).values(dispute_id=dispute_id, sequence=sequence, **vars(event)))


def _values(dispute: Dispute) -> dict[str, Any]:
    return {
        **vars(dispute),
        "amount": dispute.amount.amount,
        "currency": dispute.amount.currency,
        "state": dispute.state.value,
        "credit": None if dispute.credit is None else dispute.credit.amount,
    }


def _dispute(row: Any) -> Dispute:
    values = dict(row)
    currency = values.pop("currency")
    values["amount"] = Money(values["amount"], currency).rounded()
    values["credit"] = None if values["credit"] is None else Money(values["credit"], currency).rounded()
    values["state"] = DisputeState(values["state"])
    return Dispute(**values)
