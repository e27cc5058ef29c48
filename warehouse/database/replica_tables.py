"""Tables of load tests and of fitted request weights. Part of the whole schema."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text

from warehouse.database.columns import Instant, document
from warehouse.database.metadata import METADATA, NAME, TEXT

LOAD_TEST = Table(
    "load_test",
    METADATA,
    Column("cluster", NAME, primary_key=True),
    Column("namespace", TEXT, primary_key=True),
    Column("workload_kind", TEXT, primary_key=True),
    Column("workload_name", TEXT, primary_key=True),
    Column("metric", TEXT, primary_key=True),
    Column("tested_at", Instant, primary_key=True),
    Column("capacity_per_replica", Float, nullable=False),
    Column("unit", TEXT, nullable=False),
    Column("service_level", TEXT, nullable=False),
    Column("stop_rule_ratio", Float),
    Column("peak_demand", Float),
    Column("source_file", Text),
    Column("source_row", Integer),
    Column("imported_at", Instant, nullable=False),
)
"""What one replica carried while it kept its service level. ``stop_rule_ratio`` is the share of slow or
failed answers at which the test ended; ``peak_demand`` what the owner expects of the whole workload, null
where it is measured."""

REQUEST_METRIC_FIT = Table(
    "request_metric_fit",
    METADATA,
    Column("cluster", NAME, primary_key=True),
    Column("namespace", TEXT, primary_key=True),
    Column("workload_kind", TEXT, primary_key=True),
    Column("workload_name", TEXT, primary_key=True),
    Column("metric", TEXT, primary_key=True),
    Column("fitted_at", Instant, primary_key=True),
    Column("held_out_r2", Float),
    Column("plain_held_out_r2", Float),
    Column("content", document(), nullable=False),
    Index("ix_request_metric_fit_fitted_at", "fitted_at"),
)
"""Weights of latency buckets, fitted to CPU; the newest fit of a workload holds from ``fitted_at`` on."""
