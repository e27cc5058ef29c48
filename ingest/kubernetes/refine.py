"""Observed hours made exact by the inventory: running seconds, requests, short pods, labels, nodes, kills."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingest.assembly.hour_overlap import HOUR_MICROSECONDS, OPEN_END
from ingest.assembly.traffic import NETWORK_COLUMNS
from ingest.kubernetes.asset_facts import refine_assets
from ingest.kubernetes.container_facts import HourFacts, hour_facts
from ingest.kubernetes.history import CONTACT_KIND, OBSERVED_BY
from ingest.kubernetes.node_facts import NodeKeys, refine_nodes
from ingest.kubernetes.pod_times import PodTimes, read_pod_times
from models.kubernetes.pod_request import POD_REMAINDER
from warehouse.lake.declaration import LakeTable
from warehouse.lake.observed_tables import CONTAINER_HOUR, NODE_HOUR, POD_HOUR
from warehouse.observed import HourReport, ObservedWindow

OWNER_KINDS = frozenset({"ReplicaSet", "Job"})
OWNER_MEMORY = timedelta(days=7)
"""An owner that went is still asked for the workload of its pods for this long."""
CONTACT_MEMORY = timedelta(days=1)
_NAMES = ("namespace", "pod", "workload_kind", "workload_name", "revision", "phase")


def refine_hours(observed: ObservedWindow, history: pa.Table) -> ObservedWindow:
    """Return the observed hours with what the API knows better.

    Pure: the same observation and the same stored versions give the same rows. Only pod-hours are touched
    whose times are certain: the pod's end is known, or it was confirmed to exist after the hour.

    - ``running_seconds`` and ``scheduled_seconds`` become exact; usage, a mean over running time, is scaled
      with them; requests are integrated over versions (in-place resizes included), the effective request by
      Kubernetes' own rule; ``(pod)`` rows hold what a pod reserves beyond its containers.
    - Pods that no scrape saw get rows, with usage missing.
    - Workload, revision and labels are the API's. Before the first complete inventory labels are marked
      inferred and fill gaps only.
    - OOM kills and restarts are the greater of both counts.
    - Nodes get type, place, pool and labels.
    - Volumes, mounts and load balancers get exact times, and rows where no scrape saw them.

    Parameters
    ----------
    observed : ObservedWindow
    history : pyarrow.Table
        Rows of ``object_history`` of the cluster: all versions of objects that lived in the window; what
        went before it changes nothing.
    """
    is_ours = pc.and_(
        pc.equal(history["cluster"], observed.cluster), pc.equal(history["observed_by"], OBSERVED_BY)
    )
    history = history.filter(is_ours)
    if history.num_rows == 0:  # what metrics told is in the hours already, and their hash must not change
        return observed
    times = read_pod_times(history, observed.window)
    facts = hour_facts(times, observed.window)
    node_hours = _table(observed, NODE_HOUR)
    keys = NodeKeys(node_hours, history)
    tables: dict[str, pa.Table] = dict(observed.tables)
    tables["node_hour"] = refine_nodes(node_hours, history, observed.window, times.observed_from_us)
    tables["container_hour"] = _refine_containers(
        _table(observed, CONTAINER_HOUR), facts, keys, observed.cluster
    )
    tables["pod_hour"] = _refine_pods(_table(observed, POD_HOUR), facts, keys, observed.cluster, times)
    tables |= refine_assets(tables, history, times, observed.window, observed.cluster)
    hours = _reports(observed.hours, tables, history, times.observed_until_us)
    return replace(observed, tables=tables, hours=hours)


def _table(observed: ObservedWindow, table: LakeTable) -> pa.Table:
    found = observed.tables.get(table.name)
    return found if found is not None else table.schema.empty_table()


def _with_names(rows: pd.DataFrame, facts: HourFacts, keys: NodeKeys) -> pd.DataFrame:
    names = facts.pods[["pod_uid", "hour_us", "pod_start_us", *_NAMES, "node"]]
    named = rows.merge(names, on=["pod_uid", "hour_us"], suffixes=("", "_of_pod"))
    named["node_key"] = keys.of(named)
    return named


def _refine_containers(table: pa.Table, facts: HourFacts, keys: NodeKeys, cluster: str) -> pa.Table:
    certain = facts.pods[["pod_uid", "hour_us"]].assign(is_certain=True)
    known = _keys_of(table, ["pod_uid", "container"]).merge(certain, on=["pod_uid", "hour_us"], how="left")
    # the remainder is computed anew for certain pods, so the old rows go
    is_stale = known["is_certain"].notna().to_numpy() & (known["container"] == POD_REMAINDER).to_numpy()
    table, known = table.filter(pa.array(~is_stale)), known[~is_stale].reset_index(drop=True)
    wanted = _with_names(facts.containers, facts, keys)
    merged = known.merge(wanted, on=["pod_uid", "container", "hour_us"], how="left", indicator=True)
    is_hit = (merged["_merge"] == "both").to_numpy()
    table = _set_columns(table, _container_columns(table, merged), is_hit)
    seen = known[["pod_uid", "container", "hour_us"]].assign(is_seen=True)
    new = wanted.merge(seen, on=["pod_uid", "container", "hour_us"], how="left")
    # a container that waited for its image did not run, but held its request
    holds = new["running_seconds"].ne(0.0) | new[["cpu", "memory", "gpu"]].gt(0.0).any(axis=1)
    new = new[new.pop("is_seen").isna() & holds & new["node_key"].notna()]
    is_remainder = new["container"] == POD_REMAINDER
    # what did not run, and what no container holds, used nothing: that is known, not missing
    used = np.where(is_remainder | new["running_seconds"].eq(0.0), 0.0, np.nan)
    new = new.assign(
        sample_coverage_ratio=np.where(is_remainder, np.nan, 0.0),
        cpu_usage_core_seconds=used,
        memory_usage_byte_seconds=used,
    )
    return pa.concat_tables([table, _new_rows(new, CONTAINER_HOUR, cluster, _CONTAINER_NAMES)])


_CONTAINER_NAMES = {
    "cpu": "cpu_request_core_seconds",
    "memory": "memory_request_byte_seconds",
    "gpu": "gpu_request_seconds",
    "cpu_limit": "cpu_limit_cores",
    "memory_limit": "memory_limit_bytes",
}
_POD_NAMES = {name: _CONTAINER_NAMES[name] for name in ("cpu", "memory", "gpu")}


def _container_columns(table: pa.Table, merged: pd.DataFrame) -> dict[str, pd.Series]:
    columns = {lake_name: merged[name] for name, lake_name in _CONTAINER_NAMES.items()}
    columns |= {
        name: merged[name] for name in ("container_kind", "workload_kind", "workload_name", "revision")
    }
    old_seconds = table["running_seconds"].to_pandas()
    exact = merged["running_seconds"]
    # 0 exact seconds against observed use is a clock or naming trouble: what was measured stands
    exact = exact.where(~(exact.eq(0.0) & old_seconds.gt(0.0)), old_seconds).fillna(old_seconds)
    columns["running_seconds"] = exact
    scale = (exact / old_seconds).where(old_seconds > 0, 1.0)
    for name in ("cpu_usage_core_seconds", "memory_usage_byte_seconds"):
        columns[name] = table[name].to_pandas() * scale
    for name in ("oom_killed_count", "restart_count"):
        columns[name] = np.fmax(table[name].to_pandas().astype("float64"), merged[name])
    return columns


def _refine_pods(
    table: pa.Table, facts: HourFacts, keys: NodeKeys, cluster: str, times: PodTimes
) -> pa.Table:
    known = _keys_of(table, ["pod_uid"])
    wanted = facts.pods.assign(
        node_key=keys.of(facts.pods),
        is_label_inferred=facts.pods["hour_us"] < times.observed_from_us,
    )
    merged = known.merge(wanted, on=["pod_uid", "hour_us"], how="left", indicator=True)
    columns = {lake_name: merged[name] for name, lake_name in _POD_NAMES.items()}
    columns |= {
        name: merged[name]
        for name in ("scheduled_seconds", "workload_kind", "workload_name", "phase", "is_host_network")
    }
    for name in NETWORK_COLUMNS:  # what a pod on its host's network shows is the host's
        columns[name] = table[name].to_pandas().where(~merged["is_host_network"].eq(1))
    old_labels = table["label_set_id"].to_pandas()
    is_fresh = (merged["hour_us"] >= times.observed_from_us) | old_labels.isna()
    columns["label_set_id"] = merged["label_set_id"].where(is_fresh, old_labels)
    old_inferred = table["is_label_inferred"].to_pandas()
    columns["is_label_inferred"] = merged["is_label_inferred"].where(is_fresh, old_inferred)
    table = _set_columns(table, columns, (merged["_merge"] == "both").to_numpy())
    new = wanted.merge(known.assign(is_seen=True), on=["pod_uid", "hour_us"], how="left")
    new = new[new.pop("is_seen").isna() & new["node_key"].notna()]
    return pa.concat_tables([table, _new_rows(new, POD_HOUR, cluster, _POD_NAMES)])


def _keys_of(table: pa.Table, columns: list[str]) -> pd.DataFrame:
    keys: pd.DataFrame = table.select(columns).to_pandas().astype("object")
    keys["hour_us"] = table["hour"].cast(pa.int64()).to_numpy()
    return keys


def _set_columns(table: pa.Table, columns: Mapping[str, pd.Series], is_hit: np.ndarray) -> pa.Table:
    """Return the table with columns replaced where a row is hit; a missing value of a hit row is null."""
    mask = pa.array(is_hit)
    for name, values in columns.items():
        position = table.schema.get_field_index(name)
        kind = table.schema.field(position).type
        fresh = _to_arrow(values, kind)
        column = pc.if_else(mask, fresh, table[name])
        table = table.set_column(position, table.schema.field(position), column)
    return table


def _to_arrow(values: pd.Series, kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind):
        return pa.array(values.astype("Int64"), kind, from_pandas=True)
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return pa.array(values.astype("object").where(values.notna(), None), kind)
    return pa.array(values.astype("float64"), from_pandas=True).cast(kind)


def _new_rows(rows: pd.DataFrame, table: LakeTable, cluster: str, names: Mapping[str, str]) -> pa.Table:
    rows = rows.rename(columns=dict(names)).sort_values(["hour_us", "pod_uid"], kind="stable")
    hours = pa.array(rows["hour_us"].to_numpy(np.int64), pa.timestamp("us", "UTC"))
    fixed = {
        "cluster": pa.repeat(cluster, len(rows)).cast(pa.string()),
        "hour": hours,
        "day": hours.cast(pa.timestamp("us")).cast(pa.date32()),
    }
    columns = []
    for field in table.schema:
        if field.name in fixed:
            columns.append(fixed[field.name])
        elif field.name in rows.columns:
            columns.append(_to_arrow(rows[field.name], field.type))
        else:
            columns.append(pa.nulls(len(rows), field.type))
    return pa.Table.from_arrays(columns, schema=table.schema)


def _reports(
    reports: tuple[HourReport, ...], tables: Mapping[str, pa.Table], history: pa.Table, observed_until_us: int
) -> tuple[HourReport, ...]:
    """Return the reports with their rows counted anew and the inventory taken into their hashes."""
    versions = _Versions.of(history)
    found = []
    for report in reports:
        start = round(report.hour.timestamp() * 1e6)
        end = start + HOUR_MICROSECONDS
        own = hashlib.sha256(versions.of_hour(start, end))
        own.update(f"{report.input_hash}/{observed_until_us >= end}".encode())
        count = _count_rows(report, tables)
        found.append(replace(report, row_count=count, input_hash=own.hexdigest()[:32]))
    return tuple(found)


@dataclass(frozen=True)
class _Versions:
    """What identifies each version, in time order, and from when to when it can matter for an hour.

    Only versions of objects that had not gone count: an hour has one hash, however long the history is that
    is read with it.
    """

    texts: np.ndarray
    valid_from_us: np.ndarray
    matters_until_us: np.ndarray

    @classmethod
    def of(cls, history: pa.Table) -> _Versions:
        ordered = history.sort_by([("valid_from", "ascending"), ("kind", "ascending"), ("uid", "ascending")])
        kinds, uids = ordered["kind"].to_pylist(), ordered["uid"].to_pylist()
        starts = ordered["valid_from"].cast(pa.int64()).to_pylist()
        ends = ordered["valid_to"].cast(pa.int64()).to_pylist()
        died: dict[tuple[str, str], int] = {}
        for kind, uid, end in zip(kinds, uids, ends, strict=True):
            if end is not None:
                died[kind, uid] = max(end, died.get((kind, uid), end))
        until = [
            _matters_until(kind, died.get((kind, uid)), start)
            for kind, uid, start in zip(kinds, uids, starts, strict=True)
        ]
        texts = [
            f"{kind}/{uid}/{start}/{spec_hash}".encode()
            for kind, uid, start, spec_hash in zip(
                kinds, uids, starts, ordered["spec_hash"].to_pylist(), strict=True
            )
        ]
        return cls(np.array(texts, object), np.array(starts, np.int64), np.array(until, np.int64))

    def of_hour(self, start_us: int, end_us: int) -> bytes:
        """Return what identifies the versions that an hour depends on."""
        is_relevant = (self.valid_from_us < end_us) & (self.matters_until_us > start_us)
        return b"".join(self.texts[is_relevant])


def _matters_until(kind: str, died_us: int | None, start_us: int) -> int:
    if kind == CONTACT_KIND:
        return start_us + round(CONTACT_MEMORY.total_seconds() * 1e6)
    if died_us is None:
        return OPEN_END
    return died_us + (round(OWNER_MEMORY.total_seconds() * 1e6) if kind in OWNER_KINDS else 0)


def _count_rows(report: HourReport, tables: Mapping[str, pa.Table]) -> int:
    start = pa.scalar(report.hour, pa.timestamp("us", "UTC"))
    counts = (
        pc.sum(pc.equal(table["hour"], start)).as_py() or 0
        for table in tables.values()
        if "hour" in table.column_names
    )
    return sum(counts)
