"""Priced asset-hours, and the lines of ``allocation_hour`` that divide their cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from models.allocation.columns import CONTROL_PLANE, LOAD_BALANCER, NETWORK, STORAGE, Flags, Floats, Units
from models.allocation.mounts import Mounts, share_by_mount_time, split_by_share, split_used
from models.allocation.network import share_by_bytes
from service.jobs.node_hours import constant, encoded, money_array, money_units

Positions = npt.NDArray[np.int64]
_TEXTS = ("namespace", "workload_kind", "workload_name", "label_set_id")


@dataclass(frozen=True)
class PricedAssets:
    """Asset-hours of one kind; arrays of length V.

    Parameters
    ----------
    table : pyarrow.Table
        From ``price_assets``.
    units : int64 array
        Effective cost in nano-units; 0 where it is not known.
    is_priced : bool array
    """

    table: pa.Table
    units: Units
    is_priced: Flags

    @classmethod
    def of(cls, table: pa.Table) -> PricedAssets:
        """Return a priced table with its costs as numbers."""
        cost = table.column("effective_cost").combine_chunks()
        return cls(table, money_units(cost), ~cost.is_null().to_numpy(zero_copy_only=False))

    def lines(
        self, line_kind: str, resource: str, rows: Positions, columns: Mapping[str, object]
    ) -> pa.Table:
        """Return lines of the asset-hours at some positions.

        Parameters
        ----------
        line_kind, resource : str
        rows : int64 array
            Position of the asset-hour of every line.
        columns : mapping
            Pod, place, quantities and costs of every line; texts become dictionary codes.
        """
        count, taken = len(rows), pa.array(rows)
        texts = {name: _coded(columns[name]) for name in ("pod_uid", *_TEXTS) if name in columns}
        return pa.table(
            {
                "hour": self.table.column("hour").take(taken),
                "node_key": constant("", count),
                "line_kind": constant(line_kind, count),
                "pod_uid": constant("", count),
                "container": constant("", count),
                "resource": constant(resource, count),
                **{
                    name: encoded(self.table.column(name).take(taken))
                    for name in ("asset", "currency", "provenance")
                },
                **{name: values for name, values in columns.items() if name not in texts},
                **texts,
            }
        )

    def money(self, units: Units, rows: Positions, is_known: Flags | None = None) -> pa.Array:
        """Return costs of asset-hours at some positions; null where unpriced or not known."""
        known = self.is_priced[rows]
        return money_array(units, known if is_known is None else known & is_known)


def _coded(values: object) -> pa.DictionaryArray:
    return encoded(pa.chunked_array([pa.array(values, pa.string(), from_pandas=True)]))


def volume_lines(volumes: pd.DataFrame, mounts: pd.DataFrame, assets: PricedAssets) -> list[pa.Table]:
    """Divide the cost of volumes among the pods that mounted them; what no pod mounted is idle.

    Parameters
    ----------
    volumes : DataFrame
        Volume-hours, as priced.
    mounts : DataFrame
        From ``AssetReader.mounts``; those of other volumes are left out.
    assets : PricedAssets
    """
    numbered = volumes[["hour", "volume"]].assign(position=np.arange(len(volumes)))
    mounts = mounts.merge(numbered, on=["hour", "volume"])
    position = mounts["position"].to_numpy().astype(np.int64)
    shares = share_by_mount_time(
        Mounts(
            position, *(floats_of(mounts, name) for name in ("start_second", "end_second", "mounted_seconds"))
        ),
        floats_of(volumes, "running_seconds"),
    )
    parts, rest = split_by_share(assets.units, position, shares)
    mounting, idle = np.flatnonzero(shares.pod > 0), np.flatnonzero(shares.unmounted > 0)
    held = mounts.iloc[mounting].assign(share=shares.pod[mounting])
    left = volumes.iloc[idle].assign(share=shares.unmounted[idle])
    return [
        _mounted_lines(volumes, held, parts[mounting], assets),
        assets.lines(
            "asset",
            STORAGE,
            idle,
            {
                **_place_of_object(left["claim_namespace"], "PersistentVolumeClaim", left["claim"]),
                "idle_cost": assets.money(rest[idle], idle),
                "idle_seconds": pa.array(left["share"] * _size_seconds(left), from_pandas=True),
            },
        ),
    ]


def _mounted_lines(volumes: pd.DataFrame, held: pd.DataFrame, units: Units, assets: PricedAssets) -> pa.Table:
    """Return what pods cost by holding volumes, divided by how much of the capacity was filled."""
    position = held["position"].to_numpy().astype(np.int64)
    size, filled = floats_of(volumes, "capacity_bytes"), floats_of(volumes, "used_bytes")
    ratio = np.divide(filled, size, out=np.full(len(size), np.nan), where=size > 0)[position]
    used, unused, is_measured = split_used(units, ratio)
    asked = held["share"].to_numpy() * _size_seconds(volumes)[position]
    return assets.lines(
        "container",
        STORAGE,
        position,
        {
            **_place_of_pods(held),
            "request_seconds": pa.array(asked, from_pandas=True),
            "usage_seconds": pa.array(asked * np.minimum(ratio, 1.0), from_pandas=True),
            "used_cost": assets.money(used, position, is_measured),
            "unused_request_cost": assets.money(unused, position, is_measured),
            "unmeasured_cost": assets.money(units, position, ~is_measured),
        },
    )


def _size_seconds(volumes: pd.DataFrame) -> Floats:
    return floats_of(volumes, "capacity_bytes") * floats_of(volumes, "running_seconds")


def load_balancer_lines(balancers: pd.DataFrame, assets: PricedAssets) -> list[pa.Table]:
    """Charge each load balancer to the namespace of its service."""
    every = np.arange(len(balancers))
    place = _place_of_object(balancers["namespace"], "Service", balancers["service"])
    return [
        assets.lines("asset", LOAD_BALANCER, every, {**place, "used_cost": assets.money(assets.units, every)})
    ]


def network_lines(flows: pd.DataFrame, totals: pd.DataFrame, assets: PricedAssets) -> list[pa.Table]:
    """Divide the cost of traffic among pods by bytes sent; what nodes sent for themselves is overhead.

    Parameters
    ----------
    flows : DataFrame
        From ``AssetReader.flows``.
    totals : DataFrame
        Their sums per hour and class, as priced.
    assets : PricedAssets
    """
    keys = ["hour", "traffic_class"]
    numbered = totals[keys].assign(position=np.arange(len(totals)))
    flows = flows.merge(numbered, on=keys).sort_values(["position", "pod_uid"], ignore_index=True)
    position = flows["position"].to_numpy().astype(np.int64)
    parts = np.zeros(len(flows), dtype=np.int64)
    rest = np.zeros(len(totals), dtype=np.int64)
    sent = floats_of(flows, "bytes")
    for members in np.split(np.arange(len(flows)), np.flatnonzero(np.diff(position)) + 1):
        total = position[members[0]]
        shared = share_by_bytes(int(assets.units[total]), sent[members])
        parts[members], rest[total] = shared.parts, shared.rest
    is_nobody = flows["is_nobody"].to_numpy().astype(np.bool_)
    np.add.at(rest, position[is_nobody], parts[is_nobody])
    of_pods = flows[~is_nobody]
    of_nodes = np.unique(np.concatenate([position[is_nobody], np.flatnonzero(rest)]))
    money = assets.money(parts[~is_nobody], position[~is_nobody])
    return [
        assets.lines(
            "container", NETWORK, position[~is_nobody], {**_place_of_pods(of_pods), "used_cost": money}
        ),
        assets.lines("asset", NETWORK, of_nodes, {"overhead_cost": assets.money(rest[of_nodes], of_nodes)}),
    ]


def control_plane_lines(assets: PricedAssets) -> list[pa.Table]:
    """Charge control planes to nobody."""
    every = np.arange(len(assets.units))
    money = {"overhead_cost": assets.money(assets.units, every)}
    return [assets.lines("asset", CONTROL_PLANE, every, money)]


def floats_of(rows: pd.DataFrame, name: str) -> Floats:
    """Return a column of numbers; null becomes NaN."""
    return rows[name].to_numpy(dtype=np.float64, na_value=np.nan)


def _place_of_pods(rows: pd.DataFrame) -> dict[str, object]:
    return {name: rows[name] for name in ("pod_uid", *_TEXTS)}


def _place_of_object(namespace: pd.Series, kind: str, name: pd.Series) -> dict[str, object]:
    """Return whose object it is; without a namespace it is nobody's and has no name."""
    is_owned = namespace.notna() & name.notna()
    kinds = pd.Series([kind] * len(namespace), dtype=object, index=namespace.index)
    return {
        "namespace": namespace.where(is_owned),
        "workload_kind": kinds.where(is_owned),
        "workload_name": name.where(is_owned),
    }
