"""What volumes, load balancers, network traffic and control planes cost in an hour.

With P the price of a row, g the size in GiB and s the seconds that the asset existed in the hour::

    volume          P g s / 3600  (unit gib_hour)   or   P s / 3600  (unit hour)
    load balancer   P s / 3600    (unit hour)
    network         P g           (unit gib; g is what was sent in the hour)
    control plane   P             (unit hour; every hour in which the cluster had a node)

An hour in which the price changes is cut at the change; what happened in it counts as spread evenly over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.pricing.asset_book import AssetKey, AssetPrices
from models.pricing.price_list import PROVENANCES, PriceRow
from models.vocabulary.money import NANO

ASSET_COLUMNS = {
    "hour": pa.timestamp("us", tz="UTC"),
    "asset": pa.string(),
    "type_name": pa.string(),
    "region": pa.string(),
    "zone": pa.string(),
    "running_seconds": pa.float64(),
    "size_bytes": pa.float64(),
    "label_sets": pa.list_(pa.string()),
}
"""What is known of an asset-hour: ``type_name`` is the storage class, load balancer type or traffic class;
``size_bytes`` the capacity of a volume or the bytes sent; ``label_sets`` those of a cluster's nodes."""

_HOUR = timedelta(hours=1)
_SECONDS_PER_HOUR = Decimal(3600)
_BYTES_PER_GIB = Decimal(1 << 30)
_LEVELS = {
    "list_cost": "hourly_list_price",
    "contracted_cost": "contracted_price",
    "effective_cost": "effective_price",
}


@dataclass(frozen=True)
class AssetCost:
    """Cost of one asset-hour. The costs of an unpriced asset are None, never zero."""

    currency: str | None = None
    list_cost: Decimal | None = None
    contracted_cost: Decimal | None = None
    effective_cost: Decimal | None = None
    price_id: str | None = None
    provenance: str = "unpriced"


def price_assets(asset_kind: str, assets: pa.Table, prices: AssetPrices) -> pa.Table:
    """Price asset-hours of one kind.

    Parameters
    ----------
    asset_kind : str
        One of ``UNITS_BY_KIND``.
    assets : pyarrow.Table
        Columns ``ASSET_COLUMNS``.
    prices : AssetPrices

    Returns
    -------
    pyarrow.Table
        One row per asset-hour in the same order with the columns of ``asset_price_hour`` except cluster and
        day; cost rounded once to nine decimals, weights null.
    """
    first, which = _alike(assets, is_by_hour=_is_by_hour(asset_kind, assets, prices))
    costs = [_cost(prices, asset_kind, row) for row in assets.take(pa.array(first)).to_pylist()]
    return _table(asset_kind, assets, costs, which)


def _is_by_hour(asset_kind: str, assets: pa.Table, prices: AssetPrices) -> bool:
    if not assets.num_rows:
        return False
    hours = pc.min_max(assets.column("hour"))
    return prices.changes_between(asset_kind, hours["min"].as_py(), hours["max"].as_py() + _HOUR)


def _alike(assets: pa.Table, *, is_by_hour: bool) -> tuple[Any, Any]:
    """Find asset-hours that must cost the same: the first of each kind, and the kind of every row."""
    code = np.zeros(assets.num_rows, dtype=np.int64)
    names = [name for name in assets.column_names if name not in ("hour", "asset", "label_sets")]
    columns = [assets.column(name) for name in names]
    joined = [",".join(sorted(one or ())) for one in assets.column("label_sets").to_pylist()]
    columns += [pa.chunked_array([pa.array(joined, pa.string())])]
    if is_by_hour:
        columns.append(assets.column("hour"))
    for values in columns:
        encoded = pc.dictionary_encode(values.combine_chunks(), null_encoding="encode")
        encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
        mixed = code * max(len(encoded.dictionary), 1) + encoded.indices.to_numpy()
        _, code = np.unique(mixed, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return first, code


def _cost(prices: AssetPrices, asset_kind: str, row: Mapping[str, Any]) -> AssetCost:
    asset = AssetKey(row["type_name"], row["region"], row["zone"], tuple(row["label_sets"] or ()))
    parts: list[tuple[Decimal, PriceRow]] = []
    for seconds, source in prices.spans(asset_kind, asset, row["hour"]):
        amount = None if source is None else _amount(source.unit, row)
        if source is None or amount is None:
            return AssetCost()
        parts.append((amount * seconds / _SECONDS_PER_HOUR, source))
    currencies = {source.currency for _, source in parts}
    if len(currencies) > 1:
        return AssetCost()
    costs = {name: _sum(parts, price) for name, price in _LEVELS.items()}
    return AssetCost(
        currencies.pop(),
        **costs,
        price_id="+".join(dict.fromkeys(source.price_id for _, source in parts)),
        provenance=max((source.provenance for _, source in parts), key=PROVENANCES.index),
    )


def _amount(unit: str, row: Mapping[str, Any]) -> Decimal | None:
    """Return how many units an asset used in its hour; None where that is not known."""
    seconds, size = row["running_seconds"], row["size_bytes"]
    if (seconds is None and unit != "gib") or (size is None and unit != "hour"):
        return None
    gib = Decimal(repr(float(size))) / _BYTES_PER_GIB if unit != "hour" else Decimal(1)
    return gib if unit == "gib" else gib * Decimal(repr(min(seconds, 3600.0))) / _SECONDS_PER_HOUR


def _sum(parts: Iterable[tuple[Decimal, PriceRow]], price: str) -> Decimal:
    total = sum((getattr(source, price) * amount for amount, source in parts), Decimal(0))
    return total.quantize(NANO, rounding=ROUND_HALF_EVEN)


def _table(asset_kind: str, assets: pa.Table, costs: Sequence[AssetCost], which: Any) -> pa.Table:
    rows = pa.array(which, pa.int64())
    count = assets.num_rows

    def spread(name: str, kind: pa.DataType) -> pa.Array:
        return pa.array([getattr(cost, name) for cost in costs], kind).take(rows)

    return pa.table(
        {
            "hour": assets.column("hour"),
            "asset_kind": pa.array([asset_kind] * count, pa.string()),
            "asset": assets.column("asset"),
            "currency": spread("currency", pa.string()),
            **{name: spread(name, pa.decimal128(18, 9)) for name in _LEVELS},
            "price_id": spread("price_id", pa.string()),
            "provenance": spread("provenance", pa.string()),
            **{name: pa.nulls(count, pa.float64()) for name in ("cpu_weight", "memory_weight", "gpu_weight")},
        }
    )
