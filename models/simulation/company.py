"""Drawing a company's workloads from the fitted distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.kubernetes.pod_request import ContainerKind
from models.simulation import distributions as fitted
from models.simulation.instance_types import INSTANCE_TYPES
from models.simulation.scenario import (
    ContainerPlan,
    PoolPlan,
    Schedule,
    Shape,
    WorkloadPlan,
)
from models.simulation.shapes import SHAPE_LOG_SD
from models.simulation.timeline import effective_request

MEBIBYTE = 1024.0**2

TEAMS = (
    "checkout", "search", "catalog", "payments", "identity", "ads", "recommendations", "logistics",
    "mobile", "data-platform", "ml-serving", "notifications", "analytics", "platform",
)  # fmt: skip
"""Teams of the simulated company; ``platform`` runs what every cluster needs."""

_SERVICES = (
    "api", "worker", "gateway", "consumer", "indexer", "scheduler", "frontend", "cache", "ranker", "writer",
    "stream", "export", "sync", "report", "proxy", "matcher",
)  # fmt: skip
_REQUEST_CORES = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0)
_REQUEST_WEIGHTS = (0.08, 0.14, 0.14, 0.2, 0.24, 0.14, 0.06)
_MEMORY_MIB_PER_CORE = (1024, 1536, 2048, 3072, 4096)
_MEMORY_SIZES_MIB = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)
"""Sizes that people write."""
_LARGEST_REQUEST_CORES = 1.6
"""Four such containers fit on the nodes of production in the presets, so that no pod waits for ever."""
_SMALLEST_NOISE_LOG_SD = 0.05
_SHAPES = (
    (Shape.WEEKLY, 0.30), (Shape.DAILY, 0.14), (Shape.STEADY, 0.24), (Shape.BURSTY, 0.12),
    (Shape.IDLE, 0.06), (Shape.GROWING, 0.08), (Shape.NIGHT_BATCH, 0.06),
)  # fmt: skip


@dataclass(frozen=True)
class TeamSite:
    """Where a team's workloads of one cluster go, and how they are requested.

    Parameters
    ----------
    size_ratio : float
        Scales CPU requests, and memory with them.
    memory_ratio : float
        Scales memory requests alone, for teams on memory nodes.
    use_ratio : float
        Scales use over request, below 1 for teams that request far too much.
    """

    team: str
    namespace: str
    pools: tuple[str, ...]
    size_ratio: float = 1.0
    memory_ratio: float = 1.0
    use_ratio: float = 1.0


class Draw:
    """Draws workloads; one seeded generator, used in a fixed order.

    Parameters
    ----------
    seed : int
    size_ratio : float
        Scales requests, so that small presets fit on small nodes.
    """

    def __init__(self, seed: int, size_ratio: float = 1.0) -> None:
        self._random = np.random.default_rng(seed)
        self._size_ratio = size_ratio

    def container(
        self, name: str, kind: ContainerKind, site: TeamSite, shape: Shape = Shape.STEADY
    ) -> ContainerPlan:
        """Draw a team's container: requests as people write them, use by the fitted ratios.

        Its noise is what the shape leaves of the spread that series were recorded with.
        """
        draw = self._random
        cores = float(draw.choice(_REQUEST_CORES, p=_REQUEST_WEIGHTS)) * self._size_ratio * site.size_ratio
        cores = min(_LARGEST_REQUEST_CORES, max(0.01, round(cores, 2)))
        memory = _written_size(cores * site.memory_ratio * float(draw.choice(_MEMORY_MIB_PER_CORE)))
        ratios = (fitted.APPLICATION_CPU_USAGE_TO_REQUEST, fitted.APPLICATION_MEMORY_USAGE_TO_REQUEST)
        plan = self._plan(name, kind, (cores, memory), ratios, site.use_ratio)
        rest = plan.cpu_noise_log_sd**2 - SHAPE_LOG_SD[shape] ** 2
        return replace(plan, cpu_noise_log_sd=math.sqrt(max(rest, _SMALLEST_NOISE_LOG_SD**2)))

    def _plan(
        self,
        name: str,
        kind: ContainerKind,
        requests: tuple[float, float],
        ratios: tuple[fitted.QuantileTable, fitted.QuantileTable],
        use_ratio: float = 1.0,
    ) -> ContainerPlan:
        """Return a container with these requests in cores and bytes, if it has any, and drawn use."""
        draw = self._random
        cores, memory = requests
        cpu_ratio = float(ratios[0].at(draw.random())) * use_ratio
        memory_ratio = float(ratios[1].at(draw.random())) * use_ratio
        has_cpu_request = draw.random() >= fitted.NO_CPU_REQUEST_SHARE
        has_memory_request = draw.random() >= fitted.NO_MEMORY_REQUEST_SHARE
        use = cores * cpu_ratio
        if not has_cpu_request:
            use = float(fitted.CPU_USAGE_WITHOUT_REQUEST_CORES.at(draw.random()))
        memory_use = memory * memory_ratio
        has_cpu_limit = draw.random() >= fitted.NO_CPU_LIMIT_SHARE
        has_memory_limit = draw.random() >= fitted.NO_MEMORY_LIMIT_SHARE
        memory_limit = math.ceil(max(1.5 * memory, 1.15 * memory_use) / MEBIBYTE) * MEBIBYTE
        return ContainerPlan(
            name=name,
            kind=kind,
            cpu_request_cores=cores if has_cpu_request else None,
            cpu_limit_cores=round(max(2 * cores, 0.05), 2) if has_cpu_limit else None,
            memory_request_bytes=memory if has_memory_request else None,
            memory_limit_bytes=memory_limit if has_memory_limit else None,
            cpu_usage_cores_mean=use,
            memory_usage_bytes_mean=memory_use,
            cpu_noise_log_sd=float(fitted.CPU_NOISE_LOG_SD.at(draw.random())),
        )

    def service(self, site: TeamSite, place: int) -> WorkloadPlan:
        """Draw a long-lived workload of a team: a Deployment, or one in five a StatefulSet."""
        draw = self._random
        shape = _SHAPES[int(draw.choice(len(_SHAPES), p=[share for _, share in _SHAPES]))][0]
        name = f"{site.team}-{_SERVICES[place % len(_SERVICES)]}"
        is_stateful = draw.random() < 0.2
        replicas = int(draw.choice((1, 2, 3, 4, 6), p=(0.22, 0.34, 0.26, 0.12, 0.06)))
        containers = [self.container("app", ContainerKind.MAIN, site, shape)]
        if draw.random() < 0.2:
            sidecar = replace(site, size_ratio=0.1, memory_ratio=1.0)
            containers.append(self.container("proxy", ContainerKind.SIDECAR, sidecar, shape))
        if draw.random() < 0.15:
            containers.insert(0, _init_container(containers[0], int(draw.integers(5, 30))))
        is_scaled = shape in (Shape.DAILY, Shape.WEEKLY) and not is_stateful and draw.random() < 0.25
        return WorkloadPlan(
            namespace=site.namespace,
            kind="StatefulSet" if is_stateful else "Deployment",
            name=f"{name}-db" if is_stateful else name,
            team=site.team,
            pool=str(draw.choice(site.pools)),
            shape=shape,
            containers=tuple(containers),
            labels={"app.kubernetes.io/name": name, "team": site.team},
            replicas=replicas,
            busy_replicas=replicas + max(1, replicas // 2) if is_scaled else 0,
            phase_hours=int(draw.integers(-2, 3)),
            volume_gib=20 if is_stateful else 0,
        )

    def job(self, site: TeamSite, schedule: Schedule) -> WorkloadPlan:
        """Draw a CronJob of a team."""
        small = replace(site, size_ratio=0.5 * site.size_ratio)
        container = self.container("job", ContainerKind.MAIN, small)
        return WorkloadPlan(
            namespace=site.namespace,
            kind="CronJob",
            name=f"{site.team}-nightly" if schedule.period_seconds >= 86_400 else f"{site.team}-tick",
            team=site.team,
            pool=site.pools[0],
            shape=Shape.STEADY,
            containers=(container,),
            labels={"app.kubernetes.io/name": f"{site.team}-job", "team": site.team},
            schedule=schedule,
        )

    def platform_service(self, name: str, pools: tuple[str, ...]) -> WorkloadPlan:
        """Draw a service that every cluster needs: small requests, memory used as recorded for operators."""
        draw = self._random
        cores = float(draw.choice((0.01, 0.02, 0.05, 0.1, 0.2)))
        memory = float(draw.choice((32, 64, 128, 256))) * MEBIBYTE
        ratios = (fitted.PLATFORM_CPU_USAGE_TO_REQUEST, fitted.PLATFORM_MEMORY_USAGE_TO_REQUEST)
        container = self._plan("main", ContainerKind.MAIN, (cores, memory), ratios)
        return WorkloadPlan(
            namespace="kube-system",
            kind="Deployment",
            name=name,
            team="platform",
            pool=pools[0],
            shape=Shape.STEADY,
            containers=(container,),
            labels={"app.kubernetes.io/name": name, "team": "platform"},
            replicas=int(draw.choice((1, 2, 3), p=(0.4, 0.4, 0.2))),
        )

    def integers(self, low: int, high: int) -> int:
        """Draw an integer in [low, high)."""
        return int(self._random.integers(low, high))


def _written_size(mebibytes: float) -> float:
    """Return the nearest size that people write, in bytes."""
    distances = [abs(math.log(size / mebibytes)) for size in _MEMORY_SIZES_MIB]
    return _MEMORY_SIZES_MIB[distances.index(min(distances))] * MEBIBYTE


def _init_container(main: ContainerPlan, run_seconds: int) -> ContainerPlan:
    """Return an init container that requests half of what its pod does.

    Files of the file source cannot say that a pod reserves more for its init containers than it then runs
    with, so a simulation that is read both ways keeps them smaller.
    """
    return ContainerPlan(
        name="init-config",
        kind=ContainerKind.INIT,
        cpu_request_cores=_half(main.cpu_request_cores, 3),
        cpu_limit_cores=0.5,
        memory_request_bytes=_half(main.memory_request_bytes, 0),
        memory_limit_bytes=None,
        cpu_usage_cores_mean=0.08,
        memory_usage_bytes_mean=40 * MEBIBYTE,
        run_seconds=run_seconds,
    )


def _half(request: float | None, digits: int) -> float | None:
    return None if request is None else round(request / 2, digits)


PLATFORM_SERVICES = (
    "coredns", "metrics-server", "cluster-autoscaler", "ingress-controller", "cert-manager",
)  # fmt: skip


def agents() -> tuple[WorkloadPlan, ...]:
    """Return the DaemonSets of every cluster, with requests below and above what they use."""
    rows = (("log-agent", 0.05, 64, 0.03, 150), ("node-exporter", 0.02, 32, 0.006, 24))
    return tuple(
        WorkloadPlan(
            namespace="kube-system",
            kind="DaemonSet",
            name=name,
            team="platform",
            pool="",
            shape=Shape.STEADY,
            containers=(
                ContainerPlan(
                    name=name,
                    kind=ContainerKind.MAIN,
                    cpu_request_cores=cores,
                    cpu_limit_cores=None,
                    memory_request_bytes=mebibytes * MEBIBYTE,
                    memory_limit_bytes=256 * MEBIBYTE,
                    cpu_usage_cores_mean=used_cores,
                    memory_usage_bytes_mean=used_mebibytes * MEBIBYTE,
                ),
            ),
            labels={"app.kubernetes.io/name": name, "team": "platform"},
        )
        for name, cores, mebibytes, used_cores, used_mebibytes in rows
    )


def leaking_service(site: TeamSite, hours_to_limit: float) -> WorkloadPlan:
    """Return a Deployment whose memory grows until the kernel kills it, again and again."""
    limit = 512 * MEBIBYTE
    return WorkloadPlan(
        namespace=site.namespace,
        kind="Deployment",
        name=f"{site.team}-leaky",
        team=site.team,
        pool=site.pools[0],
        shape=Shape.LEAKING,
        containers=(
            ContainerPlan(
                name="app",
                kind=ContainerKind.MAIN,
                cpu_request_cores=0.2,
                cpu_limit_cores=1.0,
                memory_request_bytes=256 * MEBIBYTE,
                memory_limit_bytes=limit,
                cpu_usage_cores_mean=0.06,
                memory_usage_bytes_mean=160 * MEBIBYTE,
                memory_leak_bytes_per_hour=(limit - 160 * MEBIBYTE) / hours_to_limit,
            ),
        ),
        labels={"app.kubernetes.io/name": f"{site.team}-leaky", "team": site.team},
    )


def throttled_service(site: TeamSite) -> WorkloadPlan:
    """Return a Deployment that its CPU limit holds back at its busy hours."""
    return WorkloadPlan(
        namespace=site.namespace,
        kind="Deployment",
        name=f"{site.team}-squeezed",
        team=site.team,
        pool=site.pools[0],
        shape=Shape.WEEKLY,
        containers=(
            ContainerPlan(
                name="app",
                kind=ContainerKind.MAIN,
                cpu_request_cores=0.25,
                cpu_limit_cores=0.5,
                memory_request_bytes=256 * MEBIBYTE,
                memory_limit_bytes=512 * MEBIBYTE,
                cpu_usage_cores_mean=0.32,
                memory_usage_bytes_mean=210 * MEBIBYTE,
                cpu_noise_log_sd=0.3,
            ),
        ),
        labels={"app.kubernetes.io/name": f"{site.team}-squeezed", "team": site.team},
        replicas=2,
    )


def bare_pod(site: TeamSite) -> WorkloadPlan:
    """Return a pod that nothing controls, without requests and labels."""
    return WorkloadPlan(
        namespace=site.namespace,
        kind="Pod",
        name="debug-shell",
        team=site.team,
        pool=site.pools[0],
        shape=Shape.IDLE,
        containers=(ContainerPlan("shell", ContainerKind.MAIN, None, None, None, None, 0.02, 60 * MEBIBYTE),),
        labels={},
    )


def _pack(shares: list[float], room: float) -> int:
    """Return the nodes that first-fit decreasing needs; a share above the room takes a node alone."""
    free: list[float] = []
    for share in sorted(shares, reverse=True):
        place = next((index for index, left in enumerate(free) if left >= share), None)
        if place is None:
            free.append(room - share)
        else:
            free[place] -= share
    return len(free)


def size_pool(
    pool: PoolPlan, workloads: Sequence[WorkloadPlan], fill_ratio: float, spare_nodes: int = 0
) -> PoolPlan:
    """Return the pool with as many nodes as its workloads' requests need at the fill ratio.

    DaemonSets are subtracted from each node first. The pods are packed, largest first, into nodes of
    ``fill_ratio`` of what is left: sums alone would forget that a pod does not split.
    """
    kind = INSTANCE_TYPES[pool.instance_type]
    cpu_room, memory_room = kind.cpu_allocatable_cores, kind.memory_allocatable_bytes
    pods: list[tuple[float, float]] = []
    for workload in workloads:
        request = effective_request(workload.containers, 1.0)
        if workload.kind == "DaemonSet" and workload.pool in ("", pool.name):
            cpu_room, memory_room = cpu_room - request[0], memory_room - request[1]
        elif workload.pool == pool.name:
            pods += [request] * max(workload.replicas, workload.busy_replicas)
    shares = [max(cpu / cpu_room, memory / memory_room) for cpu, memory in pods]
    count = max(2, _pack(shares, fill_ratio)) + spare_nodes
    return PoolPlan(
        pool.name,
        pool.instance_type,
        pool.purchase_option,
        pool.zones,
        count,
        pool.changes,
        pool.is_committed,
    )
