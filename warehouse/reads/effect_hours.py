"""Hours of containers whose suggestions are being watched: what pods ran with, and what went wrong."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.windows import HourWindow
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_KEY = "namespace, workload_kind, workload_name, container"
_HALF = 0.5
# sums of seconds differ in the last digits; a millionth of a core and a byte are far below any granule
_VALUES = """
    round(cpu_request_core_seconds / nullif(running_seconds, 0), 6)::DOUBLE AS cpu_request_cores,
    round(cpu_limit_cores, 6)::DOUBLE AS cpu_limit_cores,
    round(memory_request_byte_seconds / nullif(running_seconds, 0))::DOUBLE AS memory_request_bytes,
    round(memory_limit_bytes)::DOUBLE AS memory_limit_bytes"""
_NAMES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")

_IN_FORCE = f"""
    SELECT {_KEY}, {_VALUES}, max(hour) AS newest
    FROM container_hour WHERE running_seconds > 0 GROUP BY ALL"""

_HOURS = f"""
    SELECT {_KEY}, hour, {_VALUES},
           sum(running_seconds)::DOUBLE AS seconds,
           count(DISTINCT pod_uid)::INTEGER AS pod_count,
           coalesce(sum(oom_killed_count), 0)::INTEGER AS oom_killed_count,
           coalesce(sum(restart_count), 0)::INTEGER AS restart_count,
           max(cpu_throttled_ratio)::DOUBLE AS throttled_ratio,
           max(list_max(memory_usage_bytes_max_by_5m))::DOUBLE AS memory_usage_bytes_max,
           min(sample_coverage_ratio)::DOUBLE AS coverage_ratio
    FROM container_hour
    WHERE running_seconds > 0
      AND concat_ws(chr(31), {_KEY}) IN (SELECT unnest($keys))
    GROUP BY ALL ORDER BY {_KEY}, hour, seconds DESC"""


@dataclass(frozen=True)
class PodsOfHour:
    """The pods of one container that ran with the same values in one hour.

    Requests and limits in cores and bytes, None where unset; memory and throttling are the highest of any
    pod, None where nothing was measured.
    """

    hour: datetime
    values: ResourceValues
    running_seconds: float
    pod_count: int
    oom_killed_count: int
    restart_count: int
    throttled_ratio: float | None
    memory_usage_bytes_max: float | None
    is_measured: bool


class EffectReads:
    """Reads of ``container_hour`` of one cluster at one pin; for the machine, not for people.

    Parameters
    ----------
    lake : Lake
    cluster : str
    pin : Pin or None
    """

    def __init__(self, lake: Lake, cluster: str, pin: Pin | None = None) -> None:
        self._lake = lake
        self._cluster = cluster
        self._pin = pin

    def values_in_force(
        self, window: HourWindow
    ) -> dict[ContainerKey, list[tuple[ResourceValues, datetime]]]:
        """Return the values that each container ran with, and the newest hour that showed them."""
        found: dict[ContainerKey, list[tuple[ResourceValues, datetime]]] = {}
        for row in self._rows(_IN_FORCE, window, {}):
            found.setdefault(self._key(row), []).append((_values(row), row["newest"]))
        return found

    def hours(
        self, keys: Collection[ContainerKey], window: HourWindow
    ) -> dict[ContainerKey, list[PodsOfHour]]:
        """Return the hours of some containers, oldest first, several entries where pods ran differently."""
        names = [_joined(key) for key in keys]
        found: dict[ContainerKey, list[PodsOfHour]] = {}
        for row in self._rows(_HOURS, window, {"keys": names}) if names else ():
            coverage = row["coverage_ratio"]
            found.setdefault(self._key(row), []).append(
                PodsOfHour(
                    hour=row["hour"],
                    values=_values(row),
                    running_seconds=row["seconds"],
                    pod_count=row["pod_count"],
                    oom_killed_count=row["oom_killed_count"],
                    restart_count=row["restart_count"],
                    throttled_ratio=row["throttled_ratio"],
                    memory_usage_bytes_max=row["memory_usage_bytes_max"],
                    is_measured=coverage is not None and coverage >= _HALF,
                )
            )
        return found

    def _rows(self, sql: str, window: HourWindow, parameters: dict[str, object]) -> list[dict[str, Any]]:
        scan = TableScan("container_hour", self._cluster, window)
        found = self._lake.query(sql, tables={"container_hour": scan}, parameters=parameters, pin=self._pin)
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def _key(self, row: dict[str, Any]) -> ContainerKey:
        workload = WorkloadKey(self._cluster, row["namespace"], row["workload_kind"], row["workload_name"])
        return ContainerKey(workload, row["container"])


def _values(row: dict[str, Any]) -> ResourceValues:
    return ResourceValues(*(row[name] for name in _NAMES))


def _joined(key: ContainerKey) -> str:
    workload = key.workload
    return chr(31).join((workload.namespace, workload.kind, workload.name, key.container))
