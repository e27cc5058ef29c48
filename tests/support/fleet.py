"""A tiny cluster as an observed window, without any source: for tests of what comes after ingest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from models.vocabulary.windows import HOUR, HourWindow
from service.leasing import holding
from service.runtime import Runtime
from warehouse.lake.tables import TABLES
from warehouse.observed import HourReport, ObservedWindow, WindowState

GIB = float(1 << 30)


@dataclass(frozen=True)
class Node:
    """A node of all hours, or of some."""

    name: str
    instance_type: str = "m5.xlarge"
    cpu: float = 4.0
    memory_gib: float = 16.0
    cpu_allocatable: float | None = None
    memory_gib_allocatable: float | None = None
    gpu: float | None = None
    seconds: float = 3600.0
    pool: str = "default"
    option: str = "on-demand"
    hours: Sequence[int] | None = None
    sent_bytes: float | None = None


@dataclass(frozen=True)
class Pod:
    """A pod of one container. ``request`` and ``usage`` are (cores, GiB); None is unset or not measured.

    ``sent_bytes`` of a pod or node are those of each hour.
    """

    name: str
    node: str
    request: tuple[float | None, float | None]
    usage: tuple[float | None, float | None]
    namespace: str = "shop"
    workload: str | None = None
    seconds: float = 3600.0
    labels: Mapping[str, str] = field(default_factory=dict)
    hours: Sequence[int] | None = None
    gpu: float | None = None
    sent_bytes: float | None = None


def label_set_id(labels: Mapping[str, str]) -> str:
    """Return the id of a label map as the lake defines it."""
    return hashlib.sha256(json.dumps(dict(sorted(labels.items()))).encode()).hexdigest()[:16]


def observe(
    cluster: str,
    start: datetime,
    hour_count: int,
    nodes: Sequence[Node],
    pods: Sequence[Pod],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
) -> ObservedWindow:
    """Return the window of a cluster whose nodes and pods stay as they are."""
    window = HourWindow(start, start + hour_count * HOUR)
    tables: dict[str, list[dict[str, object]]] = {"container_hour": [], "pod_hour": [], "node_hour": []}
    for index, hour in enumerate(window.hours()):
        base = {"cluster": cluster, "day": hour.date(), "hour": hour}
        for node in nodes:
            if node.hours is None or index in node.hours:
                tables["node_hour"].append({**base, **_node_facts(node)})
        for pod in pods:
            if pod.hours is None or index in pod.hours:
                tables["container_hour"].append({**base, **_container_facts(pod)})
                tables["pod_hour"].append({**base, **_pod_facts(pod)})
    tables["label_set"] = [
        {
            "cluster": cluster,
            "month": f"{start:%Y-%m}",
            "label_set_id": identifier,
            "labels": json.dumps(dict(sorted(labels.items()))),
            "first_seen_at": start,
        }
        for identifier, labels in {label_set_id(pod.labels): pod.labels for pod in pods}.items()
    ]
    tables["object_history"] = [
        {
            "cluster": cluster,
            "month": f"{start:%Y-%m}",
            "kind": "Namespace",
            "namespace": "",
            "name": name,
            "uid": name,
            "valid_from": start,
            "spec": json.dumps({"labels": dict(labels)}),
            "spec_hash": "",
            "observed_by": "test",
        }
        for name, labels in (namespaces or {}).items()
    ]
    counts = len(tables["container_hour"]) + len(tables["pod_hour"]) + len(tables["node_hour"])
    digest = hashlib.sha256(repr(sorted(map(repr, tables["container_hour"] + tables["node_hour"]))).encode())
    reports = tuple(
        HourReport(hour, WindowState.COMPLETE, 1.0, counts // hour_count, digest.hexdigest()[:16])
        for hour in window.hours()
    )
    arrow = {name: _table(name, rows) for name, rows in tables.items() if rows}
    return ObservedWindow(cluster, "files", window, arrow, reports)


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    kinds = TABLES[name].columns
    return pa.table({key: pa.array([row[key] for row in rows], kinds[key]) for key in rows[0]})


def _node_facts(node: Node) -> dict[str, object]:
    return {
        "node_key": node.name,
        "node": node.name,
        "instance_type": node.instance_type,
        "region": "eu-1",
        "zone": "eu-1a",
        "node_pool": node.pool,
        "purchase_option": node.option,
        "running_seconds": node.seconds,
        "cpu_capacity_cores": node.cpu,
        "cpu_allocatable_cores": node.cpu if node.cpu_allocatable is None else node.cpu_allocatable,
        "memory_capacity_bytes": node.memory_gib * GIB,
        "memory_allocatable_bytes": (
            node.memory_gib if node.memory_gib_allocatable is None else node.memory_gib_allocatable
        )
        * GIB,
        "gpu_capacity": node.gpu,
        "gpu_allocatable": node.gpu,
        "network_transmit_bytes": node.sent_bytes,
    }


def _place(pod: Pod) -> dict[str, object]:
    return {
        "pod_uid": f"uid-{pod.name}",
        "namespace": pod.namespace,
        "pod": pod.name,
        "node_key": pod.node,
        "workload_kind": "Deployment",
        "workload_name": pod.workload or pod.name,
    }


def _times(amount: float | None, seconds: float) -> float | None:
    return None if amount is None else amount * seconds


def _bytes(gib: float | None) -> float | None:
    return None if gib is None else gib * GIB


def _container_facts(pod: Pod) -> dict[str, object]:
    return {
        **_place(pod),
        "container": "app",
        "container_kind": "main",
        "running_seconds": pod.seconds,
        "cpu_request_core_seconds": _times(pod.request[0], pod.seconds),
        "cpu_usage_core_seconds": _times(pod.usage[0], pod.seconds),
        "memory_request_byte_seconds": _times(_bytes(pod.request[1]), pod.seconds),
        "memory_usage_byte_seconds": _times(_bytes(pod.usage[1]), pod.seconds),
        "gpu_request_seconds": _times(pod.gpu, pod.seconds),
    }


def _pod_facts(pod: Pod) -> dict[str, object]:
    return {
        **_place(pod),
        "phase": "Running",
        "scheduled_seconds": pod.seconds,
        "cpu_request_core_seconds": _times(pod.request[0], pod.seconds),
        "memory_request_byte_seconds": _times(_bytes(pod.request[1]), pod.seconds),
        "label_set_id": label_set_id(pod.labels),
        "network_transmit_bytes": pod.sent_bytes,
    }


def store(runtime: Runtime, observed: ObservedWindow) -> None:
    """Record a window as ingest does."""
    runtime.warehouse.clusters.register(observed.cluster)
    with holding(runtime, observed.cluster) as held:
        runtime.warehouse.record(observed, held.lease)
