"""Rows of ``node_hour``: which machines ran how long, what they are, what they could give and gave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.assembly.columns import build_table, choose_cells, sort_by_key
from ingest.assembly.frames import (
    HOUR_SECONDS,
    Axis,
    Booleans,
    Floats,
    Frame,
    Integers,
    overlap_seconds,
)
from ingest.assembly.node_amounts import NodeAmounts, NodeLives
from ingest.assembly.owners import LabelSets
from ingest.assembly.pods import Pods, life_from_sightings
from models.kubernetes.nodes import UNKNOWN, describe_node, node_key
from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR
from warehouse.lake.observed_tables import NODE_HOUR


@dataclass(frozen=True)
class NodeFrames:
    """What tells about nodes: sightings and usage by bin, facts and health by hour."""

    info: Frame
    facts: Frame
    usage: Frame
    health: Frame
    sample_seconds: float


@dataclass(frozen=True)
class Nodes:
    """The machines of a window, one entry per key, in order of name and key.

    Parameters
    ----------
    axis : Axis
    keys, names, provider_ids : list of str
        Length N; the provider id may be empty.
    starts, ends : array, shape (N,)
        Half-open life, Unix seconds, infinite where it reaches beyond what was looked at.
    by_name, by_address : dict from node name or internal address to entries
    seen : array of bool, shape (N, 12 H)
    amounts : NodeAmounts
    """

    axis: Axis
    keys: list[str]
    names: list[str]
    provider_ids: list[str]
    starts: Floats
    ends: Floats
    by_name: dict[str, list[int]]
    by_address: dict[str, list[int]]
    seen: Booleans
    amounts: NodeAmounts

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def labels(self) -> LabelSets:
        """Labels by hour."""
        return self.amounts.labels

    def hour_seconds(self) -> Floats:
        """Return how long each node ran in each hour, shape (N, H)."""
        return overlap_seconds(self.starts, self.ends, self.axis.hour_starts, HOUR_SECONDS)

    def find(self, labels: dict[str, str]) -> list[int]:
        """Return the nodes a series is about, by its node label, else by the host of its instance."""
        instance = labels.get("instance", "")
        host = instance.rpartition(":")[0] or instance
        for name in (labels.get("node", ""), instance, host):
            if name and name in self.by_name:
                return self.by_name[name]
        return self.by_address.get(host.strip("[]"), [])

    def keys_of_pods(self, pods: Pods) -> npt.NDArray[np.object_]:
        """Return the node key of each pod in each hour, shape (P, H), None where its node is not known.

        Where a machine was replaced under its name, a pod belongs to the one that lived with it longest.
        """
        machines = self.machines_of_pods(pods)
        names = np.asarray([*self.keys, None], dtype=object)
        return names[machines]

    def machines_of_pods(self, pods: Pods) -> Integers:
        """Return the machine of each pod in each hour, shape (P, H), -1 where its node is not known."""
        machines = np.full((len(pods), self.axis.hour_count), -1, dtype=np.int64)
        for pod, node in enumerate(pods.nodes):
            entries = self.by_name.get(node, [])
            if len(entries) == 1:
                machines[pod] = entries[0]
            elif entries:
                first = np.maximum(self.starts[entries], pods.starts[pod])
                last = np.minimum(self.ends[entries], pods.ends[pod])
                together = overlap_seconds(first, last, self.axis.hour_starts, HOUR_SECONDS)
                machines[pod] = np.asarray(entries)[np.argmax(together, axis=0)]
        return machines


def find_nodes(frames: NodeFrames, axis: Axis) -> Nodes:
    """Return the machines of a window: from creation, else first sighting, to the last sighting."""
    created = _created_by_name(frames.facts, axis)
    entries = _identify(frames.info, created)
    ordered = sorted(entries.values(), key=lambda entry: (entry.name, entry.key))
    counts = np.zeros((len(ordered), axis.bin_count + 2))
    dense = np.nan_to_num(frames.info.dense(-1, axis.bin_count + 2))
    for row, entry in enumerate(ordered):
        counts[row] = dense[entry.series].max(axis=0)
    by_name: dict[str, list[int]] = defaultdict(list)
    by_address: dict[str, list[int]] = defaultdict(list)
    for row, entry in enumerate(ordered):
        by_name[entry.name].append(row)
        for address in entry.addresses:
            by_address[address].append(row)
    known = _known_starts([entry.name for entry in ordered], counts, created, axis)
    gaps = np.asarray(~(counts > 0).any(axis=0))
    starts, ends = life_from_sightings(counts, gaps, axis, frames.sample_seconds, known)
    ends = np.maximum(ends, starts) if len(ordered) else ends
    return Nodes(
        axis,
        [entry.key for entry in ordered],
        [entry.name for entry in ordered],
        [entry.provider_id for entry in ordered],
        starts,
        ends,
        dict(by_name),
        dict(by_address),
        np.asarray(counts[:, 1:-1] > 0),
        NodeAmounts(NodeLives(axis, starts, ends, by_name), frames.facts),
    )


@dataclass
class _Entry:
    key: str
    name: str
    provider_id: str
    addresses: set[str]
    series: list[int]


def _identify(info: Frame, created: dict[str, float]) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for series, labels in enumerate(info.labels):
        name = labels.get("node", "")
        moment = created.get(name)
        key = node_key(
            labels.get("provider_id"),
            labels.get("system_uuid"),
            name,
            None if moment is None else datetime.fromtimestamp(moment, UTC),
        )
        entry = entries.setdefault(key, _Entry(key, name, labels.get("provider_id", ""), set(), []))
        entry.series.append(series)
        if address := labels.get("internal_ip"):
            entry.addresses.add(address)
    return entries


def _created_by_name(facts: Frame, axis: Axis) -> dict[str, float]:
    """Return the latest creation of each node name."""
    frame = facts.only(fact="created")
    values = frame.dense(0, axis.hour_count)
    return {
        labels.get("node", ""): float(np.nanmax(row))
        for labels, row in zip(frame.labels, values, strict=True)
        if not np.isnan(row).all()
    }


def _known_starts(names: list[str], counts: Floats, created: dict[str, float], axis: Axis) -> Floats:
    """Return exact starts: a name's creation belongs to the machine seen under it last."""
    starts = np.full(len(names), np.nan)
    last_of: dict[str, int] = {}
    present = counts > 0
    last_bin = present.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1) if len(names) else np.empty(0)
    for row, name in enumerate(names):
        if name not in last_of or last_bin[row] > last_bin[last_of[name]]:
            last_of[name] = row
    for name, row in last_of.items():
        seen_until = axis.wide_bin_starts[int(last_bin[row])] + BIN_SECONDS
        if created.get(name, np.inf) < seen_until:
            starts[row] = created[name]
    return starts


def build_node_rows(
    cluster: str, nodes: Nodes, frames: NodeFrames, host_bytes: Mapping[str, Floats]
) -> pa.Table:
    """Return the rows of all nodes that ran in an hour of the window.

    Parameters
    ----------
    host_bytes : mapping of str to array, shape (N, H)
        Bytes that pods on the host's network show, for nodes whose own counters are dropped.
    """
    axis = nodes.axis
    seconds = nodes.hour_seconds()
    cells = choose_cells(seconds > 0)
    usage = _node_usage(nodes, frames.usage)
    health = _node_health(nodes, frames.health)
    capacity, allocatable = nodes.amounts.capacity, nodes.amounts.allocatable
    covered = nodes.seen.reshape(len(nodes), axis.hour_count, BINS_PER_HOUR).sum(axis=2)
    expected = np.maximum(seconds / BIN_SECONDS, 1e-9)
    label_sets = cells.pick(nodes.labels.ids)
    rows = build_table(
        NODE_HOUR,
        cluster,
        axis,
        cells,
        {
            "node_key": cells.repeat(nodes.keys),
            "node": cells.repeat(nodes.names),
            "provider_id": cells.repeat([provider_id or None for provider_id in nodes.provider_ids]),
            **_descriptions(nodes, label_sets, cells.rows),
            "running_seconds": cells.pick(seconds),
            "cpu_capacity_cores": cells.pick(capacity["cpu"]),
            "cpu_allocatable_cores": cells.pick(allocatable["cpu"]),
            "memory_capacity_bytes": cells.pick(capacity["memory"]),
            "memory_allocatable_bytes": cells.pick(allocatable["memory"]),
            "gpu_capacity": cells.pick(capacity["gpu"]),
            "gpu_allocatable": cells.pick(allocatable["gpu"]),
            "pod_allocatable": cells.pick(allocatable["pods"]),
            "cpu_usage_cores_by_5m": cells.pick_bins(usage["cpu"]),
            "memory_usage_bytes_by_5m": cells.pick_bins(usage["memory"]),
            "file_descriptor_used_ratio": cells.pick(health["file_descriptors"]),
            "inode_used_ratio": cells.pick(health["inodes"]),
            "sample_coverage_ratio": cells.pick(np.minimum(covered / expected, 1.0)),
            "label_set_id": label_sets,
            **{
                f"{fact}_bytes": cells.pick(_first_known(health[fact], host_bytes[f"{fact}_bytes"]))
                for fact in _MOVED
            },
        },
    )
    return sort_by_key(NODE_HOUR, rows)


def _descriptions(
    nodes: Nodes, label_sets: npt.NDArray[np.object_], rows: npt.NDArray[np.int64]
) -> dict[str, pa.Array]:
    """Return type, place, pool and purchase option; what nothing tells is ``unknown`` and marked inferred."""
    described = {
        pair: describe_node(nodes.labels.maps.get(pair[1] or "", {}), nodes.provider_ids[pair[0]] or None)
        for pair in set(zip(rows.tolist(), label_sets.tolist(), strict=True))
    }
    cells = [described[pair] for pair in zip(rows.tolist(), label_sets.tolist(), strict=True)]
    return {
        "instance_type": pa.array([d.instance_type or UNKNOWN for d in cells], pa.string()),
        "region": pa.array([d.region for d in cells], pa.string()),
        "zone": pa.array([d.zone for d in cells], pa.string()),
        "node_pool": pa.array([d.node_pool for d in cells], pa.string()),
        "purchase_option": pa.array([d.purchase_option or UNKNOWN for d in cells], pa.string()),
        "is_type_inferred": pa.array([d.instance_type is None for d in cells], pa.bool_()),
    }


def _node_usage(nodes: Nodes, frame: Frame) -> dict[str, Floats]:
    """Return usage by bin, from cAdvisor's root group, else from node-exporter; shape (N, 12 H) each."""
    axis = nodes.axis
    alive = overlap_seconds(nodes.starts, nodes.ends, axis.bin_starts, float(BIN_SECONDS)) > 0
    usage = {}
    for resource in ("cpu", "memory"):
        own = _spread(nodes, frame.only(fact=resource), axis.bin_count)
        other = _spread(nodes, frame.only(fact=f"exporter_{resource}"), axis.bin_count)
        usage[resource] = np.where(alive, _first_known(own, other), np.nan)
    return usage


_MOVED = ("network_receive", "network_transmit")


def _node_health(nodes: Nodes, frame: Frame) -> dict[str, Floats]:
    hours = nodes.axis.hour_count
    facts = ("file_descriptors", "inodes", *_MOVED)
    return {fact: _spread(nodes, frame.only(fact=fact), hours) for fact in facts}


def _first_known(values: Floats, others: Floats) -> Floats:
    return np.asarray(np.where(np.isnan(values), others, values))


def _spread(nodes: Nodes, frame: Frame, step_count: int) -> Floats:
    values = np.full((len(nodes), step_count), np.nan)
    dense = frame.dense(0, step_count)
    for series, labels in enumerate(frame.labels):
        for row in nodes.find(labels):
            values[row] = np.fmax(values[row], dense[series])
    return values
