"""Tables that follow from observed ones, prices and owners; each can be built again."""

from __future__ import annotations

import pyarrow as pa

from warehouse.lake.declaration import (
    COUNT,
    DAY_PARTITION,
    FLOAT32,
    FLOAT64,
    INSTANT,
    MONEY,
    TEXT,
    LakeTable,
)

ASSET_PRICE_HOUR = LakeTable(
    "asset_price_hour",
    ("cluster", "day"),
    ("cluster", "hour", "asset_kind", "asset"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "asset_kind": TEXT,
        "asset": TEXT,
        "currency": TEXT,
        "list_cost": MONEY,
        "contracted_cost": MONEY,
        "effective_cost": MONEY,
        "price_id": TEXT,
        "provenance": TEXT,
        "cpu_weight": FLOAT64,
        "memory_weight": FLOAT64,
        "gpu_weight": FLOAT64,
    },
)
"""What one asset cost in one hour (price x running time, split at price changes). ``asset_kind`` is node,
volume, load_balancer, network (one row per traffic class) or control_plane; ``asset`` is the node key, the
volume, the load balancer, the traffic class or ``control-plane``. ``provenance`` is one of bill, contract,
list, amortised, assumed, unpriced; the costs of an unpriced asset are null. Weights stand on nodes only."""

ALLOCATION_HOUR = LakeTable(
    "allocation_hour",
    ("cluster", "day"),
    ("cluster", "hour", "node_key", "line_kind", "pod_uid", "container", "resource"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "node_key": TEXT,
        "line_kind": TEXT,
        "pod_uid": TEXT,
        "container": TEXT,
        "resource": TEXT,
        "namespace": TEXT,
        "workload_kind": TEXT,
        "workload_name": TEXT,
        "node_pool": TEXT,
        "label_set_id": TEXT,
        "currency": TEXT,
        "provenance": TEXT,
        "request_seconds": FLOAT64,
        "usage_seconds": FLOAT64,
        "used_cost": MONEY,
        "unused_request_cost": MONEY,
        "unmeasured_cost": MONEY,
        "idle_cost": MONEY,
        "overhead_cost": MONEY,
        "oversell_gain": MONEY,
        "burst_gain": MONEY,
        "idle_seconds": FLOAT64,
        "asset": TEXT,
    },
)
"""``line_kind`` is container (what a pod caused), node (idle, overhead and the two gains of a node) or
asset (what of another asset no pod caused). ``resource`` is cpu, memory or gpu of the node ``node_key``, or
storage, load_balancer, network or control_plane of ``asset``; then ``node_key`` is empty and ``asset`` is
part of the key. Lines that are no container's have empty ``pod_uid`` and ``container``; a pod's lines of an
asset have an empty ``container``. Seconds are core-seconds, byte-seconds, device-seconds; null for load
balancers, network and control plane. The five cost columns of an asset-hour and resource sum to its cost
exactly; the gains are explanations beside them and never added. ``idle_seconds`` stands on node lines and
unmounted volumes. No owner here: ownership is joined when ``cost_day`` is built."""

COST_DAY = LakeTable(
    "cost_day",
    ("billing_month",),
    ("billing_date", "cluster", "line_kind", "resource"),
    "billing_date",
    {
        "billing_month": TEXT,
        "billing_date": pa.date32(),
        "cluster": TEXT,
        "line_kind": TEXT,
        "resource": TEXT,
        "node_pool": TEXT,
        "namespace": TEXT,
        "workload_kind": TEXT,
        "workload_name": TEXT,
        "team": TEXT,
        "cost_centre": TEXT,
        "ownership_source": TEXT,
        "currency": TEXT,
        "provenance": TEXT,
        "container_hours": FLOAT64,
        "request_seconds": FLOAT64,
        "usage_seconds": FLOAT64,
        "capacity_seconds": FLOAT64,
        "allocatable_seconds": FLOAT64,
        "used_cost": pa.decimal128(38, 9),
        "unused_request_cost": pa.decimal128(38, 9),
        "unmeasured_cost": pa.decimal128(38, 9),
        "idle_cost": pa.decimal128(38, 9),
        "overhead_cost": pa.decimal128(38, 9),
        "oversell_gain": pa.decimal128(38, 9),
        "burst_gain": pa.decimal128(38, 9),
        "total_cost": pa.decimal128(38, 9),
        "list_cost": pa.decimal128(38, 9),
        "contracted_cost": pa.decimal128(38, 9),
        "hour_count": COUNT,
        "billed_seconds": FLOAT64,
        "idle_seconds": FLOAT64,
        "idle_share_weight": pa.decimal128(38, 9),
        "overhead_share_weight": pa.decimal128(38, 9),
        "oversell_share_weight": pa.decimal128(38, 9),
    },
)
"""Sums for boards and chargeback. ``line_kind`` is workload, node or asset; a row of line_kind workload
belongs to one team (``ownership_source`` rule, label or guessed) or to none (``team`` null, unowned). A row
of line_kind asset is what no pod caused of a volume, of traffic or of a control plane; its ``team`` is the
owner of the namespace, who does not pay it. Capacity and allocatable seconds stand on node lines only; idle
seconds also on unmounted volumes; ``billed_seconds``, the sum of max(request, usage), on workload lines
only. The share weights are money of the row's currency and never added to costs: what a workload row would
pay of idle and overhead if the tenants of its own node-hours shared them by cost, and what its cost fell by
overselling; on node rows what of idle and overhead stood beside tenants, and the gain there."""

CONTAINER_HISTOGRAM_DAY = LakeTable(
    "container_histogram_day",
    ("cluster", "day"),
    ("cluster", "day", "namespace", "workload_kind", "workload_name", "container", "pod_uid", "statistic"),
    "day",
    {
        **DAY_PARTITION,
        "namespace": TEXT,
        "workload_kind": TEXT,
        "workload_name": TEXT,
        "revision": TEXT,
        "pod_uid": TEXT,
        "container": TEXT,
        "container_kind": TEXT,
        "statistic": TEXT,
        "bucket_index": pa.list_(pa.int16()),
        "bucket_count": pa.list_(pa.int32()),
        "maximum": FLOAT64,
        "total": FLOAT64,
        "sample_count": COUNT,
    },
)
"""``statistic`` is cpu_mean_5m, cpu_max_1m, memory_max_5m or one of these with suffix _startup (the first
30 minutes of a pod). Buckets are VPA's (ratio 1.05; first 0.01 cores, 10^7 bytes)."""

_BY_HOUR_OF_DAY = pa.list_(FLOAT32)

CONTAINER_DAY = LakeTable(
    "container_day",
    ("cluster", "day"),
    ("cluster", "day", "namespace", "workload_kind", "workload_name", "container"),
    "day",
    {
        **DAY_PARTITION,
        "namespace": TEXT,
        "workload_kind": TEXT,
        "workload_name": TEXT,
        "container": TEXT,
        "container_kind": TEXT,
        "revision": TEXT,
        "cpu_request_cores": FLOAT64,
        "cpu_limit_cores": FLOAT64,
        "memory_request_bytes": FLOAT64,
        "memory_limit_bytes": FLOAT64,
        "running_seconds": FLOAT64,
        "observed_seconds": FLOAT64,
        "cpu_usage_core_seconds": FLOAT64,
        "memory_usage_byte_seconds": FLOAT64,
        "oom_killed_count": COUNT,
        "restart_count": COUNT,
        "memory_oom_bytes_max": FLOAT64,
        "pod_seconds_max": FLOAT64,
        "cpu_usage_cores_mean": _BY_HOUR_OF_DAY,
        "cpu_usage_cores_p50": _BY_HOUR_OF_DAY,
        "cpu_usage_cores_p95": _BY_HOUR_OF_DAY,
        "memory_usage_bytes_max": _BY_HOUR_OF_DAY,
        "replica_count": _BY_HOUR_OF_DAY,
        "cpu_throttled_ratio": _BY_HOUR_OF_DAY,
    },
)
"""A day of a workload's container, its pods pooled: totals, values in force in the newest hour, and lists of
24 hourly values, null where it did not run. Built with the histograms from the same hours, so that profiles
need not read hours again."""

WORKLOAD_HOUR = LakeTable(
    "workload_hour",
    ("cluster", "day"),
    ("cluster", "hour", "namespace", "workload_kind", "workload_name"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "namespace": TEXT,
        "workload_kind": TEXT,
        "workload_name": TEXT,
        "replica_count_mean": FLOAT64,
        "cpu_request_cores": FLOAT64,
        "cpu_usage_cores_mean": FLOAT64,
        "cpu_usage_cores_max_5m": FLOAT64,
        "memory_request_bytes": FLOAT64,
        "memory_usage_bytes_mean": FLOAT64,
        "memory_usage_bytes_max_5m": FLOAT64,
        "cost": MONEY,
    },
)

FORECAST = LakeTable(
    "forecast",
    ("run_month",),
    ("series_kind", "series", "run_at", "target_start"),
    "run_at",
    {
        "run_month": TEXT,
        "series_kind": TEXT,
        "series": TEXT,
        "run_at": INSTANT,
        "target_start": INSTANT,
        "model": TEXT,
        "value": FLOAT64,
        "lower_80": FLOAT64,
        "upper_80": FLOAT64,
        "unit": TEXT,
        "backtest_wape": FLOAT64,
        "naive_wape": FLOAT64,
        "lower_50": FLOAT64,
        "upper_50": FLOAT64,
        "lower_95": FLOAT64,
        "upper_95": FLOAT64,
    },
    added_columns=("lower_50", "upper_50", "lower_95", "upper_95"),
)
"""``series_kind`` says what: cost of a month or day (``series`` is the currency, for teams
``<currency>/<team>``), or hourly use: team_cpu, team_memory, team_replicas (``series`` is the team),
workload_cpu, workload_memory, workload_replicas (``cluster/namespace/kind/name``); of use only the newest run
of a month is kept. Bounds of 50, 80 and 95 % intervals; the errors are shares of what was there, of the
forecast and of the best naive one, on held-out days."""

OVERSELL_PLAN = LakeTable(
    "oversell_plan",
    ("cluster", "day"),
    ("cluster", "computed_at", "scope", "name", "resource"),
    "day",
    {
        **DAY_PARTITION,
        "computed_at": INSTANT,
        "scope": TEXT,
        "name": TEXT,
        "node_pool": TEXT,
        "resource": TEXT,
        "node_count": COUNT,
        "allocatable": FLOAT64,
        "requested": FLOAT64,
        "limit_total": FLOAT64,
        "predicted_peak": FLOAT64,
        "oversell_ratio_requests": FLOAT64,
        "oversell_ratio_limits": FLOAT64,
        "safe_oversell_ratio": FLOAT64,
        "violation_ratio_stated": FLOAT64,
        "violation_ratio_backtest": FLOAT64,
        "history_days": FLOAT64,
        "actuator": TEXT,
        "guard_rail": TEXT,
    },
)
"""``scope`` is node or pool; ``allocatable``, ``requested``, ``limit_total`` and ``predicted_peak`` are in
cores or bytes. ``guard_rail`` names the rule that bound (stale_data, too_little_history, memory_off, ...)."""
