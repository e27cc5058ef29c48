"""What one container used hour by hour, per pod: the evidence behind a suggestion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import ContainerKey, Principal
from models.vocabulary.windows import HourWindow
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin


@dataclass(frozen=True)
class HourOfUse:
    """One hour over all pods of a container: the highest 5 minutes of any pod, and the requests then.

    CPU in cores, memory in bytes; None where nothing was measured or set.
    """

    hour: datetime
    pod_count: int
    cpu_usage_cores_max_5m: float | None
    memory_usage_bytes_max_5m: float | None
    cpu_request_cores: float | None
    memory_request_bytes: float | None
    oom_killed_count: int


class UsageReads:
    """Reads of ``container_hour`` at one pin.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def by_hour(
        self, principal: Principal, key: ContainerKey, team: str | None, window: HourWindow
    ) -> list[HourOfUse]:
        """Return the hours of a container that belongs to ``team``, oldest first.

        Raises
        ------
        Forbidden
            If the principal may not see rows of that team.
        """
        teams = principal.visible_teams()
        if teams is not None and team not in teams:
            raise Forbidden(f"{principal.id} may not see workloads of team {team or '(unowned)'}")
        sql = """SELECT hour, count(DISTINCT pod_uid)::INTEGER AS pod_count,
                   max(coalesce(list_max(cpu_usage_cores_by_5m),
                       cpu_usage_core_seconds / nullif(running_seconds, 0)))::DOUBLE
                       AS cpu_usage_cores_max_5m,
                   max(coalesce(list_max(memory_usage_bytes_max_by_5m),
                       memory_usage_byte_seconds / nullif(running_seconds, 0)))::DOUBLE
                       AS memory_usage_bytes_max_5m,
                   max(cpu_request_core_seconds / nullif(running_seconds, 0)) AS cpu_request_cores,
                   max(memory_request_byte_seconds / nullif(running_seconds, 0)) AS memory_request_bytes,
                   coalesce(sum(oom_killed_count), 0)::INTEGER AS oom_killed_count
                 FROM container_hour
                 WHERE namespace = $namespace AND workload_kind = $kind AND workload_name = $name
                   AND container = $container
                 GROUP BY hour ORDER BY hour"""
        bound = {
            "namespace": key.workload.namespace,
            "kind": key.workload.kind,
            "name": key.workload.name,
            "container": key.container,
        }
        scan = TableScan("container_hour", key.workload.cluster, window)
        rows = self._lake.query(sql, tables={"container_hour": scan}, parameters=bound, pin=self._pin)
        return [HourOfUse(**row) for row in rows.to_pylist()]
