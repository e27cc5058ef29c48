"""Node files: which machine stood when, and its node-hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.files.columns import NODE_COLUMNS
from ingest.files.label_sets import parse_labels
from ingest.files.reading import TEXT, FilePlace, find_files, read_batches
from models.kubernetes.nodes import node_key, node_pool
from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name

Int = NDArray[np.int64]
Float = NDArray[np.float64]
_HOUR = 3600
FOREVER = 2**40
"""End of a node without ``valid_to``, in Unix seconds."""


@dataclass(frozen=True)
class NodeRow:
    """A row of a node file: one machine, unchanged from ``start`` to ``end`` (Unix seconds)."""

    cluster: str
    node: str
    node_key: str
    start: int
    end: int
    instance_type: str | None
    region: str | None
    zone: str | None
    purchase_option: str | None
    node_pool: str
    labels: Mapping[str, str]
    label_set_id: str | None
    cpu_capacity_cores: float
    memory_capacity_bytes: float
    cpu_allocatable_cores: float
    memory_allocatable_bytes: float
    gpu_capacity: float | None


class NodeInventory:
    """Nodes of all clusters of a set of files.

    Parameters
    ----------
    paths : sequence of Path
        Files or folders, CSV or Parquet.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for two rows of one node at the same time.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        rows: dict[str, list[tuple[FilePlace, int, Mapping[str, object]]]] = {}
        for path in find_files(paths):
            for place, table in read_batches(path, NODE_COLUMNS):
                for number, row in enumerate(table.to_pylist(), start=place.rows_before + 1):
                    _check_row(place.file, number, row)
                    rows.setdefault(str(row["cluster"]), []).append((place, number, row))
        self._rows = {cluster: _identify(cluster, found) for cluster, found in rows.items()}

    def clusters(self) -> list[str]:
        """Return the clusters that have nodes, in order."""
        return sorted(self._rows)

    def rows(self, cluster: str) -> list[NodeRow]:
        """Return the rows of a cluster by node and time."""
        return self._rows.get(cluster, [])


def _check_row(file: str, number: int, row: Mapping[str, object]) -> None:
    valid_from, valid_to = row["valid_from"], row.get("valid_to")
    assert isinstance(valid_from, datetime)
    if isinstance(valid_to, datetime) and valid_to <= valid_from:
        raise InputError(
            "is not after valid_from", file=file, row=number, field="valid_to", value=valid_to.isoformat()
        )
    try:
        check_cluster_name(str(row["cluster"]))
        parse_labels(row.get("labels"))
    except InputError as problem:
        raise InputError(
            problem.reason, file=file, row=number, field=problem.field, value=problem.value
        ) from problem
    for name in ("cpu", "memory"):
        suffix = "cores" if name == "cpu" else "bytes"
        capacity = row[f"{name}_capacity_{suffix}"]
        allocatable = row.get(f"{name}_allocatable_{suffix}")
        if not capacity:
            raise InputError(
                "is zero", file=file, row=number, field=f"{name}_capacity_{suffix}", value=capacity
            )
        if allocatable is not None and float(str(allocatable)) > float(str(capacity)):
            raise InputError(
                "is greater than the capacity",
                file=file,
                row=number,
                field=f"{name}_allocatable_{suffix}",
                value=allocatable,
            )


def _identify(cluster: str, found: Sequence[tuple[FilePlace, int, Mapping[str, object]]]) -> list[NodeRow]:
    """Return node rows in order; rows of one name that follow each other without a gap are one machine."""
    ordered = sorted(found, key=lambda one: (str(one[2]["node"]), _seconds(one[2]["valid_from"]), one[1]))
    _check_overlaps(ordered)
    rows: list[NodeRow] = []
    for _, _, row in ordered:
        start = _seconds(row["valid_from"])
        name = str(row["node"])
        is_same = bool(rows) and rows[-1].node == name and rows[-1].end == start
        created = datetime.fromtimestamp(start, UTC)
        key = rows[-1].node_key if is_same else node_key(None, None, name, created)
        rows.append(_node_row(cluster, row, key))
    return rows


def _check_overlaps(ordered: Sequence[tuple[FilePlace, int, Mapping[str, object]]]) -> None:
    for (_, earlier_number, earlier), (place, number, row) in pairwise(ordered):
        if earlier["node"] == row["node"] and _seconds(row["valid_from"]) < _seconds(earlier.get("valid_to")):
            raise InputError(
                f"overlaps row {earlier_number}: node {row['node']} would stand twice",
                file=place.file,
                row=number,
                field="valid_from",
                value=str(row["valid_from"]),
            )


def _seconds(moment: object) -> int:
    return int(moment.timestamp()) if isinstance(moment, datetime) else FOREVER


def _node_row(cluster: str, row: Mapping[str, object], key: str) -> NodeRow:
    def text(name: str) -> str | None:
        value = row.get(name)
        return str(value) if value is not None else None

    def number(name: str, otherwise: object) -> float:
        value = row.get(name)
        return float(str(otherwise if value is None else value))

    labels, label_set_id = parse_labels(row.get("labels"))
    gpu = row.get("gpu_capacity")
    return NodeRow(
        cluster=cluster,
        node=str(row["node"]),
        node_key=key,
        start=_seconds(row["valid_from"]),
        end=_seconds(row.get("valid_to")),
        instance_type=text("instance_type"),
        region=text("region"),
        zone=text("zone"),
        purchase_option=text("purchase_option"),
        node_pool=node_pool(labels, text("instance_type"), text("purchase_option")),
        labels=labels,
        label_set_id=label_set_id,
        cpu_capacity_cores=number("cpu_capacity_cores", None),
        memory_capacity_bytes=number("memory_capacity_bytes", None),
        cpu_allocatable_cores=number("cpu_allocatable_cores", row["cpu_capacity_cores"]),
        memory_allocatable_bytes=number("memory_allocatable_bytes", row["memory_capacity_bytes"]),
        gpu_capacity=None if gpu is None else float(str(gpu)),
    )


@dataclass(frozen=True)
class NodeHours:
    """Node-hours of a window: node row that last held in the hour, hour, and seconds that it stood.

    ``capacity`` holds the numeric columns of ``node_hour``; capacities that changed within the hour are
    means over the seconds that the node stood.
    """

    rows: list[NodeRow]
    row: Int
    hour: Int
    running_seconds: Float
    capacity: dict[str, Float]

    def find(self, node: Sequence[str], code: Int, moment: Int) -> tuple[Int, NDArray[np.bool_]]:
        """Return the node row of each (node, moment) and whether the file has one for that hour.

        Parameters
        ----------
        node : sequence of str
            Node names by code.
        code, moment : int array
            Node code, and the first second of use in the hour.
        """
        if not self.rows:
            return np.zeros(len(code), dtype=np.int64), np.zeros(len(code), dtype=bool)
        names = sorted({row.node for row in self.rows} | set(node))
        place = {name: number for number, name in enumerate(names)}
        span = FOREVER * 2
        keys = np.array([place[row.node] * span + row.start for row in self.rows])
        ends = np.array([row.end for row in self.rows])
        owner = np.array([place[row.node] for row in self.rows])
        wanted = np.array([place[name] for name in node], dtype=np.int64)[code]
        index = np.searchsorted(keys, wanted * span + moment, side="right") - 1
        index = np.maximum(index, 0)
        hour = moment // _HOUR * _HOUR
        return index, (owner[index] == wanted) & (ends[index] > hour)


def node_hours(rows: Sequence[NodeRow], start: int, end: int) -> NodeHours:
    """Return one row per node key and hour of the window in which it stood."""
    found = [row for row in rows if row.start < end and row.end > start]
    pieces: list[tuple[Int, Int]] = []
    for place, row in enumerate(found):
        first, last = max(row.start, start) // _HOUR, (min(row.end, end) - 1) // _HOUR
        pieces.append((np.full(last - first + 1, place), np.arange(first, last + 1) * _HOUR))
    number = np.concatenate([piece[0] for piece in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    hour = np.concatenate([piece[1] for piece in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    starts = np.array([row.start for row in found], dtype=np.int64)
    ends = np.array([row.end for row in found], dtype=np.int64)
    keys = {key: code for code, key in enumerate(sorted({row.node_key for row in found}))}
    key = np.array([keys[row.node_key] for row in found], dtype=np.int64)
    seconds = (np.minimum(hour + _HOUR, ends[number]) - np.maximum(hour, starts[number])).astype(np.float64)
    order = np.lexsort((starts[number], hour, key[number]))
    number, hour, seconds = number[order], hour[order], seconds[order]
    is_last = np.ones(len(number), dtype=bool)
    is_last[:-1] = (key[number][1:] != key[number][:-1]) | (hour[1:] != hour[:-1])
    group = np.cumsum(np.append(0, is_last[:-1])).astype(np.int64) if len(number) else number
    total = np.bincount(group, seconds).astype(np.float64)
    capacity = {
        name: np.bincount(group, seconds * _column(found, name)[number]) / total
        for name in (
            "cpu_capacity_cores",
            "cpu_allocatable_cores",
            "memory_capacity_bytes",
            "memory_allocatable_bytes",
            "gpu_capacity",
        )
    }
    return NodeHours(found, number[is_last], hour[is_last], total, capacity)


def _column(rows: Sequence[NodeRow], name: str) -> Float:
    values = [getattr(row, name) for row in rows]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def text_column(rows: Sequence[NodeRow], name: str, index: Int) -> pa.Array:
    """Return a text of each node row as a dictionary column."""
    encoded = pa.array([getattr(row, name) for row in rows], pa.string()).dictionary_encode()
    taken = pc.take(encoded.indices, pa.array(index))
    return pa.DictionaryArray.from_arrays(taken.cast(pa.int32()), encoded.dictionary).cast(TEXT)
