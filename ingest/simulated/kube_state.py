"""kube-state-metrics of a simulated cluster: objects as series, one instance, namespaced and by uid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ingest.simulated.asset_metrics import asset_families
from ingest.simulated.cadvisor import node_address
from ingest.simulated.container_signals import ContainerSignals
from ingest.simulated.exposition import Family, ScrapeGrid, Series
from ingest.simulated.usage_files import pod_labels
from models.kubernetes.pod_request import ContainerKind
from models.simulation.instance_types import INSTANCE_TYPES, InstanceType
from models.simulation.noise import seed_of
from models.simulation.timeline import ClusterTimeline, SimulatedPod

_TARGET = {"instance": "10.20.250.9:8080", "job": "kube-state-metrics"}
_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
_DAY = 86_400


class KubeStateFamilies:
    """The families of one cluster.

    Parameters
    ----------
    timeline : ClusterTimeline
    signals : ContainerSignals
        For restarts.
    grid : ScrapeGrid
        Of kube-state-metrics.
    has_labels : bool
        Whether an allow-list lets labels and volumes through; a stock installation has none.
    """

    def __init__(
        self, timeline: ClusterTimeline, signals: ContainerSignals, grid: ScrapeGrid, *, has_labels: bool
    ) -> None:
        self._timeline, self._signals, self._grid, self._has_labels = timeline, signals, grid, has_labels

    def families(self) -> Iterator[Family]:
        """Yield every family once."""
        yield from self._pod_families()
        yield from self._container_families()
        yield from self._owner_families()
        yield from self._node_families()
        if self._has_labels:
            yield from self._label_families()
            yield from asset_families(self._timeline)

    def _pods(self) -> Iterator[tuple[SimulatedPod, dict[str, str]]]:
        for pod in self._timeline.pods:
            namespace = self._timeline.workload_of(pod).namespace
            yield pod, {"namespace": namespace, "pod": pod.name, "uid": pod.uid, **_TARGET}

    def _pod_families(self) -> Iterator[Family]:
        def info() -> Iterator[Series]:
            for pod, labels in self._pods():
                node = self._timeline.nodes[pod.node]
                more = {
                    "node": node.name,
                    "host_ip": node_address(node),
                    "pod_ip": f"10.64.{seed_of(pod.uid) % 250}.{seed_of(pod.uid, 'ip') % 250}",
                    "created_by_kind": pod.owner_kind or "<none>",
                    "created_by_name": pod.owner_name or "<none>",
                    "host_network": "false",
                }
                yield Series({**labels, **more}, pod.started_at, pod.listed_until, 1.0)

        def owner() -> Iterator[Series]:
            for pod, labels in self._pods():
                more = {
                    "owner_kind": pod.owner_kind or "<none>",
                    "owner_name": pod.owner_name or "<none>",
                    "owner_is_controller": "true" if pod.owner_kind else "<none>",
                }
                yield Series({**labels, **more}, pod.started_at, pod.listed_until, 1.0)

        def moment(name: str) -> Iterator[Series]:
            for pod, labels in self._pods():
                if name == "end" and not pod.is_completed:
                    continue
                begin = pod.ended_at if name == "end" else pod.started_at
                yield Series(labels, begin, pod.listed_until, float(begin))

        yield Family("kube_pod_info", "gauge", info())
        yield Family("kube_pod_owner", "gauge", owner())
        yield Family("kube_pod_created", "gauge", moment("start"))
        yield Family("kube_pod_status_scheduled_time", "gauge", moment("start"))
        yield Family("kube_pod_start_time", "gauge", moment("start"))
        yield Family("kube_pod_completion_time", "gauge", moment("end"))
        yield Family("kube_pod_status_phase", "gauge", self._phases())

    def _phases(self) -> Iterator[Series]:
        for pod, labels in self._pods():
            moments = self._grid.between(pod.started_at, pod.listed_until)
            ran_until = pod.ended_at if pod.is_completed else pod.listed_until
            for phase in _PHASES:
                values = np.zeros(len(moments))
                if phase == "Running":
                    values = (moments < ran_until).astype(np.float64)
                elif phase == "Succeeded":
                    values = (moments >= ran_until).astype(np.float64)
                yield Series(
                    {**labels, "phase": phase}, pod.started_at, pod.listed_until, values, is_integer=True
                )

    def _containers(self, *, init: bool) -> Iterator[tuple[int, SimulatedPod, dict[str, str]]]:
        columns = self._timeline.containers
        for container, position in enumerate(columns.pod.tolist()):
            plan = self._timeline.container_plans[int(columns.plan[container])]
            if (plan.kind is not ContainerKind.MAIN) is not init:
                continue
            pod = self._timeline.pods[position]
            labels = {
                "namespace": self._timeline.workload_of(pod).namespace,
                "pod": pod.name,
                "uid": pod.uid,
                "container": plan.name,
                "node": self._timeline.nodes[pod.node].name,
                **_TARGET,
            }
            yield container, pod, labels

    def _container_families(self) -> Iterator[Family]:
        for prefix, init in (("kube_pod_container", False), ("kube_pod_init_container", True)):
            for suffix, setting in (("requests", "request"), ("limits", "limit")):
                yield Family(f"{prefix}_resource_{suffix}", "gauge", self._resources(setting, init=init))
        yield Family("kube_pod_init_container_info", "gauge", self._init_info())
        yield Family("kube_pod_container_status_restarts_total", "counter", self._restarts())
        yield Family("kube_pod_container_state_started", "gauge", self._started())
        yield Family("kube_pod_container_status_last_terminated_reason", "gauge", self._killed(is_time=False))
        yield Family(
            "kube_pod_container_status_last_terminated_timestamp", "gauge", self._killed(is_time=True)
        )

    def _resources(self, setting: str, *, init: bool) -> Iterator[Series]:
        columns = self._timeline.containers
        for container, pod, labels in self._containers(init=init):
            for resource, unit, column in (
                ("cpu", "core", f"cpu_{setting}_cores"),
                ("memory", "byte", f"memory_{setting}_bytes"),
            ):
                value = float(getattr(columns, column)[container])
                if not np.isnan(value):
                    more = {"resource": resource, "unit": unit}
                    yield Series({**labels, **more}, pod.started_at, pod.listed_until, value)

    def _init_info(self) -> Iterator[Series]:
        columns = self._timeline.containers
        for container, pod, labels in self._containers(init=True):
            plan = self._timeline.container_plans[int(columns.plan[container])]
            named = _without(labels, "node")
            if plan.kind is ContainerKind.SIDECAR:
                named["restart_policy"] = "Always"
            yield Series(named, pod.started_at, pod.listed_until, 1.0)

    def _restarts(self) -> Iterator[Series]:
        for container, pod, labels in self._containers(init=False):
            moments = self._grid.between(pod.started_at, pod.listed_until)
            kills = np.array([run.start for run in self._signals.runs(container)[1:]], dtype=np.int64)
            counts = np.searchsorted(kills, moments, side="right").astype(np.float64)
            yield Series(_without(labels, "node"), pod.started_at, pod.listed_until, counts, is_integer=True)

    def _started(self) -> Iterator[Series]:
        for container, pod, labels in self._containers(init=False):
            for run in self._signals.runs(container):
                end = pod.listed_until if run.end == pod.ended_at else run.end
                yield Series(_without(labels, "node"), run.start, end, float(run.start))

    def _killed(self, *, is_time: bool) -> Iterator[Series]:
        for container, pod, labels in self._containers(init=False):
            kills = [run.start for run in self._signals.runs(container)[1:]]
            if not kills:
                continue
            moments = self._grid.between(kills[0], pod.listed_until)
            last = np.array(kills)[np.searchsorted(kills, moments, side="right") - 1].astype(np.float64)
            named = (
                _without(labels, "node") if is_time else {**_without(labels, "node"), "reason": "OOMKilled"}
            )
            values = last if is_time else np.ones(len(moments))
            yield Series(named, kills[0], pod.listed_until, values, is_integer=True)

    def _owner_families(self) -> Iterator[Family]:
        def owned(kind: str, label: str, above: str) -> Iterator[Series]:
            lives: dict[tuple[str, str], tuple[int, int, str]] = {}
            for pod in self._timeline.pods:
                if pod.owner_kind == kind:
                    workload = self._timeline.workload_of(pod)
                    key = (workload.namespace, pod.owner_name)
                    start, end, _ = lives.get(key, (pod.started_at, 0, ""))
                    lives[key] = (min(start, pod.started_at), max(end, pod.listed_until), workload.name)
            for (namespace, name), (start, end, owner) in lives.items():
                labels = {
                    "namespace": namespace,
                    label: name,
                    "owner_kind": above,
                    "owner_name": owner,
                    "owner_is_controller": "true",
                    **_TARGET,
                }
                # an old ReplicaSet stays for rollbacks, so its series outlives its pods
                stays = self._timeline.end if kind == "ReplicaSet" else end
                yield Series(labels, start, min(stays, end + 10 * _DAY), 1.0)

        yield Family("kube_replicaset_owner", "gauge", owned("ReplicaSet", "replicaset", "Deployment"))
        yield Family("kube_job_owner", "gauge", owned("Job", "job_name", "CronJob"))

    def _node_families(self) -> Iterator[Family]:
        def info() -> Iterator[Series]:
            for node in self._timeline.nodes:
                labels = {
                    "node": node.name,
                    "provider_id": node.provider_id,
                    "system_uuid": node.system_uuid,
                    "internal_ip": node_address(node),
                    "kernel_version": "6.1.0",
                    "os_image": "Debian GNU/Linux 12",
                    "container_runtime_version": "containerd://2.1.4",
                    "kubelet_version": "v1.36.2",
                    **_TARGET,
                }
                yield Series(labels, node.created_at, node.deleted_at, 1.0)

        def created() -> Iterator[Series]:
            for node in self._timeline.nodes:
                yield Series(
                    {"node": node.name, **_TARGET}, node.created_at, node.deleted_at, float(node.created_at)
                )

        yield Family("kube_node_info", "gauge", info())
        yield Family("kube_node_created", "gauge", created())
        yield Family("kube_node_status_capacity", "gauge", self._node_sizes("capacity"))
        yield Family("kube_node_status_allocatable", "gauge", self._node_sizes("allocatable"))

    def _node_sizes(self, which: str) -> Iterator[Series]:
        for node in self._timeline.nodes:
            for resource, (unit, amount) in node_sizes(
                INSTANCE_TYPES[node.pool.instance_type], is_allocatable=which == "allocatable"
            ).items():
                labels = {"node": node.name, "resource": resource, "unit": unit, **_TARGET}
                yield Series(labels, node.created_at, node.deleted_at, amount)

    def _label_families(self) -> Iterator[Family]:
        def pods() -> Iterator[Series]:
            for pod, labels in self._pods():
                mine = pod_labels(self._timeline.workload_of(pod), self._timeline, pod)
                yield Series({**labels, **_as_metric_labels(mine)}, pod.started_at, pod.listed_until, 1.0)

        def nodes() -> Iterator[Series]:
            for node in self._timeline.nodes:
                labels = {"node": node.name, **_TARGET, **_as_metric_labels(node.labels)}
                yield Series(labels, node.created_at, node.deleted_at, 1.0)

        def namespaces() -> Iterator[Series]:
            for plan in self._timeline.plan.namespaces:
                labels = {"namespace": plan.name, **_TARGET, **_as_metric_labels(plan.labels)}
                yield Series(labels, self._timeline.start, self._timeline.end, 1.0)

        yield Family("kube_pod_labels", "gauge", pods())
        yield Family("kube_node_labels", "gauge", nodes())
        yield Family("kube_namespace_labels", "gauge", namespaces())


def node_sizes(kind: InstanceType, *, is_allocatable: bool) -> dict[str, tuple[str, float]]:
    """Return unit and amount of each resource of a node."""
    cpu = kind.cpu_allocatable_cores if is_allocatable else float(kind.cpu_cores)
    memory = kind.memory_allocatable_bytes if is_allocatable else kind.memory_bytes
    return {"cpu": ("core", cpu), "memory": ("byte", memory), "pods": ("integer", float(kind.pod_slots))}


def _as_metric_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels as kube-state-metrics names them: ``label_`` and every odd character an underscore."""
    return {
        "label_" + "".join(c if c.isalnum() and c.isascii() else "_" for c in name): value
        for name, value in sorted(labels.items())
    }


def _without(labels: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key != name}
