"""Type, place, pool, labels and exact life of nodes, hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingest.assembly.hour_overlap import OPEN_END, spread_over_hours
from ingest.kubernetes.history import GONE_UNSEEN
from ingest.kubernetes.specs import parse_time
from ingest.kubernetes.versions import Version, contacts, microseconds, read_versions, without_the_dead
from models.kubernetes.label_sets import label_set_id
from models.kubernetes.nodes import UNKNOWN
from models.vocabulary.windows import HourWindow

JsonObject = dict[str, Any]
_DESCRIPTIONS = (
    "provider_id",
    "instance_type",
    "region",
    "zone",
    "node_pool",
    "purchase_option",
    "label_set_id",
)
_CAPACITIES = {
    "cpu_capacity_cores": ("capacity", "cpu"),
    "cpu_allocatable_cores": ("allocatable", "cpu"),
    "memory_capacity_bytes": ("capacity", "memory"),
    "memory_allocatable_bytes": ("allocatable", "memory"),
    "pod_allocatable": ("allocatable", "pods"),
}


class NodeKeys:
    """Keys of the machines that pods ran on, also where one was replaced under its name.

    Parameters
    ----------
    node_hours : pyarrow.Table
        Observed rows of ``node_hour``.
    history : pyarrow.Table
        Rows of ``object_history`` of the cluster.
    """

    def __init__(self, node_hours: pa.Table, history: pa.Table) -> None:
        self._observed: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._last: dict[str, str] = {}
        moments = node_hours["hour"].cast(pa.int64()).to_pylist()
        names, keys = node_hours["node"].to_pylist(), node_hours["node_key"].to_pylist()
        for name, moment, key in sorted(zip(names, moments, keys, strict=True), key=lambda row: row[1]):
            self._observed[name, moment].add(key)
            self._last[name] = key
        self._machines: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for versions in read_versions(history, ("Node",))["Node"]:
            for start, key in _first_keys(versions):
                self._machines[versions[0].name].append((start, key))

    def of(self, pods: pd.DataFrame) -> pd.Series:
        """Return the key of each row (``node``, ``hour_us``, ``pod_start_us``), None where not known."""
        rows = zip(pods["node"], pods["hour_us"], pods["pod_start_us"], strict=True)
        return pd.Series([self._find(*row) for row in rows], pods.index, "object")

    def _find(self, node: object, hour_us: int, pod_start_us: int) -> str | None:
        """Return the one machine observed in the hour, else that which stood when the pod began."""
        if not isinstance(node, str):
            return None
        observed = self._observed.get((node, hour_us), set())
        if len(observed) == 1:
            return next(iter(observed))
        machines = sorted(self._machines.get(node, ()))
        standing = [key for start, key in machines if start <= pod_start_us] or [
            key for _, key in machines[:1]
        ]
        return standing[-1] if standing else self._last.get(node)


def _first_keys(versions: list[Version]) -> list[tuple[int, str]]:
    """Return the key of a node object and when it was created; nothing if it has none."""
    for version in versions:
        if key := version.spec.get("node_key"):
            created = parse_time(version.spec.get("created_at"))
            return [(version.start_us if created is None else microseconds(created), str(key))]
    return []


def refine_nodes(table: pa.Table, history: pa.Table, window: HourWindow, observed_from_us: int) -> pa.Table:
    """Return ``node_hour`` rows with the API's description of each node.

    Descriptions of the time before the first complete inventory fill gaps only and are marked inferred;
    later ones replace what labels of metrics said. Capacities fill gaps. ``running_seconds`` becomes exact
    where birth and end (or survival of the hour) are certain. Rows are matched by node key, else by the
    one node of that name in that hour.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of ``node_hour``.
    history : pyarrow.Table
        Rows of ``object_history`` of the cluster.
    window : HourWindow
    observed_from_us : int
        First moment of a complete inventory, microseconds since 1970.
    """
    facts = _node_hours(history, window)
    if facts.empty or table.num_rows == 0:
        return table
    found = _match(table, facts)
    is_fresh = found["hour_us"] >= observed_from_us
    old_type = table["instance_type"].to_pandas()
    # a node that metrics could not describe takes the API's description of any time
    is_first = is_fresh | old_type.isna() | (old_type == UNKNOWN)
    for name in _DESCRIPTIONS:
        is_gap = table[name].to_pandas() == UNKNOWN
        table = _set(table, name, found[name], is_first=is_first | is_gap)
    inferred = (~is_fresh).astype("object").where(found["instance_type"].notna(), None)
    table = _set(table, "is_type_inferred", inferred, is_first=is_first)
    for name in (*_CAPACITIES, "gpu_capacity", "gpu_allocatable"):
        table = _set(table, name, found[name], is_first=pd.Series(data=False, index=found.index))
    return _set(table, "running_seconds", found["running_seconds"], is_first=found["is_certain"].eq(1))


def _node_hours(history: pa.Table, window: HourWindow) -> pd.DataFrame:
    seen = contacts(history)
    rows: list[JsonObject] = []
    for versions in read_versions(without_the_dead(history, "Node", window), ("Node",))["Node"]:
        rows += _life(versions, seen)
    if not rows:
        return pd.DataFrame()
    spread = spread_over_hours(pd.DataFrame(rows), window).sort_values("start_us")
    keys = ["node_key_of_api", "hour_us"]
    newest = spread.drop_duplicates(keys, keep="last").drop(columns=["seconds", "start_us", "end_us"])
    lived = (
        spread.groupby(keys, as_index=False)[["seconds"]].sum().rename(columns={"seconds": "running_seconds"})
    )
    found = newest.merge(lived, on=keys)
    found["is_certain"] = found["hour_us"] + 3_600_000_000 <= found["known_until_us"]
    return found


def _life(versions: list[Version], seen: list[int]) -> list[JsonObject]:
    living = [version for version in versions if not version.is_last_word and version.spec.get("node_key")]
    if not living:
        return []
    created = parse_time(living[0].spec.get("created_at"))
    newest = versions[-1]
    is_end_known = newest.is_last_word and not newest.spec.get(GONE_UNSEEN)
    earlier = [moment for moment in seen if not newest.is_last_word or moment < newest.start_us]
    known_until = OPEN_END if is_end_known else earlier[-1] if earlier else living[-1].start_us
    rows = []
    for position, version in enumerate(living):
        start = microseconds(created) if position == 0 and created is not None else version.start_us
        rows.append(
            {
                "node": version.name,
                "node_key_of_api": version.spec["node_key"],
                "start_us": min(start, version.end_us),
                "end_us": version.end_us,
                "known_until_us": known_until,
                **_describe(version.spec),
            }
        )
    return rows


def _describe(spec: Mapping[str, Any]) -> JsonObject:
    described: JsonObject = {name: spec.get(name) for name in _DESCRIPTIONS}
    described["label_set_id"] = label_set_id(spec.get("labels") or {})
    for name, (part, resource) in _CAPACITIES.items():
        described[name] = (spec.get(part) or {}).get(resource)
    described |= {name: spec.get(name) for name in ("gpu_capacity", "gpu_allocatable")}
    return described


def _match(table: pa.Table, facts: pd.DataFrame) -> pd.DataFrame:
    """Return the facts of each row of the table, in its order; rows without a match are all missing."""
    keys = table.select(["node_key", "node"]).to_pandas()
    keys["hour_us"] = table["hour"].cast(pa.int64()).to_numpy()
    by_key = keys.merge(
        facts.drop(columns="node"),
        left_on=["node_key", "hour_us"],
        right_on=["node_key_of_api", "hour_us"],
        how="left",
    )
    alone = facts[~facts.duplicated(["node", "hour_us"], keep=False)]
    by_name = keys.merge(alone, on=["node", "hour_us"], how="left")
    is_matched = by_key["node_key_of_api"].notna()
    matched: pd.DataFrame = by_key.where(is_matched, by_name[by_key.columns])
    return matched


def _set(table: pa.Table, name: str, fresh: pd.Series, *, is_first: pd.Series) -> pa.Table:
    """Fill a column's nulls from ``fresh``, and where ``is_first`` prefer it; nothing is turned into null."""
    position = table.schema.get_field_index(name)
    kind = table.schema.field(position).type
    values = pa.array(fresh.astype("object").where(fresh.notna(), None), kind)
    preferred = pc.coalesce(values, table[name])
    kept = pc.coalesce(table[name], values)
    column = pc.if_else(pa.array(is_first.astype(bool).to_numpy()), preferred, kept)
    return table.set_column(position, table.schema.field(position), column)
