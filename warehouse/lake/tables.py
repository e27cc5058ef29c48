"""Every lake table: grain, key, partitions and columns with their units (DESIGN section 4).

Times are UTC, hours and 5-minute bins are named by their start. Null means not known; NaN never enters.
Columns may be added (nullable) by a migration; renaming one means a new table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 9)
"""Cost terms of one row: nine decimals that fit 64 bits, so files stay small. Sums are DECIMAL(38,9)."""
PRICE = pa.decimal128(18, 9)
BINS = pa.list_(pa.float32())
"""Twelve values aligned to the 5-minute bins of the hour; null where nothing was observed."""

FLOAT64 = pa.float64()
FLOAT32 = pa.float32()
TEXT = pa.string()
COUNT = pa.int32()


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake.

    Parameters
    ----------
    name : str
    partition_by : tuple of str
        ``cluster`` first where there is one; then ``day`` or a month column.
    key : tuple of str
        Columns that identify a row; never null.
    window_column : str
        The column by which a window is replaced.
    columns : dict of str to pyarrow.DataType
    """

    name: str
    partition_by: tuple[str, ...]
    key: tuple[str, ...]
    window_column: str
    columns: dict[str, pa.DataType] = field(repr=False)

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema; key and partition columns are not nullable."""
        required = {*self.key, *self.partition_by}
        return pa.schema(
            [pa.field(name, kind, nullable=name not in required) for name, kind in self.columns.items()]
        )


_DAY_PARTITION = {"cluster": TEXT, "day": pa.date32()}
_POD = {"namespace": TEXT, "pod": TEXT, "node_key": TEXT, "workload_kind": TEXT, "workload_name": TEXT}

CONTAINER_HOUR = LakeTable(
    "container_hour",
    ("cluster", "day"),
    ("cluster", "hour", "pod_uid", "container"),
    "hour",
    {
        **_DAY_PARTITION,
        "hour": INSTANT,
        "pod_uid": TEXT,
        "container": TEXT,
        **_POD,
        "revision": TEXT,
        "container_kind": TEXT,
        "running_seconds": FLOAT64,
        "cpu_request_core_seconds": FLOAT64,
        "cpu_limit_cores": FLOAT64,
        "cpu_usage_core_seconds": FLOAT64,
        "memory_request_byte_seconds": FLOAT64,
        "memory_limit_bytes": FLOAT64,
        "memory_usage_byte_seconds": FLOAT64,
        "gpu_request_seconds": FLOAT64,
        "cpu_throttled_ratio": FLOAT32,
        "oom_killed_count": COUNT,
        "restart_count": COUNT,
        "sample_coverage_ratio": FLOAT32,
        "cpu_usage_cores_by_5m": BINS,
        "cpu_usage_cores_max_1m_by_5m": BINS,
        "memory_usage_bytes_max_by_5m": BINS,
    },
)

POD_HOUR = LakeTable(
    "pod_hour",
    ("cluster", "day"),
    ("cluster", "hour", "pod_uid"),
    "hour",
    {
        **_DAY_PARTITION,
        "hour": INSTANT,
        "pod_uid": TEXT,
        **_POD,
        "phase": TEXT,
        "scheduled_seconds": FLOAT64,
        "cpu_request_core_seconds": FLOAT64,
        "memory_request_byte_seconds": FLOAT64,
        "gpu_request_seconds": FLOAT64,
        "network_receive_bytes": FLOAT64,
        "network_transmit_bytes": FLOAT64,
        "disk_read_bytes": FLOAT64,
        "disk_write_bytes": FLOAT64,
        "label_set_id": TEXT,
        "is_label_inferred": pa.bool_(),
    },
)

NODE_HOUR = LakeTable(
    "node_hour",
    ("cluster", "day"),
    ("cluster", "hour", "node_key"),
    "hour",
    {
        **_DAY_PARTITION,
        "hour": INSTANT,
        "node_key": TEXT,
        "node": TEXT,
        "provider_id": TEXT,
        "instance_type": TEXT,
        "region": TEXT,
        "zone": TEXT,
        "node_pool": TEXT,
        "purchase_option": TEXT,
        "is_type_inferred": pa.bool_(),
        "running_seconds": FLOAT64,
        "cpu_capacity_cores": FLOAT64,
        "cpu_allocatable_cores": FLOAT64,
        "memory_capacity_bytes": FLOAT64,
        "memory_allocatable_bytes": FLOAT64,
        "gpu_capacity": FLOAT64,
        "gpu_allocatable": FLOAT64,
        "pod_allocatable": FLOAT64,
        "cpu_usage_cores_by_5m": BINS,
        "memory_usage_bytes_by_5m": BINS,
        "file_descriptor_used_ratio": FLOAT32,
        "inode_used_ratio": FLOAT32,
        "sample_coverage_ratio": FLOAT32,
        "label_set_id": TEXT,
    },
)

VOLUME_HOUR = LakeTable(
    "volume_hour",
    ("cluster", "day"),
    ("cluster", "hour", "volume"),
    "hour",
    {
        **_DAY_PARTITION,
        "hour": INSTANT,
        "volume": TEXT,
        "claim_namespace": TEXT,
        "claim": TEXT,
        "storage_class": TEXT,
        "provider_id": TEXT,
        "capacity_bytes": FLOAT64,
        "used_bytes": FLOAT64,
        "running_seconds": FLOAT64,
    },
)

VOLUME_MOUNT_HOUR = LakeTable(
    "volume_mount_hour",
    ("cluster", "day"),
    ("cluster", "hour", "volume", "pod_uid"),
    "hour",
    {
        **_DAY_PARTITION,
        "hour": INSTANT,
        "volume": TEXT,
        "pod_uid": TEXT,
        "namespace": TEXT,
        "pod": TEXT,
        "mounted_seconds": FLOAT64,
    },
)

LOAD_BALANCER_HOUR = LakeTable(
    "load_balancer_hour",
    ("cluster", "day"),
    ("cluster", "hour", "load_balancer"),
    "hour",
    {
        **_DAY_PARTITION,
        "hour": INSTANT,
        "load_balancer": TEXT,
        "namespace": TEXT,
        "service": TEXT,
        "provider_id": TEXT,
        "running_seconds": FLOAT64,
    },
)

LABEL_SET = LakeTable(
    "label_set",
    ("cluster", "month"),
    ("cluster", "label_set_id"),
    "first_seen_at",
    {
        "cluster": TEXT,
        "month": TEXT,
        "label_set_id": TEXT,
        "labels": TEXT,
        "first_seen_at": INSTANT,
    },
)
"""``labels`` is a JSON object with sorted keys; ``label_set_id`` the first 16 hex digits of its sha256.
``month`` is that of ``first_seen_at``."""

OBJECT_HISTORY = LakeTable(
    "object_history",
    ("cluster", "month"),
    ("cluster", "kind", "namespace", "name", "uid", "valid_from"),
    "valid_from",
    {
        "cluster": TEXT,
        "month": TEXT,
        "kind": TEXT,
        "namespace": TEXT,
        "name": TEXT,
        "uid": TEXT,
        "valid_from": INSTANT,
        "valid_to": INSTANT,
        "spec": TEXT,
        "spec_hash": TEXT,
        "observed_by": TEXT,
    },
)
"""One version of one object. ``namespace`` is empty for cluster-scoped kinds. A version lasts until its
``valid_to`` (set when the object is seen to be gone) or the next version's ``valid_from``."""

ASSET_PRICE_HOUR = LakeTable(
    "asset_price_hour",
    ("cluster", "day"),
    ("cluster", "hour", "asset_kind", "asset"),
    "hour",
    {
        **_DAY_PARTITION,
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
"""What one asset cost in one hour (price x running time, split at price changes). ``provenance`` is one of
bill, contract, list, assumed, unpriced; the costs of an unpriced asset are null."""

ALLOCATION_HOUR = LakeTable(
    "allocation_hour",
    ("cluster", "day"),
    ("cluster", "hour", "node_key", "line_kind", "pod_uid", "container", "resource"),
    "hour",
    {
        **_DAY_PARTITION,
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
    },
)
"""``line_kind`` is container or node; node lines carry idle, overhead and the two gains and have empty
``pod_uid`` and ``container``. ``resource`` is cpu, memory or gpu; seconds are core-seconds, byte-seconds,
device-seconds. The five cost columns of a node-hour and resource sum to its cost exactly; the gains are
explanations beside them and never added. ``idle_seconds`` stands on node lines. No owner here: ownership
is joined when ``cost_day`` is built."""

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
    },
)
"""Sums for boards and chargeback. ``line_kind`` is workload or node; a row of line_kind workload belongs to
one team (``ownership_source`` rule, label or guessed) or to none (``team`` null, unowned). Capacity,
allocatable and idle seconds stand on node lines only; ``billed_seconds``, the sum of max(request, usage), on
workload lines only."""

CONTAINER_HISTOGRAM_DAY = LakeTable(
    "container_histogram_day",
    ("cluster", "day"),
    ("cluster", "day", "namespace", "workload_kind", "workload_name", "container", "pod_uid", "statistic"),
    "day",
    {
        **_DAY_PARTITION,
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

WORKLOAD_HOUR = LakeTable(
    "workload_hour",
    ("cluster", "day"),
    ("cluster", "hour", "namespace", "workload_kind", "workload_name"),
    "hour",
    {
        **_DAY_PARTITION,
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
    },
)

OVERSELL_PLAN = LakeTable(
    "oversell_plan",
    ("cluster", "day"),
    ("cluster", "computed_at", "scope", "name", "resource"),
    "day",
    {
        **_DAY_PARTITION,
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

OBSERVED_TABLES = (
    CONTAINER_HOUR,
    POD_HOUR,
    NODE_HOUR,
    VOLUME_HOUR,
    VOLUME_MOUNT_HOUR,
    LOAD_BALANCER_HOUR,
    LABEL_SET,
    OBJECT_HISTORY,
)
DERIVED_TABLES = (
    ASSET_PRICE_HOUR,
    ALLOCATION_HOUR,
    COST_DAY,
    CONTAINER_HISTOGRAM_DAY,
    WORKLOAD_HOUR,
    FORECAST,
    OVERSELL_PLAN,
)
TABLES: dict[str, LakeTable] = {table.name: table for table in (*OBSERVED_TABLES, *DERIVED_TABLES)}
