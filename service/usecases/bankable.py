"""Bankable saving: what the nodes cost that could go if open suggestions were applied and pods re-packed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from models.packing.placement import NodeRules, Placement, PodRules, build_placement
from models.packing.pools import PoolPlan, PoolPods, plan_pool
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.money import MICRO
from models.vocabulary.windows import HOUR, HourWindow, floor_hour, to_utc
from recommender.savings import HOURS_PER_MONTH
from service.runtime import Runtime
from service.usecases.pool_contents import (
    Change,
    PoolNode,
    PoolPod,
    read_changes,
    read_nodes,
    read_pods,
)
from service.usecases.pool_rules import ClusterRules, read_rules_of_pods
from service.usecases.profiles import cluster_names

TAINTS_NOT_KNOWN = "taints, affinity and disruption budgets are not known without the Kubernetes API"


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
    removable_saving_per_month_now : Decimal or None
        The same of nodes that could go by re-packing alone: no suggestion brings it.
    currency : str or None
    removable_nodes : tuple of str
        Names of the latter, in the order in which to lock, evict and switch them off: the emptiest first.
    pinned_pod_count : int
        Pods that cannot be moved, so that their nodes stay.
    note : str
        What the packing did not know; empty when it knew all.
    """

    cluster: str
    node_pool: str
    node_count: int
    removable_now: int
    removable_then: int
    bankable_saving_per_month: Decimal | None
    currency: str | None
    removable_nodes: tuple[str, ...] = ()
    pinned_pod_count: int = 0
    note: str = ""
    removable_saving_per_month_now: Decimal | None = None

    @property
    def bankable_by_suggestions_per_month(self) -> Decimal | None:
        """What suggestions add to what re-packing alone frees; None when either is not known.

        Below 0 where they ask for more than is requested now.
        """
        if self.bankable_saving_per_month is None or self.removable_saving_per_month_now is None:
            return None
        return self.bankable_saving_per_month - self.removable_saving_per_month_now


@dataclass(frozen=True)
class BankableContext:
    """What one cluster's pools could bank, and in which pool each workload has most of its pods."""

    pools: Mapping[str, PoolSaving]
    pool_of: Mapping[WorkloadKey, str]
    freed: Mapping[str, Mapping[WorkloadKey, float]] = field(default_factory=dict)
    """What each workload frees of its pool's room: cores and bytes each over the room, added, all pods."""

    def of(self, workload: WorkloadKey) -> PoolSaving | None:
        """Return what the workload's pool as a whole could bank, None where it does not run."""
        name = self.pool_of.get(workload)
        return None if name is None else self.pools.get(name)

    def share_ratio(self, workload: WorkloadKey) -> float | None:
        """Return the workload's share of what all open suggestions free in its pool, None when nothing is."""
        mine = self.freed.get(self.pool_of.get(workload, ""), {})
        total = sum(mine.values())
        return mine.get(workload, 0.0) / total if total > 0 else None


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
    found: list[PoolSaving] = []
    for name in cluster_names(runtime, cluster):
        changes = read_changes(runtime, principal, name)
        context = bankable_by_pool(runtime, name, changes, as_of)
        found += [context.pools[pool] for pool in sorted(context.pools)]
    return found


def bankable_by_pool(
    runtime: Runtime, cluster: str, changes: Mapping[WorkloadKey, Change], as_of: datetime | None = None
) -> BankableContext:
    """Return what each pool of a cluster could bank if its workloads requested that much less.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    changes : mapping of WorkloadKey to (cores, bytes)
        What a pod would request less.
    as_of : datetime, optional
        The newest complete hour before it is packed; now by default.
    """
    hour = packed_hour(runtime, cluster, as_of)
    if hour is None:
        return BankableContext({}, {})
    nodes, pods = read_nodes(runtime, cluster, hour), read_pods(runtime, cluster, hour)
    rules = read_rules_of_pods(runtime, cluster, hour.end)
    members: dict[str, list[PoolNode]] = defaultdict(list)
    for node in nodes:
        members[node.pool].append(node)
    residents: dict[str, list[PoolPod]] = {name: [] for name in members}
    pool_of_node = {node.key: node.pool for node in nodes}
    for pod in pods:
        if pod.node in pool_of_node:
            residents[pool_of_node[pod.node]].append(pod)
    pools = {
        name: _estimate_pool((cluster, name), members[name], residents[name], changes, rules)
        for name in members
    }
    freed = {name: _freed(members[name], residents[name], changes) for name in members}
    return BankableContext(pools, _main_pools(residents), freed)


def packed_hour(runtime: Runtime, cluster: str, as_of: datetime | None = None) -> HourWindow | None:
    """Return the newest stored hour of a cluster before an instant, now by default; None where none is."""
    moment = floor_hour(to_utc(as_of or runtime.now()))
    span = runtime.warehouse.ledger.span(cluster)
    if span is None or span.start >= moment:
        return None
    end = min(span.end, moment)
    return HourWindow(end - HOUR, end)


def _freed(
    nodes: Sequence[PoolNode], pods: Sequence[PoolPod], changes: Mapping[WorkloadKey, Change]
) -> dict[WorkloadKey, float]:
    cores, size = (max(sum(node.room[at] for node in nodes), 1e-12) for at in (0, 1))
    freed: dict[WorkloadKey, float] = defaultdict(float)
    for pod in pods:
        less = changes.get(pod.workload, (0.0, 0.0))
        freed[pod.workload] += max(less[0], 0.0) / cores + max(less[1], 0.0) / size
    return dict(freed)


def _main_pools(residents: Mapping[str, Sequence[PoolPod]]) -> dict[WorkloadKey, str]:
    counts: dict[WorkloadKey, Counter[str]] = defaultdict(Counter)
    for name in sorted(residents):
        for pod in residents[name]:
            counts[pod.workload][name] += 1
    return {workload: found.most_common(1)[0][0] for workload, found in counts.items()}


def _estimate_pool(
    key: tuple[str, str],
    nodes: Sequence[PoolNode],
    pods: Sequence[PoolPod],
    changes: Mapping[WorkloadKey, Change],
    rules: ClusterRules,
) -> PoolSaving:
    single = [pod for pod in pods if pod.workload.kind != "DaemonSet"]
    daemons = list({pod.workload: pod for pod in pods if pod.workload.kind == "DaemonSet"}.values())
    placement = _placement(single, nodes, rules) if rules.are_known else None
    costs = [np.nan if node.cost is None else float(node.cost) for node in nodes]
    plan = plan_pool(
        PoolPods(
            pod_requests(single, {}),
            pod_requests(single, changes),
            pod_requests(daemons, {}).sum(axis=0),
            pod_requests(daemons, changes).sum(axis=0),
        ),
        np.array([node.room for node in nodes], dtype=np.float64),
        np.array(costs, dtype=np.float64),
        placement,
    )
    found = _summarise(key, nodes, single, plan)
    if placement is None:
        return replace(found, note=TAINTS_NOT_KNOWN)
    return replace(found, pinned_pod_count=int((placement.pinned_to >= 0).sum()))


def _placement(pods: Sequence[PoolPod], nodes: Sequence[PoolNode], rules: ClusterRules) -> Placement:
    index = {node.key: number for number, node in enumerate(nodes)}
    nothing = PodRules()
    return build_placement(
        [rules.pods.get(pod.uid, nothing) for pod in pods],
        [rules.nodes.get(node.key, NodeRules(node.name)) for node in nodes],
        [index[pod.node] for pod in pods],
    )


def pod_requests(pods: Sequence[PoolPod], changes: Mapping[WorkloadKey, Change]) -> np.ndarray:
    """Return cores, bytes and 1 of each pod less its workload's change, shape (pods, 3)."""
    rows = []
    for pod in pods:
        cores, size = changes.get(pod.workload, (0.0, 0.0))
        rows.append((max(pod.cpu - cores, 0.0), max(pod.memory - size, 0.0), 1.0))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _summarise(
    key: tuple[str, str], nodes: Sequence[PoolNode], pods: Sequence[PoolPod], plan: PoolPlan
) -> PoolSaving:
    going = [node for node, goes in zip(nodes, plan.removable_then, strict=True) if goes]
    currencies = {node.currency for node in nodes if node.currency is not None}
    currency = currencies.pop() if len(currencies) == 1 else None
    saving = None if currency is None else _cost_per_month(going)
    already = [node for node, goes in zip(nodes, plan.removable_now, strict=True) if goes]
    now = None if currency is None else _cost_per_month(already)
    load = Counter(pod.node for pod in pods)
    ordered = sorted(going, key=lambda node: (load[node.key], node.name))
    cluster, name = key
    return PoolSaving(
        cluster,
        name,
        len(nodes),
        int(plan.removable_now.sum()),
        len(going),
        saving,
        currency if saving is not None or now is not None else None,
        tuple(node.name for node in ordered),
        removable_saving_per_month_now=now,
    )


def _cost_per_month(nodes: Sequence[PoolNode]) -> Decimal | None:
    """Return the effective cost of some nodes over 720 hours, None when one of them has no price."""
    costs = [node.cost for node in nodes if node.cost is not None]
    if len(costs) < len(nodes):
        return None
    return (sum(costs, Decimal(0)) * HOURS_PER_MONTH).quantize(MICRO)
