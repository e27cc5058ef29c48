"""Nodes that could go, each with where its removal stands and what to do next (requirement R58)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from models.packing.removal import NodeView, RemovalState, judge_removal, next_step
from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, HourWindow
from service.runtime import Runtime
from service.usecases.bankable import estimate_bankable, packed_hour
from service.usecases.pool_contents import PoolNode, read_nodes, read_pods
from warehouse.lake.reading import TableScan

_LOCKED = """
    SELECT spec FROM object_history
    WHERE kind = 'Node' AND observed_by = 'kubernetes' AND valid_from < $end AND valid_to IS NULL
    ORDER BY valid_from"""

_HOMELESS = """
    WITH homeless AS (
      SELECT namespace, workload_kind, workload_name, pod_uid FROM pod_hour
      WHERE hour = $newest AND node_key IS NULL AND phase = 'Pending'),
    lived AS (
      SELECT DISTINCT node_key, namespace, workload_kind, workload_name FROM pod_hour
      WHERE node_key IS NOT NULL)
    SELECT node_key, count(DISTINCT pod_uid) AS pods
    FROM lived JOIN homeless USING (namespace, workload_kind, workload_name)
    GROUP BY node_key ORDER BY node_key"""


@dataclass(frozen=True)
class NodeRemoval:
    """One node that is to go.

    Parameters
    ----------
    cluster, node_pool, node : str
    position : int
        In the order of its pool, from 1; 0 where it is gone.
    state : RemovalState
        As seen in the newest stored hour.
    movable_pod_count : int
        Pods on it beside those of DaemonSets.
    next_step : str
        A command, or in words.
    """

    cluster: str
    node_pool: str
    node: str
    position: int
    state: RemovalState
    movable_pod_count: int
    next_step: str


def list_removals(runtime: Runtime, principal: Principal, *, cluster: str | None = None) -> list[NodeRemoval]:
    """Return the nodes that could go with all open suggestions applied, and locked ones that went.

    Locks are known from the Kubernetes API only; without it every node is one that is advised.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Must see all teams: nodes belong to none.
    cluster : str, optional
    """
    pools = estimate_bankable(runtime, principal, cluster=cluster)
    removals: list[NodeRemoval] = []
    for name in sorted({pool.cluster for pool in pools}):
        advised = {pool.node_pool: pool.removable_nodes for pool in pools if pool.cluster == name}
        hour = packed_hour(runtime, name)
        if hour is not None:
            removals += _Cluster(runtime, name, hour).removals(advised)
    return removals


class _Cluster:
    """What one cluster shows of its nodes in its newest hour."""

    def __init__(self, runtime: Runtime, cluster: str, hour: HourWindow) -> None:
        self._cluster = cluster
        day = HourWindow(hour.end - DAY, hour.end)
        self._present = {node.name: node for node in read_nodes(runtime, cluster, hour)}
        # a node of several hours of the day is there more than once
        self._seen = {node.key: node for node in read_nodes(runtime, cluster, day)}
        pods = read_pods(runtime, cluster, hour)
        self._movable = Counter(pod.node for pod in pods if pod.workload.kind != "DaemonSet")
        self._locked = _read_locked(runtime, cluster, day)
        self._homeless = _read_homeless(runtime, cluster, day, hour)

    def removals(self, advised: Mapping[str, tuple[str, ...]]) -> list[NodeRemoval]:
        """Return the nodes of each pool in their order, and after them those that went."""
        found = [
            self._removal(self._present[name], position, is_present=True)
            for pool in sorted(advised)
            for position, name in enumerate(advised[pool], 1)
        ]
        present = {node.key for node in self._present.values()}
        gone = sorted(key for key in self._seen if key in self._locked and key not in present)
        return found + [self._removal(self._seen[key], 0, is_present=False) for key in gone]

    def _removal(self, node: PoolNode, position: int, *, is_present: bool) -> NodeRemoval:
        is_locked = node.key in self._locked
        view = NodeView(
            is_present,
            is_locked,
            self._movable[node.key] if is_present else 0,
            self._homeless.get(node.key, 0) if is_locked else 0,
        )
        state = judge_removal(view)
        step = next_step(state, node.name)
        return NodeRemoval(self._cluster, node.pool, node.name, position, state, view.movable_pod_count, step)


def _read_locked(runtime: Runtime, cluster: str, day: HourWindow) -> frozenset[str]:
    """Return the keys of the nodes that were locked when they were last seen."""
    rows = runtime.warehouse.lake.query(
        _LOCKED,
        tables={"object_history": TableScan("object_history", cluster)},
        parameters={"end": day.end},
    ).to_pylist()
    specs = [json.loads(row["spec"] or "{}") for row in rows]
    newest = {str(spec.get("node_key")): bool(spec.get("unschedulable")) for spec in specs}
    return frozenset(key for key, is_locked in newest.items() if is_locked)


def _read_homeless(runtime: Runtime, cluster: str, day: HourWindow, hour: HourWindow) -> dict[str, int]:
    """Return by node how many pods without a node belong to workloads that it held within the day."""
    rows = runtime.warehouse.lake.query(
        _HOMELESS,
        tables={"pod_hour": TableScan("pod_hour", cluster, day)},
        parameters={"newest": hour.start},
    ).to_pylist()
    return {row["node_key"]: row["pods"] for row in rows}
