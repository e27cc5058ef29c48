"""Bankable saving: what the nodes cost that could go if open suggestions were applied and pods re-packed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from models.packing.pools import PoolPlan, PoolPods, plan_pool
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.money import MICRO
from models.vocabulary.recommendation import RecommendationState
from models.vocabulary.windows import HOUR, HourWindow, floor_hour, to_utc
from recommender.savings import HOURS_PER_MONTH
from service.runtime import Runtime
from service.usecases.profiles import cluster_names
from warehouse.lake.reading import TableScan

_OPEN = frozenset({RecommendationState.PROPOSED, RecommendationState.ACCEPTED})
_DEFAULT_PODS_PER_NODE = 110.0

_NODES = """
    SELECT node_hour.node_key, node_pool, cpu_allocatable_cores, memory_allocatable_bytes, pod_allocatable,
           price.currency, price.effective_cost * 3600 / nullif(running_seconds, 0)::DECIMAL(18,3) AS cost
    FROM node_hour LEFT JOIN price
      ON price.asset = node_hour.node_key AND price.asset_kind = 'node' AND price.hour = node_hour.hour
    ORDER BY node_hour.node_key"""

_PODS = """
    SELECT node_key, namespace, workload_kind, workload_name, pod_uid,
           coalesce(cpu_request_core_seconds, 0) / scheduled_seconds AS cpu,
           coalesce(memory_request_byte_seconds, 0) / scheduled_seconds AS memory
    FROM pod_hour WHERE scheduled_seconds > 0 AND node_key IS NOT NULL
    ORDER BY pod_uid"""


@dataclass(frozen=True)
class PoolSaving:
    """What re-packing one pool would free.

    Parameters
    ----------
    cluster, node_pool : str
    node_count : int
    removable_now : int
        Nodes that could go by re-packing alone, with requests as they are.
    removable_then : int
        Nodes that could go with all open suggestions applied.
    bankable_saving_per_month : Decimal or None
        Effective cost of the latter over 720 hours; None when one of them has no price.
    currency : str or None
    """

    cluster: str
    node_pool: str
    node_count: int
    removable_now: int
    removable_then: int
    bankable_saving_per_month: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class _Node:
    key: str
    pool: str
    room: tuple[float, float, float]
    cost: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class _Pod:
    workload: WorkloadKey
    node: str
    cpu: float
    memory: float


Change = tuple[float, float]
"""Cores and bytes that a pod would request less."""


def estimate_bankable(
    runtime: Runtime, principal: Principal, as_of: datetime | None = None, *, cluster: str | None = None
) -> list[PoolSaving]:
    """Return per pool what could be banked; pools with several currencies are never added.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Must see all teams: nodes belong to none.
    as_of : datetime, optional
        The newest complete hour before it is packed; now by default.
    cluster : str, optional
    """
    if not principal.sees_all_teams:
        principal.visible_teams()
        return []
    moment = floor_hour(to_utc(as_of or runtime.now()))
    found = []
    for name in cluster_names(runtime, cluster):
        span = runtime.warehouse.ledger.span(name)
        if span is None or span.start >= moment:
            continue
        end = min(span.end, moment)
        found += _estimate_cluster(runtime, principal, name, HourWindow(end - HOUR, end))
    return found


def _estimate_cluster(
    runtime: Runtime, principal: Principal, cluster: str, hour: HourWindow
) -> list[PoolSaving]:
    nodes, pods = _read_nodes(runtime, cluster, hour), _read_pods(runtime, cluster, hour)
    changes = _read_changes(runtime, principal, cluster)
    pools: dict[str, list[_Node]] = defaultdict(list)
    for node in nodes:
        pools[node.pool].append(node)
    return [
        _summarise(cluster, name, members, _plan(members, pods, changes))
        for name, members in sorted(pools.items())
    ]


def _read_nodes(runtime: Runtime, cluster: str, hour: HourWindow) -> list[_Node]:
    rows = runtime.warehouse.lake.query(
        _NODES,
        tables={
            "node_hour": TableScan("node_hour", cluster, hour),
            "price": TableScan("asset_price_hour", cluster, hour),
        },
    ).to_pylist()
    return [
        _Node(
            row["node_key"],
            row["node_pool"] or "",
            (
                row["cpu_allocatable_cores"] or 0.0,
                row["memory_allocatable_bytes"] or 0.0,
                row["pod_allocatable"] or _DEFAULT_PODS_PER_NODE,
            ),
            None if row["cost"] is None else Decimal(str(row["cost"])),
            row["currency"],
        )
        for row in rows
    ]


def _read_pods(runtime: Runtime, cluster: str, hour: HourWindow) -> list[_Pod]:
    rows = runtime.warehouse.lake.query(
        _PODS, tables={"pod_hour": TableScan("pod_hour", cluster, hour)}
    ).to_pylist()
    return [
        _Pod(
            WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]),
            row["node_key"],
            row["cpu"],
            row["memory"],
        )
        for row in rows
    ]


def _read_changes(runtime: Runtime, principal: Principal, cluster: str) -> dict[WorkloadKey, Change]:
    changes: dict[WorkloadKey, Change] = {}
    for stored in runtime.warehouse.recommendations.list(principal, states=_OPEN, cluster=cluster):
        now, then = stored.recommendation.current, stored.recommendation.advised
        cores, size = changes.get(stored.recommendation.key.workload, (0.0, 0.0))
        changes[stored.recommendation.key.workload] = (
            cores + (now.cpu_request_cores or 0.0) - (then.cpu_request_cores or 0.0),
            size + (now.memory_request_bytes or 0.0) - (then.memory_request_bytes or 0.0),
        )
    return changes


def _plan(nodes: Sequence[_Node], pods: Sequence[_Pod], changes: Mapping[WorkloadKey, Change]) -> PoolPlan:
    keys = {node.key for node in nodes}
    mine = [pod for pod in pods if pod.node in keys]
    single = [pod for pod in mine if pod.workload.kind != "DaemonSet"]
    daemons = {pod.workload: pod for pod in mine if pod.workload.kind == "DaemonSet"}
    costs = [np.nan if node.cost is None else float(node.cost) for node in nodes]
    return plan_pool(
        PoolPods(
            _requests(single, {}),
            _requests(single, changes),
            _requests(list(daemons.values()), {}).sum(axis=0),
            _requests(list(daemons.values()), changes).sum(axis=0),
        ),
        np.array([node.room for node in nodes], dtype=np.float64),
        np.array(costs, dtype=np.float64),
    )


def _requests(pods: Sequence[_Pod], changes: Mapping[WorkloadKey, Change]) -> np.ndarray:
    rows = []
    for pod in pods:
        cores, size = changes.get(pod.workload, (0.0, 0.0))
        rows.append((max(pod.cpu - cores, 0.0), max(pod.memory - size, 0.0), 1.0))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _summarise(cluster: str, pool: str, nodes: Sequence[_Node], plan: PoolPlan) -> PoolSaving:
    going = [node for node, goes in zip(nodes, plan.removable_then, strict=True) if goes]
    currencies = {node.currency for node in nodes if node.currency is not None}
    currency = currencies.pop() if len(currencies) == 1 else None
    is_known = currency is not None and all(node.cost is not None for node in going)
    saving = sum((node.cost for node in going if node.cost is not None), Decimal(0)) * HOURS_PER_MONTH
    return PoolSaving(
        cluster,
        pool,
        len(nodes),
        int(plan.removable_now.sum()),
        len(going),
        saving.quantize(MICRO) if is_known else None,
        currency if is_known else None,
    )
