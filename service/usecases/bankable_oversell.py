"""Suggestions and oversold nodes: what a pool saves by each, and by both, which is less than the sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.packing.joint import JointPlan, OversellLimits, plan_jointly
from models.vocabulary.identity import Principal, WorkloadKey
from service.runtime import Runtime
from service.usecases.bankable import packed_hour, pod_requests
from service.usecases.oversell import list_oversell
from service.usecases.pool_contents import Change, PoolNode, PoolPod, read_changes, read_nodes, read_pods
from service.usecases.profiles import cluster_names

NOT_ALIKE = "its nodes are not alike"
NO_PLAN = "no oversell ratio above 1 is advised for it"
_DIMENSIONS = ("cpu", "memory", "pods")


@dataclass(frozen=True)
class JointSaving:
    """Nodes of one pool that two levers could save, counted on like nodes without placement rules.

    Parameters
    ----------
    cluster, node_pool : str
    node_count : int
        Nodes that hold its pods as they are, packed anew.
    saved_by_suggestions, saved_by_oversell, saved_by_both : int or None
        Nodes fewer than that; None where ``note`` says why they are not counted.
    note : str
    """

    cluster: str
    node_pool: str
    node_count: int | None = None
    saved_by_suggestions: int | None = None
    saved_by_oversell: int | None = None
    saved_by_both: int | None = None
    note: str = ""


def estimate_with_oversell(
    runtime: Runtime, principal: Principal, *, cluster: str | None = None
) -> list[JointSaving]:
    """Return per pool what suggestions and the newest oversell plan save, each alone and together.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Must see all teams: nodes belong to none.
    cluster : str, optional

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    """
    if not principal.sees_all_teams:
        principal.visible_teams()
        return []
    peaks = _read_peaks(runtime, principal, cluster)
    found: list[JointSaving] = []
    for name in cluster_names(runtime, cluster):
        hour = packed_hour(runtime, name)
        if hour is None:
            continue
        nodes, pods = read_nodes(runtime, name, hour), read_pods(runtime, name, hour)
        changes = read_changes(runtime, principal, name)
        for pool in sorted({node.pool for node in nodes}):
            mine = [node for node in nodes if node.pool == pool]
            keys = {node.key for node in mine}
            residents = [pod for pod in pods if pod.node in keys]
            limits = _limits(runtime, peaks.get((name, pool), {}))
            found.append(_estimate((name, pool), mine, residents, changes, limits))
    return found


def _estimate(
    key: tuple[str, str],
    nodes: Sequence[PoolNode],
    pods: Sequence[PoolPod],
    changes: Mapping[WorkloadKey, Change],
    limits: OversellLimits,
) -> JointSaving:
    if len({node.room for node in nodes}) != 1:
        return JointSaving(*key, note=NOT_ALIKE)
    single = [pod for pod in pods if pod.workload.kind != "DaemonSet"]
    daemons = list({pod.workload: pod for pod in pods if pod.workload.kind == "DaemonSet"}.values())
    room = np.array(nodes[0].room, dtype=np.float64) - pod_requests(daemons, {}).sum(axis=0)
    plan = plan_jointly(pod_requests(single, {}), pod_requests(single, changes), room, limits)
    return _summarise(key, plan, NO_PLAN if np.isnan(limits.predicted_peak).all() else "")


def _summarise(key: tuple[str, str], plan: JointPlan, note: str) -> JointSaving:
    return JointSaving(
        *key,
        node_count=plan.nodes_now,
        saved_by_suggestions=plan.nodes_now - plan.nodes_with_compression,
        saved_by_oversell=plan.nodes_now - plan.nodes_with_oversell,
        saved_by_both=plan.joint_saving,
        note=note,
    )


def _limits(runtime: Runtime, peaks: Mapping[str, float]) -> OversellLimits:
    settings = runtime.settings
    predicted = np.array([peaks.get(name, np.nan) for name in _DIMENSIONS], dtype=np.float64)
    return OversellLimits(predicted, settings.oversell_theta, settings.oversell_ratio_max)


def _read_peaks(
    runtime: Runtime, principal: Principal, cluster: str | None
) -> dict[tuple[str, str], dict[str, float]]:
    """Return the predicted peak of each pool and resource that the newest plan would oversell."""
    peaks: dict[tuple[str, str], dict[str, float]] = {}
    for row in list_oversell(runtime, principal, cluster=cluster).to_pylist():
        is_sold = row["safe_oversell_ratio"] is not None and row["safe_oversell_ratio"] > 1
        if row["scope"] == "pool" and is_sold and row["predicted_peak"] is not None:
            peaks.setdefault((row["cluster"], row["name"]), {})[row["resource"]] = row["predicted_peak"]
    return peaks
