"""What a source saw in a window of hours: the one thing that ingest hands to the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name
from models.vocabulary.windows import HourWindow, floor_hour
from warehouse.lake.tables import OBSERVED_TABLES

_OBSERVED_NAMES = frozenset(table.name for table in OBSERVED_TABLES)


class WindowState(StrEnum):
    """How much of an hour is stored."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    UNRECOVERABLE = "unrecoverable"
    BEFORE_HISTORY = "before_history"


SETTLED_STATES = frozenset({WindowState.COMPLETE, WindowState.UNRECOVERABLE, WindowState.BEFORE_HISTORY})
"""States that owe nothing more."""


@dataclass(frozen=True)
class HourReport:
    """What became of one hour of a window.

    Parameters
    ----------
    hour : datetime
        Start of the hour, aware.
    state : WindowState
    coverage_ratio : float or None
        Observed share of the expected samples, 0 to 1; None when nobody can tell.
    row_count : int
        Rows of all hour tables of this hour.
    input_hash : str
        Hash of what the source delivered: equal input has an equal hash.
    note : str
        Why an hour is partial or failed, or which optional metrics are missing.
    """

    hour: datetime
    state: WindowState
    coverage_ratio: float | None
    row_count: int
    input_hash: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.hour != floor_hour(self.hour):
            raise InputError("is not the start of an hour", field="hour", value=self.hour.isoformat())
        if self.coverage_ratio is not None and not 0 <= self.coverage_ratio <= 1:
            raise InputError("is not between 0 and 1", field="coverage_ratio", value=self.coverage_ratio)


@dataclass(frozen=True)
class ObservedWindow:
    """Everything that one source observed of one cluster in consecutive hours.

    Parameters
    ----------
    cluster : str
    source : str
        The source of record: ``prometheus``, ``files``, ``kubernetes``.
    window : HourWindow
        May span days; it is stored in one commit per table.
    tables : mapping of str to pyarrow.Table
        Lake table to rows. Hour tables hold all rows of the window (what is absent is removed);
        ``label_set`` and ``object_history`` hold rows to add where their key is absent.
    hours : tuple of HourReport
        Exactly one per hour of the window, oldest first.

    Raises
    ------
    InputError
        If a table is not an observed one or the reports do not match the window.
    """

    cluster: str
    source: str
    window: HourWindow
    tables: Mapping[str, pa.Table]
    hours: tuple[HourReport, ...]

    def __post_init__(self) -> None:
        check_cluster_name(self.cluster)
        unknown = sorted(set(self.tables) - _OBSERVED_NAMES)
        if unknown:
            raise InputError("is not a table of observations", field="tables", value=unknown[0])
        if [report.hour for report in self.hours] != list(self.window.hours()):
            raise InputError(
                f"needs one report per hour of {self.window}, oldest first",
                field="hours",
                value=len(self.hours),
            )
