"""A pin: which ledger rows and which lake versions one page or run reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from warehouse.observed import WindowState


@dataclass(frozen=True)
class LedgerRow:
    """One hour of one source as the ledger knows it.

    ``is_pending`` means that a writer began to store the hour and has not finished: it is owed again.
    ``contents`` holds rows and checksum per lake table, ``delta_versions`` the commit of each.
    """

    source: str
    cluster: str
    hour: datetime
    state: WindowState
    coverage_ratio: float | None
    row_count: int
    input_hash: str
    note: str
    attempts: int
    is_pending: bool
    fence: int
    contents: Mapping[str, Any] = field(default_factory=dict)
    delta_versions: Mapping[str, int] = field(default_factory=dict)
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class Pin:
    """Versions of all lake tables, taken after the ledger was read (never the other way round).

    An hour that ``ledger`` calls complete has all its rows in ``versions``.
    """

    versions: Mapping[str, int]
    ledger: tuple[LedgerRow, ...] = ()
