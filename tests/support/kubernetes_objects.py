"""Hand-written Kubernetes objects for tests: small, and valid as a real server would return them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

JsonObject = dict[str, Any]
START = datetime(2026, 11, 1, tzinfo=UTC)


def at(hours: float = 0.0, minutes: float = 0.0, seconds: float = 0.0) -> datetime:
    """Return a moment after the start of the test cluster's life."""
    return START + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def node(name: str = "n1", created: datetime = START, provider_id: str = "", **labels: str) -> JsonObject:
    described = {
        "node.kubernetes.io/instance-type": "m6i.xlarge",
        "topology.kubernetes.io/region": "eu-west-1",
        "topology.kubernetes.io/zone": "eu-west-1a",
        "karpenter.sh/capacity-type": "on-demand",
        "karpenter.sh/nodepool": "general",
        **labels,
    }
    amounts = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    return {
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"node-{name}-{stamp(created)}",
            "creationTimestamp": stamp(created),
            "labels": described,
        },
        "spec": {"providerID": provider_id or f"aws:///eu-west-1a/i-{name}"},
        "status": {"capacity": amounts, "allocatable": {**amounts, "cpu": "3920m"}},
    }


def pod(
    name: str = "web-6c9-a",
    *,
    uid: str | None = None,
    scheduled: datetime | None = START,
    runs: dict[str, list[tuple[datetime, datetime | None, str | None]]] | None = None,
    cpu: str = "500m",
    memory: str = "256Mi",
    node_name: str = "n1",
    phase: str = "Running",
    restarts: int = 0,
    labels: dict[str, str] | None = None,
    owner: tuple[str, str] | None = ("ReplicaSet", "web-6c9"),
    init_containers: list[JsonObject] | None = None,
    namespace: str = "shop",
) -> JsonObject:
    """Return a Pod; ``runs`` gives per container the newest two runs as (start, end, reason)."""
    scheduled_at = scheduled or START
    metadata: JsonObject = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"uid-{name}",
        "creationTimestamp": stamp(scheduled_at),
        "labels": {"team": "web", "pod-template-hash": "6c9", **(labels or {})},
    }
    if owner:
        reference = {"kind": owner[0], "name": owner[1], "uid": f"uid-{owner[1]}", "controller": True}
        metadata["ownerReferences"] = [reference]
    statuses = [
        _container_status(container, past, restarts)
        for container, past in (runs if runs is not None else {"main": [(scheduled_at, None, None)]}).items()
    ]
    inits = {container["name"] for container in init_containers or []}
    condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(scheduled_at)}
    resources = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "nodeName": node_name,
            "containers": [{"name": "main", "resources": resources}],
            **({"initContainers": init_containers} if init_containers else {}),
        },
        "status": {
            "phase": phase,
            "startTime": stamp(scheduled_at),
            "conditions": [condition] if scheduled else [],
            "containerStatuses": [status for status in statuses if status["name"] not in inits],
            "initContainerStatuses": [status for status in statuses if status["name"] in inits],
        },
    }


def volume(
    name: str = "pv-1",
    created: datetime = START,
    *,
    size: str = "20Gi",
    claim: tuple[str, str] | None = ("shop", "data"),
    zone: str = "eu-west-1a",
) -> JsonObject:
    """Return a PersistentVolume of the EBS driver; without a claim it was never bound."""
    topology = {"key": "topology.ebs.csi.aws.com/zone", "operator": "In", "values": [zone]}
    spec: JsonObject = {
        "capacity": {"storage": size},
        "storageClassName": "gp3",
        "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{name}"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [topology]}]}},
    }
    if claim is not None:
        spec["claimRef"] = {"namespace": claim[0], "name": claim[1]}
    return {"kind": "PersistentVolume", "metadata": _plain_metadata(name, created), "spec": spec}


def claim(
    name: str = "data", bound_to: str = "pv-1", created: datetime = START, namespace: str = "shop"
) -> JsonObject:
    """Return a PersistentVolumeClaim that is bound to a volume."""
    spec = {"storageClassName": "gp3", "volumeName": bound_to}
    metadata = {**_plain_metadata(name, created), "namespace": namespace}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def service(
    name: str = "public",
    created: datetime = START,
    *,
    kind: str = "LoadBalancer",
    address: str = "a1.elb.amazonaws.com",
    namespace: str = "shop",
) -> JsonObject:
    """Return a Service, with the address of its load balancer if it has one."""
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}
    metadata = {**_plain_metadata(name, created), "namespace": namespace, "annotations": annotations}
    ingress = [{"hostname": address}] if address else []
    status = {"loadBalancer": {"ingress": ingress}}
    return {"kind": "Service", "metadata": metadata, "spec": {"type": kind}, "status": status}


def mounting(pod_object: JsonObject, *claims: str) -> JsonObject:
    """Return the pod with claims mounted."""
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return {**pod_object, "spec": {**pod_object["spec"], "volumes": volumes}}


def _plain_metadata(name: str, created: datetime) -> JsonObject:
    return {"name": name, "uid": f"uid-{name}-{stamp(created)}", "creationTimestamp": stamp(created)}


def _container_status(
    name: str, runs: list[tuple[datetime, datetime | None, str | None]], restarts: int
) -> JsonObject:
    states = [_state(*run) for run in runs]
    return {
        "name": name,
        "restartCount": restarts,
        "state": states[-1] if states else {"waiting": {"reason": "PodInitializing"}},
        "lastState": states[-2] if len(states) > 1 else {},
    }


def _state(started: datetime, finished: datetime | None, reason: str | None) -> JsonObject:
    if finished is None:
        return {"running": {"startedAt": stamp(started)}}
    ended = {"startedAt": stamp(started), "finishedAt": stamp(finished), "reason": reason or "Completed"}
    return {"terminated": ended}


def replicaset(name: str = "web-6c9", deployment: str = "web", namespace: str = "shop") -> JsonObject:
    owner = {"kind": "Deployment", "name": deployment, "uid": f"uid-{deployment}", "controller": True}
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "creationTimestamp": stamp(START),
        "ownerReferences": [owner],
    }
    return {"kind": "ReplicaSet", "metadata": metadata, "spec": {"replicas": 1}}
