"""Which types of assets ran, and which of them have no price: what a price list has to hold."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from models.vocabulary.windows import HourWindow
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_NODE_KINDS = """
    SELECT instance_type, region, zone, purchase_option, {labels} AS label_set_id, hour,
           count(*)::BIGINT AS node_hours
    FROM node GROUP BY ALL ORDER BY ALL"""

_WITHOUT_PRICE = """
    WITH known AS (
        SELECT 'node' AS asset_kind, cluster, hour, node_key AS asset, instance_type AS type_name, region,
               purchase_option
        FROM node
        UNION ALL
        SELECT 'volume', cluster, hour, volume, storage_class, region, NULL FROM volume
        UNION ALL
        SELECT 'load_balancer', cluster, hour, load_balancer, load_balancer_type, region, NULL FROM balancer
    )
    SELECT p.cluster, p.asset_kind, k.type_name, k.region, k.purchase_option, p.provenance,
           count(*)::BIGINT AS asset_hours
    FROM price p LEFT JOIN known k USING (asset_kind, cluster, hour, asset)
    WHERE p.provenance IN ('assumed', 'unpriced')
    GROUP BY ALL ORDER BY ALL"""


class PriceTypeReads:
    """Reads of what ran and of what has no price. Types belong to no team, so no rows are cut.

    Parameters
    ----------
    lake : Lake
    pin : Pin, optional
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def node_kinds(
        self, cluster: str, window: HourWindow, *, with_labels: bool = False
    ) -> list[dict[str, Any]]:
        """Return the node-hours of a cluster by what a price row looks at, and by hour.

        Parameters
        ----------
        cluster : str
        window : HourWindow
        with_labels : bool
            Whether nodes with different labels are told apart, as node selectors do.
        """
        sql = _NODE_KINDS.format(labels="label_set_id" if with_labels else "NULL::VARCHAR")
        columns = ("hour", "instance_type", "region", "zone", "purchase_option", "label_set_id")
        scan = TableScan("node_hour", cluster, window, columns)
        return _rows(self._lake.query(sql, tables={"node": scan}, pin=self._pin))

    def types_without_price(self, window: HourWindow) -> list[dict[str, Any]]:
        """Return the allocated asset-hours without a price of their own, by type and provenance."""
        keys = ("cluster", "hour")
        tables = {
            "price": TableScan(
                "asset_price_hour", None, window, (*keys, "asset_kind", "asset", "provenance")
            ),
            "node": TableScan(
                "node_hour", None, window, (*keys, "node_key", "instance_type", "region", "purchase_option")
            ),
            "volume": TableScan("volume_hour", None, window, (*keys, "volume", "storage_class", "region")),
            "balancer": TableScan(
                "load_balancer_hour",
                None,
                window,
                (*keys, "load_balancer", "load_balancer_type", "region"),
            ),
        }
        return _rows(self._lake.query(_WITHOUT_PRICE, tables=tables, pin=self._pin))


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
