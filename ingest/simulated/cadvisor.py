"""cAdvisor's metrics as a kubelet serves them: containers, pause containers, pods and the root group."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ingest.simulated.container_signals import CFS_PERIODS_PER_SECOND, ContainerSignals, Run
from ingest.simulated.exposition import Family, ScrapeGrid, Series
from models.simulation.timeline import ClusterTimeline, SimulatedNode

Int = NDArray[np.int64]
Float = NDArray[np.float64]
_PAUSE_CPU_CORES = 0.00002
_PAUSE_MEMORY_BYTES = 700_416.0
_NETWORK_BYTES_PER_CORE_SECOND = 2_000_000.0


class CadvisorFamilies:
    """The families of one cluster; each is generated when it is written.

    Parameters
    ----------
    timeline : ClusterTimeline
    signals : ContainerSignals
    grid : ScrapeGrid
        Of the kubelets.
    """

    def __init__(self, timeline: ClusterTimeline, signals: ContainerSignals, grid: ScrapeGrid) -> None:
        self._timeline, self._signals, self._grid = timeline, signals, grid
        self._of_pod: dict[int, list[int]] = defaultdict(list)
        for container, pod in enumerate(timeline.containers.pod.tolist()):
            self._of_pod[pod].append(container)

    def families(self) -> Iterator[Family]:
        """Yield every family once."""
        limits = np.flatnonzero(~np.isnan(self._timeline.containers.cpu_limit_cores)).tolist()
        yield Family("container_cpu_usage_seconds_total", "counter", self._all(self._cpu, _PAUSE_CPU_CORES))
        yield Family("container_memory_working_set_bytes", "gauge", self._all(self._memory, None))
        yield Family("container_cpu_cfs_periods_total", "counter", self._limited(limits, self._periods))
        yield Family(
            "container_cpu_cfs_throttled_periods_total", "counter", self._limited(limits, self._throttled)
        )
        yield Family("container_network_receive_bytes_total", "counter", self._network(1.0))
        yield Family("container_network_transmit_bytes_total", "counter", self._network(0.4))

    def _cpu(self, run: Run, moments: Int) -> Float:
        return self._signals.cpu_seconds(run, moments)

    def _memory(self, run: Run, moments: Int) -> Float:
        return self._signals.memory_bytes(run, moments)

    def _throttled(self, run: Run, moments: Int) -> Float:
        return self._signals.throttled_periods(run, moments)

    def _periods(self, run: Run, moments: Int) -> Float:
        return np.asarray((moments - run.start) * float(CFS_PERIODS_PER_SECOND))

    def _limited(self, containers: list[int], value: Callable[[Run, Int], Float]) -> Iterator[Series]:
        for container in containers:
            for run in self._signals.runs(container):
                moments = self._grid.between(run.start, run.end)
                yield self._series(run, value(run, moments), is_integer=True)

    def _all(self, value: Callable[[Run, Int], Float], pause_rate: float | None) -> Iterator[Series]:
        """Yield containers, the pause container and the sum of each pod, then the root of each node."""
        for pod, containers in self._of_pod.items():
            life = self._timeline.pods[pod]
            moments = self._grid.between(life.started_at, life.ended_at)
            pause = np.full(len(moments), _PAUSE_MEMORY_BYTES)
            if pause_rate is not None:
                pause = (moments - life.started_at) * pause_rate
            total = pause.copy()
            for container in containers:
                carried = 0.0
                for run in self._signals.runs(container):
                    inside = (moments >= run.start) & (moments < run.end)
                    values = value(run, moments[inside])
                    yield self._series(run, values, is_integer=pause_rate is None)
                    total[inside] += carried + values
                    if pause_rate is not None:
                        carried += float(value(run, np.array([run.end]))[0])
                if pause_rate is not None:
                    end = int(self._timeline.containers.end[container])
                    total[moments >= end] += carried
            yield self._pod_series(pod, pause, "POD", is_integer=pause_rate is None)
            yield self._pod_series(pod, total, "", is_integer=pause_rate is None)
        yield from self._root(value, pause_rate)

    def _root(self, value: Callable[[Run, Int], Float], pause_rate: float | None) -> Iterator[Series]:
        """Yield the group ``/`` of each node: everything on it and what the system itself uses."""
        columns = self._timeline.containers
        for node in self._timeline.nodes:
            moments = self._grid.between(node.created_at, node.deleted_at)
            total = (
                (moments - node.created_at) * 0.05 if pause_rate is not None else np.full(len(moments), 6e8)
            )
            total = total.astype(np.float64)
            for container in np.flatnonzero(columns.node == node.position).tolist():
                for run in self._signals.runs(container):
                    inside = (moments >= run.start) & (moments < run.end)
                    total[inside] += value(run, moments[inside])
                    if pause_rate is not None:
                        total[moments >= run.end] += float(value(run, np.array([run.end]))[0])
            labels = {"id": "/", **_target(node)}
            yield Series(
                labels, node.created_at, node.deleted_at, total, node.position, is_integer=pause_rate is None
            )

    def _series(self, run: Run, values: Float, *, is_integer: bool) -> Series:
        timeline = self._timeline
        pod = timeline.pods[int(timeline.containers.pod[run.container])]
        plan = timeline.container_plans[int(timeline.containers.plan[run.container])]
        workload = timeline.workload_of(pod)
        identity = hashlib.sha256(f"{pod.uid}/{plan.name}/{run.number}".encode()).hexdigest()[:20]
        labels = {
            "container": plan.name,
            "id": f"/kubepods/pod{pod.uid}/{identity}",
            "image": f"registry.example/{workload.namespace}/{plan.name}:r{pod.revision + 1}",
            "name": identity,
            "namespace": workload.namespace,
            "pod": pod.name,
            **_target(timeline.nodes[pod.node]),
        }
        return Series(labels, run.start, run.end, values, pod.node, is_integer=is_integer)

    def _pod_series(self, position: int, values: Float, container: str, *, is_integer: bool) -> Series:
        pod = self._timeline.pods[position]
        group = f"/kubepods/pod{pod.uid}"
        labels = {"id": group, **self._pod_labels(position)}
        if container:
            identity = hashlib.sha256(f"{pod.uid}/pause".encode()).hexdigest()[:20]
            labels = {
                "container": container,
                "id": f"{group}/{identity}",
                "image": "registry.k8s.io/pause:3.9",
                "name": identity,
                **self._pod_labels(position),
            }
        return Series(labels, pod.started_at, pod.ended_at, values, pod.node, is_integer=is_integer)

    def _pod_labels(self, position: int) -> dict[str, str]:
        pod = self._timeline.pods[position]
        namespace = self._timeline.workload_of(pod).namespace
        return {"namespace": namespace, "pod": pod.name, **_target(self._timeline.nodes[pod.node])}

    def _network(self, share: float) -> Iterator[Series]:
        """Yield bytes moved by each pod, in step with the CPU that it used."""
        for position, containers in self._of_pod.items():
            pod = self._timeline.pods[position]
            moments = self._grid.between(pod.started_at, pod.ended_at)
            total = np.asarray((moments - pod.started_at) * 200.0, dtype=np.float64)
            for container in containers:
                columns = self._timeline.containers
                whole = Run(container, 0, int(columns.start[container]), int(columns.end[container]))
                total = total + self._signals.cpu_seconds(whole, moments) * _NETWORK_BYTES_PER_CORE_SECOND
            labels = {"interface": "eth0", **self._pod_labels(position)}
            yield Series(labels, pod.started_at, pod.ended_at, total * share, pod.node, is_integer=True)


def node_address(node: SimulatedNode) -> str:
    """Return the internal address of a node."""
    return f"10.20.{node.position // 200}.{10 + node.position % 200}"


def _target(node: SimulatedNode) -> dict[str, str]:
    return {
        "instance": f"{node_address(node)}:10250",
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "node": node.name,
    }
