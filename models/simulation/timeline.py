"""The life of every object of a simulated cluster: nodes, pods and containers, by Unix second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.kubernetes.pod_request import ContainerKind
from models.simulation.scenario import ClusterPlan, ContainerPlan, PoolPlan, WorkloadPlan

Int = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class SimulatedNode:
    """A node from ``created_at`` to ``deleted_at`` (the end of the scenario while it lives)."""

    position: int
    name: str
    uid: str
    provider_id: str
    system_uuid: str
    pool: PoolPlan
    zone: str
    created_at: int
    deleted_at: int
    is_deleted: bool
    labels: dict[str, str]


@dataclass(frozen=True)
class RevisionKey:
    """A revision of a workload's template: its place in the plan and its template hash."""

    workload: int
    number: int
    template_hash: str


@dataclass
class SimulatedPod:
    """A pod from ``started_at`` to ``ended_at`` on one node.

    ``is_ended`` says that it ended inside the scenario; ``is_completed`` that it ran to its own end (a
    job's pod). ``listed_until`` is when its object is deleted, later than its end for a job's pod.
    """

    uid: str
    name: str
    workload: int
    revision: int
    node: int
    slot: int
    started_at: int
    ended_at: int
    is_ended: bool
    is_completed: bool
    listed_until: int
    owner_kind: str
    owner_name: str
    owner_uid: str


@dataclass(frozen=True)
class ContainerColumns:
    """Containers of all pods as columns; one row each. NaN means unset.

    Times are Unix seconds, ``end`` exclusive. ``restart_period_seconds`` is the time from start to the
    kernel's kill of a leaking container, 0 without one.
    """

    pod: Int
    workload: Int
    plan: Int
    node: Int
    start: Int
    end: Int
    cpu_request_cores: Float
    cpu_limit_cores: Float
    memory_request_bytes: Float
    memory_limit_bytes: Float
    cpu_usage_cores_mean: Float
    memory_usage_bytes_mean: Float
    cpu_noise_log_sd: Float
    memory_leak_bytes_per_second: Float
    restart_period_seconds: Int
    seed: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.pod)


@dataclass(frozen=True)
class ClusterTimeline:
    """Everything that lived in one cluster; ``containers.plan`` counts into ``container_plans``."""

    plan: ClusterPlan
    seed: int
    start: int
    end: int
    nodes: tuple[SimulatedNode, ...]
    revisions: tuple[tuple[RevisionKey, ...], ...]
    pods: tuple[SimulatedPod, ...]
    containers: ContainerColumns
    container_plans: tuple[ContainerPlan, ...]
    pending_pod_count: int = field(default=0)

    def workload_of(self, pod: SimulatedPod) -> WorkloadPlan:
        """Return the plan of a pod's workload."""
        return self.plan.workloads[pod.workload]

    def revision_of(self, pod: SimulatedPod) -> RevisionKey:
        """Return the revision of the template that a pod was made from."""
        return self.revisions[pod.workload][pod.revision]


def effective_request(containers: tuple[ContainerPlan, ...], ratio: float) -> tuple[float, float]:
    """Return cores and bytes that a pod needs to be placed.

    Kubernetes' rule where init containers come before sidecars: the larger of the sum of the long lived
    and the largest init container, per resource. ``ratio`` scales the requests of the revision.
    """
    long_lived = [plan for plan in containers if plan.kind is not ContainerKind.INIT]
    init = [plan for plan in containers if plan.kind is ContainerKind.INIT]
    cpu = sum((plan.cpu_request_cores or 0.0) * ratio for plan in long_lived)
    memory = sum((plan.memory_request_bytes or 0.0) * ratio for plan in long_lived)
    return (
        max([cpu, *((plan.cpu_request_cores or 0.0) for plan in init)]),
        max([memory, *((plan.memory_request_bytes or 0.0) for plan in init)]),
    )
