"""Comparing the ledger with the lake, hour by hour: what does not agree is owed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.vocabulary.windows import HourWindow
from warehouse.database.ledger_rows import STORED_STATES, owe_again
from warehouse.gateway import Warehouse
from warehouse.lake.contents import Contents, differences
from warehouse.pins import LedgerRow


@dataclass(frozen=True)
class Mismatch:
    """An hour in which ledger and lake disagree.

    ``is_owed_now`` is False when the ledger never promised the hour (the lake holds rows of a window that
    was not finished; its next ingest replaces them) or when a writer has begun it meanwhile.
    """

    cluster: str
    hour: datetime
    source: str | None
    detail: str
    is_owed_now: bool


def reconcile(warehouse: Warehouse, cluster: str, window: HourWindow) -> list[Mismatch]:
    """Compare rows and checksums of every hour and mark stored hours that differ as owed.

    The ledger is read first, then the lake, so that an hour finished in between is not mistaken.

    Parameters
    ----------
    warehouse : Warehouse
    cluster : str
    window : HourWindow

    Returns
    -------
    list of Mismatch
        Oldest first.
    """
    pin = warehouse.pin(cluster=cluster, window=window)
    found = warehouse.lake.contents(cluster, window, pin=pin)
    return [
        *_broken_promises(warehouse, pin.ledger, found),
        *_unknown_hours(cluster, pin.ledger, found),
    ]


def _broken_promises(warehouse: Warehouse, rows: Sequence[LedgerRow], found: Contents) -> list[Mismatch]:
    mismatches = []
    for row in rows:
        if row.state not in STORED_STATES or row.is_pending:
            continue
        problems = differences(row.contents, found.get(row.hour, {}))
        if problems:
            detail = "the lake differs from the ledger: " + ", ".join(problems)
            with warehouse.database.write() as connection:
                is_owed = owe_again(connection, row, detail)
            mismatches.append(Mismatch(row.cluster, row.hour, row.source, detail, is_owed))
    return mismatches


def _unknown_hours(cluster: str, rows: Sequence[LedgerRow], found: Contents) -> list[Mismatch]:
    known = {row.hour for row in rows if row.state in STORED_STATES or row.is_pending}
    return [
        Mismatch(cluster, hour, None, "the lake holds rows that the ledger does not know", is_owed_now=False)
        for hour in sorted(set(found) - known)
    ]
