"""Containers of simulated pods as columns, with the requests of their revision and their own level of use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.kubernetes.pod_request import ContainerKind
from models.simulation.noise import normal, seed_of
from models.simulation.scenario import ClusterPlan, ContainerPlan, WorkloadPlan
from models.simulation.timeline import ContainerColumns, SimulatedPod

_POD_LEVEL_LOG_SD = 0.12
"""Replicas of one workload differ by about an eighth: load balancers are not exact."""


def build_containers(
    plan: ClusterPlan, seed: int, pods: tuple[SimulatedPod, ...], end: int
) -> tuple[ContainerColumns, tuple[ContainerPlan, ...]]:
    """Return one row per container of each pod, in the order of pods, and the plans that rows count into."""
    plans: list[ContainerPlan] = []
    first_plan: list[int] = []
    for workload in plan.workloads:
        first_plan.append(len(plans))
        plans.extend(workload.containers)
    rows: list[tuple[int, int, int, int, int]] = []
    ratios: list[float] = []
    seeds: list[int] = []
    for position, pod in enumerate(pods):
        workload = plan.workloads[pod.workload]
        ratio = workload.rollouts[pod.revision - 1].request_ratio if pod.revision else 1.0
        for offset, (begin, finish) in _container_times(workload, pod):
            rows.append((position, pod.workload, first_plan[pod.workload] + offset, begin, finish))
            is_init = workload.containers[offset].kind is ContainerKind.INIT
            ratios.append(1.0 if is_init else ratio)
            seeds.append(seed_of(seed, pod.uid, offset))
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    nodes = np.array([pod.node for pod in pods], dtype=np.int64)
    columns = _columns(table, nodes, plans, np.array(ratios), np.array(seeds, dtype=np.uint64))
    return columns, tuple(plans)


def _container_times(workload: WorkloadPlan, pod: SimulatedPod) -> list[tuple[int, tuple[int, int]]]:
    """Return when each container of a pod runs: init containers one after another, then the others."""
    times = []
    begin = pod.started_at
    for offset, container in enumerate(workload.containers):
        if container.kind is ContainerKind.INIT:
            finish = min(begin + container.run_seconds, pod.ended_at)
            if finish > begin:
                times.append((offset, (begin, finish)))
            begin = finish
    times.extend(
        (offset, (begin, pod.ended_at))
        for offset, container in enumerate(workload.containers)
        if container.kind is not ContainerKind.INIT and begin < pod.ended_at
    )
    return times


def _columns(
    table: NDArray[np.int64],
    nodes: NDArray[np.int64],
    plans: list[ContainerPlan],
    ratios: NDArray[np.float64],
    seeds: NDArray[np.uint64],
) -> ContainerColumns:
    def of_plan(name: str) -> NDArray[np.float64]:
        values = [getattr(plan, name) for plan in plans]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)[table[:, 2]]

    level = np.exp(_POD_LEVEL_LOG_SD * normal(seeds.copy()))
    leak = of_plan("memory_leak_bytes_per_hour") / 3600.0
    memory = of_plan("memory_usage_bytes_mean")
    limit = of_plan("memory_limit_bytes")
    period = np.where(leak > 0, (limit - memory) / np.maximum(leak, 1e-9), 0.0)
    return ContainerColumns(
        pod=table[:, 0],
        workload=table[:, 1],
        plan=table[:, 2],
        node=nodes[table[:, 0]] if len(table) else table[:, 0],
        start=table[:, 3],
        end=table[:, 4],
        cpu_request_cores=np.round(of_plan("cpu_request_cores") * ratios, 3),
        cpu_limit_cores=of_plan("cpu_limit_cores"),
        memory_request_bytes=np.round(of_plan("memory_request_bytes") * ratios / 1048576.0) * 1048576.0,
        memory_limit_bytes=limit,
        cpu_usage_cores_mean=of_plan("cpu_usage_cores_mean") * level,
        memory_usage_bytes_mean=memory * np.sqrt(level),
        cpu_noise_log_sd=of_plan("cpu_noise_log_sd"),
        memory_leak_bytes_per_second=leak,
        restart_period_seconds=np.where(np.isfinite(period), np.maximum(period, 0), 0).astype(np.int64),
        seed=seeds,
    )
