"""How much room a container has: on the nodes it may run on, and in its namespace's quota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.windows import HOUR, HourWindow
from recommender.constraints import QuotaRoom
from service.runtime import Runtime
from warehouse.lake.reading import TableScan

_NODES = """
    SELECT coalesce(node.node_pool, '') AS pool,
           max(cpu_allocatable_cores - coalesce(daemon.cpu, 0)) AS cpu,
           max(memory_allocatable_bytes - coalesce(daemon.memory, 0)) AS memory,
           max(cpu_allocatable_cores) AS whole_cpu, max(memory_allocatable_bytes) AS whole_memory
    FROM node_hour AS node LEFT JOIN (
        SELECT node_key, sum(coalesce(cpu_request_core_seconds, 0) / scheduled_seconds) AS cpu,
               sum(coalesce(memory_request_byte_seconds, 0) / scheduled_seconds) AS memory
        FROM pod_hour WHERE workload_kind = 'DaemonSet' AND scheduled_seconds > 0 GROUP BY node_key
    ) AS daemon USING (node_key)
    GROUP BY ALL ORDER BY pool"""
_PLACES = """
    SELECT DISTINCT pod_hour.namespace, pod_hour.workload_kind, pod_hour.workload_name,
           coalesce(node_pool, '') AS pool
    FROM pod_hour JOIN (SELECT DISTINCT node_key, node_pool FROM node_hour) USING (node_key)
    ORDER BY ALL"""
_NAMES = ("cpu_request_cores", "memory_request_bytes", "cpu_limit_cores", "memory_limit_bytes")


@dataclass(frozen=True)
class NodeRoom:
    """Cores and bytes on the largest node of a pool: beside its DaemonSets, and as a whole."""

    cpu_cores: float | None
    memory_bytes: float | None
    whole_cpu_cores: float | None
    whole_memory_bytes: float | None


@dataclass(frozen=True)
class ClusterRoom:
    """The largest nodes by pool, and the pools in which each workload's pods were seen last."""

    pools: Mapping[str, NodeRoom]
    places: Mapping[tuple[str, str, str], frozenset[str]]

    def largest(self, key: WorkloadKey) -> tuple[float | None, float | None]:
        """Return cores and bytes that one pod can get on the largest node it may run on.

        The nodes of the pools where it runs; those of all pools while it runs nowhere. None is not known.
        """
        pools = self.places.get((key.namespace, key.kind, key.name)) or frozenset(self.pools)
        found = [self.pools[pool] for pool in sorted(pools) if pool in self.pools]
        if key.kind == "DaemonSet":
            return _most(one.whole_cpu_cores for one in found), _most(one.whole_memory_bytes for one in found)
        return _most(one.cpu_cores for one in found), _most(one.memory_bytes for one in found)


def read_cluster_room(runtime: Runtime, cluster: str, as_of: datetime) -> ClusterRoom:
    """Return the room on nodes in the newest hour before an event time."""
    hour = HourWindow(as_of - HOUR, as_of)
    tables = {name: TableScan(name, cluster, hour) for name in ("node_hour", "pod_hour")}
    lake = runtime.warehouse.lake
    pools = {
        row["pool"]: NodeRoom(row["cpu"], row["memory"], row["whole_cpu"], row["whole_memory"])
        for row in lake.query(_NODES, tables=tables).to_pylist()
    }
    places: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in lake.query(_PLACES, tables=tables).to_pylist():
        places[row["namespace"], row["workload_kind"], row["workload_name"]].add(row["pool"])
    return ClusterRoom(pools, {key: frozenset(found) for key, found in places.items()})


def quota_rooms(
    hard: Mapping[str, Mapping[str, float]], profiles: Iterable[ResourceProfile]
) -> dict[str, QuotaRoom]:
    """Return what each namespace's quota still has: hard minus what its containers hold on average.

    Parameters
    ----------
    hard : mapping of str to mapping
        By namespace and field of ``ResourceValues``, cores and bytes.
    profiles : iterable of ResourceProfile
        All of the cluster; those seen in the last hour count with their mean replicas.
    """
    used: dict[str, dict[str, float]] = {namespace: dict.fromkeys(_NAMES, 0.0) for namespace in hard}
    for profile in profiles:
        held = used.get(profile.key.workload.namespace)
        if held is None or profile.last_seen_hours_ago != 0:
            continue
        for name in _NAMES:
            held[name] += (getattr(profile, name) or 0.0) * profile.replica_count_mean
    return {
        namespace: QuotaRoom({name: amount - used[namespace][name] for name, amount in limits.items()})
        for namespace, limits in hard.items()
    }


def _most(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None
