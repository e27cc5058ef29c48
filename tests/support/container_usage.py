"""Containers whose use is a function of time, as ``container_hour`` and ``node_hour`` rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from models.vocabulary.windows import HOUR, HourWindow
from warehouse.lake.tables import TABLES
from warehouse.observed import HourReport, ObservedWindow, WindowState

MIB = float(1 << 20)
GIB = float(1 << 30)
Series = Callable[[np.ndarray], np.ndarray]
"""Hours since the start (every 5 minutes) to values."""


def constant(value: float) -> Series:
    """Return a series that never moves."""
    return lambda hours: np.full(hours.shape, value)


_TENTH_OF_A_CORE = constant(0.1)
_200_MIB = constant(200 * MIB)


@dataclass(frozen=True)
class Container:
    """One container of a workload, in every pod of it. ``None`` is unset."""

    name: str = "app"
    cpu: Series = _TENTH_OF_A_CORE
    memory: Series = _200_MIB
    cpu_request: float | None = 1.0
    cpu_limit: float | None = None
    memory_request: float | None = GIB
    memory_limit: float | None = GIB
    workload: str = "web"
    namespace: str = "shop"
    kind: str = "Deployment"
    container_kind: str = "main"
    pods: int = 1
    first_hour: int = 0
    last_hour: int | None = None
    node: str = "node-1"
    oom_hours: frozenset[int] = frozenset()
    throttled: float | None = None
    revision: str | None = "r1"
    hours_of_day: frozenset[int] | None = None
    """Runs only in these, as a new pod each day; None is always."""
    pod_offset: int = 0
    """Number of its first pod, where several entries make up one workload."""


def container_hours(
    containers: Sequence[Container], start: datetime, hours: int, cluster: str = "alpha"
) -> pa.Table:
    """Return ``container_hour`` rows of all containers over some hours."""
    rows = [
        _row(container, pod, start, hour, cluster)
        for container in containers
        for pod in range(container.pod_offset, container.pod_offset + container.pods)
        for hour in range(container.first_hour, min(container.last_hour or hours, hours))
        if container.hours_of_day is None or hour % 24 in container.hours_of_day
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["container_hour"].schema)


def _row(container: Container, pod: int, start: datetime, hour: int, cluster: str) -> dict[str, object]:
    at = hour + np.arange(12) / 12
    cpu, memory = container.cpu(at), container.memory(at)
    moment = start + hour * HOUR
    name = f"{container.workload}-{pod}"
    run = container.first_hour if container.hours_of_day is None else hour // 24
    return {
        "cluster": cluster,
        "day": moment.date(),
        "hour": moment,
        "pod_uid": f"uid-{container.namespace}-{name}-{run}",
        "container": container.name,
        "namespace": container.namespace,
        "pod": name,
        "node_key": container.node,
        "workload_kind": container.kind,
        "workload_name": container.workload,
        "revision": container.revision,
        "container_kind": container.container_kind,
        "running_seconds": 3600.0,
        "cpu_request_core_seconds": _times(container.cpu_request),
        "cpu_limit_cores": container.cpu_limit,
        "cpu_usage_core_seconds": float(cpu.mean()) * 3600,
        "memory_request_byte_seconds": _times(container.memory_request),
        "memory_limit_bytes": container.memory_limit,
        "memory_usage_byte_seconds": float(memory.mean()) * 3600,
        "cpu_throttled_ratio": container.throttled,
        "oom_killed_count": int(hour in container.oom_hours),
        "restart_count": int(hour in container.oom_hours),
        "sample_coverage_ratio": 1.0,
        "cpu_usage_cores_by_5m": cpu.tolist(),
        "memory_usage_bytes_max_by_5m": memory.tolist(),
    }


def _times(amount: float | None) -> float | None:
    return None if amount is None else amount * 3600.0


def node_hours(
    nodes: Sequence[str], start: datetime, hours: int, cluster: str = "alpha", cpu: float = 8.0
) -> pa.Table:
    """Return ``node_hour`` rows of equal nodes of one pool."""
    rows = [
        {
            "cluster": cluster,
            "day": (start + hour * HOUR).date(),
            "hour": start + hour * HOUR,
            "node_key": node,
            "node": node,
            "instance_type": "m5.2xlarge",
            "region": "eu-1",
            "node_pool": "default",
            "purchase_option": "on-demand",
            "running_seconds": 3600.0,
            "cpu_capacity_cores": cpu,
            "cpu_allocatable_cores": cpu,
            "memory_capacity_bytes": 4 * cpu * GIB,
            "memory_allocatable_bytes": 4 * cpu * GIB,
        }
        for hour in range(hours)
        for node in nodes
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["node_hour"].schema)


def pod_hours(containers: pa.Table) -> pa.Table:
    """Return ``pod_hour`` rows for pods of one container each."""
    names = ("cluster", "day", "hour", "pod_uid", "namespace", "pod", "node_key", "workload_kind")
    columns = {name: containers.column(name) for name in names}
    columns["workload_name"] = containers.column("workload_name")
    columns["scheduled_seconds"] = containers.column("running_seconds")
    columns["cpu_request_core_seconds"] = containers.column("cpu_request_core_seconds")
    columns["memory_request_byte_seconds"] = containers.column("memory_request_byte_seconds")
    return pa.table(columns)


def observed(
    containers: Sequence[Container],
    nodes: Sequence[str],
    start: datetime,
    hours: int,
    cluster: str = "alpha",
) -> ObservedWindow:
    """Return a complete window of a cluster, ready to be recorded."""
    rows = container_hours(containers, start, hours, cluster)
    window = HourWindow(start, start + hours * HOUR)
    reports = tuple(
        HourReport(hour, WindowState.COMPLETE, 1.0, len(containers), f"{hour:%d%H}-{len(containers)}")
        for hour in window.hours()
    )
    tables = {
        "container_hour": rows,
        "pod_hour": pod_hours(rows),
        "node_hour": node_hours(nodes, start, hours, cluster),
    }
    return ObservedWindow(cluster, "files", window, tables, reports)
