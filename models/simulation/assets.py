"""Volumes, load balancers and traffic of a simulated cluster, told from the life of its pods.

Nothing is drawn from the generators that shape the scenario, so workloads are what they are without assets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from models.simulation.noise import seed_of, uid_of
from models.simulation.scenario import WorkloadPlan
from models.simulation.timeline import ClusterTimeline, SimulatedPod

Int = NDArray[np.int64]
Float = NDArray[np.float64]

SHARED_GIB, LEFT_BEHIND_GIB = 100, 50
_STEP = 300
_HOUR, _DAY = 3600, 86_400
_GIBIBYTE = 1024.0**3
_SYSTEM = "kube-system"
_CLASSES = {"aws": ("gp3", "efs-sc"), "gcp": ("standard-rwo", "filestore-rwx")}
"""Storage class of disks and of shared file systems, by provider."""
_PUBLIC = (("gateway", "frontend", "proxy"), ("api",))
"""Ends of the names of services that talk to the world; the later where a cluster has none of the former."""

MONTHLY_GIB_PRICES = {"gp3": "0.080", "efs-sc": "0.300", "standard-rwo": "0.100", "filestore-rwx": "0.200"}
"""List price of a GiB for a month of 730 hours, close to what was published in 2026."""
LOAD_BALANCER_HOURLY_PRICE = Decimal("0.0225")
CONTROL_PLANE_HOURLY_PRICE = Decimal("0.10")
GIB_PRICES_BY_CLASS = {"internet": Decimal("0.090"), "region": Decimal("0.010")}


@dataclass(frozen=True)
class SimulatedVolume:
    """A PersistentVolume from ``created_at`` to ``deleted_at``; its claim lives as long as it is bound."""

    name: str
    uid: str
    claim_namespace: str
    claim: str
    storage_class: str
    provider_id: str
    size_gib: int
    used_ratio: float
    is_bound: bool
    is_shared: bool
    created_at: int
    deleted_at: int
    is_deleted: bool

    @property
    def size_bytes(self) -> float:
        """Capacity."""
        return self.size_gib * _GIBIBYTE


@dataclass(frozen=True)
class SimulatedBalancer:
    """A Service of type LoadBalancer."""

    namespace: str
    service: str
    uid: str
    address: str
    created_at: int
    deleted_at: int
    is_deleted: bool


@dataclass(frozen=True)
class ClusterAssets:
    """Assets of a cluster; ``mounts`` are pairs of a volume and a pod that holds it for all its life."""

    volumes: tuple[SimulatedVolume, ...]
    mounts: tuple[tuple[SimulatedVolume, SimulatedPod], ...]
    balancers: tuple[SimulatedBalancer, ...]


def build_assets(timeline: ClusterTimeline) -> ClusterAssets:
    """Return the assets of a cluster.

    Each replica of a StatefulSet has a disk of its own that outlives it; the first Deployment of several
    replicas shares a file system with its neighbour; one released disk is left behind and deleted after
    three quarters of the time. One load balancer is the platform's, another one comes after a third.
    """
    own = _own_volumes(timeline)
    sharing = _sharing_workloads(timeline)
    shared = _shared_volume(timeline, sharing) if sharing else None
    names = set(sharing)
    mounts = [
        (own[key], pod) for pod in timeline.pods if (key := _own_claim(timeline.workload_of(pod), pod)) in own
    ]
    mounts += [(shared, pod) for pod in timeline.pods if shared is not None and pod.workload in names]
    left = _left_behind(timeline)
    volumes = [
        *own.values(),
        *([shared] if shared is not None else []),
        *([left] if left is not None else []),
    ]
    ordered = sorted(volumes, key=lambda volume: (volume.claim_namespace, volume.claim))
    return ClusterAssets(tuple(ordered), tuple(mounts), tuple(_balancers(timeline)))


def claim_of(workload: WorkloadPlan, pod_name: str) -> str:
    """Return the claim of a replica's own disk."""
    return f"data-{pod_name}" if workload.volume_gib else ""


def shared_claim_of(timeline: ClusterTimeline, workload: int) -> str:
    """Return the shared claim that the pods of a workload mount, empty if none."""
    sharing = _sharing_workloads(timeline)
    return _shared_claim(timeline, sharing) if workload in sharing else ""


def traffic_by_hour(timeline: ClusterTimeline) -> Iterator[tuple[SimulatedPod, str, Int, Int, Float]]:
    """Yield what public pods sent: pod, class, start and length of each interval (seconds), and bytes."""
    public = _public_workloads(timeline)
    for pod in timeline.pods:
        if pod.workload not in public:
            continue
        workload = timeline.workload_of(pod)
        first = pod.started_at // _HOUR * _HOUR
        hours = np.arange(first, pod.ended_at, _HOUR, dtype=np.int64)
        starts = np.maximum(hours, pod.started_at)
        seconds = np.minimum(hours + _HOUR, pod.ended_at) - starts
        wave = 1.0 + 0.6 * np.sin(2 * np.pi * ((hours % _DAY) / _DAY - 0.375))
        for traffic_class, bytes_per_second in (("internet", 6_000.0), ("region", 15_000.0)):
            level = 0.5 + seed_of(timeline.seed, workload.name, traffic_class) % 1000 / 500
            yield pod, traffic_class, starts, seconds, np.rint(seconds * wave * level * bytes_per_second)


def _public_workloads(timeline: ClusterTimeline) -> frozenset[int]:
    for ends in _PUBLIC:
        found = frozenset(
            index
            for index, plan in enumerate(timeline.plan.workloads)
            if plan.kind == "Deployment"
            and plan.namespace != _SYSTEM
            and plan.name.rstrip("-0123456789").endswith(ends)
        )
        if found:
            return found
    return frozenset()


def _own_claim(workload: WorkloadPlan, pod: SimulatedPod) -> tuple[str, str]:
    return workload.namespace, claim_of(workload, pod.name)


def _own_volumes(timeline: ClusterTimeline) -> dict[tuple[str, str], SimulatedVolume]:
    found: dict[tuple[str, str], SimulatedVolume] = {}
    for pod in timeline.pods:  # in order of their start
        workload = timeline.workload_of(pod)
        key = _own_claim(workload, pod)
        if workload.volume_gib and key not in found:
            created = pod.started_at // _STEP * _STEP
            found[key] = _volume(timeline, key, workload.volume_gib, created)
    return found


def _sharing_workloads(timeline: ClusterTimeline) -> tuple[int, ...]:
    """Return the first Deployment of several replicas of a team, and one more of its namespace."""
    teams = [
        (index, plan)
        for index, plan in enumerate(timeline.plan.workloads)
        if plan.kind == "Deployment" and plan.namespace != _SYSTEM
    ]
    first = next(((index, plan) for index, plan in teams if plan.replicas > 1), None)
    if first is None:
        return ()
    others = [i for i, plan in teams if plan.namespace == first[1].namespace and i != first[0]]
    return (first[0], *others[:1])


def _shared_claim(timeline: ClusterTimeline, sharing: tuple[int, ...]) -> str:
    return f"{timeline.plan.workloads[sharing[0]].team}-shared"


def _shared_volume(timeline: ClusterTimeline, sharing: tuple[int, ...]) -> SimulatedVolume:
    key = (timeline.plan.workloads[sharing[0]].namespace, _shared_claim(timeline, sharing))
    return _volume(timeline, key, SHARED_GIB, timeline.start, is_shared=True)


def _left_behind(timeline: ClusterTimeline) -> SimulatedVolume | None:
    namespaces = [plan.name for plan in timeline.plan.namespaces if plan.name != _SYSTEM]
    if not namespaces:
        return None
    until = timeline.start + (timeline.end - timeline.start) * 3 // 4 // _STEP * _STEP
    return _volume(
        timeline, (namespaces[0], "old-exports"), LEFT_BEHIND_GIB, timeline.start, until, is_bound=False
    )


def _volume(
    timeline: ClusterTimeline,
    claim: tuple[str, str],
    size_gib: int,
    created_at: int,
    deleted_at: int | None = None,
    *,
    is_bound: bool = True,
    is_shared: bool = False,
) -> SimulatedVolume:
    uid = uid_of(timeline.seed, "volume", *claim)
    disk, files = _CLASSES.get(timeline.plan.provider, _CLASSES["aws"])
    number = f"{seed_of(timeline.seed, 'disk', *claim):017x}"
    provider_id = f"vol-{number}" if timeline.plan.provider == "aws" else f"projects/simulated/disks/{uid}"
    return SimulatedVolume(
        name=f"pvc-{uid}",
        uid=uid,
        claim_namespace=claim[0],
        claim=claim[1],
        storage_class=files if is_shared else disk,
        provider_id=f"fs-{number}" if is_shared else provider_id,
        size_gib=size_gib,
        used_ratio=0.2 + seed_of(uid, "used") % 600 / 1000,
        is_bound=is_bound,
        is_shared=is_shared,
        created_at=created_at,
        deleted_at=timeline.end if deleted_at is None else deleted_at,
        is_deleted=deleted_at is not None and deleted_at < timeline.end,
    )


def _balancers(timeline: ClusterTimeline) -> Iterator[SimulatedBalancer]:
    later = timeline.start + (timeline.end - timeline.start) // 3 // _STEP * _STEP
    teams = [plan.name for plan in timeline.plan.namespaces if plan.name != _SYSTEM]
    for namespace, service, created in ((_SYSTEM, "ingress", timeline.start), (teams[0], "public", later)):
        uid = uid_of(timeline.seed, "balancer", namespace, service)
        number = f"{seed_of(uid):016x}"
        yield SimulatedBalancer(
            namespace=namespace,
            service=service,
            uid=uid,
            address=f"{number}.elb.{timeline.plan.region}.amazonaws.com"
            if timeline.plan.provider == "aws"
            else f"34.{seed_of(uid) % 100 + 20}.{seed_of(uid, 'a') % 250}.{seed_of(uid, 'b') % 250}",
            created_at=created,
            deleted_at=timeline.end,
            is_deleted=False,
        )
