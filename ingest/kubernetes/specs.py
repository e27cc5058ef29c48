"""The part of each object that is kept: what cost, ownership, suggestions and plans read, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ingest.kubernetes.pod_specs import pod_constraints, pod_spec
from models.kubernetes.field_managers import resource_managers
from models.kubernetes.gpu import describe_gpus, gpu_capacity, gpu_devices
from models.kubernetes.kinds import KINDS, canonical_kind
from models.kubernetes.nodes import describe_node, node_key, region, zone
from models.kubernetes.pod_request import read_amounts
from models.vocabulary.errors import InputError
from models.vocabulary.windows import to_utc

JsonObject = dict[str, Any]

ANNOTATION_PREFIXES = (
    "millicore.io/",
    "deployment.kubernetes.io/revision",
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
    "karpenter.sh/do-not-disrupt",
    "controller.kubernetes.io/pod-deletion-cost",
    "argocd.argoproj.io/tracking-id",
    "config.kubernetes.io/owning-inventory",
    "configmanagement.gke.io/managed",
    "meta.helm.sh/release-name",
    "objectset.rio.cattle.io/id",
    "owner",
    "team",
    "cost-center",
    "cost-centre",
)
"""Annotations that are kept, by prefix; others may hold whole manifests or secrets and never leave."""


_BALANCER_TYPES = (
    "service.beta.kubernetes.io/aws-load-balancer-type",
    "networking.gke.io/load-balancer-type",
    "cloud.google.com/load-balancer-type",
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec",
)
"""Annotations that name the kind of load balancer that a provider makes."""

_TOPOLOGY_OF_DRIVERS = {
    "topology.ebs.csi.aws.com/zone": "topology.kubernetes.io/zone",
    "topology.gke.io/zone": "topology.kubernetes.io/zone",
    "topology.disk.csi.azure.com/zone": "topology.kubernetes.io/zone",
    "topology.diskplugin.csi.alibabacloud.com/zone": "topology.kubernetes.io/zone",
}


def read_spec(kind: str, item: Mapping[str, Any]) -> JsonObject:
    """Return the kept part of an object, ready for JSON.

    Raises
    ------
    InputError
        If the object is not one of its kind, or a quantity or time in it is malformed; kind, namespace and
        name are named.
    """
    metadata = item.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        raise InputError("has no name", field=f"{kind}.metadata")
    try:
        spec = {**_common(metadata), **_BY_KIND[kind](item)}
    except (AttributeError, TypeError) as problem:
        raise InputError(f"is not a {kind} ({problem})", field=_place(kind, metadata)) from problem
    except InputError as problem:
        field = f"{_place(kind, metadata)} {problem.field}"
        raise InputError(problem.reason, field=field, value=problem.value) from problem
    return {name: value for name, value in spec.items() if value not in (None, {}, [])}


def is_kept(kind: str, item: Mapping[str, Any]) -> bool:
    """Say whether an object is stored at all: of the Services, only load balancers cost money."""
    return kind != "Service" or (item.get("spec") or {}).get("type") == "LoadBalancer"


def latest_instant(item: Mapping[str, Any]) -> datetime | None:
    """Return the newest time that the object itself states: when its present version came to be.

    Reads creation, deletion, field management, conditions and container states. Field management of a
    ``status`` that reports heartbeats is left out, since it moves without a change.
    """
    metadata = item.get("metadata") or {}
    status = item.get("status") or {}
    texts = [metadata.get("creationTimestamp")]
    texts += [
        entry.get("time")
        for entry in metadata.get("managedFields") or ()
        if entry.get("subresource") != "status"
    ]
    texts += [entry.get("lastTransitionTime") for entry in status.get("conditions") or ()]
    for group in ("containerStatuses", "initContainerStatuses"):
        for entry in status.get(group) or ():
            for state in ({**(entry.get("state") or {})}, {**(entry.get("lastState") or {})}):
                texts += [part.get(name) for part in state.values() for name in ("startedAt", "finishedAt")]
    moments = [moment for text in texts if (moment := parse_time(text)) is not None]
    return max(moments, default=None)


def parse_time(text: object) -> datetime | None:
    """Return an RFC 3339 time in UTC, None for nothing.

    Raises
    ------
    InputError
        If the text is not a time.
    """
    if not text:
        return None
    try:
        return to_utc(datetime.fromisoformat(str(text)))
    except ValueError as problem:
        raise InputError("is not an RFC 3339 time", field="time", value=text) from problem


def _place(kind: str, metadata: Mapping[str, Any]) -> str:
    return f"{kind} {metadata.get('namespace', '')}/{metadata.get('name')}"


def _common(metadata: Mapping[str, Any]) -> JsonObject:
    owners = metadata.get("ownerReferences") or []
    owner = next((one for one in owners if one.get("controller")), owners[0] if len(owners) == 1 else None)
    annotations = metadata.get("annotations") or {}
    return {
        "labels": dict(metadata.get("labels") or {}),
        "annotations": {k: v for k, v in annotations.items() if k.startswith(ANNOTATION_PREFIXES)},
        "owner": owner and _owner(owner),
        "created_at": metadata.get("creationTimestamp"),
        "generate_name": metadata.get("generateName"),
    }


def _owner(reference: Mapping[str, Any]) -> JsonObject:
    kind = canonical_kind(str(reference.get("kind")), reference.get("apiVersion"))
    return {"kind": kind, "name": reference.get("name"), "uid": reference.get("uid")}


def _node(item: Mapping[str, Any]) -> JsonObject:
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    info = status.get("nodeInfo") or {}
    provider_id = spec.get("providerID") or None
    labels = metadata.get("labels") or {}
    described = describe_node(labels, provider_id)
    created = parse_time(metadata.get("creationTimestamp"))
    capacity = _quantities(status.get("capacity"), "capacity")
    allocatable = _quantities(status.get("allocatable"), "allocatable")
    sharing = describe_gpus(capacity, labels)
    return {
        "node_key": node_key(provider_id, info.get("systemUUID"), metadata["name"], created),
        "provider_id": provider_id,
        "instance_type": described.instance_type,
        "region": described.region,
        "zone": described.zone,
        "node_pool": described.node_pool,
        "purchase_option": described.purchase_option,
        "capacity": capacity,
        "allocatable": allocatable,
        "gpu_capacity": gpu_capacity(capacity, sharing),
        "gpu_allocatable": gpu_devices(allocatable, sharing),
        "taints": spec.get("taints"),
        "unschedulable": spec.get("unschedulable") or None,
        "kubelet_version": info.get("kubeletVersion"),
        "architecture": info.get("architecture"),
    }


def _quantities(amounts: Mapping[str, Any] | None, field: str) -> JsonObject:
    return {name: float(amount) for name, amount in read_amounts(amounts, f"status.{field}").items()}


def _workload_of(kind: str) -> Callable[[Mapping[str, Any]], JsonObject]:
    """Return the reader of a kind with a pod template; who owns its resources is kept, not what they say."""

    def read(item: Mapping[str, Any]) -> JsonObject:
        managed = (item.get("metadata") or {}).get("managedFields")
        reference = (item.get("spec") or {}).get("workloadRef") or {}
        return {
            **_workload(item),
            "resource_managers": resource_managers(managed, KINDS[kind]),
            "workload_ref": reference and {name: reference.get(name) for name in ("kind", "name")},
        }

    return read


def _sidecar_set(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    names = [one["name"] for group in ("initContainers", "containers") for one in spec.get(group) or ()]
    return {"injects": names, "selector": spec.get("selector"), "namespace": spec.get("namespace")}


def _workload(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    template = (
        spec.get("template") or ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template") or {}
    )
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    status = item.get("status") or {}
    return {
        "replicas": spec.get("replicas"),
        "selector": spec.get("selector"),
        "strategy": strategy or None,
        "schedule": spec.get("schedule"),
        "suspend": spec.get("suspend") or None,
        "parallelism": spec.get("parallelism"),
        "start_time": status.get("startTime"),
        "completion_time": status.get("completionTime"),
        "template": {
            "labels": dict((template.get("metadata") or {}).get("labels") or {}),
            **pod_constraints(template.get("spec") or {}),
        }
        if template
        else None,
    }


def _plain(*fields: str) -> Callable[[Mapping[str, Any]], JsonObject]:
    def read(item: Mapping[str, Any]) -> JsonObject:
        spec = item.get("spec") or {}
        return {name: spec.get(name) for name in fields}

    return read


_KEPT_TRIGGER_FIELDS = {
    "cpu": ("type", "value", "containerName"),
    "memory": ("type", "value", "containerName"),
    "cron": ("timezone", "start", "end", "desiredReplicas"),
}
"""What is kept of the metadata of a KEDA trigger; that of others may hold addresses and credentials."""


def _scaled_object(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    names = ("scaleTargetRef", "minReplicaCount", "maxReplicaCount", "idleReplicaCount", "cooldownPeriod")
    config = (spec.get("advanced") or {}).get("horizontalPodAutoscalerConfig") or {}
    kept = {name: config[name] for name in ("name", "behavior") if config.get(name)}
    return {
        **{name: spec.get(name) for name in names},
        "triggers": [_trigger(trigger) for trigger in spec.get("triggers") or ()],
        "advanced": {"horizontalPodAutoscalerConfig": kept} if kept else None,
    }


def _trigger(trigger: Mapping[str, Any]) -> JsonObject:
    metadata = trigger.get("metadata") or {}
    kept = _KEPT_TRIGGER_FIELDS.get(str(trigger.get("type")), ())
    told = {
        "type": trigger.get("type"),
        "name": trigger.get("name"),
        "metricType": trigger.get("metricType"),
        "metadata": {name: metadata[name] for name in kept if name in metadata},
    }
    return {name: value for name, value in told.items() if value not in (None, {})}


def _quota(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    _quantities(spec.get("hard"), "hard")
    return {name: spec.get(name) for name in ("hard", "scopes", "scopeSelector")}


def _service(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    ingress = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    annotations = (item.get("metadata") or {}).get("annotations") or {}
    stated = next((annotations[name] for name in _BALANCER_TYPES if annotations.get(name)), None)
    return {
        "type": spec.get("type"),
        "load_balancer_class": spec.get("loadBalancerClass"),
        "load_balancer_type": stated or spec.get("loadBalancerClass"),
        "addresses": [one.get("hostname") or one.get("ip") for one in ingress],
    }


def _volume(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    claim = spec.get("claimRef") or {}
    labels = {**_required_topology(spec), **((item.get("metadata") or {}).get("labels") or {})}
    return {
        "capacity": _quantities(spec.get("capacity"), "capacity"),
        "storage_class": spec.get("storageClassName"),
        "claim_namespace": claim.get("namespace"),
        "claim": claim.get("name"),
        "provider_id": _disk_id(spec),
        "region": region(labels),
        "zone": zone(labels),
        "reclaim_policy": spec.get("persistentVolumeReclaimPolicy"),
        "phase": (item.get("status") or {}).get("phase"),
    }


def _disk_id(spec: Mapping[str, Any]) -> str | None:
    places = (
        ("csi", "volumeHandle"),
        ("awsElasticBlockStore", "volumeID"),
        ("gcePersistentDisk", "pdName"),
        ("azureDisk", "diskName"),
    )
    return next((spec[kind][name] for kind, name in places if (spec.get(kind) or {}).get(name)), None)


def _required_topology(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that a node must have to mount a volume, where they leave one choice."""
    required = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
    return {
        _TOPOLOGY_OF_DRIVERS.get(one["key"], one["key"]): one["values"][0]
        for term in required[:1]
        for one in term.get("matchExpressions") or ()
        if one.get("operator") == "In" and len(one.get("values") or ()) == 1
    }


def _claim(item: Mapping[str, Any]) -> JsonObject:
    spec = item.get("spec") or {}
    return {
        "storage_class": spec.get("storageClassName"),
        "volume": spec.get("volumeName"),
        "requests": _quantities((spec.get("resources") or {}).get("requests"), "requests"),
    }


_BY_KIND: dict[str, Callable[[Mapping[str, Any]], JsonObject]] = {
    "Node": _node,
    "Pod": pod_spec,
    "Namespace": _plain(),
    "Deployment": _workload_of("Deployment"),
    "ReplicaSet": _workload,
    "StatefulSet": _workload_of("StatefulSet"),
    "DaemonSet": _workload_of("DaemonSet"),
    "Job": _workload,
    "CronJob": _workload_of("CronJob"),
    "HorizontalPodAutoscaler": _plain("scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior"),
    "ScaledObject": _scaled_object,
    "PodDisruptionBudget": _plain("minAvailable", "maxUnavailable", "selector"),
    "LimitRange": _plain("limits"),
    "ResourceQuota": _quota,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "Rollout": _workload_of("Rollout"),
    "DeploymentConfig": _workload_of("DeploymentConfig"),
    "CloneSet": _workload_of("CloneSet"),
    "AdvancedStatefulSet": _workload_of("AdvancedStatefulSet"),
    "SidecarSet": _sidecar_set,
}
