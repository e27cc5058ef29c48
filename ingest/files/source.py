"""Files as a source of usage: the same tables and the same checks as from Prometheus (DESIGN section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.files.asset_hours import NO_ASSETS, AssetHours, AssetPaths
from ingest.files.container_hours import MIN_COVERAGE_RATIO, UsageColumns, aggregate
from ingest.files.hour_tables import HourTables, build_tables, merge_tables
from ingest.files.nodes import NodeInventory
from ingest.files.overlaps import dictionary_column, drop_duplicates, life_keys, seconds_of
from ingest.files.usage_files import UsageFiles
from models.vocabulary.windows import HourWindow
from warehouse.observed import HourReport, ObservedWindow, WindowState

Int = NDArray[np.int64]

_HOUR = 3600
_ROWS_PER_PART = 500_000
_LOOK_BACK_HOURS = (24, 24 * 7, 24 * 4000)
_MEASURES = (
    "cpu_usage_cores",
    "memory_usage_bytes",
    "cpu_usage_cores_max",
    "memory_usage_bytes_max",
    "cpu_request_cores",
    "cpu_limit_cores",
    "memory_request_bytes",
    "memory_limit_bytes",
    "gpu_request",
    "cpu_throttled_ratio",
    "oom_killed_count",
    "restart_count",
)


class FileSource:
    """Usage and node files as a `UsageSource`.

    Everything is checked when the object is made, so that a bad file stores nothing. Close it (or use it in
    a ``with`` statement) to remove temporary files.

    Parameters
    ----------
    usage : sequence of Path
        Usage files or folders of them, CSV or Parquet.
    nodes : sequence of Path
        Node files or folders; without any every node is unknown.
    assets : AssetPaths
        Files of volumes, mounts, load balancers and network flows.

    Raises
    ------
    InputError
        Naming file, row, field and value of the first cell that cannot be used, or of rows that contradict
        each other.
    """

    name = "files"

    def __init__(
        self, usage: Sequence[Path], nodes: Sequence[Path] = (), assets: AssetPaths = NO_ASSETS
    ) -> None:
        self._nodes = NodeInventory(nodes)
        self._assets = AssetHours(assets)
        self._usage = UsageFiles(usage)
        try:
            for cluster in self._usage.clusters():
                self._usage.lives(cluster)
        except BaseException:
            self._usage.close()
            raise

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove temporary files."""
        self._usage.close()

    def clusters(self) -> list[str]:
        """Return the clusters with usage, in order."""
        return self._usage.clusters()

    def oldest(self, cluster: str) -> datetime | None:
        """Return the first second of usage of a cluster, None when no file names it."""
        extent = self._usage.extent(cluster)
        return None if extent is None else datetime.fromtimestamp(extent.start, UTC)

    def newest(self, cluster: str) -> datetime | None:
        """Return the end of the last interval of a cluster, None when no file names it."""
        extent = self._usage.extent(cluster)
        return None if extent is None else datetime.fromtimestamp(extent.end, UTC)

    def observe(self, cluster: str, window: HourWindow) -> ObservedWindow:
        """Return everything that the files say about a cluster in a window of any length.

        The rows of an hour do not depend on the window it is asked in. Memory is bounded by working
        through about half a million usage rows at a time.
        """
        start, end = int(window.start.timestamp()), int(window.end.timestamp())
        parts = [
            self._observe_part(cluster, begin, finish) for begin, finish in self._parts(cluster, start, end)
        ]
        tables = merge_tables(parts)
        return ObservedWindow(
            cluster=cluster,
            source=self.name,
            window=window,
            tables=tables.tables,
            hours=tuple(self._reports(cluster, tables, start, end)),
        )

    def _parts(self, cluster: str, start: int, end: int) -> list[tuple[int, int]]:
        extent = self._usage.extent(cluster)
        if extent is None or extent.rows == 0:
            return [(start, end)]
        rows_per_hour = extent.rows * _HOUR / max(_HOUR, extent.end - extent.start)
        hours = max(1, int(_ROWS_PER_PART / rows_per_hour))
        step = hours // 24 * 24 * _HOUR if hours >= 24 else hours * _HOUR
        return [(begin, min(end, begin + step)) for begin in range(start, end, step)]

    def _observe_part(self, cluster: str, start: int, end: int) -> HourTables:
        rows = drop_duplicates(self._usage.load(cluster, start, end), self._usage.origins(cluster))
        lives = self._usage.lives(cluster) if self._usage.extent(cluster) else None
        rows = self._with_lookback(cluster, rows, start, end)
        key = life_keys(dictionary_column(rows, "pod_uid"), dictionary_column(rows, "container"))
        begin = seconds_of(rows["interval_start"])
        if lives is None:
            code, unique = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
            life_start = life_end = unique
        else:
            place = np.searchsorted(lives.key, key)
            unique, code = np.unique(place, return_inverse=True)
            life_start, life_end = lives.start[unique], lives.end[unique]
        order = np.argsort((code << 34) + begin, kind="stable")
        columns = UsageColumns(
            container=code[order],
            start=begin[order],
            seconds=rows["interval_seconds"].to_numpy()[order],
            measures={name: _measure(rows, name, order) for name in _MEASURES},
        )
        hours = aggregate(columns, life_start, life_end, (start, end))
        found = build_tables(cluster, rows, order, hours, self._nodes.rows(cluster), (start, end))
        return self._assets.extend(found, cluster, (start, end))

    def _with_lookback(self, cluster: str, rows: pa.Table, start: int, end: int) -> pa.Table:
        """Add, for containers that were alive before and are not seen at once, the row that they had last."""
        extent = self._usage.extent(cluster)
        if extent is None:
            return rows
        lives = self._usage.lives(cluster)
        begin = seconds_of(rows["interval_start"])
        key = life_keys(dictionary_column(rows, "pod_uid"), dictionary_column(rows, "container"))
        at_once = np.zeros(len(lives.key), dtype=bool)
        at_once[np.searchsorted(lives.key, key[begin < start + _HOUR])] = True
        missing = lives.key[(lives.start < start) & (lives.end > start) & ~at_once]
        for hours in _LOOK_BACK_HOURS:
            if not len(missing) or extent.start >= start:
                break
            earlier = self._usage.load(cluster, start - hours * _HOUR, start)
            found = life_keys(dictionary_column(earlier, "pod_uid"), dictionary_column(earlier, "container"))
            moments = seconds_of(earlier["interval_start"])
            wanted = np.flatnonzero(np.isin(found, missing))
            order = wanted[np.lexsort((moments[wanted], found[wanted]))]
            is_last = np.append(found[order][1:] != found[order][:-1], True)[: len(order)]
            rows = _join(earlier.take(pa.array(order[is_last])), rows)
            missing = np.setdiff1d(missing, found[order])
            if start - hours * _HOUR <= extent.start:
                break
        return rows

    def _reports(self, cluster: str, tables: HourTables, start: int, end: int) -> list[HourReport]:
        extent = self._usage.extent(cluster)
        return [
            _report(moment, None if extent is None else (extent.start, extent.end), tables)
            for moment in range(start, end, _HOUR)
        ]


def _measure(rows: pa.Table, name: str, order: Int) -> NDArray[np.float64]:
    if name not in rows.column_names:
        return np.full(rows.num_rows, np.nan)
    column = rows.column(name)
    return np.asarray(column.to_numpy(), dtype=np.float64)[order]


def _join(earlier: pa.Table, rows: pa.Table) -> pa.Table:
    if not earlier.num_rows:
        return rows
    joined = pa.concat_tables([earlier, rows], promote_options="permissive")
    return joined.unify_dictionaries().combine_chunks()


def _report(hour: int, extent: tuple[int, int] | None, tables: HourTables) -> HourReport:
    """Return what became of an hour.

    An hour is complete when the files reach over all of it and half of its running time was
    observed; partial when they begin or end within it, or less was observed.
    """
    moment = datetime.fromtimestamp(hour, UTC)
    seen = tables.hours.get(hour)
    count, digest = (0, "") if seen is None else (seen.row_count, seen.input_hash)
    if extent is None or hour >= extent[1]:
        return HourReport(moment, WindowState.FAILED, None, count, digest, "after the last row of the files")
    if hour + _HOUR <= extent[0]:
        return HourReport(moment, WindowState.BEFORE_HISTORY, None, count, digest, "before the first row")
    notes = list(seen.notes) if seen is not None else []
    coverage = seen.coverage_ratio if seen is not None else None
    is_whole = extent[0] <= hour and hour + _HOUR <= extent[1]
    if not is_whole:
        notes.append("the files begin or end within this hour")
    if coverage is None:
        notes.append("no usage rows")
    elif coverage < MIN_COVERAGE_RATIO:
        # an hour of which a little was seen is not one of which nothing was seen
        share = "none" if not coverage else "under 1 %" if coverage < 0.01 else f"{coverage * 100:.0f} %"
        notes.append(f"use was measured in {share} of the containers' time, half of it is needed")
    is_complete = is_whole and coverage is not None and coverage >= MIN_COVERAGE_RATIO
    state = WindowState.COMPLETE if is_complete else WindowState.PARTIAL
    return HourReport(moment, state, coverage, count, digest, "; ".join(notes))
