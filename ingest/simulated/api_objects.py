"""Kubernetes objects of a simulated cluster at one moment, as an API server lists them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ingest.simulated.asset_objects import asset_objects
from ingest.simulated.cadvisor import node_address
from ingest.simulated.usage_files import pod_labels
from models.kubernetes.pod_request import ContainerKind
from models.simulation.assets import claim_of, shared_claim_of
from models.simulation.instance_types import INSTANCE_TYPES
from models.simulation.noise import uid_of
from models.simulation.scenario import ContainerPlan, WorkloadPlan
from models.simulation.timeline import ClusterTimeline, SimulatedNode, SimulatedPod
from models.vocabulary.quantity import format_cpu, format_memory

Object = dict[str, Any]

_API_VERSIONS = {
    "Node": "v1",
    "Namespace": "v1",
    "Pod": "v1",
    "ReplicaSet": "apps/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "PersistentVolume": "v1",
    "PersistentVolumeClaim": "v1",
    "Service": "v1",
}
_RESOURCE_VERSION = "1755"


def write_api_objects(timeline: ClusterTimeline, folder: Path, moment: int) -> dict[str, int]:
    """Write one list per kind (``pods.json``, ``nodes.json``, ...) and return the items of each.

    Parameters
    ----------
    moment : int
        Unix seconds; what exists then is listed, in its state then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lists = api_objects(timeline, moment)
    for kind, items in lists.items():
        body = {
            "kind": f"{kind}List",
            "apiVersion": _API_VERSIONS[kind],
            "metadata": {"resourceVersion": _RESOURCE_VERSION},
            "items": items,
        }
        path = folder / f"{kind.lower()}s.json"
        path.write_text(json.dumps(body, separators=(",", ":")) + "\n", encoding="utf-8")
    return {kind: len(items) for kind, items in lists.items()}


def api_objects(timeline: ClusterTimeline, moment: int) -> dict[str, list[Object]]:
    """Return the objects of each kind that exist at a moment (Unix seconds)."""
    listed = [
        (position, pod)
        for position, pod in enumerate(timeline.pods)
        if pod.started_at <= moment < max(pod.listed_until, pod.started_at + 1)
    ]
    containers: dict[int, list[int]] = defaultdict(list)
    wanted = {position for position, _ in listed}
    for container, position in enumerate(timeline.containers.pod.tolist()):
        if position in wanted:
            containers[position].append(container)
    objects: dict[str, list[Object]] = {kind: [] for kind in _API_VERSIONS}
    objects["Node"] = [_node(node) for node in timeline.nodes if node.created_at <= moment < node.deleted_at]
    objects["Namespace"] = [
        _object(
            "Namespace", plan.name, "", uid_of(timeline.seed, "ns", plan.name), timeline.start, plan.labels
        )
        | {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        for plan in timeline.plan.namespaces
    ]
    objects["Pod"] = [_pod(timeline, pod, containers[position], moment) for position, pod in listed]
    objects |= asset_objects(timeline, moment, _object)
    _add_controllers(timeline, [pod for _, pod in listed], moment, objects)
    return objects


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _object(
    kind: str,
    name: str,
    namespace: str,
    uid: str,
    created: int,
    labels: Mapping[str, str],
    owner: Object | None = None,
) -> Object:
    metadata: Object = {
        "name": name,
        "uid": uid,
        "resourceVersion": _RESOURCE_VERSION,
        "creationTimestamp": _time(created),
        "labels": dict(sorted(labels.items())),
    }
    if namespace:
        metadata["namespace"] = namespace
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    return {"metadata": metadata}


def _owner(kind: str, name: str, uid: str) -> Object:
    return {
        "apiVersion": _API_VERSIONS[kind],
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _node(node: SimulatedNode) -> Object:
    kind = INSTANCE_TYPES[node.pool.instance_type]
    sizes = {"ephemeral-storage": "200Gi", "pods": str(kind.pod_slots)}
    body = _object("Node", node.name, "", node.uid, node.created_at, node.labels)
    body["spec"] = {"providerID": node.provider_id}
    body["status"] = {
        "capacity": {"cpu": str(kind.cpu_cores), "memory": f"{int(kind.memory_bytes / 1024)}Ki", **sizes},
        "allocatable": {
            "cpu": format_cpu(kind.cpu_allocatable_cores),
            "memory": f"{int(kind.memory_allocatable_bytes / 1024)}Ki",
            **sizes,
        },
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "lastHeartbeatTime": _time(node.created_at),
                "lastTransitionTime": _time(node.created_at),
                "reason": "KubeletReady",
                "message": "simulated",
            }
        ],
        "addresses": [
            {"type": "InternalIP", "address": node_address(node)},
            {"type": "Hostname", "address": node.name},
        ],
        "nodeInfo": {
            "systemUUID": node.system_uuid,
            "kernelVersion": "6.1.0",
            "osImage": "Debian GNU/Linux 12",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kubeletVersion": "v1.36.2",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }
    return body


def _pod(timeline: ClusterTimeline, pod: SimulatedPod, containers: list[int], moment: int) -> Object:
    workload = timeline.workload_of(pod)
    owner = _owner(pod.owner_kind, pod.owner_name, pod.owner_uid) if pod.owner_kind else None
    labels = pod_labels(workload, timeline, pod)
    body = _object("Pod", pod.name, workload.namespace, pod.uid, pod.started_at, labels, owner)
    ratio = workload.rollouts[pod.revision - 1].request_ratio if pod.revision else 1.0
    body["spec"] = {
        **_pod_spec(workload, ratio),
        **_volumes((claim_of(workload, pod.name), shared_claim_of(timeline, pod.workload))),
        "nodeName": timeline.nodes[pod.node].name,
        "restartPolicy": "Never" if pod.owner_kind == "Job" else "Always",
    }
    is_done = moment >= pod.ended_at
    started = _time(pod.started_at)
    statuses = [_container_status(timeline, container, moment) for container in containers]
    body["status"] = {
        "phase": "Succeeded" if is_done else "Running",
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": started}
            for kind in ("PodScheduled", "Initialized")
        ],
        "hostIP": node_address(timeline.nodes[pod.node]),
        "startTime": started,
        "initContainerStatuses": [status for is_init, status in statuses if is_init],
        "containerStatuses": [status for is_init, status in statuses if not is_init],
        "qosClass": "Burstable",
    }
    return body


def _pod_spec(workload: WorkloadPlan, ratio: float) -> Object:
    def container(plan: ContainerPlan) -> Object:
        scale = 1.0 if plan.kind is ContainerKind.INIT else ratio
        requests = _quantities(plan.cpu_request_cores, plan.memory_request_bytes, scale)
        limits = _quantities(plan.cpu_limit_cores, plan.memory_limit_bytes, 1.0)
        resources = {name: part for name, part in (("limits", limits), ("requests", requests)) if part}
        image = f"registry.example/{workload.namespace}/{plan.name}:r1"
        body: Object = {"name": plan.name, "image": image, "resources": resources}
        return body | ({"restartPolicy": "Always"} if plan.kind is ContainerKind.SIDECAR else {})

    plans = workload.containers
    spec: Object = {"containers": [container(plan) for plan in plans if plan.kind is ContainerKind.MAIN]}
    init = [container(plan) for plan in plans if plan.kind is not ContainerKind.MAIN]
    if init:
        spec["initContainers"] = init
    return spec


def _volumes(claims: tuple[str, ...]) -> Object:
    mounted = [claim for claim in claims if claim]
    named = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}} for claim in mounted]
    return {"volumes": named} if named else {}


def _quantities(cores: float | None, size_bytes: float | None, ratio: float) -> dict[str, str]:
    parts = {}
    if cores is not None:
        parts["cpu"] = format_cpu(round(cores * ratio, 3))
    if size_bytes is not None:
        parts["memory"] = format_memory(round(size_bytes * ratio / 1048576.0) * 1048576.0)
    return parts


def _container_status(timeline: ClusterTimeline, container: int, moment: int) -> tuple[bool, Object]:
    """Return whether it is listed as an init container (sidecars are), and its status with the last kill."""
    columns = timeline.containers
    plan = timeline.container_plans[int(columns.plan[container])]
    start, end = int(columns.start[container]), int(columns.end[container])
    period = int(columns.restart_period_seconds[container])
    until = min(moment, end - 1)
    restarts = max(0, (until - start) // period) if period > 0 else 0
    begun = start + restarts * period
    ended: Object = {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": _time(start),
        "finishedAt": _time(end),
    }
    last: Object = {}
    if restarts:
        killed = {"exitCode": 137, "reason": "OOMKilled"}
        last = {"terminated": killed | {"startedAt": _time(begun - period), "finishedAt": _time(begun)}}
    state = {"terminated": ended} if moment >= end else {"running": {"startedAt": _time(begun)}}
    if moment < start:
        state = {"waiting": {"reason": "PodInitializing"}}
    return plan.kind is not ContainerKind.MAIN, {
        "name": plan.name,
        "state": state,
        "lastState": last,
        "ready": "running" in state,
        "restartCount": int(restarts),
        "started": "running" in state,
        "containerID": f"containerd://{uid_of(timeline.seed, 'container', container, restarts)}",
    }


def _add_controllers(
    timeline: ClusterTimeline, pods: list[SimulatedPod], moment: int, objects: dict[str, list[Object]]
) -> None:
    """Add workloads, and the ReplicaSets and Jobs between them and the listed pods."""
    of_workload: dict[int, list[SimulatedPod]] = defaultdict(list)
    for pod in pods:
        of_workload[pod.workload].append(pod)
    for index, workload in enumerate(timeline.plan.workloads):
        if workload.kind == "Pod":
            continue
        uid = uid_of(timeline.seed, workload.kind, index, workload.name)
        body = _object(workload.kind, workload.name, workload.namespace, uid, timeline.start, workload.labels)
        mine = of_workload[index]
        objects[workload.kind].append(body | _workload_body(workload, mine, moment))
        between = {pod.owner_name: pod for pod in mine if pod.owner_kind in ("ReplicaSet", "Job")}
        for name, pod in sorted(between.items()):
            owner = _owner(workload.kind, workload.name, uid)
            labels = pod_labels(workload, timeline, pod)
            made = _object(
                pod.owner_kind, name, workload.namespace, pod.owner_uid, pod.started_at, labels, owner
            )
            copies = sum(other.owner_name == name for other in mine)
            objects[pod.owner_kind].append(made | {"spec": _controlled_spec(pod, workload, copies)})


def _controlled_spec(pod: SimulatedPod, workload: WorkloadPlan, copies: int) -> Object:
    ratio = workload.rollouts[pod.revision - 1].request_ratio if pod.revision else 1.0
    count = {"completions": 1, "parallelism": 1} if pod.owner_kind == "Job" else {"replicas": copies}
    return {**count, "template": {"spec": _pod_spec(workload, ratio)}}


def _workload_body(workload: WorkloadPlan, pods: list[SimulatedPod], moment: int) -> Object:
    number = int(np.sum([rollout.at <= moment for rollout in workload.rollouts]))
    ratio = workload.rollouts[number - 1].request_ratio if number else 1.0
    labels = dict(workload.labels) | (dict(workload.rollouts[number - 1].labels) if number else {})
    template = {"metadata": {"labels": labels}, "spec": _pod_spec(workload, ratio)}
    if workload.schedule is not None:
        minutes = workload.schedule.period_seconds // 60
        spec: Object = {"schedule": f"*/{minutes} * * * *", "jobTemplate": {"spec": {"template": template}}}
        return {"spec": spec, "status": {}}
    running = sum(moment < pod.ended_at for pod in pods)
    spec = {"template": template, "selector": {"matchLabels": dict(workload.labels)}}
    if workload.kind != "DaemonSet":
        spec["replicas"] = running
    return {"spec": spec, "status": {"replicas": running, "readyReplicas": running}}
