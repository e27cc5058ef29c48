"""Whether what was allocated of every asset-hour is what the asset cost, in one pass over both tables."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from models.vocabulary.windows import HourWindow
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")
_GAINS = ("oversell_gain", "burst_gain")
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in (*_CAUSES, *_GAINS))
_ALLOCATED = " + ".join(f"coalesce(a.{name}, 0)" for name in _CAUSES)
_TOTALS = ", ".join(
    f"coalesce(sum({name}), 0)::DECIMAL(38,9) AS {name}" for name in ("bill", *_CAUSES, *_GAINS)
)

_CONSERVATION = f"""WITH allocated AS (
    SELECT cluster, hour, currency, asset IS NULL AS is_node, coalesce(asset, node_key) AS asset, {_SUMS}
    FROM line WHERE currency IS NOT NULL
    GROUP BY cluster, hour, currency, asset, node_key
), priced AS (
    SELECT cluster, hour, currency, asset_kind = 'node' AS is_node, asset, asset_kind,
           sum(effective_cost) AS bill
    FROM price WHERE currency IS NOT NULL GROUP BY ALL
), paired AS (
    SELECT coalesce(p.cluster, a.cluster) AS cluster, coalesce(p.hour, a.hour) AS hour,
           coalesce(p.currency, a.currency) AS currency, coalesce(p.asset, a.asset) AS asset,
           coalesce(p.asset_kind, 'unknown') AS asset_kind, coalesce(p.bill, 0) AS bill,
           {", ".join(f"a.{name}" for name in (*_CAUSES, *_GAINS))},
           abs({_ALLOCATED} - coalesce(p.bill, 0)) AS difference
    FROM priced p FULL JOIN allocated a
      ON p.cluster = a.cluster AND p.hour = a.hour AND p.asset = a.asset AND p.currency = a.currency
         AND p.is_node = a.is_node
)
SELECT cluster, currency, asset_kind, hour, count(*)::BIGINT AS asset_count,
       count(*) FILTER (difference <> 0)::BIGINT AS unequal_count,
       max(difference)::DECIMAL(38,9) AS largest_difference,
       min(asset) FILTER (difference <> 0) AS first_unequal, {_TOTALS}
FROM paired GROUP BY cluster, currency, asset_kind, hour
ORDER BY cluster, currency, asset_kind, hour"""
_LINE_COLUMNS = ("cluster", "hour", "currency", "asset", "node_key", *_CAUSES, *_GAINS)
_PRICE_COLUMNS = ("cluster", "hour", "currency", "asset_kind", "asset", "effective_cost")


def hourly_conservation(lake: Lake, window: HourWindow, pin: Pin | None = None) -> list[dict[str, Any]]:
    """Compare every asset-hour's cost with the lines that divide it, summed per cluster, hour and kind.

    Parameters
    ----------
    lake : Lake
    window : HourWindow
    pin : Pin, optional

    Returns
    -------
    list of dict
        Per cluster, currency, kind of asset and hour: ``asset_count``, ``unequal_count``,
        ``largest_difference`` and ``first_unequal`` (an asset), the ``bill``, the five causes and the two
        gains. Hours that an allocation has and no price, and the other way round, are among them.
    """
    scans = {
        "line": TableScan("allocation_hour", None, window, _LINE_COLUMNS),
        "price": TableScan("asset_price_hour", None, window, _PRICE_COLUMNS),
    }
    found: pa.Table = lake.query(_CONSERVATION, tables=scans, pin=pin)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows
