"""Reading a cluster-day's volumes, load balancers and traffic, and telling which of them are charged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.allocation.columns import Flags
from models.pricing.asset_book import ChargedKind, is_charged
from models.pricing.asset_cost import ASSET_COLUMNS
from warehouse.lake.partition_files import read_partition
from warehouse.lake.tables import TABLES

CONTROL_PLANE_ASSET = "control-plane"
_VOLUME_COLUMNS = (
    "hour",
    "volume",
    "claim_namespace",
    "claim",
    "storage_class",
    "capacity_bytes",
    "used_bytes",
    "running_seconds",
    "region",
    "zone",
)
_MOUNT_COLUMNS = (
    "hour",
    "volume",
    "pod_uid",
    "namespace",
    "mounted_seconds",
    "first_mounted_at",
    "last_mounted_at",
)
_LOAD_BALANCER_COLUMNS = (
    "hour",
    "load_balancer",
    "namespace",
    "service",
    "running_seconds",
    "load_balancer_type",
    "region",
)
_FLOW_COLUMNS = ("hour", "pod_uid", "namespace", "traffic_class", "bytes")
_POD_COLUMNS = ("hour", "pod_uid", "workload_kind", "workload_name", "label_set_id", "is_host_network")


@dataclass(frozen=True)
class ChargedSpan:
    """Which asset kinds are charged in the hours that begin in ``[start, end)``."""

    start: datetime
    end: datetime
    kinds: frozenset[ChargedKind]


@dataclass(frozen=True)
class AssetInputs:
    """A cluster-day's assets beside nodes. Picklable.

    Parameters
    ----------
    volume_files, mount_files, load_balancer_files, flow_files : tuple of str
        Pinned files of ``volume_hour``, ``volume_mount_hour``, ``load_balancer_hour``, ``network_flow_hour``.
    charged : tuple of ChargedSpan
        Gapless over the day; hours outside of them charge nothing.
    """

    volume_files: tuple[str, ...] = ()
    mount_files: tuple[str, ...] = ()
    load_balancer_files: tuple[str, ...] = ()
    flow_files: tuple[str, ...] = ()
    charged: tuple[ChargedSpan, ...] = ()


@dataclass(frozen=True)
class AssetReader:
    """Reads the observed rows of a cluster-day as frames, sorted by key, each key once."""

    inputs: AssetInputs
    pod_files: tuple[str, ...]
    storage_options: Mapping[str, str] = field(default_factory=dict)

    def volumes(self) -> pd.DataFrame:
        """Return volume-hours."""
        return self._rows("volume_hour", self.inputs.volume_files, _VOLUME_COLUMNS, ["hour", "volume"])

    def mounts(self) -> pd.DataFrame:
        """Return mounts: the seconds in the hour from and to which they are known to last, else NaN."""
        keys = ["hour", "volume", "pod_uid"]
        rows = self._rows("volume_mount_hour", self.inputs.mount_files, _MOUNT_COLUMNS, keys)
        for name, source in (("start_second", "first_mounted_at"), ("end_second", "last_mounted_at")):
            rows[name] = (rows[source] - rows["hour"]).dt.total_seconds()
        return self._with_workloads(rows)

    def load_balancers(self) -> pd.DataFrame:
        """Return load-balancer-hours."""
        return self._rows(
            "load_balancer_hour",
            self.inputs.load_balancer_files,
            _LOAD_BALANCER_COLUMNS,
            ["hour", "load_balancer"],
        )

    def flows(self) -> pd.DataFrame:
        """Return bytes sent by pod and class, as read."""
        return self._read("network_flow_hour", self.inputs.flow_files, _FLOW_COLUMNS)

    def senders(self, flows: pd.DataFrame) -> pd.DataFrame:
        """Return flows with their pods; ``is_nobody`` marks those of a node rather than of a pod."""
        rows = self._with_workloads(_unique(flows, ["hour", "traffic_class", "pod_uid"]))
        of_node = rows["is_host_network"].fillna(value=False).astype(bool)
        return rows.assign(is_nobody=of_node | (rows["pod_uid"] == "") | rows["namespace"].isna())

    def _rows(
        self, table: str, files: Sequence[str], columns: Sequence[str], keys: list[str]
    ) -> pd.DataFrame:
        return _unique(self._read(table, files, columns), keys)

    def _read(self, table: str, files: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        schema = pa.schema([(name, TABLES[table].columns[name]) for name in columns])
        read = read_partition(files, columns, storage_options=self.storage_options)
        parts = [schema.empty_table(), *(part.cast(schema) for part in read)]
        rows: pd.DataFrame = pa.concat_tables(parts).to_pandas()
        return rows

    def _with_workloads(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Join workload and labels of the pods; those of a pod that is not known are null."""
        pods = self._pods(rows["pod_uid"].unique().tolist()) if len(rows) else self._pods([])
        return rows.merge(pods, on=["hour", "pod_uid"], how="left")

    def _pods(self, pod_uids: list[str]) -> pd.DataFrame:
        schema = pa.schema([(name, TABLES["pod_hour"].columns[name]) for name in _POD_COLUMNS])
        wanted = pa.array(pod_uids, pa.string())
        files = self.pod_files if pod_uids else ()
        read = read_partition(files, _POD_COLUMNS, storage_options=self.storage_options)
        found = (part.filter(pc.is_in(part.column("pod_uid"), wanted)).cast(schema) for part in read)
        rows: pd.DataFrame = pa.concat_tables([schema.empty_table(), *found]).to_pandas()
        return rows.drop_duplicates(["hour", "pod_uid"])


def _unique(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return each key once, sorted; which copy is kept does not depend on which was read first."""
    if rows.duplicated(keys).any():
        rows = rows.sort_values(list(rows.columns)).drop_duplicates(keys)
    return rows.sort_values(keys, ignore_index=True)


def charged_rows(
    asset_kind: str, hours: pd.Series, type_names: pd.Series, spans: Sequence[ChargedSpan]
) -> Flags:
    """Tell which asset-hours are charged."""
    charged = np.zeros(len(hours), dtype=np.bool_)
    codes, names = pd.factorize(type_names)
    for span in spans:
        # code -1, a type that is not known, picks the last
        flags = np.array([is_charged(asset_kind, name, span.kinds) for name in (*names, None)])
        charged |= ((hours >= span.start) & (hours < span.end)).to_numpy() & flags[codes]
    return charged


def asset_table(columns: Mapping[str, object], count: int) -> pa.Table:
    """Return ``ASSET_COLUMNS`` from those given; the others are null."""
    return pa.table(
        {
            name: pa.array(columns[name], kind, from_pandas=True)
            if name in columns
            else pa.nulls(count, kind)
            for name, kind in ASSET_COLUMNS.items()
        }
    )


def control_planes(nodes: pa.Table, regions: Mapping[object, str | None]) -> pa.Table:
    """Return one control-plane-hour for every hour in which the cluster had a node, with its node labels."""
    found = _distinct_by_hour(nodes, "label_set_id")
    hours = sorted(found)
    return asset_table(
        {
            "hour": hours,
            "asset": [CONTROL_PLANE_ASSET] * len(hours),
            "region": [regions[hour] for hour in hours],
            "running_seconds": [3600.0] * len(hours),
            "label_sets": [sorted(found[hour]) for hour in hours],
        },
        len(hours),
    )


def regions_by_hour(nodes: pa.Table) -> dict[object, str | None]:
    """Return the region of a cluster's nodes by hour; None where they name none, or several."""
    found = _distinct_by_hour(nodes, "region")
    named = {hour: names - {"unknown"} for hour, names in found.items()}
    return {hour: next(iter(names)) if len(names) == 1 else None for hour, names in named.items()}


def _distinct_by_hour(rows: pa.Table, name: str) -> dict[datetime, set[str]]:
    """Return the values of a column by hour, without null; every hour of the rows is there."""
    found: dict[datetime, set[str]] = {}
    for pair in rows.select(["hour", name]).group_by(["hour", name]).aggregate([]).to_pylist():
        values = found.setdefault(pair["hour"], set())
        if pair[name] is not None:
            values.add(pair[name])
    return found
