"""The one way into a Delta table: open fresh, check the fence, commit, retry a lost race, flush."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake import CommitProperties, DeltaTable, Schema, Transaction, WriterProperties
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from models.vocabulary.errors import LeaseLost, StorageError
from warehouse.fencing import INGEST_JOB, Lease
from warehouse.lake.durability import sync_commit
from warehouse.lake.location import LakeRoot
from warehouse.lake.tables import TABLES

WRITER_PROPERTIES = WriterProperties(compression="ZSTD", compression_level=1)
"""The same for writing and for compaction, so that neither undoes the other."""

TABLE_CONFIGURATION = {
    "delta.checkpointInterval": "50",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.enableExpiredLogCleanup": "true",
}
_SUPPORTED_READER, _SUPPORTED_WRITER = 1, 2
_ATTEMPTS = 12
_LONGEST_PAUSE_SECONDS = 1.0

Commit = Callable[[DeltaTable, CommitProperties], None]


def fence_of(table: str, cluster: str, fence: Lease | int | None) -> tuple[str, int] | None:
    """Return the application name and number under which a table remembers a fence.

    A plain number stands for the ingest lease of the cluster on observed tables and for the table's
    own writers elsewhere.
    """
    if fence is None:
        return None
    if isinstance(fence, Lease):
        return fence.application, fence.fence
    return f"{INGEST_JOB}/{cluster}", fence


def open_table(root: LakeRoot, table: str, version: int | None = None) -> DeltaTable:
    """Open a table of the lake, at a version or the newest.

    Raises
    ------
    StorageError
        If the table is missing, damaged, out of reach or of a protocol that we never write.
    """
    with storage_problems(root, table):
        delta = DeltaTable(root.table_url(table), version=version, storage_options=root.delta_options)
        protocol = delta.protocol()
        if protocol.min_reader_version > _SUPPORTED_READER or protocol.min_writer_version > _SUPPORTED_WRITER:
            raise StorageError(
                f"lake table {table} has Delta protocol {protocol.min_reader_version}/"
                f"{protocol.min_writer_version}; another program changed it and Millicore reads only "
                f"{_SUPPORTED_READER}/{_SUPPORTED_WRITER}"
            )
        return delta


def create_table(root: LakeRoot, table: str) -> bool:
    """Create a table of the catalogue, or add its new nullable columns. Return whether anything changed."""
    declared = TABLES[table]
    with storage_problems(root, table):
        if not DeltaTable.is_deltatable(root.table_url(table), storage_options=root.delta_options):
            if not root.is_remote:
                Path(root.path).mkdir(parents=True, exist_ok=True)
            delta = DeltaTable.create(
                root.table_url(table),
                schema=declared.schema,
                mode="ignore",
                partition_by=list(declared.partition_by),
                configuration=dict(TABLE_CONFIGURATION),
                storage_options=root.delta_options,
            )
            _flush(root, table, -1, int(delta.version()))
            return True
    return _add_columns(root, table)


def _add_columns(root: LakeRoot, table: str) -> bool:
    delta = open_table(root, table)
    present = {field.name for field in delta.schema().fields}
    missing = [field for field in TABLES[table].schema if field.name not in present]
    required = [field.name for field in missing if not field.nullable]
    if required:
        raise StorageError(f"lake table {table} lacks its key column {required[0]}: it is not this table")
    if missing:
        with storage_problems(root, table):
            before = int(delta.version())
            delta.alter.add_columns(_delta_fields(table, {field.name for field in missing}))
            delta.update_incremental()
            _flush(root, table, before, int(delta.version()))
    return bool(missing)


def _delta_fields(table: str, names: set[str]) -> list[object]:

    return [field for field in Schema.from_arrow(TABLES[table].schema).fields if field.name in names]


def commit(root: LakeRoot, table: str, fence: tuple[str, int] | None, write: Commit) -> int:
    """Run one write on a fresh table until its commit wins, flush it and return its version.

    Raises
    ------
    LeaseLost
        If a newer holder of the same job and cluster has written to the table.
    StorageError
        If the table cannot be read or written, or the commit loses every attempt.
    """
    for attempt in range(_ATTEMPTS):
        delta = open_table(root, table)
        # no rebasing by the library: a commit wins on the very version whose fence was checked
        properties = CommitProperties(max_commit_retries=0, app_transactions=_transactions(delta, fence))
        try:
            with storage_problems(root, table):
                before = int(delta.version())
                write(delta, properties)
                delta.update_incremental()  # not every kind of write moves the handle to its own version
                return _flush(root, table, before, int(delta.version()))
        except CommitFailedError:
            pause = min(0.05 * 2**attempt, _LONGEST_PAUSE_SECONDS)
            time.sleep(random.uniform(0.2, 1.0) * pause)  # noqa: S311 - spreads writers, guards nothing
    raise StorageError(f"lake table {table}: {_ATTEMPTS} commits in a row lost against other writers")


def _transactions(delta: DeltaTable, fence: tuple[str, int] | None) -> list[Transaction] | None:
    if fence is None:
        return None
    application, mine = fence
    newest = delta.transaction_version(application)
    if newest is not None and newest > mine:
        raise LeaseLost(f"{application}: a newer writer (fence {newest}) has taken over from fence {mine}")
    return [Transaction(application, mine)]


def _flush(root: LakeRoot, table: str, before: int, version: int) -> int:
    if not root.is_remote:
        for committed in range(before + 1, version + 1):
            sync_commit(Path(root.path) / table, committed)
    return version


@contextmanager
def storage_problems(root: LakeRoot, table: str) -> Iterator[None]:
    """Turn what the Delta library and the disk raise into a `StorageError` with its remedy."""
    try:
        yield
    except CommitFailedError:
        raise
    except TableNotFoundError as problem:
        raise StorageError(
            f"there is no lake table {table} at {root.table_url(table)}: run `millicore migrate`"
        ) from problem
    except (DeltaError, OSError) as problem:
        raise StorageError(_describe(root, table, problem)) from problem
    except BaseException as problem:
        # the Rust side panics with a BaseException that no module exports
        if type(problem).__name__ == "PanicException":
            raise StorageError(_describe(root, table, problem)) from problem
        raise


def _describe(root: LakeRoot, table: str, problem: BaseException) -> str:
    text = str(problem)
    full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or "No space left" in text or "File too large" in text or "os error 28" in text:
        return (
            f"the disk under {root.path} is full; nothing of this write to {table} is stored. "
            "Free space and run the same command again"
        )
    first_line = text.splitlines()[0] if text else type(problem).__name__
    return f"lake table {table} at {root.table_url(table)}: {first_line}. `millicore doctor` checks the lake"
