"""The one way out of the lake: a list of files of one version, read by an in-memory DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files as package_files
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from models.vocabulary.errors import InputError, StorageError
from models.vocabulary.identity import check_cluster_name
from models.vocabulary.windows import HourWindow
from warehouse.lake.conform import declared_table
from warehouse.lake.declaration import LakeTable
from warehouse.lake.location import LakeRoot


@dataclass(frozen=True)
class TableScan:
    """What of one table a query reads.

    Parameters
    ----------
    table : str
    cluster : str or None
        None reads all clusters.
    window : HourWindow or None
        Cuts rows by the table's window column (days of the window for tables by day).
    columns : sequence of str or None
        None reads all.
    """

    table: str
    cluster: str | None = None
    window: HourWindow | None = None
    columns: Sequence[str] | None = None


def sql_text(value: str) -> str:
    """Return a value as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def row_predicate(declared: LakeTable, cluster: str | None, window: HourWindow | None) -> list[str]:
    """Return conditions, in a dialect that Delta and DuckDB share, for rows of a cluster and window."""
    conditions = []
    if cluster is not None:
        if "cluster" not in declared.columns:
            raise InputError("has no cluster column", field=declared.name)
        conditions.append(f"cluster = {sql_text(check_cluster_name(cluster))}")
    if window is None:
        return conditions
    last_day = (window.end - timedelta(hours=1)).date()
    if "day" in declared.columns:
        conditions.append(f"day >= DATE '{window.start.date()}' AND day <= DATE '{last_day}'")
    conditions += [
        f"{month} >= '{window.start:%Y-%m}' AND {month} <= '{last_day:%Y-%m}'"
        for month in sorted({"month", "billing_month", "run_month"} & set(declared.partition_by))
    ]
    column, kind = declared.window_column, declared.columns[declared.window_column]
    if pa.types.is_timestamp(kind):
        conditions.append(f"{column} >= {_instant(window.start)} AND {column} < {_instant(window.end)}")
    elif column != "day":
        conditions.append(f"{column} >= DATE '{window.start.date()}' AND {column} <= DATE '{last_day}'")
    return conditions


def _instant(moment: datetime) -> str:
    return f"'{moment:%Y-%m-%dT%H:%M:%S}Z'"


def list_files(root: LakeRoot, delta: DeltaTable, declared: LakeTable, scan: TableScan) -> list[str]:
    """Return real paths or URLs of the files that may hold rows of a scan, in a stable order."""
    conditions = row_predicate(declared, scan.cluster, scan.window)
    predicate = " AND ".join(conditions) or None
    uris = delta.file_uris(file_pruning_predicate=predicate)
    base = delta.table_uri.removeprefix("file://") if not root.is_remote else delta.table_uri
    base = base.rstrip("/") + "/"
    return sorted(root.file_url(declared.name, uri.removeprefix(base)) for uri in uris)


class QueryEngine:
    """An in-memory DuckDB: many threads may query it, each on a cursor of its own.

    Parameters
    ----------
    root : LakeRoot
    threads : int or None
        DuckDB's worker threads; None takes all cores.
    """

    def __init__(self, root: LakeRoot, threads: int | None = None) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._connection = duckdb.connect(":memory:")
        if threads is not None:
            self._connection.execute(f"SET threads = {int(threads)}")
        if root.is_remote:
            self._connect_to_s3()

    def close(self) -> None:
        """Free the engine's memory."""
        self._connection.close()

    def run(
        self,
        sql: str,
        sources: Mapping[str, tuple[TableScan, Sequence[str]]],
        parameters: Mapping[str, object],
        in_memory: Mapping[str, pa.Table],
    ) -> pa.Table:
        """Run one statement over views of scans, and over tables in memory, and return its rows.

        Parameters
        ----------
        sql : str
            Statement over the aliases, with ``$name`` parameters.
        sources : mapping
            Alias to scan and its files.
        parameters : mapping
        in_memory : mapping
            Alias to rows.
        """
        with self._lock:
            cursor = self._connection.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            for alias, (scan, paths) in sources.items():
                cursor.execute(f"CREATE OR REPLACE TEMP VIEW {_identifier(alias)} AS {_view(scan, paths)}")
            for alias, rows in in_memory.items():
                cursor.register(alias, rows)
            return cursor.execute(sql, dict(parameters) or None).to_arrow_table()
        finally:
            cursor.close()

    def _connect_to_s3(self) -> None:
        extension = package_files("duckdb_extension_httpfs") / f"extensions/v{duckdb.__version__}"
        file = str(extension / "httpfs.duckdb_extension")
        self._connection.execute(f"LOAD {sql_text(file)}")
        options = self._root.options
        endpoint = options.get("endpoint_url", "")
        fields: dict[str, str] = {
            "KEY_ID": options.get("access_key_id", ""),
            "SECRET": options.get("secret_access_key", ""),
            "SESSION_TOKEN": options.get("session_token", ""),
            "REGION": options.get("region", ""),
            "ENDPOINT": endpoint.split("://", 1)[-1],
        }
        given = [f"{name} {sql_text(value)}" for name, value in fields.items() if value]
        if endpoint:
            given.append("URL_STYLE 'path'")
            given.append(f"USE_SSL {'false' if endpoint.startswith('http://') else 'true'}")
        self._connection.execute(f"CREATE SECRET lake (TYPE s3, {', '.join(given)})")


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise InputError("is not a name for a table in a query", value=name)
    return f'"{name}"'


def _view(scan: TableScan, paths: Sequence[str]) -> str:
    declared = declared_table(scan.table)
    wanted = list(scan.columns) if scan.columns is not None else list(declared.columns)
    unknown = sorted(set(wanted) - set(declared.columns))
    if unknown:
        raise InputError(f"is not a column of {declared.name}", field=unknown[0])
    source = _empty(declared)
    if paths:
        listed = ", ".join(sql_text(path) for path in paths)
        kinds = ", ".join(f"'{name}': {_sql_type(declared.columns[name])}" for name in declared.partition_by)
        source += (
            f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true, "
            f"hive_partitioning = true, hive_types = {{{kinds}}})"
        )
    conditions = row_predicate(declared, scan.cluster, scan.window)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    chosen = ", ".join(_identifier(name) for name in wanted)
    return f"SELECT {chosen} FROM ({source}){where}"


def _empty(declared: LakeTable) -> str:
    typed = ", ".join(
        f"NULL::{_sql_type(kind)} AS {_identifier(name)}" for name, kind in declared.columns.items()
    )
    return f"SELECT {typed} WHERE false"


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    names: dict[Any, str] = {
        pa.string(): "VARCHAR",
        pa.date32(): "DATE",
        pa.float64(): "DOUBLE",
        pa.float32(): "FLOAT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.bool_(): "BOOLEAN",
        pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    }
    return names[kind]


def query_failed(problem: duckdb.Error) -> StorageError:
    """Return the error that a person reads when a query of the lake fails."""
    remedy = "; run `millicore doctor --heal`" if isinstance(problem, duckdb.IOException) else ""
    return StorageError(f"the lake could not be read: {str(problem).splitlines()[0]}{remedy}")
