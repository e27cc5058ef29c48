"""Leases with growing fencing numbers: who may run a job on a cluster right now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Update, select, update

from models.vocabulary.errors import LeaseLost
from warehouse.database.connection import Database
from warehouse.database.schema import LEASE
from warehouse.database.statements import insert_or_ignore
from warehouse.fencing import Lease


class Leases:
    """All leases of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, job: str, cluster: str, holder: str, ttl: timedelta, now: datetime) -> Lease:
        """Take the lease of a job on a cluster.

        The fencing number grows with every acquisition, also by the same holder, so that a process
        which lost its lease without noticing is refused wherever it writes.

        Parameters
        ----------
        job, cluster : str
        holder : str
            Host and process, for people.
        ttl : timedelta
            How long it holds without renewal.
        now : datetime

        Raises
        ------
        LeaseLost
            If another holder's lease has not expired yet.
        """
        with self._database.write() as connection:
            connection.execute(
                insert_or_ignore(connection, LEASE).values(job=job, cluster=cluster, fence=0, expires_at=now)
            )
            row = connection.execute(_row(job, cluster).with_for_update()).one()
            if row.holder not in (None, holder) and row.expires_at > now:
                raise LeaseLost(
                    f"{job} of {cluster} is running in {row.holder} until {row.expires_at:%H:%M:%S} UTC; "
                    "wait for it, or stop it and wait that long"
                )
            lease = Lease(job, cluster, holder, row.fence + 1, now + ttl)
            connection.execute(
                _at(job, cluster).values(holder=holder, fence=lease.fence, expires_at=lease.expires_at)
            )
        return lease

    def renew(self, lease: Lease, now: datetime, ttl: timedelta | None = None) -> Lease:
        """Return the lease prolonged from ``now`` by ``ttl`` (15 minutes by default).

        Raises
        ------
        LeaseLost
            If another holder has taken it meanwhile.
        """
        prolonged = Lease(
            lease.job, lease.cluster, lease.holder, lease.fence, now + (ttl or timedelta(minutes=15))
        )
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(_at(lease.job, lease.cluster).values(expires_at=prolonged.expires_at))
        return prolonged

    def release(self, lease: Lease) -> None:
        """Give the lease back; nothing happens if it was lost already."""
        with self._database.write() as connection:
            connection.execute(
                _at(lease.job, lease.cluster).where(LEASE.c.fence == lease.fence).values(holder=None)
            )

    def current(self, job: str, cluster: str, now: datetime) -> Lease | None:
        """Return the lease that somebody holds, or None."""
        with self._database.read() as connection:
            row = connection.execute(_row(job, cluster)).one_or_none()
        if row is None or row.holder is None or row.expires_at <= now:
            return None
        return Lease(job, cluster, row.holder, row.fence, row.expires_at)


def check_lease(connection: Connection, lease: Lease) -> None:
    """Refuse a lease that somebody else has taken over, within the caller's transaction.

    An expired lease that nobody took is still good: its fencing number is the newest.

    Raises
    ------
    LeaseLost
        If its fencing number is not the newest any more, or it was released.
    """
    row = connection.execute(_row(lease.job, lease.cluster).with_for_update()).one_or_none()
    if row is None or row.fence != lease.fence or row.holder != lease.holder:
        owner = "nobody" if row is None or row.holder is None else row.holder
        raise LeaseLost(f"{lease.holder} lost the lease of {lease.job} of {lease.cluster} to {owner}")


def _row(job: str, cluster: str) -> Select[Any]:
    return select(LEASE).where(LEASE.c.job == job, LEASE.c.cluster == cluster)


def _at(job: str, cluster: str) -> Update:
    return update(LEASE).where(LEASE.c.job == job, LEASE.c.cluster == cluster)
