"""Reads the 5-minute sums of workloads from the stored container hours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.windows import BINS_PER_HOUR, HOUR, HourWindow
from recommender.workload_bins import ContainerBins, Floats, WorkloadBins
from service.runtime import Runtime
from warehouse.lake.reading import TableScan
from warehouse.pins import Pin

_NAMES = ("namespace", "workload_kind", "workload_name", "container")


def _twelve(expression: str) -> str:
    parts = ", ".join(expression.format(position=position) for position in range(1, BINS_PER_HOUR + 1))
    return f"[{parts}]"


_SUMS = f"""
    SELECT namespace, workload_kind, workload_name, container, hour,
        {_twelve("sum(cpu_usage_cores_by_5m[{position}])")} AS cpu,
        {_twelve("sum(memory_usage_bytes_max_by_5m[{position}])")} AS memory,
        {
    _twelve("count(coalesce(cpu_usage_cores_by_5m[{position}], memory_usage_bytes_max_by_5m[{position}]))")
} AS seen,
        sum(running_seconds) / 3600 AS running,
        sum(cpu_request_core_seconds) / 3600 AS cpu_request,
        sum(memory_request_byte_seconds) / 3600 AS memory_request,
        count(DISTINCT revision) AS revisions
    FROM container_hour
    WHERE container_kind IN ('main', 'sidecar')
      AND namespace || chr(31) || workload_kind || chr(31) || workload_name
          IN (SELECT unnest($workloads))
    GROUP BY ALL ORDER BY ALL"""


def read_workload_bins(
    runtime: Runtime, window: HourWindow, keys: Collection[WorkloadKey], pin: Pin | None = None
) -> dict[WorkloadKey, WorkloadBins]:
    """Return what each workload used, requested and ran in a window; those without a row are left out.

    Parameters
    ----------
    runtime : Runtime
    window : HourWindow
        Within the time for which 5-minute lists are kept.
    keys : collection of WorkloadKey
        All of one cluster.
    pin : Pin, optional
    """
    if not keys:
        return {}
    cluster = next(iter(keys)).cluster
    names = [chr(31).join((key.namespace, key.kind, key.name)) for key in sorted(keys)]
    table = runtime.warehouse.lake.query(
        _SUMS,
        tables={"container_hour": TableScan("container_hour", cluster, window)},
        parameters={"workloads": names},
        pin=pin,
    )
    read = _Columns.of(table, window)
    found: dict[WorkloadKey, dict[str, ContainerBins]] = {}
    for names_of, rows in _groups(table):
        key = WorkloadKey(cluster, *names_of[:3])
        found.setdefault(key, {})[names_of[3]] = read.bins(rows)
    return {key: WorkloadBins(key, window.start, containers) for key, containers in found.items()}


def _groups(table: pa.Table) -> Iterator[tuple[tuple[str, ...], slice]]:
    """Yield the names of each container and its rows, which lie together."""
    columns = [table.column(name).to_pylist() for name in _NAMES]
    names = list(zip(*columns, strict=True))
    start = 0
    for position in range(1, len(names) + 1):
        if position == len(names) or names[position] != names[start]:
            yield names[start], slice(start, position)
            start = position


@dataclass(frozen=True, eq=False)
class _Columns:
    """The answer as arrays: one row per container and hour, lists of twelve as matrices."""

    hours: npt.NDArray[np.int64]
    lists: Mapping[str, Floats]
    numbers: Mapping[str, Floats]
    hour_count: int

    @classmethod
    def of(cls, table: pa.Table, window: HourWindow) -> _Columns:
        """Read the columns once."""
        moments = table.column("hour").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
        return cls(
            hours=(moments - int(window.start.timestamp())) // int(HOUR.total_seconds()),
            lists={
                name: np.asarray(
                    table.column(name).combine_chunks().flatten().to_numpy(zero_copy_only=False),
                    dtype=np.float64,
                ).reshape(-1, BINS_PER_HOUR)
                for name in ("cpu", "memory", "seen")
            },
            numbers={
                name: np.asarray(table.column(name).to_numpy(), dtype=np.float64)
                for name in ("running", "cpu_request", "memory_request", "revisions")
            },
            hour_count=window.hour_count,
        )

    def bins(self, rows: slice) -> ContainerBins:
        """Return one container; hours without a row are not known, and no pod ran."""
        return ContainerBins(
            usage={name: self._spread(self.lists[name], rows, np.nan) for name in ("cpu", "memory")},
            request={name: self._repeated(f"{name}_request", rows, np.nan) for name in ("cpu", "memory")},
            seen=self._spread(self.lists["seen"], rows, 0.0),
            running=np.nan_to_num(self._repeated("running", rows, 0.0)),
            is_rollout=self._repeated("revisions", rows, 0.0) > 1,
        )

    def _spread(self, values: Floats, rows: slice, missing: float) -> Floats:
        spread = np.full((self.hour_count, BINS_PER_HOUR), missing)
        spread[self.hours[rows]] = values[rows]
        return spread.ravel()

    def _repeated(self, name: str, rows: slice, missing: float) -> Floats:
        spread = np.full(self.hour_count, missing)
        spread[self.hours[rows]] = self.numbers[name][rows]
        return np.repeat(spread, BINS_PER_HOUR)
