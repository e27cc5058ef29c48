"""Writing bill lines as they stream in: one staged file per bill, committed together."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from models.vocabulary.errors import StorageError
from warehouse.lake.bill_table import BILL_LINE
from warehouse.lake.durability import sync_path
from warehouse.lake.location import LakeRoot
from warehouse.lake.partition_files import partition_values
from warehouse.lake.staging import ShapedWriters, StagedFile
from warehouse.lake.store import Lake


class BillWriter:
    """Stages the lines of several bills and makes them part of the lake in one commit.

    Use it as a context manager: what was not committed when the block ends belongs to nobody.

    Parameters
    ----------
    lake : Lake
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._root: LakeRoot = lake.root
        self._writers: dict[tuple[str, str], ShapedWriters] = {}

    def __enter__(self) -> BillWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writers in self._writers.values():
            writers.abandon()

    def write(self, billing_month: str, bill: str, rows: pa.Table) -> None:
        """Stage rows of one bill.

        Raises
        ------
        StorageError
            If a file cannot be written (disk full).
        """
        writers = self._writers.get((billing_month, bill))
        try:
            if writers is None:
                writers = self._begin(billing_month, bill)
            writers.write(rows)
        except OSError as problem:
            raise self._failed(problem) from problem

    def commit(self) -> int:
        """Make the staged bills the whole content of their partitions; return the version of the table."""
        staged = []
        try:
            for (month, bill), writers in self._writers.items():
                parts = writers.close()
                if not self._root.is_remote:
                    for part in parts:
                        sync_path(Path(f"{self._root.path}/{BILL_LINE.name}") / part.path)
                staged.append(StagedFile(BILL_LINE.name, _partition(month, bill), parts))
        except OSError as problem:
            raise self._failed(problem) from problem
        partitions = [dict(file.partition) for file in staged]
        return self._lake.replace_partitions(BILL_LINE.name, partitions, staged)

    def _begin(self, month: str, bill: str) -> ShapedWriters:
        values = _partition(month, bill)
        folder = "/".join(f"{name}={values[name]}" for name in BILL_LINE.partition_by)
        base, filesystem = f"{self._root.path}/{BILL_LINE.name}", self._root.filesystem()
        if not self._root.is_remote:
            filesystem.create_dir(f"{base}/{folder}", recursive=True)
        writers = ShapedWriters(BILL_LINE, filesystem, base, f"{folder}/part-{uuid.uuid4()}")
        self._writers[month, bill] = writers
        return writers

    def _failed(self, problem: OSError) -> StorageError:
        return StorageError(
            f"{self._root.path}/{BILL_LINE.name} cannot be written: {problem}. Nothing of the bill is "
            "stored; free space and import it again"
        )


def _partition(month: str, bill: str) -> Mapping[str, str]:
    return partition_values(BILL_LINE, {"billing_month": month, "bill": bill})


def remove_bills(lake: Lake, partitions: Mapping[str, str]) -> None:
    """Remove the lines of bills that nobody reads any more.

    Parameters
    ----------
    partitions : mapping of str to str
        Name of the bill's partition to its billing month.
    """
    if partitions:
        gone = [{"billing_month": month, "bill": bill} for bill, month in sorted(partitions.items())]
        lake.replace_partitions(BILL_LINE.name, gone, ())
