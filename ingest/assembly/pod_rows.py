"""Rows of ``container_hour`` and ``pod_hour`` from everything known about pods and containers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.assembly.columns import build_table, choose_cells, sort_by_key
from ingest.assembly.containers import (
    RESOURCES,
    BinUsage,
    ContainerFacts,
    ContainerIndex,
    Lives,
    container_seconds,
    mean_usage,
)
from ingest.assembly.frames import Floats
from ingest.assembly.owners import LabelSets, Workloads
from ingest.assembly.pods import Pods
from models.kubernetes.pod_request import (
    POD_REMAINDER,
    ContainerKind,
    ContainerResources,
    combine_requests,
    remainder_request_seconds,
)
from warehouse.lake.observed_tables import CONTAINER_HOUR, POD_HOUR

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class PodWorld:
    """Everything about the pods of a window.

    Parameters
    ----------
    cluster : str
    pods, index, facts, lives, usage : see their classes
    workloads : Workloads
    labels : LabelSets
    node_keys : array of str, shape (P, H)
    throttled : array, shape (K, H)
    oom_kills, restarts : array, shape (K, H)
    traffic : dict of str to array, shape (P, H)
        Bytes by column of ``pod_hour``.
    """

    cluster: str
    pods: Pods
    index: ContainerIndex
    facts: ContainerFacts
    lives: Lives
    usage: BinUsage
    workloads: Workloads
    labels: LabelSets
    node_keys: Texts
    throttled: Floats
    oom_kills: Floats
    restarts: Floats
    traffic: dict[str, Floats]


@dataclass(frozen=True)
class PodRows:
    """The rows, and how much of what should have been seen was.

    Parameters
    ----------
    container_hour, pod_hour : pyarrow.Table
    observed_bins, expected_bins : array, shape (H,)
        Container bins with a CPU reading, and those in which containers ran.
    """

    container_hour: pa.Table
    pod_hour: pa.Table
    observed_bins: Floats
    expected_bins: Floats


def build_pod_rows(world: PodWorld) -> PodRows:
    """Return the rows of all pods that held a request, or ran, in an hour of the window."""
    parts = _Quantities(world)
    containers = pa.concat_tables([_container_rows(world, parts), _remainder_rows(world, parts)])
    is_long_lived = ~world.facts.is_kind(ContainerKind.INIT)
    expected = np.where(is_long_lived[:, None], parts.running / 300.0, 0.0)
    return PodRows(
        sort_by_key(CONTAINER_HOUR, containers),
        sort_by_key(POD_HOUR, _pod_rows(world, parts)),
        (expected * parts.cpu_coverage).sum(axis=0),
        expected.sum(axis=0),
    )


class _Quantities:
    """Seconds, requests and usage by container and hour, shapes (K, H) and (P, H)."""

    def __init__(self, world: PodWorld) -> None:
        pods, index, facts = world.pods, world.index, world.facts
        observed = ~np.isnan(world.usage.cpu_mean) | ~np.isnan(world.usage.memory_max)
        self.pod_seconds = pods.hour_seconds()
        self.running = container_seconds(pods, index, facts, world.lives, observed)
        lives, axis = world.lives, pods.axis
        self.cpu_usage, self.cpu_coverage = mean_usage(world.usage.cpu_mean, self.running, lives, axis)
        self.memory_usage, memory_coverage = mean_usage(world.usage.memory_mean, self.running, lives, axis)
        self.coverage = np.minimum(self.cpu_coverage, memory_coverage)
        self._settle_idle_pods(world)
        is_init = facts.is_kind(ContainerKind.INIT)
        # an init container holds its own request while it runs, the others as long as the pod is scheduled
        held = np.where(is_init[:, None], self.running, self.pod_seconds[index.pods])
        self.requests = {resource: facts.requests[resource] * held for resource in RESOURCES}
        self.effective = _effective_requests(pods, index, facts)

    def _settle_idle_pods(self, world: PodWorld) -> None:
        """Set the use of containers of pods that waited all hour to 0: that is known, not missing."""
        waited = world.pods.is_pending[world.index.pods] & (self.running == 0)
        self.cpu_usage = np.where(waited, 0.0, self.cpu_usage)
        self.memory_usage = np.where(waited, 0.0, self.memory_usage)
        self.coverage = np.where(self.running > 0, self.coverage, np.nan)


def _effective_requests(pods: Pods, index: ContainerIndex, facts: ContainerFacts) -> dict[str, Floats]:
    """Return what the scheduler reserves for each pod (cores, bytes, devices), NaN without any request.

    Without init containers and overhead it is the sum of the containers' requests. kube-state-metrics does
    not export the order of init containers; sidecars are taken to start first, as they mostly do.
    """
    hours = pods.axis.hour_count
    is_init = facts.is_kind(ContainerKind.INIT)
    effective: dict[str, Floats] = {}
    for resource in RESOURCES:
        own = facts.requests[resource]
        total = np.zeros((len(pods), hours))
        count = np.zeros((len(pods), hours))
        np.add.at(total, index.pods[~is_init], np.nan_to_num(own[~is_init]))
        np.add.at(count, index.pods[~is_init], (~np.isnan(own[~is_init])).astype(np.float64))
        effective[resource] = np.where(count > 0, total, np.nan)
    special = set(index.pods[is_init].tolist())
    special |= {int(p) for r in RESOURCES for p in np.flatnonzero(~np.isnan(facts.overhead[r]).all(axis=1))}
    for pod in sorted(special):
        _combine_pod(pod, index, facts, effective)
    return effective


def _combine_pod(
    pod: int, index: ContainerIndex, facts: ContainerFacts, effective: dict[str, Floats]
) -> None:
    rank = {ContainerKind.SIDECAR: 0, ContainerKind.INIT: 1, ContainerKind.MAIN: 2}
    rows = sorted(np.flatnonzero(index.pods == pod).tolist(), key=lambda row: rank[facts.kinds[row]])
    for resource in RESOURCES:
        for hour in range(effective[resource].shape[1]):
            amounts = tuple(
                (facts.kinds[row].value, float(facts.requests[resource][row, hour]))
                for row in rows
                if not np.isnan(facts.requests[resource][row, hour])
            )
            overhead = float(facts.overhead[resource][pod, hour])
            effective[resource][pod, hour] = _combine(amounts, None if np.isnan(overhead) else overhead)


@lru_cache(maxsize=65_536)
def _combine(amounts: tuple[tuple[str, float], ...], overhead: float | None) -> float:
    """Return the effective amount of one resource by ``combine_requests``; NaN if nothing is requested."""
    containers = [
        ContainerResources("", ContainerKind(kind), {"r": Decimal(repr(amount))}, {})
        for kind, amount in amounts
    ]
    extra = {} if overhead is None else {"r": Decimal(repr(overhead))}
    combined = combine_requests(containers, overhead=extra)
    return float(combined["r"]) if "r" in combined else float("nan")


def _container_rows(world: PodWorld, parts: _Quantities) -> pa.Table:
    pods, index, facts, usage = world.pods, world.index, world.facts, world.usage
    is_init = facts.is_kind(ContainerKind.INIT)
    held = parts.pod_seconds[index.pods] > 0
    cells = choose_cells(np.where(is_init[:, None], parts.running > 0, held))
    pod_of = index.pods[cells.rows]
    return build_table(
        CONTAINER_HOUR,
        world.cluster,
        pods.axis,
        cells,
        {
            **_identity(world, pod_of, cells.hours),
            "container": cells.repeat(index.names),
            "revision": _texts(world.workloads.revisions, pod_of),
            "container_kind": cells.repeat([kind.value for kind in facts.kinds]),
            "running_seconds": cells.pick(parts.running),
            "cpu_request_core_seconds": cells.pick(parts.requests["cpu"]),
            "cpu_limit_cores": cells.pick(facts.limits["cpu"]),
            "cpu_usage_core_seconds": cells.pick(parts.cpu_usage),
            "memory_request_byte_seconds": cells.pick(parts.requests["memory"]),
            "memory_limit_bytes": cells.pick(facts.limits["memory"]),
            "memory_usage_byte_seconds": cells.pick(parts.memory_usage),
            "gpu_request_seconds": cells.pick(parts.requests["gpu"]),
            "cpu_throttled_ratio": np.clip(cells.pick(world.throttled), 0.0, 1.0),
            "oom_killed_count": cells.pick(world.oom_kills),
            "restart_count": cells.pick(world.restarts),
            "sample_coverage_ratio": cells.pick(parts.coverage),
            "cpu_usage_cores_by_5m": cells.pick_bins(usage.cpu_mean),
            "cpu_usage_cores_max_1m_by_5m": cells.pick_bins(usage.cpu_max_1m),
            "memory_usage_bytes_max_by_5m": cells.pick_bins(usage.memory_max),
        },
    )


def _remainder_rows(world: PodWorld, parts: _Quantities) -> pa.Table:
    """Return a row for what each pod reserves beyond its containers (init containers, overhead)."""
    pods, index = world.pods, world.index
    rest = {resource: np.full(parts.pod_seconds.shape, np.nan) for resource in RESOURCES}
    rows_of: dict[int, list[int]] = {}
    for row, pod in enumerate(index.pods.tolist()):
        rows_of.setdefault(pod, []).append(row)
    for resource in RESOURCES:
        reserved = parts.effective[resource] * parts.pod_seconds
        held = np.zeros(reserved.shape)
        np.add.at(held, index.pods, np.nan_to_num(parts.requests[resource]))
        # summing floats may leave a remainder of a billionth, which is no request
        candidates = np.argwhere(reserved > held * (1 + 1e-9) + 1e-6)
        for pod, hour in candidates.tolist():
            own = [float(np.nan_to_num(parts.requests[resource][row, hour])) for row in rows_of.get(pod, [])]
            rest[resource][pod, hour] = remainder_request_seconds(float(reserved[pod, hour]), own)
    cells = choose_cells(~np.isnan(np.stack([rest[r] for r in RESOURCES])).all(axis=0))
    nothing = np.zeros(len(cells.rows))
    return build_table(
        CONTAINER_HOUR,
        world.cluster,
        pods.axis,
        cells,
        {
            **_identity(world, cells.rows, cells.hours),
            "container": pa.array([POD_REMAINDER] * len(cells.rows), pa.string()),
            "container_kind": pa.array([POD_REMAINDER] * len(cells.rows), pa.string()),
            "revision": _texts(world.workloads.revisions, cells.rows),
            "running_seconds": cells.pick(parts.pod_seconds),
            "cpu_request_core_seconds": cells.pick(rest["cpu"]),
            "memory_request_byte_seconds": cells.pick(rest["memory"]),
            "gpu_request_seconds": cells.pick(rest["gpu"]),
            # nobody can use what no container holds
            "cpu_usage_core_seconds": nothing,
            "memory_usage_byte_seconds": nothing,
        },
    )


def _pod_rows(world: PodWorld, parts: _Quantities) -> pa.Table:
    pods = world.pods
    cells = choose_cells(parts.pod_seconds > 0)
    label_sets = cells.pick(world.labels.ids)
    reserved = {resource: parts.effective[resource] * parts.pod_seconds for resource in RESOURCES}
    return build_table(
        POD_HOUR,
        world.cluster,
        pods.axis,
        cells,
        {
            **_identity(world, cells.rows, cells.hours),
            "phase": cells.pick(pods.phases),
            "scheduled_seconds": cells.pick(parts.pod_seconds),
            "cpu_request_core_seconds": cells.pick(reserved["cpu"]),
            "memory_request_byte_seconds": cells.pick(reserved["memory"]),
            "gpu_request_seconds": cells.pick(reserved["gpu"]),
            **{column: cells.pick(values) for column, values in world.traffic.items()},
            "label_set_id": label_sets,
            "is_label_inferred": pa.array([None if key is None else False for key in label_sets], pa.bool_()),
            "is_host_network": pa.array(pods.is_on_host_network[cells.rows]),
        },
    )


def _identity(
    world: PodWorld, pods: npt.NDArray[np.int64], hours: npt.NDArray[np.int64]
) -> dict[str, pa.Array]:
    own, workloads = world.pods, world.workloads
    return {
        "pod_uid": _texts(own.uids, pods),
        "namespace": _texts(own.namespaces, pods),
        "pod": _texts(own.names, pods),
        "node_key": pa.array(world.node_keys[pods, hours].tolist(), pa.string()),
        "workload_kind": _texts(workloads.kinds, pods),
        "workload_name": _texts(workloads.names, pods),
    }


def _texts(values: list[str] | list[str | None], rows: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(rows))
