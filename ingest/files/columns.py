"""Columns of the files that Millicore reads: name, kind of value and whether a row can do without."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INSTANT = "instant"
    NUMBER = "number"
    COUNT = "count"


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Parameters
    ----------
    name : str
    kind : Kind
    is_required : bool
        The column must be there and no cell empty.
    may_be_negative : bool
    """

    name: str
    kind: Kind
    is_required: bool = False
    may_be_negative: bool = False


def _columns(kind: Kind, names: str, *, required: str = "") -> tuple[Column, ...]:
    needed = set(required.split())
    return tuple(Column(name, kind, is_required=name in needed) for name in names.split())


USAGE_COLUMNS = (
    *_columns(
        Kind.TEXT,
        "cluster namespace workload_kind workload_name pod pod_uid container node labels",
        required="cluster namespace workload_kind workload_name pod container node",
    ),
    Column("interval_start", Kind.INSTANT, is_required=True),
    Column("interval_seconds", Kind.COUNT, is_required=True),
    *_columns(
        Kind.NUMBER,
        "cpu_usage_cores memory_usage_bytes cpu_usage_cores_max memory_usage_bytes_max cpu_request_cores "
        "cpu_limit_cores memory_request_bytes memory_limit_bytes gpu_request cpu_throttled_ratio",
    ),
    *_columns(Kind.COUNT, "oom_killed_count restart_count"),
)
"""DESIGN section 5, usage. ``cpu_usage_cores`` and ``memory_usage_bytes`` may be empty cells, but the
columns must be there."""

USAGE_MEASURES = ("cpu_usage_cores", "memory_usage_bytes")

NODE_COLUMNS = (
    *_columns(
        Kind.TEXT,
        "cluster node instance_type region zone purchase_option labels",
        required="cluster node",
    ),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
    *_columns(
        Kind.NUMBER,
        "cpu_capacity_cores memory_capacity_bytes cpu_allocatable_cores memory_allocatable_bytes "
        "gpu_capacity",
        required="cpu_capacity_cores memory_capacity_bytes",
    ),
)

PRICE_COLUMNS = (
    *_columns(
        Kind.TEXT,
        "asset_kind instance_type region zone purchase_option unit currency node_selector "
        "daily_from daily_to weekdays time_zone",
        required="currency",
    ),
    *_columns(
        Kind.TEXT,
        "hourly_list_price hourly_contracted_price hourly_effective_price cpu_core_hourly_price "
        "memory_gib_hourly_price gpu_hourly_price purchase_price residual_price lifetime_months power_watts "
        "power_usage_effectiveness_ratio power_price_per_kwh other_monthly_cost",
    ),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
    Column("purchased_at", Kind.INSTANT),
)
"""Prices are read as text and become decimals: a price that passed through a float is another price. A row
has ``hourly_list_price`` or ``purchase_price``; serverless rows may have component prices alone."""

FAMILY_WEIGHT_COLUMNS = (
    Column("family", Kind.TEXT, is_required=True),
    *_columns(Kind.TEXT, "cpu_weight memory_weight gpu_weight", required="cpu_weight memory_weight"),
    Column("valid_from", Kind.INSTANT, is_required=True),
)

OWNERSHIP_COLUMNS = (
    *_columns(
        Kind.TEXT,
        "cluster namespace workload label_selector annotation_selector team cost_centre share_ratio priority",
        required="cluster namespace team",
    ),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
)

NAME_COLUMNS = (
    *_columns(Kind.TEXT, "alias team", required="alias team"),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
)
"""Other names of teams."""

BUDGET_COLUMNS = _columns(
    Kind.TEXT,
    "scope_kind scope month currency amount",
    required="scope_kind scope month currency amount",
)

INITIATIVE_COLUMNS = (
    *_columns(Kind.TEXT, "name description cluster node_pool team", required="name"),
    Column("started_at", Kind.INSTANT, is_required=True),
    Column("ended_at", Kind.INSTANT),
)

VOLUME_COLUMNS = (
    *_columns(
        Kind.TEXT,
        "cluster volume claim_namespace claim storage_class provider_id region zone",
        required="cluster volume",
    ),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
    *_columns(Kind.NUMBER, "capacity_bytes used_bytes", required="capacity_bytes"),
)

MOUNT_COLUMNS = (
    *_columns(Kind.TEXT, "cluster volume namespace pod pod_uid", required="cluster volume namespace pod"),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
)

LOAD_BALANCER_COLUMNS = (
    *_columns(
        Kind.TEXT,
        "cluster namespace service provider_id load_balancer_type region",
        required="cluster namespace service",
    ),
    Column("valid_from", Kind.INSTANT, is_required=True),
    Column("valid_to", Kind.INSTANT),
)

NETWORK_COLUMNS = (
    *_columns(Kind.TEXT, "cluster namespace pod pod_uid traffic_class", required="cluster namespace pod"),
    Column("interval_start", Kind.INSTANT, is_required=True),
    Column("interval_seconds", Kind.COUNT, is_required=True),
    Column("bytes", Kind.NUMBER, is_required=True),
)
