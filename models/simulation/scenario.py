"""What a simulated company looks like: plans of clusters, pools, teams and workloads. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from models.kubernetes.pod_request import ContainerKind


class Shape(StrEnum):
    """How a workload's demand moves over time."""

    STEADY = "steady"
    DAILY = "daily"
    WEEKLY = "weekly"
    BURSTY = "bursty"
    NIGHT_BATCH = "night_batch"
    GROWING = "growing"
    LEAKING = "leaking"
    IDLE = "idle"
    FLASH_SALE = "flash_sale"


@dataclass(frozen=True)
class ContainerPlan:
    """One container of a pod template. None means unset.

    Parameters
    ----------
    name : str
    kind : ContainerKind
    cpu_request_cores, cpu_limit_cores, memory_request_bytes, memory_limit_bytes : float or None
    cpu_usage_cores_mean, memory_usage_bytes_mean : float
        Mean demand of one replica over the scenario.
    cpu_noise_log_sd : float
        Standard deviation of the logarithm of CPU around the shape.
    memory_leak_bytes_per_hour : float
        Growth since the last restart; the kernel kills the container when it meets its limit.
    run_seconds : int
        How long an init container runs; 0 for the others.
    """

    name: str
    kind: ContainerKind
    cpu_request_cores: float | None
    cpu_limit_cores: float | None
    memory_request_bytes: float | None
    memory_limit_bytes: float | None
    cpu_usage_cores_mean: float
    memory_usage_bytes_mean: float
    cpu_noise_log_sd: float = 0.2
    memory_leak_bytes_per_hour: float = 0.0
    run_seconds: int = 0


@dataclass(frozen=True)
class Rollout:
    """A new revision of a workload's template.

    Parameters
    ----------
    at : int
        Unix seconds.
    request_ratio : float
        Requests of this revision over those of the plan; limits stay.
    labels : mapping of str to str
        Labels that this revision changes.
    """

    at: int
    request_ratio: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """When jobs start and how long their pods run, in seconds."""

    period_seconds: int
    offset_seconds: int
    shortest_seconds: int
    longest_seconds: int


@dataclass(frozen=True)
class WorkloadPlan:
    """A workload and its life over the scenario.

    Parameters
    ----------
    kind : str
        Deployment, StatefulSet, DaemonSet, CronJob or Pod.
    pool : str
        Node pool that its pods are placed on; empty for any pool (DaemonSets).
    replicas, busy_replicas : int
        Replicas, and those from 8 to 20 o'clock UTC on working days (0: the same).
    sale_at : tuple of int
        Unix seconds at which flash sales begin.
    """

    namespace: str
    kind: str
    name: str
    team: str
    pool: str
    shape: Shape
    containers: tuple[ContainerPlan, ...]
    labels: Mapping[str, str]
    replicas: int = 1
    busy_replicas: int = 0
    phase_hours: int = 0
    rollouts: tuple[Rollout, ...] = ()
    schedule: Schedule | None = None
    sale_at: tuple[int, ...] = ()
    volume_gib: int = 0


@dataclass(frozen=True)
class NodeChange:
    """Nodes that join (positive) or leave (negative) a pool at an instant on a 5-minute boundary."""

    at: int
    count: int


@dataclass(frozen=True)
class PoolPlan:
    """A group of equal nodes.

    Parameters
    ----------
    purchase_option : str
        on_demand or spot, as labels of real clusters tell it.
    is_committed : bool
        Whether a commitment covers the pool, which only its effective price shows.
    """

    name: str
    instance_type: str
    purchase_option: str
    zones: tuple[str, ...]
    node_count: int
    changes: tuple[NodeChange, ...] = ()
    is_committed: bool = False


@dataclass(frozen=True)
class Gap:
    """A time in which nothing was scraped: from the whole cluster, or from one node (by position)."""

    start: int
    end: int
    node_position: int | None = None


@dataclass(frozen=True)
class NamespacePlan:
    """A namespace and its labels, which may change once."""

    name: str
    labels: Mapping[str, str]
    changed_at: int | None = None
    changed_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterPlan:
    """One cluster."""

    name: str
    provider: str
    region: str
    display_name: str
    pools: tuple[PoolPlan, ...]
    namespaces: tuple[NamespacePlan, ...]
    workloads: tuple[WorkloadPlan, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class OwnershipPlan:
    """A rule of the ownership file; times are Unix seconds."""

    cluster: str
    namespace: str
    label_selector: str
    team: str
    cost_centre: str
    share_ratio: float
    priority: int
    valid_from: int
    valid_to: int | None


@dataclass(frozen=True)
class InitiativePlan:
    """One optimisation stage: who did what, where, from when."""

    name: str
    cluster: str
    node_pool: str
    team: str
    started_at: int
    finished_at: int
    description: str


@dataclass(frozen=True)
class Scenario:
    """A simulated company from ``start`` to ``end`` (Unix seconds, whole hours); budgets are for a month."""

    name: str
    seed: int
    start: int
    end: int
    currency: str
    clusters: tuple[ClusterPlan, ...]
    ownership: tuple[OwnershipPlan, ...]
    team_budgets: Mapping[str, float]
    company_budget: float | None = None
    initiatives: tuple[InitiativePlan, ...] = ()
    price_change_at: int | None = None
    price_change_ratio: float = 1.0
