"""Allocating what a cluster-day's volumes, load balancers, traffic and control plane cost.

Each asset-hour is priced, then its cost goes to the pods that caused it (lines of kind container) or stays
with the asset (lines of kind asset); the lines of an asset-hour add up to its cost exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from models.pricing.asset_book import AssetKey, AssetPrices, ChargedKind
from models.pricing.asset_cost import price_assets
from service.jobs.asset_lines import (
    PricedAssets,
    control_plane_lines,
    load_balancer_lines,
    network_lines,
    volume_lines,
)
from service.jobs.asset_tables import (
    AssetReader,
    asset_table,
    charged_rows,
    control_planes,
    regions_by_hour,
)

_NAMES = {
    "volume": "volume",
    "load_balancer": "load balancer",
    "network": "traffic",
    "control_plane": "control plane",
}


@dataclass(frozen=True)
class AssetAllocation:
    """Assets beside nodes of a cluster-day.

    Parameters
    ----------
    prices : pyarrow.Table
        Rows of ``asset_price_hour``.
    lines : tuple of pyarrow.Table
        Rows of ``allocation_hour``, a table per kind of line.
    hours_by_type : mapping
        Asset-hours per (provenance, kind and type).
    uncharged : frozenset of ChargedKind
        What was seen and is not charged, because no price speaks of it.
    """

    prices: pa.Table
    lines: tuple[pa.Table, ...]
    hours_by_type: Mapping[tuple[str, str], int]
    uncharged: frozenset[ChargedKind]


def allocate_assets(reader: AssetReader, nodes: pa.Table, prices: AssetPrices) -> AssetAllocation:
    """Price and allocate a cluster-day's assets beside nodes.

    Parameters
    ----------
    reader : AssetReader
    nodes : pyarrow.Table
        Rows of ``node_hour``: they tell the region, and when the cluster had a control plane.
    prices : AssetPrices
    """
    run = _Run(reader, nodes, prices)
    lines = (
        *run.volume_lines(),
        *run.load_balancer_lines(),
        *run.network_lines(),
        *run.control_plane_lines(),
    )
    return AssetAllocation(
        pa.concat_tables(run.priced).combine_chunks(),
        tuple(table for table in lines if table.num_rows),
        dict(sorted(run.hours_by_type.items())),
        frozenset(run.uncharged),
    )


class _Run:
    """One pass over the kinds; collects prices and what is worth telling."""

    def __init__(self, reader: AssetReader, nodes: pa.Table, prices: AssetPrices) -> None:
        self.priced = [price_assets("volume", asset_table({}, 0), prices)]
        self.hours_by_type: Counter[tuple[str, str]] = Counter()
        self.uncharged: set[ChargedKind] = set()
        self._reader = reader
        self._nodes = nodes
        self._prices = prices
        self._regions = regions_by_hour(nodes)

    def volume_lines(self) -> list[pa.Table]:
        rows = self._charged("volume", self._reader.volumes(), "storage_class")
        if not len(rows):
            return []
        assets = self._price("volume", rows, {"asset": "volume", "size_bytes": "capacity_bytes"})
        return volume_lines(rows, self._reader.mounts(), assets)

    def load_balancer_lines(self) -> list[pa.Table]:
        rows = self._charged("load_balancer", self._reader.load_balancers(), "load_balancer_type")
        if not len(rows):
            return []
        return load_balancer_lines(rows, self._price("load_balancer", rows, {"asset": "load_balancer"}))

    def network_lines(self) -> list[pa.Table]:
        flows = self._charged("network", self._reader.flows(), "traffic_class")
        if not len(flows):
            return []
        flows = self._reader.senders(flows)
        sums = flows.groupby(["hour", "traffic_class", "type_name"], as_index=False, sort=True)
        totals = pd.DataFrame(sums["bytes"].sum())
        names = {"asset": "traffic_class", "size_bytes": "bytes"}
        return network_lines(flows, totals, self._price("network", totals, names))

    def control_plane_lines(self) -> list[pa.Table]:
        planes = control_planes(self._nodes, self._regions)
        hours, types = (planes.column(name).to_pandas() for name in ("hour", "type_name"))
        charged = charged_rows("control_plane", hours, types, self._reader.inputs.charged)
        planes = self._with_fee(planes.filter(pa.array(charged)))
        return control_plane_lines(self._keep("control_plane", planes)) if planes.num_rows else []

    def _with_fee(self, planes: pa.Table) -> pa.Table:
        """Return the control planes that some price fits: a cluster that is not managed has no fee."""
        has_fee = [
            self._prices.has_row(
                "control_plane", AssetKey(None, row["region"], None, tuple(row["label_sets"])), row["hour"]
            )
            for row in planes.to_pylist()
        ]
        if not all(has_fee):
            self.uncharged.add(ChargedKind("control_plane", None))
        return planes.filter(pa.array(has_fee, pa.bool_()))

    def _charged(self, kind: str, rows: pd.DataFrame, type_column: str) -> pd.DataFrame:
        """Return the rows that are charged, the type in a column ``type_name``; note the others."""
        typed = rows.assign(type_name=rows[type_column])
        charged = charged_rows(kind, typed["hour"], typed["type_name"], self._reader.inputs.charged)
        for name in typed.loc[~charged, "type_name"].drop_duplicates().tolist():
            text = str(name) if kind == "network" else None
            self.uncharged.add(ChargedKind(kind, text))
        return typed[charged].reset_index(drop=True)

    def _price(self, kind: str, rows: pd.DataFrame, names: Mapping[str, str]) -> PricedAssets:
        columns = {name: rows[names.get(name, name)] for name in (*names, "hour", "type_name")}
        columns |= {name: rows[name] for name in ("running_seconds", "zone") if name in rows}
        own = rows["region"] if "region" in rows else pd.Series([None] * len(rows), dtype=object)
        of_nodes = rows["hour"].map(self._regions)
        return self._keep(
            kind, asset_table({**columns, "region": own.where(own.notna(), of_nodes)}, len(rows))
        )

    def _keep(self, kind: str, assets: pa.Table) -> PricedAssets:
        table = price_assets(kind, assets, self._prices)
        self.priced.append(table)
        types = assets.column("type_name").fill_null("")
        pairs = pa.table({"provenance": table.column("provenance"), "type": types})
        for row in pairs.group_by(["provenance", "type"]).aggregate([([], "count_all")]).to_pylist():
            self.hours_by_type[row["provenance"], f"{_NAMES[kind]} {row['type']}".strip()] += row["count_all"]
        return PricedAssets.of(table)
