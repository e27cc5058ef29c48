"""Sums over allocated hours from which daily costs and workload hours are built.

Only decimals and integers are added, so that the result does not depend on threads or the order of rows:
quantities are summed in thousandths (of a core-second, a byte-second, a device-second).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from models.vocabulary.windows import HourWindow
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_LINE_COLUMNS = (
    "hour",
    "node_key",
    "line_kind",
    "resource",
    "namespace",
    "workload_kind",
    "workload_name",
    "node_pool",
    "label_set_id",
    "currency",
    "provenance",
    "request_seconds",
    "usage_seconds",
    "used_cost",
    "unused_request_cost",
    "unmeasured_cost",
    "idle_cost",
    "overhead_cost",
    "oversell_gain",
    "burst_gain",
    "idle_seconds",
    "asset",
)
_PRICE_COLUMNS = (
    "hour",
    "asset_kind",
    "asset",
    "currency",
    "list_cost",
    "contracted_cost",
    "effective_cost",
    "price_id",
    "provenance",
)
_NODE_COLUMNS = (
    "hour",
    "node_key",
    "node_pool",
    "running_seconds",
    "cpu_capacity_cores",
    "cpu_allocatable_cores",
    "memory_capacity_bytes",
    "memory_allocatable_bytes",
    "gpu_capacity",
    "gpu_allocatable",
)

_HOURS = """hour_group AS (
    SELECT unnest($hours)::TIMESTAMPTZ AS hour, unnest($hour_groups)::INTEGER AS hour_group,
           unnest($hour_bits)::BIGINT AS hour_bit
)"""


def _thousandths(expression: str, condition: str = "true") -> str:
    return f"sum(round({expression} * 1000)::HUGEINT) FILTER ({condition})::DECIMAL(38,0)"


_BILLED = "greatest(coalesce(a.request_seconds, 0), coalesce(a.usage_seconds, 0))"
_USED = "coalesce(used_cost, 0) + coalesce(unused_request_cost, 0) + coalesce(unmeasured_cost, 0)"


def _share(part: str) -> str:
    """Sum what a line would pay of its own node-hours' part; a node's line has what can be shared."""
    tenants = f"coalesce(sum((({_USED})::DOUBLE * b.{part}_ratio)::BIGINT), 0)"
    return f"({tenants} + coalesce(sum(b.{part}) FILTER (a.line_kind = 'node'), 0))::DECIMAL(38,0)"


_SUMMED = (
    f"sum({_USED}) AS tenants, sum(idle_cost) AS idle, sum(overhead_cost) AS overhead, "
    "sum(oversell_gain) AS gain, count(*) FILTER (line_kind = 'node') AS own_lines"
)
_BESIDE = f"""place AS (
    SELECT hour, coalesce(asset, node_key) AS asset, asset IS NULL AS is_node, resource, {_SUMMED}
    FROM line GROUP BY hour, asset, node_key, resource
), beside AS (
    SELECT l.hour, l.asset, l.is_node, l.resource, p.price_id,
           CASE WHEN l.is_node AND l.tenants > 0 THEN 1e9 / l.tenants::DOUBLE END AS ratio,
           CASE WHEN ratio IS NOT NULL THEN (l.idle * 1000000000)::BIGINT END AS idle,
           CASE WHEN ratio IS NOT NULL THEN (l.overhead * 1000000000)::BIGINT END AS overhead,
           CASE WHEN ratio IS NOT NULL THEN (l.gain * 1000000000)::BIGINT END AS gain,
           l.idle::DOUBLE * ratio AS idle_ratio,
           l.overhead::DOUBLE * ratio AS overhead_ratio,
           l.gain::DOUBLE * ratio * (l.tenants / (l.tenants + l.overhead))::DOUBLE AS gain_ratio
    FROM place l
    LEFT JOIN price p ON p.hour = l.hour AND p.asset = l.asset AND p.asset_kind =
        CASE WHEN l.is_node THEN 'node' WHEN l.resource = 'storage' THEN 'volume' ELSE l.resource END
)"""
"""A node-hour's idle and overhead beside what its tenants cost: on one node-hour and resource all have the
same unit cost, so each one's share is in proportion to its cost. Of the oversell gain each share is what its
own unit cost fell by; the rest fell on the overhead."""

_COST_SUMS = f"""WITH {_HOURS},
{_BESIDE}
SELECT g.hour_group,
       CASE WHEN a.line_kind = 'asset' AND a.idle_cost IS NULL AND a.overhead_cost IS NULL THEN 'object'
            ELSE a.line_kind END AS line_kind,
       a.resource, a.node_pool, a.namespace, a.workload_kind, a.workload_name,
       a.label_set_id, a.currency, a.provenance, b.price_id,
       count(*) FILTER (a.line_kind = 'container')::BIGINT AS container_hours,
       bit_or(g.hour_bit)::BIGINT AS hour_bits,
       {_thousandths("a.request_seconds")} AS request_thousandths,
       {_thousandths("a.usage_seconds")} AS usage_thousandths,
       {_thousandths(_BILLED, "a.line_kind = 'container'")} AS billed_thousandths,
       {_thousandths("a.idle_seconds")} AS idle_thousandths,
       NULL::DECIMAL(38,0) AS capacity_thousandths,
       NULL::DECIMAL(38,0) AS allocatable_thousandths,
       sum(a.used_cost) AS used_cost,
       sum(a.unused_request_cost) AS unused_request_cost,
       sum(a.unmeasured_cost) AS unmeasured_cost,
       sum(a.idle_cost) AS idle_cost,
       sum(a.overhead_cost) AS overhead_cost,
       sum(a.oversell_gain) AS oversell_gain,
       sum(a.burst_gain) AS burst_gain,
       {_share("idle")} AS idle_share_weight,
       {_share("overhead")} AS overhead_share_weight,
       {_share("gain")} AS oversell_share_weight
FROM line a
JOIN hour_group g ON g.hour = a.hour
LEFT JOIN beside b
  ON b.hour = a.hour AND b.asset = coalesce(a.asset, a.node_key) AND b.is_node = (a.asset IS NULL)
     AND b.resource = a.resource
GROUP BY ALL
UNION ALL BY NAME
SELECT g.hour_group, 'node' AS line_kind, r.resource, n.node_pool, p.currency, p.provenance, p.price_id,
       0::BIGINT AS container_hours, bit_or(g.hour_bit)::BIGINT AS hour_bits,
       {_thousandths("r.capacity * n.running_seconds")} AS capacity_thousandths,
       {_thousandths("r.allocatable * n.running_seconds")} AS allocatable_thousandths
FROM node n
JOIN hour_group g ON g.hour = n.hour
SEMI JOIN (SELECT hour, asset FROM place WHERE is_node AND own_lines > 0) own
  ON own.hour = n.hour AND own.asset = n.node_key  -- a virtual node, billed by its pods, has no size
LEFT JOIN price p ON p.asset_kind = 'node' AND p.hour = n.hour AND p.asset = n.node_key
CROSS JOIN LATERAL (VALUES
    ('cpu', n.cpu_capacity_cores, n.cpu_allocatable_cores),
    ('memory', n.memory_capacity_bytes, n.memory_allocatable_bytes),
    ('gpu', n.gpu_capacity, n.gpu_allocatable)) r(resource, capacity, allocatable)
WHERE coalesce(r.capacity, r.allocatable, 0) > 0
GROUP BY ALL"""

_PRICE_SUMS = f"""WITH {_HOURS}
SELECT g.hour_group, p.currency, p.provenance, p.price_id, sum(p.list_cost) AS list_cost,
       sum(p.contracted_cost) AS contracted_cost, sum(p.effective_cost) AS effective_cost
FROM price p JOIN hour_group g ON g.hour = p.hour
GROUP BY ALL ORDER BY ALL"""


def cost_sums(
    lake: Lake,
    cluster: str,
    window: HourWindow,
    hours: Sequence[tuple[datetime, int, int]],
    pin: Pin | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Sum allocated lines, node sizes and asset prices per group of hours.

    Parameters
    ----------
    lake : Lake
    cluster : str
    window : HourWindow
        Holds all the hours.
    hours : sequence of (datetime, int, int)
        Each hour with its group and a bit that marks it within its billing day.
    pin : Pin, optional

    Returns
    -------
    tuple of pyarrow.Table
        Lines by group, place, label set, currency, provenance and price id; and asset costs by group,
        currency, provenance and price id. ``line_kind`` is container, object (a load balancer: the cost of a
        namespace that no pod causes), asset (what of another asset nobody causes) or node. The share weights
        are nano-units of the line's currency.
    """
    scans = {
        "line": TableScan("allocation_hour", cluster, window, _LINE_COLUMNS),
        "price": TableScan("asset_price_hour", cluster, window, _PRICE_COLUMNS),
        "node": TableScan("node_hour", cluster, window, _NODE_COLUMNS),
    }
    moments, groups, bits = (list(values) for values in zip(*hours, strict=True))
    bound = {"hours": moments, "hour_groups": groups, "hour_bits": bits}
    lines = lake.query(_COST_SUMS, tables=scans, parameters=bound, pin=pin)
    prices = lake.query(_PRICE_SUMS, tables={"price": scans["price"]}, parameters=bound, pin=pin)
    return lines, prices


def _peak(column: str, scale: int) -> str:
    sums = ", ".join(f"sum(round({column}[{index}] * {scale})::BIGINT)" for index in range(1, 13))
    return f"greatest({sums})::DOUBLE / {scale}"


_WORKLOAD_HOURS = f"""WITH used AS (
    SELECT day, hour, namespace, workload_kind, workload_name,
           {_thousandths("cpu_request_core_seconds")}::DOUBLE / 3600000 AS cpu_request_cores,
           {_thousandths("cpu_usage_core_seconds")}::DOUBLE / 3600000 AS cpu_usage_cores_mean,
           {_peak("cpu_usage_cores_by_5m", 1_000_000)} AS cpu_usage_cores_max_5m,
           {_thousandths("memory_request_byte_seconds")}::DOUBLE / 3600000 AS memory_request_bytes,
           {_thousandths("memory_usage_byte_seconds")}::DOUBLE / 3600000 AS memory_usage_bytes_mean,
           {_peak("memory_usage_bytes_max_by_5m", 1)} AS memory_usage_bytes_max_5m
    FROM container GROUP BY ALL
), held AS (
    SELECT hour, namespace, workload_kind, workload_name,
           {_thousandths("scheduled_seconds")}::DOUBLE / 3600000 AS replica_count_mean
    FROM pod GROUP BY ALL
), paid AS (
    SELECT hour, namespace, workload_kind, workload_name,
           CASE WHEN count(DISTINCT currency) = 1 AND count(*) FILTER (currency IS NULL) = 0
                THEN sum(coalesce(used_cost, 0) + coalesce(unused_request_cost, 0)
                         + coalesce(unmeasured_cost, 0)) END::DECIMAL(18,9) AS cost
    FROM line WHERE line_kind = 'container' GROUP BY ALL
)
SELECT used.*, held.replica_count_mean, paid.cost
FROM used
LEFT JOIN held USING (hour, namespace, workload_kind, workload_name)
LEFT JOIN paid USING (hour, namespace, workload_kind, workload_name)
ORDER BY day, hour, namespace, workload_kind, workload_name"""


def workload_hours(lake: Lake, cluster: str, window: HourWindow, pin: Pin | None = None) -> pa.Table:
    """Return one row per workload and hour: replicas, requests, use, peak of 5 minutes and cost.

    The peak is that of the workload's sum, not the sum of its containers' peaks. The cost is null where a
    part of it is not known.
    """
    place = ("hour", "namespace", "workload_kind", "workload_name")
    scans = {
        "container": TableScan(
            "container_hour",
            cluster,
            window,
            (
                "day",
                *place,
                "cpu_request_core_seconds",
                "cpu_usage_core_seconds",
                "cpu_usage_cores_by_5m",
                "memory_request_byte_seconds",
                "memory_usage_byte_seconds",
                "memory_usage_bytes_max_by_5m",
            ),
        ),
        "pod": TableScan("pod_hour", cluster, window, (*place, "scheduled_seconds")),
        "line": TableScan("allocation_hour", cluster, window, _LINE_COLUMNS),
    }
    return lake.query(_WORKLOAD_HOURS, tables=scans, pin=pin)
