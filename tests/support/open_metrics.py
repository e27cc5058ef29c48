"""A small cluster written as OpenMetrics by hand, for tests that need to know every sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

Labels = dict[str, str]
GIB = 1024.0**3


@dataclass
class MetricFile:
    """Samples by metric, in memory, written as one OpenMetrics file."""

    samples: dict[str, list[tuple[Labels, float, float]]] = field(default_factory=dict)

    def add(self, metric: str, labels: Labels, moment: float, value: float) -> None:
        self.samples.setdefault(metric, []).append((labels, moment, value))

    def add_constant(self, metric: str, labels: Labels, moments: Iterable[float], value: float = 1.0) -> None:
        for moment in moments:
            self.add(metric, labels, moment, value)

    def write(self, path: Path) -> Path:
        with path.open("w") as out:
            for metric in sorted(self.samples):
                is_counter = metric.endswith("_total")
                out.write(f"# TYPE {metric.removesuffix('_total')} {'counter' if is_counter else 'gauge'}\n")
                rows = sorted(self.samples[metric], key=lambda row: (sorted(row[0].items()), row[1]))
                for labels, moment, value in rows:
                    text = ",".join(f'{k}="{v}"' for k, v in sorted(labels.items()))
                    out.write(f"{metric}{{{text}}} {value!r} {moment:.3f}\n")
            out.write("# EOF\n")
        return path


@dataclass(frozen=True)
class TestContainer:
    __test__ = False
    name: str
    cpu_request: float | None = 0.5
    memory_request: float | None = GIB
    cpu_usage: Callable[[float], float] = lambda _moment: 0.25
    others: Labels = field(default_factory=dict)
    memory_usage: Callable[[float], float] = lambda _moment: GIB / 2
    init: str = ""


@dataclass(frozen=True)
class TestPod:
    __test__ = False
    namespace: str
    name: str
    uid: str
    node: str
    start: float
    end: float
    containers: tuple[TestContainer, ...] = (TestContainer("app"),)
    owner: tuple[str, str] = ("ReplicaSet", "web-5d4f7")
    completed: bool = False
    pending_until: float = 0.0
    host_network: bool = False
    lingers_until: float = 0.0
    labels: Labels = field(default_factory=dict)


_STATE_TARGET = {
    "namespace": "monitoring",
    "pod": "kps-kube-state-metrics-7d8f9b6c5-x2k4p",
    "container": "kube-state-metrics",
    "endpoint": "http",
    "instance": "10.42.0.17:8080",
    "service": "kps-kube-state-metrics",
}
_KUBELET_TARGET = {
    "namespace": "kube-system",
    "endpoint": "https-metrics",
    "instance": "10.0.0.1:10250",
    "metrics_path": "/metrics/cadvisor",
    "service": "kps-kubelet",
}


def without_honour(metric: str, labels: Labels) -> Labels:
    """Return the labels as kube-prometheus-stack stores them when ``honorLabels`` is off."""
    target = _STATE_TARGET if metric.startswith("kube_") else _KUBELET_TARGET
    renamed = {f"exported_{name}" if name in target else name: value for name, value in labels.items()}
    return {**renamed, **target}


class ClusterWriter:
    """Writes nodes and pods as a kubelet and kube-state-metrics would export them.

    ``jobs`` scrapes everything once per name, each with its own phase, as duplicated scrape jobs do.
    """

    def __init__(
        self,
        start: float,
        end: float,
        *,
        scrape: int = 30,
        jobs: Iterable[str] = ("kubelet",),
        extra: Labels | None = None,
        is_honoured: bool = True,
        image: str = "registry/app:1",
    ) -> None:
        self.is_honoured, self.image = is_honoured, image
        self.start, self.end, self.scrape = start, end, scrape
        self.jobs = tuple(jobs)
        self.extra = extra or {}
        self.gaps: list[tuple[float, float]] = []
        self.file = MetricFile()
        self.owners: dict[str, tuple[str, str]] = {}

    def moments(self, start: float, end: float) -> list[float]:
        first = max(start, self.start)
        steps = -int(-(first - self.start) // self.scrape)
        moment = self.start + steps * self.scrape
        result = []
        while moment < min(end, self.end):
            if not any(begin <= moment < until for begin, until in self.gaps):
                result.append(moment)
            moment += self.scrape
        return result

    def _add(
        self, metric: str, labels: Labels, moments: list[float], value: float | Callable[[float], float] = 1.0
    ) -> None:
        for position, job in enumerate(self.jobs):
            own = labels if self.is_honoured else without_honour(metric, labels)
            full = {**own, **self.extra, "job": job}
            for moment in moments:
                number = value(moment) if callable(value) else value
                self.file.add(metric, full, moment + position, number)

    def add_node(
        self,
        name: str,
        start: float,
        end: float,
        *,
        cpu: float = 4.0,
        memory: float = 16 * GIB,
        labels: Labels | None = None,
        provider_id: str | None = None,
        is_root_exported: bool = True,
        amounts: dict[str, float] | None = None,
        system_uuid: str | None = None,
    ) -> None:
        seen = self.moments(start, end)
        info = {
            "node": name,
            "provider_id": f"aws:///eu-west-1a/i-{name}" if provider_id is None else provider_id,
            "system_uuid": system_uuid or f"uuid-{name}",
            "internal_ip": "10.0.0.1",
        }
        self._add("kube_node_info", info, seen)
        self._add("kube_node_created", {"node": name}, seen, start)
        for resource, amount in (("cpu", cpu), ("memory", memory), ("pods", 110.0), *(amounts or {}).items()):
            self._add("kube_node_status_capacity", {"node": name, "resource": resource}, seen, amount)
            self._add(
                "kube_node_status_allocatable", {"node": name, "resource": resource}, seen, amount * 0.95
            )
        default = {
            "label_node_kubernetes_io_instance_type": "m5.xlarge",
            "label_topology_kubernetes_io_zone": "eu-west-1a",
            "label_topology_kubernetes_io_region": "eu-west-1",
            "label_eks_amazonaws_com_capacity_type": "ON_DEMAND",
            "label_eks_amazonaws_com_nodegroup": "general",
        }
        if labels is None or labels:
            self._add("kube_node_labels", {"node": name, **(labels or default)}, seen)
        if is_root_exported:
            self._add(
                "container_cpu_usage_seconds_total",
                {"id": "/", "node": name, "instance": f"{name}:10250"},
                seen,
                lambda m: (m - start) * 1.5,
            )
            self._add(
                "container_memory_working_set_bytes",
                {"id": "/", "node": name, "instance": f"{name}:10250"},
                seen,
                3 * GIB,
            )

    def add_volume(
        self,
        name: str,
        start: float,
        end: float,
        *,
        claim: tuple[str, str] | None = None,
        size: Callable[[float], float] = lambda _moment: 20 * GIB,
        is_bound: bool = True,
        is_created_known: bool = True,
    ) -> None:
        """Write a volume, its claim and what is used of it."""
        seen, own = self.moments(start, end), {"persistentvolume": name}
        self._add("kube_persistentvolume_capacity_bytes", own, seen, size)
        info = {**own, "storageclass": "gp3", "csi_driver": "ebs", "csi_volume_handle": f"vol-{name}"}
        self._add("kube_persistentvolume_info", info, seen)
        if is_created_known:
            self._add("kube_persistentvolume_created", own, seen, start)
        if claim is None:
            return
        self._add(
            "kube_persistentvolume_claim_ref", {**own, "claim_namespace": claim[0], "name": claim[1]}, seen
        )
        if is_bound:
            bound = {"namespace": claim[0], "persistentvolumeclaim": claim[1]}
            self._add(
                "kube_persistentvolumeclaim_info", {**bound, "storageclass": "gp3", "volumename": name}, seen
            )
            self._add("kubelet_volume_stats_used_bytes", bound, seen, 5 * GIB)

    def add_mount(self, pod: TestPod, claim: str) -> None:
        """Write that a pod mounts a claim."""
        labels = {"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid, "volume": "data"}
        self._add(
            "kube_pod_spec_volumes_persistentvolumeclaims_info",
            {**labels, "persistentvolumeclaim": claim},
            self.moments(pod.start, pod.end),
        )

    def add_service(
        self, namespace: str, name: str, start: float, end: float, kind: str, address: str
    ) -> None:
        """Write a Service and its address."""
        seen, own = self.moments(start, end), {"namespace": namespace, "service": name, "uid": f"uid-{name}"}
        self._add("kube_service_info", own, seen)
        self._add("kube_service_spec_type", {**own, "type": kind}, seen)
        self._add("kube_service_created", own, seen, start)
        if address:
            self._add("kube_service_status_load_balancer_ingress", {**own, "hostname": address}, seen)

    def add_traffic(self, labels: Labels, start: float, end: float, bytes_per_second: float) -> None:
        """Write what a pod, or a node's root group, sent over an interface."""
        moments = self.moments(start, end)
        self._add(
            "container_network_transmit_bytes_total",
            labels,
            moments,
            lambda m: (m - start) * bytes_per_second,
        )

    def add_pod(self, pod: TestPod) -> None:
        seen = self.moments(pod.start, max(pod.end, pod.lingers_until))
        alive = self.moments(pod.start, pod.end)
        identity = {"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid}
        kind, owner = pod.owner
        self._add(
            "kube_pod_info",
            {**identity, "node": pod.node, "host_network": str(pod.host_network).lower()},
            seen,
        )
        self._add("kube_pod_start_time", identity, seen, pod.start)
        self._add("kube_pod_owner", {**identity, "owner_kind": kind, "owner_name": owner}, seen)
        if kind == "ReplicaSet":
            above = self.owners.get(owner, ("Deployment", owner.rpartition("-")[0]))
            self._add(
                "kube_replicaset_owner",
                {
                    "namespace": pod.namespace,
                    "replicaset": owner,
                    "owner_kind": above[0],
                    "owner_name": above[1],
                },
                seen,
            )
        if kind == "ReplicationController":
            self._add(
                "kube_replicationcontroller_owner",
                {
                    "namespace": pod.namespace,
                    "replicationcontroller": owner,
                    "owner_kind": "DeploymentConfig",
                    "owner_name": owner.rpartition("-")[0],
                },
                seen,
            )
        if kind == "Job":
            self._add(
                "kube_job_owner",
                {
                    "namespace": pod.namespace,
                    "job_name": owner,
                    "owner_kind": "CronJob",
                    "owner_name": owner.rpartition("-")[0],
                },
                seen,
            )
        after = [m for m in seen if m >= pod.end]
        phases = {
            "Pending": lambda m: float(m < pod.pending_until),
            "Running": lambda m: float(pod.pending_until <= m < pod.end),
            "Succeeded": lambda m: float(m >= pod.end),
        }
        for phase, is_in in phases.items():
            self._add("kube_pod_status_phase", {**identity, "phase": phase}, seen, is_in)
        if pod.completed:
            self._add("kube_pod_completion_time", identity, after, pod.end)
        if pod.labels:
            self._add(
                "kube_pod_labels", {**identity, **{f"label_{k}": v for k, v in pod.labels.items()}}, seen
            )
        for container in pod.containers:
            self._add_container(pod, container, identity, seen, alive)

    def _add_container(
        self, pod: TestPod, container: TestContainer, identity: Labels, seen: list[float], alive: list[float]
    ) -> None:
        prefix = "kube_pod_init_container" if container.init else "kube_pod_container"
        own = {**identity, "container": container.name}
        others = [(resource, float(amount)) for resource, amount in container.others.items()]
        for resource, amount in (
            ("cpu", container.cpu_request),
            ("memory", container.memory_request),
            *others,
        ):
            if amount is not None:
                self._add(
                    f"{prefix}_resource_requests",
                    {**own, "resource": resource, "node": pod.node},
                    seen,
                    amount,
                )
        if container.init:
            policy = {"restart_policy": "Always"} if container.init == "sidecar" else {}
            self._add("kube_pod_init_container_info", {**own, **policy}, seen)
            if container.init == "init":
                return
        else:
            self._add("kube_pod_container_status_restarts_total", own, seen, 0.0)
            self._add("kube_pod_container_state_started", own, alive, pod.start)
        if pod.pending_until >= pod.end:
            return
        series = {
            "namespace": pod.namespace,
            "pod": pod.name,
            "container": container.name,
            "image": self.image,
            "id": f"/kubepods/{pod.uid}/{container.name}",
            "node": pod.node,
        }
        total = 0.0
        previous = pod.start
        cumulative: dict[float, float] = {}
        for moment in alive:
            total += container.cpu_usage(moment - 1e-9) * (moment - previous)
            cumulative[moment] = total
            previous = moment
        self._add("container_cpu_usage_seconds_total", series, alive, lambda m: cumulative[m])
        self._add("container_memory_working_set_bytes", series, alive, container.memory_usage)
