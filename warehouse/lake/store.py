"""The lake: every table of the catalogue behind one writer function and one reader function."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, write_deltalake

from models.vocabulary.errors import InputError
from models.vocabulary.windows import HourWindow
from warehouse.fencing import Lease
from warehouse.lake import upkeep
from warehouse.lake.absent import POSITION, absent_sql, candidates
from warehouse.lake.commits import WRITER_PROPERTIES, commit, create_table, fence_of, open_table
from warehouse.lake.conform import conform, declared_table
from warehouse.lake.contents import HOUR_TABLES, Contents, add_contents, checksum_columns, checksum_sql
from warehouse.lake.declaration import LakeTable
from warehouse.lake.location import LakeRoot
from warehouse.lake.partition_commits import replacing_partitions
from warehouse.lake.partition_files import StagedFile, partition_values
from warehouse.lake.reading import (
    QueryEngine,
    TableScan,
    list_files,
    query_failed,
    row_predicate,
    sql_text,
)
from warehouse.lake.tables import TABLES
from warehouse.pins import Pin

_log = logging.getLogger(__name__)


class Lake:
    """All tables of one lake.

    Parameters
    ----------
    root : LakeRoot
    query_threads : int or None
        Threads of the query engine; None takes all cores.
    """

    def __init__(self, root: LakeRoot, *, query_threads: int | None = None) -> None:
        self.root = root
        self._threads = query_threads
        self._engine: QueryEngine | None = None

    def close(self) -> None:
        """Free the query engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def create_tables(self) -> list[str]:
        """Create what is missing of the catalogue, add new nullable columns; return the tables changed."""
        return [name for name in TABLES if create_table(self.root, name)]

    def check_present(self) -> None:
        """Refuse a lake that is not there; a single table is opened, each is checked when it is used.

        Raises
        ------
        StorageError
            With the remedy.
        """
        open_table(self.root, next(iter(TABLES)))

    def versions(self) -> dict[str, int]:
        """Return the newest version of every table."""
        if not self.root.is_remote:
            return {name: int(open_table(self.root, name).version()) for name in TABLES}
        with ThreadPoolExecutor(len(TABLES)) as pool:  # one round trip's wait instead of one per table
            opened = pool.map(lambda name: int(open_table(self.root, name).version()), TABLES)
            return dict(zip(TABLES, opened, strict=True))

    def replace(
        self,
        table: str,
        cluster: str,
        window: HourWindow,
        rows: pa.Table,
        *,
        fence: Lease | int | None = None,
    ) -> int:
        """Replace all rows of a cluster in a window by the given ones, in one commit.

        Parameters
        ----------
        table : str
            A table with a ``cluster`` column.
        cluster : str
        window : HourWindow
            May span days.
        rows : pyarrow.Table
            All rows that the window holds from now on; see `conform`.
        fence : Lease or int, optional
            The writer's right; an older one than the table has seen is refused.

        Returns
        -------
        int
            Version of the table that holds the rows.

        Raises
        ------
        InputError
            If a row does not conform or lies outside cluster and window.
        LeaseLost, StorageError
            See `warehouse.lake.commits.commit`.
        """
        declared = declared_table(table)
        conditions = row_predicate(declared, cluster, window)
        return self._overwrite(declared, conditions, conform(table, rows), fence_of(table, cluster, fence))

    def replace_rows(
        self,
        table: str,
        predicate: Mapping[str, object],
        rows: pa.Table,
        *,
        fence: Lease | int | None = None,
    ) -> int:
        """Replace the rows whose columns equal the predicate by the given ones, in one commit.

        Parameters
        ----------
        table : str
        predicate : mapping
            Column to value (text or date) or to a list of values. Partition columns make it fast.
        rows : pyarrow.Table
            Every row must fulfil the predicate.
        fence : Lease or int, optional
        """
        declared = declared_table(table)
        unknown = sorted(set(predicate) - set(declared.columns))
        if unknown or not predicate:
            raise InputError(f"is not a column of {table}", field=unknown[0] if unknown else "predicate")
        conditions = [_equals(name, value) for name, value in predicate.items()]
        owner = str(predicate.get("cluster", "*"))
        return self._overwrite(declared, conditions, conform(table, rows), fence_of(table, owner, fence))

    def add_absent(self, table: str, rows: pa.Table, *, fence: Lease | int | None = None) -> int:
        """Add the rows whose key the table does not hold yet; nothing else changes.

        Returns
        -------
        int
            The table's version; unchanged when every key was there.
        """
        declared = declared_table(table)
        conformed = conform(table, rows)
        clusters = pc.unique(conformed.column("cluster")).to_pylist()
        new = self._absent(declared, conformed, clusters)
        if new.num_rows == 0:
            return int(open_table(self.root, table).version())

        def append(delta: DeltaTable, properties: CommitProperties) -> None:
            write_deltalake(
                delta, new, mode="append", writer_properties=WRITER_PROPERTIES, commit_properties=properties
            )

        owner = clusters[0] if len(clusters) == 1 else "*"
        return commit(self.root, table, fence_of(table, owner, fence), append)

    def replace_partitions(
        self,
        table: str,
        partitions: Sequence[Mapping[str, object]],
        files: Sequence[StagedFile],
        *,
        fence: Lease | int | None = None,
    ) -> int:
        """Make staged files the whole content of some partitions, in one commit.

        Parameters
        ----------
        table : str
        partitions : sequence of mapping
            Those whose present rows go, each with a value for every partition column.
        files : sequence of StagedFile
            From `write_partition`; each in one of the partitions. A partition without a file ends empty.
        fence : Lease or int, optional

        Raises
        ------
        InputError
            If a file belongs to another table or to a partition that is not replaced.
        """
        declared = declared_table(table)
        replaced = [partition_values(declared, partition) for partition in partitions]
        write = replacing_partitions(declared, replaced, files)
        clusters = {values["cluster"] for values in replaced if "cluster" in values}
        owner = clusters.pop() if len(clusters) == 1 else "*"
        return commit(self.root, table, fence_of(table, owner, fence), write)

    def scan(
        self,
        table: str,
        *,
        cluster: str | None = None,
        window: HourWindow | None = None,
        columns: Sequence[str] | None = None,
        pin: Pin | None = None,
    ) -> pa.Table:
        """Return rows of a table in their declared types, in no stated order.

        Parameters
        ----------
        table : str
        cluster : str, optional
            None reads all clusters.
        window : HourWindow, optional
            Cuts by the table's window column.
        columns : sequence of str, optional
        pin : Pin, optional
            The versions to read; the newest by default.
        """
        declared = declared_table(table)
        wanted = TableScan(table, cluster, window, tuple(columns) if columns is not None else None)
        rows = self.query("SELECT * FROM rows", tables={"rows": wanted}, pin=pin)
        kinds = pa.schema([(name, declared.columns[name]) for name in rows.column_names])
        return rows.cast(kinds)

    def files(
        self,
        table: str,
        *,
        cluster: str | None = None,
        window: HourWindow | None = None,
        pin: Pin | None = None,
    ) -> list[str]:
        """Return real paths or URLs of the files that may hold rows of a cluster and window."""
        return self._files(TableScan(table, cluster, window), pin)

    def query(
        self,
        sql: str,
        *,
        tables: Mapping[str, TableScan],
        parameters: Mapping[str, object] | None = None,
        pin: Pin | None = None,
    ) -> pa.Table:
        """Run one DuckDB statement over scans and return its rows.

        Parameters
        ----------
        sql : str
            Statement over the aliases of ``tables``; values as ``$name``. The session is in UTC.
        tables : mapping of str to TableScan
        parameters : mapping, optional
        pin : Pin, optional

        Raises
        ------
        StorageError
            If the lake cannot be read or the statement is wrong.
        """
        try:
            return self._run(sql, tables, parameters or {}, pin=pin)
        except duckdb.IOException as problem:
            # a file of a pinned or just replaced version has been vacuumed: once more, on a fresh list
            first_line = str(problem).splitlines()[0]
            _log.info("a lake file has gone, reading the newest version: %s", first_line)
            time.sleep(0.05)
        try:
            return self._run(sql, tables, parameters or {})
        except duckdb.Error as problem:
            raise query_failed(problem) from problem

    def contents(self, cluster: str, window: HourWindow, *, pin: Pin | None = None) -> Contents:
        """Return rows and checksum per hour and table that the lake holds of a cluster and window."""
        found: Contents = {}
        for name, declared in HOUR_TABLES.items():
            columns = checksum_columns(declared)
            scan = TableScan(name, cluster, window, columns)
            add_contents(found, name, self.query(checksum_sql(declared, "t"), tables={"t": scan}, pin=pin))
        return found

    def add_contents_of(self, contents: Contents, table: str, rows: pa.Table) -> None:
        """Enter rows and checksum per hour of conformed rows that are about to be stored."""
        declared = declared_table(table)
        chosen = rows.select(checksum_columns(declared))
        add_contents(contents, table, self._queries().run(checksum_sql(declared, "t"), {}, {}, {"t": chosen}))

    def compact(self, table: str, cluster: str, day: date, *, fence: Lease | int | None = None) -> None:
        """Rewrite a cluster-day as few large files, ordered so that one pod's rows lie together."""
        upkeep.compact(self.root, table, cluster, day, fence_of(table, cluster, fence))

    def vacuum(self, table: str, *, retention_hours: int = 168, is_full: bool = True) -> list[str]:
        """Delete files that no version of the last hours (at least 48) holds; return their names."""
        return upkeep.vacuum(self.root, table, retention_hours, is_full=is_full)

    def checkpoint(self, table: str) -> None:
        """Write a checkpoint, so that opening the table reads one file."""
        upkeep.checkpoint(self.root, table)

    def _overwrite(
        self,
        declared: LakeTable,
        conditions: Sequence[str],
        rows: pa.Table,
        fence: tuple[str, int] | None,
    ) -> int:
        predicate = " AND ".join(conditions)

        def write(delta: DeltaTable, properties: CommitProperties) -> None:
            write_deltalake(
                delta,
                rows,
                mode="overwrite",
                predicate=predicate,
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )

        return commit(self.root, declared.name, fence, write)

    def _absent(self, declared: LakeTable, rows: pa.Table, clusters: Sequence[str]) -> pa.Table:
        one = clusters[0] if len(clusters) == 1 else None
        positions = self._run(
            absent_sql(declared, "candidates", "known"),
            {"known": TableScan(declared.name, one, None, declared.key)},
            in_memory={"candidates": candidates(declared, rows)},
        )
        return rows.take(positions.column(POSITION))

    def _files(self, scan: TableScan, pin: Pin | None) -> list[str]:
        declared = declared_table(scan.table)
        version = pin.versions[scan.table] if pin is not None else None
        return list_files(self.root, open_table(self.root, scan.table, version), declared, scan)

    def _queries(self) -> QueryEngine:
        if self._engine is None:
            self._engine = QueryEngine(self.root, self._threads)
        return self._engine

    def _run(
        self,
        sql: str,
        tables: Mapping[str, TableScan],
        parameters: Mapping[str, object] | None = None,
        *,
        in_memory: Mapping[str, pa.Table] | None = None,
        pin: Pin | None = None,
    ) -> pa.Table:
        sources = {alias: (scan, self._files(scan, pin)) for alias, scan in tables.items()}
        try:
            return self._queries().run(sql, sources, parameters or {}, in_memory or {})
        except duckdb.IOException:
            raise
        except duckdb.Error as problem:
            raise query_failed(problem) from problem


def _equals(column: str, value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return f"{column} IN ({', '.join(sorted(_literal(item) for item in value))})"
    return f"{column} = {_literal(value)}"


def _literal(value: object) -> str:
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return sql_text(value)
    raise InputError("is neither a text nor a date", field="predicate", value=value)
