"""Hand-written workloads and the rules of a namespace, stored as the inventory would store them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingest.kubernetes.history import ObjectHistory
from service.runtime import Runtime

JsonObject = dict[str, Any]


def workload(
    name: str,
    created: datetime,
    *,
    kind: str = "Deployment",
    namespace: str = "shop",
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    containers: tuple[JsonObject, ...] = ({"name": "app"},),
    surge: str = "25%",
) -> JsonObject:
    """Return a workload whose template has some containers."""
    return {
        "kind": kind,
        "metadata": {
            **_metadata(name, namespace, created),
            "annotations": dict(annotations or {}),
            "labels": dict(labels or {}),
        },
        "spec": {
            "replicas": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": list(containers)}},
        },
    }


def limit_range(created: datetime, *items: JsonObject, namespace: str = "shop") -> JsonObject:
    """Return a LimitRange."""
    return {
        "kind": "LimitRange",
        "metadata": _metadata("limits", namespace, created),
        "spec": {"limits": list(items)},
    }


def resource_quota(created: datetime, namespace: str = "shop", **hard: str) -> JsonObject:
    """Return a ResourceQuota; ``requests_cpu`` stands for ``requests.cpu``."""
    amounts = {name.replace("_", "."): amount for name, amount in hard.items()}
    return {
        "kind": "ResourceQuota",
        "metadata": _metadata("quota", namespace, created),
        "spec": {"hard": amounts},
    }


def autoscaler(name: str, created: datetime, target: int = 60, namespace: str = "shop") -> JsonObject:
    """Return a HorizontalPodAutoscaler of a Deployment on CPU utilisation."""
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(name, namespace, created),
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": metric}],
        },
    }


def store_objects(runtime: Runtime, seen_at: datetime, *objects: JsonObject, cluster: str = "alpha") -> None:
    """Store objects as the inventory of a cluster does."""
    history = ObjectHistory(cluster)
    for one in objects:
        history.see(one["kind"], one, seen_at)
    runtime.warehouse.lake.add_absent("object_history", history.take().object_history)


def _metadata(name: str, namespace: str, created: datetime) -> JsonObject:
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{namespace}-{name}",
        "creationTimestamp": f"{created:%Y-%m-%dT%H:%M:%SZ}",
    }
