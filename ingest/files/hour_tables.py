"""Lake rows of file usage: container_hour, pod_hour, node_hour and label_set, with a summary per hour."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ingest.assembly.columns import to_bin_lists
from ingest.files.container_hours import ContainerHours
from ingest.files.label_sets import parse_labels
from ingest.files.lake_columns import arrange, dictionary_of, hash_by_hour, hour_columns
from ingest.files.node_table import node_table
from ingest.files.nodes import NodeHours, NodeRow, node_hours
from ingest.files.overlaps import dictionary_column
from models.kubernetes.label_sets import canonical_labels
from models.kubernetes.workloads import revision_of
from warehouse.lake.declaration import INSTANT
from warehouse.lake.tables import TABLES

Int = NDArray[np.int64]
Float = NDArray[np.float64]
_HOUR = 3600
_DAY = 86_400


@dataclass(frozen=True)
class HourSummary:
    """What an hour holds: rows of all tables, observed over running time, hash of its rows, notes."""

    row_count: int
    coverage_ratio: float | None
    input_hash: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class HourTables:
    """Rows by lake table, and a summary by hour (Unix seconds)."""

    tables: Mapping[str, pa.Table]
    hours: Mapping[int, HourSummary]


def merge_tables(parts: Sequence[HourTables]) -> HourTables:
    """Join the parts of a window; label sets seen in several are kept once, with their first time."""
    names = {name for part in parts for name in part.tables}
    tables = {
        name: pa.concat_tables([part.tables[name] for part in parts]).unify_dictionaries()
        for name in sorted(names)
    }
    label_sets = tables["label_set"]
    first = ~label_sets.column("label_set_id").to_pandas().duplicated().to_numpy()
    tables["label_set"] = label_sets.filter(pa.array(first))
    hours = {hour: summary for part in parts for hour, summary in part.hours.items()}
    return HourTables(tables, hours)


def build_tables(
    cluster: str,
    rows: pa.Table,
    order: Int,
    hours: ContainerHours,
    inventory: Sequence[NodeRow],
    window: tuple[int, int],
) -> HourTables:
    """Return the lake rows of a window.

    Parameters
    ----------
    rows : pyarrow.Table
        Usage rows as loaded; ``order`` sorts them as ``hours.source_row`` counts.
    inventory : sequence of NodeRow
        All node rows of the cluster.
    window : (int, int)
        Unix seconds.
    """
    nodes = node_hours(inventory, *window)
    texts = _Texts(rows, order[hours.source_row])
    labels = _Labels(texts)
    node_key, is_known = _node_keys(texts, hours, nodes)
    containers = _container_table(cluster, hours, texts, node_key, labels)
    pods, pod_hour = _pod_table(cluster, hours, texts, node_key, labels)
    machines = node_table(cluster, nodes, hours, node_key)
    tables = {
        "container_hour": containers,
        "pod_hour": pods,
        "node_hour": machines,
        "label_set": _label_table(cluster, labels, hours, nodes),
    }
    unknown = _unknown_nodes(texts, hours.hour, is_known)
    summaries = _summaries(tables, hours, nodes, pod_hour, unknown)
    return HourTables(tables, summaries)


class _Texts:
    """Text columns of the source row of each container-hour, as codes and names."""

    def __init__(self, rows: pa.Table, source: Int) -> None:
        self._codes: dict[str, Int] = {}
        self._names: dict[str, pa.Array] = {}
        for name in rows.column_names:
            if not pa.types.is_dictionary(rows.schema.field(name).type):
                continue
            column = dictionary_column(rows, name)
            codes = column.indices.fill_null(-1).to_numpy().astype(np.int64)
            self._codes[name], self._names[name] = codes[source], column.dictionary

    def codes(self, name: str) -> Int:
        """Return the code of each container-hour; -1 where the cell was empty."""
        return self._codes[name]

    def names(self, name: str) -> pa.Array:
        """Return the texts that codes count into."""
        return self._names[name]

    def has(self, name: str) -> bool:
        """Whether the files have the column."""
        return name in self._codes

    def column(self, name: str, rows: Int | None = None) -> pa.Array:
        """Return the column of all or some container-hours as a dictionary array."""
        codes = self._codes[name] if rows is None else self._codes[name][rows]
        return dictionary_of(codes, self._names[name])


class _Labels:
    """Label sets of the container-hours: code, ids, canonical texts and revisions."""

    def __init__(self, texts: _Texts) -> None:
        count = len(texts.codes("pod"))
        self.code = texts.codes("labels") if texts.has("labels") else np.full(count, -1, dtype=np.int64)
        raw = texts.names("labels").to_pylist() if texts.has("labels") else []
        used = set(np.unique(self.code).tolist())
        self.labels = [parse_labels(text)[0] if code in used else {} for code, text in enumerate(raw)]
        self.ids = [parse_labels(text)[1] if code in used else None for code, text in enumerate(raw)]

    def id_column(self, rows: Int) -> pa.Array:
        """Return the label set id of some container-hours."""
        return dictionary_of(self.code[rows], pa.array(self.ids, pa.string()))

    def revisions(self, texts: _Texts) -> pa.Array:
        """Return the template hash of each container-hour, from the labels that controllers set."""
        workload = texts.codes("workload_name")
        names = texts.names("workload_name").to_pylist()
        pairs, inverse = np.unique(workload * (len(self.ids) + 1) + self.code, return_inverse=True)
        found = [
            None if code < 0 else revision_of(self.labels[code], names[name])
            for name, code in ((_floor(pair + 1, len(self.ids) + 1)) for pair in pairs.tolist())
        ]
        encoded = pa.array(found, pa.string()).dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
        return dictionary_of(
            codes[inverse] if len(codes) else np.zeros(0, dtype=np.int64), encoded.dictionary
        )


def _floor(number: int, base: int) -> tuple[int, int]:
    """Return quotient and remainder less one: undoes the pairing of a name with a code that may be -1."""
    high, low = divmod(number, base)
    return high, low - 1


def _node_keys(texts: _Texts, hours: ContainerHours, nodes: NodeHours) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return the node key of each container-hour; a node that no file describes keeps its name as key."""
    names = texts.names("node").to_pylist()
    index, is_known = nodes.find(names, texts.codes("node"), hours.first_start)
    keys = sorted({row.node_key for row in nodes.rows})
    place = {key: code for code, key in enumerate(keys)}
    of_row = np.array([place[row.node_key] for row in nodes.rows], dtype=np.int64)
    known = of_row[index] if len(of_row) else index
    code = np.where(is_known, known, len(keys) + texts.codes("node"))
    return dictionary_of(code, pa.array([*keys, *names], pa.string())), is_known


def _container_table(
    cluster: str, hours: ContainerHours, texts: _Texts, node_key: pa.Array, labels: _Labels
) -> pa.Table:
    kinds = dictionary_of(np.zeros(len(hours.hour), dtype=np.int64), pa.array(["main"]))
    columns = {
        **hour_columns(cluster, hours.hour),
        "node_key": node_key,
        "revision": labels.revisions(texts),
        "container_kind": kinds,
        "running_seconds": pa.array(hours.running_seconds),
    }
    for name in ("pod_uid", "container", "namespace", "pod", "workload_kind", "workload_name"):
        columns[name] = texts.column(name)
    for name, values in hours.values.items():
        kind = TABLES["container_hour"].columns[name]
        columns[name] = pa.array(values, mask=np.isnan(values)).cast(kind)
    for name, bins in hours.bins.items():
        if name in TABLES["container_hour"].columns:
            columns[name] = to_bin_lists(bins.astype(np.float64))
    return arrange("container_hour", columns)


def _pod_table(
    cluster: str, hours: ContainerHours, texts: _Texts, node_key: pa.Array, labels: _Labels
) -> tuple[pa.Table, Int]:
    """Return one row per pod and hour: scheduled as long as any container ran, requests summed."""
    pod = texts.codes("pod_uid")
    pairs = pod * (1 << 40) + hours.hour // _HOUR
    code, unique = pd.factorize(pairs)
    _, first = np.unique(code, return_index=True)
    count = len(unique)
    scheduled = np.zeros(count)
    np.maximum.at(scheduled, code, hours.running_seconds)
    columns = {
        **hour_columns(cluster, hours.hour[first]),
        "node_key": node_key.take(pa.array(first)),
        "scheduled_seconds": pa.array(scheduled),
        "label_set_id": labels.id_column(first),
        "is_label_inferred": pa.array(np.zeros(count, dtype=bool)),
    }
    for name in ("pod_uid", "namespace", "pod", "workload_kind", "workload_name"):
        columns[name] = texts.column(name, first)
    for name in ("cpu_request_core_seconds", "memory_request_byte_seconds", "gpu_request_seconds"):
        values = hours.values[name]
        known = np.bincount(code, ~np.isnan(values), minlength=count) > 0
        total = np.bincount(code, np.nan_to_num(values), minlength=count)
        columns[name] = pa.array(total, mask=~known)
    return arrange("pod_hour", columns), hours.hour[first]


def _label_table(cluster: str, labels: _Labels, hours: ContainerHours, nodes: NodeHours) -> pa.Table:
    first: dict[str, tuple[int, str]] = {}
    if len(labels.code):
        seen = np.full(len(labels.ids) + 1, np.iinfo(np.int64).max)
        np.minimum.at(seen, labels.code + 1, hours.hour)
        for code, one in enumerate(labels.ids):
            if one is not None and seen[code + 1] < np.iinfo(np.int64).max:
                known = first.get(one, (int(seen[code + 1]), ""))[0]
                first[one] = (min(known, int(seen[code + 1])), canonical_labels(labels.labels[code]))
    for number, row in enumerate(nodes.rows):
        mine = nodes.hour[nodes.row == number]
        if row.label_set_id is not None and len(mine) and row.label_set_id not in first:
            first[row.label_set_id] = (int(mine.min()), canonical_labels(row.labels))
    moments = [datetime.fromtimestamp(moment, UTC) for moment, _ in first.values()]
    return pa.table(
        {
            "cluster": pa.array([cluster] * len(first), pa.string()),
            "month": pa.array([f"{moment:%Y-%m}" for moment in moments], pa.string()),
            "label_set_id": pa.array(list(first), pa.string()),
            "labels": pa.array([text for _, text in first.values()], pa.string()),
            "first_seen_at": pa.array(moments, INSTANT),
        }
    )


def _unknown_nodes(texts: _Texts, hour: Int, is_known: NDArray[np.bool_]) -> dict[int, list[str]]:
    """Return, by hour, the nodes that usage names and no node file describes."""
    rows = np.flatnonzero(~is_known)
    pairs = np.unique(np.stack([hour[rows], texts.codes("node")[rows]]), axis=1)
    names = texts.names("node").to_pylist()
    found: dict[int, list[str]] = {}
    for moment, code in pairs.T.tolist():
        found.setdefault(moment, []).append(names[code])
    return {moment: sorted(some) for moment, some in found.items()}


def _summaries(
    tables: Mapping[str, pa.Table],
    hours: ContainerHours,
    nodes: NodeHours,
    pod_hour: Int,
    unknown: Mapping[int, list[str]],
) -> dict[int, HourSummary]:
    digests = hash_by_hour(tables["container_hour"], hours.hour)
    machine_digests = hash_by_hour(tables["node_hour"], nodes.hour)
    all_hours = sorted({*np.unique(hours.hour).tolist(), *np.unique(nodes.hour).tolist()})
    first, place_count = (all_hours[0], (all_hours[-1] - all_hours[0]) // _HOUR + 1) if all_hours else (0, 0)

    def by_hour(hour: Int, weights: Float | None = None) -> Float:
        return np.bincount((hour - first) // _HOUR, weights, minlength=place_count).astype(np.float64)

    count = by_hour(hours.hour) + by_hour(nodes.hour) + by_hour(pod_hour)
    running, observed = (
        by_hour(hours.hour, hours.running_seconds),
        by_hour(hours.hour, hours.observed_seconds),
    )
    summaries = {}
    for hour in all_hours:
        place = (hour - first) // _HOUR
        coverage = min(1.0, float(observed[place] / running[place])) if running[place] else None
        text = f"{digests.get(hour, 0):016x}{machine_digests.get(hour, 0):016x}"
        names = unknown.get(hour, [])
        notes = (f"nodes that no file describes: {', '.join(names)}",) if names else ()
        summaries[hour] = HourSummary(
            int(count[place]), coverage, hashlib.sha256(text.encode()).hexdigest()[:32], notes
        )
    return summaries
