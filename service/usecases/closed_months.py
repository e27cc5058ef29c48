"""Reading what was closed: the frozen copy of a month, and the corrections that a month takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from models.chargeback.corrections import table_lines
from models.chargeback.lines import ChargeLine
from service.runtime import Runtime
from warehouse.closed import CLOSED, ClosedFiles
from warehouse.database.periods import BillingPeriod, Correction

CLOSE_JOB = "chargeback"
EVERY_CLUSTER = "(all clusters)"
"""Closing, correcting and setting policies concern all clusters, so their lease names none."""

COSTS = "cost_day"
"""Daily costs with owners, all that lines are made of."""
BILLS = "bill"
"""Node bill and allocated cost per currency and cluster, each summed from its own hourly table."""
ASSETS = "asset_price_day"
"""What each asset cost per UTC day and price."""
PRICES = "price"
OWNERSHIP = "ownership_rule"
STATEMENT = "statement_line"
"""Exact lines of the month after every step; closes made before there were policies have none."""
CORRECTIONS = "correction"
"""Exact lines of earlier months' corrections that the month takes."""


@dataclass(frozen=True)
class FrozenMonth:
    """A closed month: its row in the database and its files.

    Parameters
    ----------
    recorded : BillingPeriod
    manifest : mapping
        Content of its manifest, whose hash the database knows.
    files : ClosedFiles
    """

    recorded: BillingPeriod
    manifest: Mapping[str, Any]
    files: ClosedFiles

    @classmethod
    def read(cls, runtime: Runtime, recorded: BillingPeriod) -> FrozenMonth:
        """Return the frozen copy of a close.

        Raises
        ------
        LakeInconsistent
            If its manifest is gone or was changed.
        """
        files = closed_files(runtime)
        return cls(recorded, files.manifest(recorded.folder, recorded.manifest_hash), files)

    def has(self, name: str) -> bool:
        """Whether the close holds a table."""
        return any(one["file"] == f"{name}.parquet" for one in self.manifest["files"])

    def table(self, name: str) -> pa.Table:
        """Return one of its tables, once its bytes are those that were closed."""
        return self.files.table(self.recorded.folder, self.manifest, name)


def closed_files(runtime: Runtime) -> ClosedFiles:
    """Return the closed files of the runtime's lake."""
    return ClosedFiles(runtime.warehouse.lake.root)


def close_folder(month: str, revision: int) -> str:
    """Return the folder of a close, relative to the lake."""
    return f"{CLOSED}/{month}/{revision}"


def correction_folder(month: str, sequence: int) -> str:
    """Return the folder of a correction, relative to the lake."""
    return f"{CLOSED}/{month}/corrections/{sequence}"


def read_correction(runtime: Runtime, correction: Correction) -> list[ChargeLine]:
    """Return the exact lines of a correction."""
    files = closed_files(runtime)
    manifest = files.manifest(correction.folder, correction.manifest_hash)
    return table_lines(files.table(correction.folder, manifest, CORRECTIONS))


def posted_lines(runtime: Runtime, month: str) -> list[ChargeLine]:
    """Return the exact lines of all corrections that an open month takes."""
    found = runtime.warehouse.periods.corrections_in(month)
    return [line for correction in found for line in read_correction(runtime, correction)]


def check_files(runtime: Runtime, month: str) -> None:
    """Hash again every closed file of a month: of all its closes, of its corrections and of those it takes.

    Raises
    ------
    LakeInconsistent
        Naming the files that were changed, removed or added.
    """
    files, periods = closed_files(runtime), runtime.warehouse.periods
    for recorded in periods.list():
        if recorded.period == month:
            files.check(recorded.folder, recorded.manifest_hash)
    corrections = {one.key: one for one in (*periods.corrections_of(month), *periods.corrections_in(month))}
    for correction in corrections.values():
        files.check(correction.folder, correction.manifest_hash)
