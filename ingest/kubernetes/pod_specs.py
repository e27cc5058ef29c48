"""The part of a pod that is kept: resources, placement, constraints, and when its containers ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.kubernetes.pod_request import (
    ContainerResources,
    combine_requests,
    container_resources,
    effective_pod_request,
)
from models.kubernetes.runtimes import find_runtime

JsonObject = dict[str, Any]


def pod_spec(item: Mapping[str, Any]) -> JsonObject:
    """Return the kept part of a pod. ``effective_request`` is in cores, bytes and devices.

    Raises
    ------
    InputError
        If a quantity is malformed.
    """
    spec, status = item.get("spec") or {}, item.get("status") or {}
    return {
        **pod_constraints(spec, status),
        "effective_request": _floats(effective_pod_request(spec, status)),
        "node": spec.get("nodeName"),
        "phase": status.get("phase"),
        "qos_class": status.get("qosClass"),
        "scheduled_at": _scheduled_at(status),
        "start_time": status.get("startTime"),
        "deletion_at": (item.get("metadata") or {}).get("deletionTimestamp"),
        "runs": _runs(status),
        "restart_counts": {
            entry["name"]: entry["restartCount"]
            for entry in _container_statuses(status)
            if entry.get("restartCount")
        },
        "claims": _claims(str((item.get("metadata") or {}).get("name")), spec),
    }


def _claims(pod: str, spec: Mapping[str, Any]) -> list[str]:
    """Return the claims that a pod mounts; one of its own (ephemeral) is named after pod and volume."""
    claims = []
    for volume in spec.get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            claims.append(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral"):
            claims.append(f"{pod}-{volume['name']}")
    return claims


def pod_constraints(spec: Mapping[str, Any], status: Mapping[str, Any] | None = None) -> JsonObject:
    """Return containers, their resources and the scheduling rules of a pod or pod template."""
    containers = container_resources(spec, status)
    # what a container runs is read of templates only: pods are many, and theirs is the same
    runtimes = _runtimes(spec) if status is None else {}
    return {
        "containers": [{**_container(one), **runtimes.get(one.name, {})} for one in containers],
        "container_request_total": _floats(combine_requests(containers)),
        "node_selector": spec.get("nodeSelector") or None,
        "affinity": spec.get("affinity") or None,
        "tolerations": _tolerations(spec) or None,
        "host_paths": _host_paths(spec) or None,
        "topology_spread": spec.get("topologySpreadConstraints") or None,
        "priority_class": spec.get("priorityClassName"),
        "runtime_class": spec.get("runtimeClassName"),
        "is_host_network": spec.get("hostNetwork") or None,
    }


_TOLERATED_BY_ALL = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Kubernetes adds these to every pod; they say nothing about where it may run."""


def _tolerations(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in spec.get("tolerations") or () if one.get("key") not in _TOLERATED_BY_ALL]


def _host_paths(spec: Mapping[str, Any]) -> list[str]:
    """Return the volumes that are folders of the node: their data stay behind when the pod moves."""
    return [one["name"] for one in spec.get("volumes") or () if one.get("hostPath")]


def _runtimes(spec: Mapping[str, Any]) -> dict[str, JsonObject]:
    """Return the language runtime by container, of those whose specification tells it."""
    found = {
        str(one.get("name")): find_runtime(one)
        for group in ("initContainers", "containers")
        for one in spec.get(group) or ()
    }
    return {name: {"runtime": facts} for name, facts in found.items() if facts is not None}


def _container(container: ContainerResources) -> JsonObject:
    return {
        "name": container.name,
        "kind": str(container.kind),
        "requests": _floats(container.requests),
        "limits": _floats(container.limits),
    }


def _floats(amounts: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(amount) for name, amount in amounts.items()}


def _scheduled_at(status: Mapping[str, Any]) -> str | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "True":
            moment = condition.get("lastTransitionTime")
            return str(moment) if moment else None
    return None


def _container_statuses(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        entry for group in ("initContainerStatuses", "containerStatuses") for entry in status.get(group) or ()
    ]


def _runs(status: Mapping[str, Any]) -> list[JsonObject]:
    """Return each run of a container that the status still remembers: the present one and the one before."""
    runs = []
    for entry in _container_statuses(status):
        for place in ("lastState", "state"):
            state = entry.get(place) or {}
            ended, running = state.get("terminated"), state.get("running")
            part = ended or running
            if part and part.get("startedAt"):
                run = {"container": entry["name"], "started_at": part["startedAt"]}
                if ended:
                    run |= {"finished_at": ended.get("finishedAt"), "reason": ended.get("reason")}
                runs.append({name: value for name, value in run.items() if value is not None})
    return runs
