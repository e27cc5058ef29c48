"""The usage files behind a source: checked once from end to end, then read by cluster and time range."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingest.files.columns import USAGE_COLUMNS, USAGE_MEASURES, Kind
from ingest.files.label_sets import parse_labels
from ingest.files.overlaps import dictionary_column, drop_duplicates, find_overlaps, life_keys, seconds_of
from ingest.files.pod_identity import write_with_uids
from ingest.files.reading import ARROW_KIND, INSTANT, FilePlace, find_files, read_batches
from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name

Int = NDArray[np.int64]
_HOUR = 3600
_CHECK_SECONDS = 31 * 86_400
_LIFE_COLUMNS = ("cluster", "pod_uid", "container", "interval_start", "interval_seconds")


@dataclass
class Extent:
    """First and last second, exclusive, of one cluster in a file, and its rows."""

    start: int
    end: int
    rows: int = 0

    def include(self, start: int, end: int, rows: int) -> None:
        """Widen by more rows."""
        self.start, self.end = min(self.start, start), max(self.end, end)
        self.rows += rows


@dataclass
class UsagePart:
    """A Parquet file with columns in their kinds and a uid in every row."""

    path: Path
    origin: Path
    columns: frozenset[str]
    extents: dict[str, Extent] = field(default_factory=dict)


@dataclass(frozen=True)
class Lives:
    """First and last observation of each container, by the hash of (pod uid, container); keys rise."""

    key: NDArray[np.uint64]
    start: Int
    end: Int


class UsageFiles:
    """Usage of all clusters of a set of files.

    Everything is checked at construction. CSV, and Parquet in other types or without uids, is rewritten
    into a temporary folder that lives as long as this object (``close``).

    Parameters
    ----------
    paths : sequence of Path
        Files or folders.

    Raises
    ------
    InputError
        Naming file, row, field and value of the first cell that cannot be used.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="millicore-usage-")
        self._lives: dict[str, Lives] = {}
        try:
            self.parts = [self._check(path) for path in find_files(paths)]
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        """Remove temporary files."""
        self._folder.cleanup()

    def clusters(self) -> list[str]:
        """Return the clusters that the files name, in order."""
        return sorted({cluster for part in self.parts for cluster in part.extents})

    def extent(self, cluster: str) -> Extent | None:
        """Return first and last second of a cluster over all files, None when no file names it."""
        found = [part.extents[cluster] for part in self.parts if cluster in part.extents]
        if not found:
            return None
        return Extent(
            min(extent.start for extent in found),
            max(extent.end for extent in found),
            sum(extent.rows for extent in found),
        )

    def lives(self, cluster: str) -> Lives:
        """Return first and last observation of each container of a cluster, over all files."""
        if cluster not in self._lives:
            self._lives[cluster] = self._measure_lives(cluster)
        return self._lives[cluster]

    def load(self, cluster: str, start: int, end: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of a cluster whose interval begins in ``[start, end)``, dictionaries unified."""
        tables = []
        for part in self.parts:
            extent = part.extents.get(cluster)
            if extent is None or extent.end <= start or extent.start >= end:
                continue
            wanted = [name for name in columns or sorted(part.columns) if name in part.columns]
            tables.append(_read_part(part, cluster, start, end, wanted))
        if not tables:
            names = columns or [column.name for column in USAGE_COLUMNS]
            kinds = {column.name: ARROW_KIND[column.kind] for column in USAGE_COLUMNS}
            return pa.table({name: pa.array([], kinds[name]) for name in names})
        joined = pa.concat_tables(tables, promote_options="permissive")
        return joined.unify_dictionaries().combine_chunks()

    def _check(self, path: Path) -> UsagePart:
        """Check a file from end to end; return it, or its rewritten copy."""
        part = UsagePart(path, path, frozenset())
        writer = _Rewriter(path, Path(self._folder.name)) if _needs_rewriting(path) else None
        has_uids = True
        known_labels: set[str] = set()
        for place, table in read_batches(path, USAGE_COLUMNS):
            _check_batch(place, table)
            _check_labels(place, table, known_labels)
            _extend(part, table)
            part.columns = frozenset(table.column_names)
            has_uids &= "pod_uid" in table.column_names and not table.column("pod_uid").null_count
            if writer is not None:
                writer.write(table)
        if not part.extents:
            raise InputError("holds no rows", file=str(path))
        if writer is not None:
            part.path = writer.close()
        return part if has_uids else self._with_uids(part)

    def _with_uids(self, part: UsagePart) -> UsagePart:
        target = (
            Path(self._folder.name) / f"identified-{len(list(Path(self._folder.name).iterdir()))}.parquet"
        )
        write_with_uids(part.path, target)
        return UsagePart(target, part.origin, part.columns | {"pod_uid"}, part.extents)

    def _measure_lives(self, cluster: str) -> Lives:
        """Return first and last observation of each container; refuse rows that contradict each other."""
        extent = self.extent(cluster)
        assert extent is not None
        found = []
        for start in range(extent.start, extent.end, _CHECK_SECONDS):
            end = min(start + _CHECK_SECONDS, extent.end)
            table = self.load(cluster, start, end, _LIFE_COLUMNS)
            if table.num_rows:
                key = life_keys(dictionary_column(table, "pod_uid"), dictionary_column(table, "container"))
                begin = seconds_of(table["interval_start"])
                found.append(_lives_of(key, begin, begin + table["interval_seconds"].to_numpy()))
                if len(find_overlaps(key, begin, table["interval_seconds"].to_numpy())):
                    drop_duplicates(self.load(cluster, start, end), self.origins(cluster))
        return _lives_of(*(np.concatenate(part) for part in zip(*map(_columns_of, found), strict=True)))

    def origins(self, cluster: str) -> list[Path]:
        """Return the files that hold rows of a cluster, as they were given."""
        return [part.origin for part in self.parts if cluster in part.extents]


def _columns_of(lives: Lives) -> tuple[NDArray[np.uint64], Int, Int]:
    return lives.key, lives.start, lives.end


def _lives_of(key: NDArray[np.uint64], start: Int, end: Int) -> Lives:
    codes, unique = pd.factorize(key)
    first = np.full(len(unique), np.iinfo(np.int64).max)
    last = np.full(len(unique), np.iinfo(np.int64).min)
    np.minimum.at(first, codes, start)
    np.maximum.at(last, codes, end)
    order = np.argsort(unique)
    return Lives(np.asarray(unique, dtype=np.uint64)[order], first[order], last[order])


def _read_part(part: UsagePart, cluster: str, start: int, end: int, columns: list[str]) -> pa.Table:
    texts = [column.name for column in USAGE_COLUMNS if column.kind is Kind.TEXT]
    file_format = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(dictionary_columns=texts))
    condition = None
    extent = part.extents[cluster]
    if extent.start < start or extent.end > end:
        begin, finish = (pa.scalar(moment * 1_000_000, INSTANT) for moment in (start, end))
        condition = (ds.field("interval_start") >= begin) & (ds.field("interval_start") < finish)
    if len(part.extents) > 1:
        is_cluster = ds.field("cluster") == pa.scalar(cluster)
        condition = is_cluster if condition is None else condition & is_cluster
    return ds.dataset(part.path, format=file_format).to_table(columns=columns, filter=condition)


def _needs_rewriting(path: Path) -> bool:
    """Return whether the file is not Parquet in the kinds of the columns."""
    if path.suffix == ".csv":
        return True
    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid as problem:
        raise InputError(f"cannot be read: {problem}", file=str(path)) from problem
    if _may_hold_empty_text(path):
        return True
    kinds = {column.name: column.kind for column in USAGE_COLUMNS}
    return not all(_is_native(one.type, kinds.get(one.name, Kind.TEXT)) for one in schema)


def _may_hold_empty_text(path: Path) -> bool:
    """Return whether a text column of a Parquet file may hold empty text, which means unset."""
    footer = pq.read_metadata(path)
    texts = {column.name for column in USAGE_COLUMNS if column.kind is Kind.TEXT}
    numbers = [n for n in range(footer.num_columns) if footer.schema.column(n).name in texts]
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    return any(_may_begin_empty(group.column(number)) for group in groups for number in numbers)


def _may_begin_empty(chunk: pq.ColumnChunkMetaData) -> bool:
    """Return whether the smallest text of a column chunk is empty, or not known."""
    statistics = chunk.statistics
    if statistics is None:
        return True
    if not statistics.has_min_max:
        return bool(statistics.null_count != chunk.num_values)  # all null: there is no smallest text
    return statistics.min in ("", b"")


def _is_native(given: pa.DataType, kind: Kind) -> bool:
    if kind is Kind.INSTANT:
        return bool(pa.types.is_timestamp(given) and given.tz is not None)
    if kind is Kind.TEXT:
        inner = given.value_type if pa.types.is_dictionary(given) else given
        return bool(pa.types.is_string(inner))
    return bool(pa.types.is_floating(given) or pa.types.is_integer(given))


class _Rewriter:
    """Writes checked batches of one file as Parquet."""

    def __init__(self, source: Path, folder: Path) -> None:
        self._path = folder / f"{source.stem}-{len(list(folder.iterdir()))}.parquet"
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append a batch."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="lz4")
        self._writer.write_table(table)

    def close(self) -> Path:
        """Finish the file and return its path."""
        if self._writer is not None:
            self._writer.close()
        return self._path


def _extend(part: UsagePart, table: pa.Table) -> None:
    start = seconds_of(table["interval_start"])
    end = start + table["interval_seconds"].to_numpy().astype(np.int64)
    names = dictionary_column(table, "cluster")
    codes = names.indices.to_numpy()
    for code, cluster in enumerate(names.dictionary.to_pylist()):
        mine = codes == code
        count = int(mine.sum())
        if not count:
            continue
        first, last = (
            (start.min(), end.max()) if count == len(codes) else (start[mine].min(), end[mine].max())
        )
        part.extents.setdefault(cluster, Extent(int(first), int(last))).include(int(first), int(last), count)


def _check_batch(place: FilePlace, table: pa.Table) -> None:
    for name in USAGE_MEASURES:
        if name not in table.column_names:
            raise InputError("is missing: the column is required", file=place.file, field=name)
    for cluster in dictionary_column(table, "cluster").dictionary.to_pylist():
        try:
            check_cluster_name(cluster)
        except InputError as problem:
            bad = pc.equal(table["cluster"].cast(pa.string()), cluster)
            place.refuse(bad, table["cluster"], "cluster", problem.reason)
    start, seconds = table["interval_start"], table["interval_seconds"]
    micro = start.cast(pa.int64()).to_numpy()
    fraction = pa.array(micro % 1_000_000 != 0)
    place.refuse(fraction, start, "interval_start", "has a fraction of a second: intervals are whole seconds")
    length = seconds.to_numpy()
    wrong = pa.array((length < 1) | (length > _HOUR))
    place.refuse(wrong, seconds, "interval_seconds", "is not between 1 and 3600 seconds")
    crossing = pa.array((micro // 1_000_000) % _HOUR + length > _HOUR)
    place.refuse(crossing, start, "interval_start", "begins an interval that crosses a full hour: split it")
    if "cpu_throttled_ratio" in table.column_names:
        ratio = table["cpu_throttled_ratio"]
        place.refuse(pc.greater(ratio, 1), ratio, "cpu_throttled_ratio", "is greater than 1")


def _check_labels(place: FilePlace, table: pa.Table, known: set[str]) -> None:
    """Refuse labels that are no JSON object of texts; each text is parsed once per file."""
    if "labels" not in table.column_names:
        return
    column = dictionary_column(table, "labels")
    for code, text in enumerate(column.dictionary.to_pylist()):
        if text not in known:
            try:
                parse_labels(text)
            except InputError as problem:
                place.refuse(pc.equal(column.indices, code), column, "labels", problem.reason)
            known.add(text)
