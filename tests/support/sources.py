"""A source of hours written by hand: deterministic, with faults on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from models.vocabulary.errors import MillicoreError
from models.vocabulary.windows import HOUR, HourWindow
from warehouse.lake.declaration import LakeTable
from warehouse.lake.observed_tables import CONTAINER_HOUR, NODE_HOUR
from warehouse.observed import HourReport, ObservedWindow, WindowState

START = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass
class SteadySource:
    """Two containers on one node, the same in every hour.

    Parameters
    ----------
    name : str
        Name of the source in the ledger.
    first : datetime
        Instant of its first sample.
    errors : mapping of datetime to error
        Raised when a window holds the hour.
    partial : set of datetime
        Hours reported as partial.
    usage_cores : float
        CPU of each container; a change makes every hour another input.
    """

    name: str = "prometheus"
    first: datetime | None = START
    errors: Mapping[datetime, MillicoreError] = field(default_factory=dict)
    partial: set[datetime] = field(default_factory=set)
    usage_cores: float = 0.25
    asked: list[HourWindow] = field(default_factory=list)

    def oldest(self, cluster: str) -> datetime | None:
        return self.first

    def observe(self, cluster: str, window: HourWindow) -> ObservedWindow:
        self.asked.append(window)
        for hour, error in self.errors.items():
            if hour in window:
                raise error
        hours = list(window.hours())
        tables = {"container_hour": self._containers(cluster, hours), "node_hour": _nodes(cluster, hours)}
        return ObservedWindow(cluster, self.name, window, tables, tuple(map(self._report, hours)))

    def close(self) -> None:
        """Nothing to close."""

    def _report(self, hour: datetime) -> HourReport:
        digest = hashlib.sha256(f"{hour}{self.usage_cores}{hour in self.partial}".encode()).hexdigest()[:32]
        if hour in self.partial:
            return HourReport(hour, WindowState.PARTIAL, 0.6, 3, digest, "a scrape was missing")
        return HourReport(hour, WindowState.COMPLETE, 1.0, 3, digest)

    def _containers(self, cluster: str, hours: list[datetime]) -> pa.Table:
        rows = [
            {
                "pod_uid": f"uid-{number}",
                "container": "main",
                "namespace": "shop",
                "pod": f"web-{number}",
                "node_key": "node-1",
                "workload_kind": "Deployment",
                "workload_name": "web",
                "container_kind": "main",
                "running_seconds": 3600.0,
                "cpu_request_core_seconds": 1800.0,
                "cpu_usage_core_seconds": self.usage_cores * 3600,
                "memory_request_byte_seconds": 3600.0 * 2**30,
                "memory_usage_byte_seconds": 3600.0 * 2**29,
                "sample_coverage_ratio": 1.0,
                "cpu_usage_cores_by_5m": [self.usage_cores] * 12,
                "memory_usage_bytes_max_by_5m": [float(2**29)] * 12,
            }
            for number in range(2)
        ]
        return _table(CONTAINER_HOUR, cluster, hours, rows)


def _nodes(cluster: str, hours: list[datetime]) -> pa.Table:
    row = {
        "node_key": "node-1",
        "node": "node-1",
        "instance_type": "m6i.large",
        "region": "eu-central-1",
        "node_pool": "general",
        "purchase_option": "on_demand",
        "running_seconds": 3600.0,
        "cpu_capacity_cores": 2.0,
        "cpu_allocatable_cores": 1.9,
        "memory_capacity_bytes": 8.0 * 2**30,
        "memory_allocatable_bytes": 7.0 * 2**30,
        "sample_coverage_ratio": 1.0,
    }
    return _table(NODE_HOUR, cluster, hours, [row])


def _table(table: LakeTable, cluster: str, hours: list[datetime], rows: list[dict[str, object]]) -> pa.Table:
    full = [{"cluster": cluster, "day": hour.date(), "hour": hour, **row} for hour in hours for row in rows]
    names = table.schema.names
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in names} for row in full], schema=table.schema
    )


def hours_from(start: datetime, count: int) -> HourWindow:
    """Return a window of ``count`` hours."""
    return HourWindow(start, start + count * HOUR)
