"""What is on the nodes of a cluster in one hour: nodes with price and room, pods, open changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.identity import ContainerKey, Principal, WorkloadKey
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from warehouse.lake.reading import TableScan

OPEN_STATES = frozenset({RecommendationState.PROPOSED, RecommendationState.ACCEPTED})
_DEFAULT_PODS_PER_NODE = 110.0

_NODES = """
    SELECT node_hour.node_key, node, node_pool, cpu_allocatable_cores, memory_allocatable_bytes,
           pod_allocatable, price.currency,
           price.effective_cost * 3600 / nullif(running_seconds, 0)::DECIMAL(18,3) AS cost
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
class PoolNode:
    """One node: key, name, pool, room (cores, bytes, pods), effective cost per hour; None is unpriced."""

    key: str
    name: str
    pool: str
    room: tuple[float, float, float]
    cost: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class PoolPod:
    """One pod: uid, workload, node key, effective request in cores and bytes."""

    uid: str
    workload: WorkloadKey
    node: str
    cpu: float
    memory: float


Change = tuple[float, float]
"""Cores and bytes that a pod would request less."""


def read_nodes(runtime: Runtime, cluster: str, hour: HourWindow) -> list[PoolNode]:
    """Return the nodes of an hour, by key."""
    rows = runtime.warehouse.lake.query(
        _NODES,
        tables={
            "node_hour": TableScan("node_hour", cluster, hour),
            "price": TableScan("asset_price_hour", cluster, hour),
        },
    ).to_pylist()
    return [
        PoolNode(
            row["node_key"],
            row["node"] or row["node_key"],
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


def read_pods(runtime: Runtime, cluster: str, hour: HourWindow) -> list[PoolPod]:
    """Return the pods that were on a node in an hour, by uid."""
    rows = runtime.warehouse.lake.query(
        _PODS, tables={"pod_hour": TableScan("pod_hour", cluster, hour)}
    ).to_pylist()
    return [
        PoolPod(
            row["pod_uid"],
            WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]),
            row["node_key"],
            row["cpu"],
            row["memory"],
        )
        for row in rows
    ]


def read_changes(runtime: Runtime, principal: Principal, cluster: str) -> dict[WorkloadKey, Change]:
    """Return what a pod of each workload would request less if all open suggestions were applied.

    Accepted ones count with the values that their owners agreed to.
    """
    stored = runtime.warehouse.recommendations.list(principal, states=OPEN_STATES, cluster=cluster)
    return add_changes((one.recommendation.key, one.recommendation.current, one.wanted) for one in stored)


def add_changes(
    values: Iterable[tuple[ContainerKey, ResourceValues, ResourceValues]],
) -> dict[WorkloadKey, Change]:
    """Return what a pod of each workload would request less, from each container's values now and then."""
    changes: dict[WorkloadKey, Change] = {}
    for key, now, then in values:
        cores, size = changes.get(key.workload, (0.0, 0.0))
        changes[key.workload] = (
            cores + (now.cpu_request_cores or 0.0) - (then.cpu_request_cores or 0.0),
            size + (now.memory_request_bytes or 0.0) - (then.memory_request_bytes or 0.0),
        )
    return changes
