"""Tables that ingest, models, advice and closing share (DESIGN section 4); migrations build them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from warehouse.database.columns import Instant, document, money, rate
from warehouse.database.metadata import CURRENCY, METADATA, NAME, TEXT

APPEND_ONLY = ("recommendation_event", "audit_entry")
"""Tables in which triggers refuse UPDATE and DELETE."""

WAREHOUSE_FACT = Table(
    "warehouse_fact",
    METADATA,
    Column("name", NAME, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What is true of the whole warehouse: ``data_kind`` (simulated or real), ``billing_zone``."""

CLUSTER = Table(
    "cluster",
    METADATA,
    Column("name", NAME, primary_key=True),
    Column("provider", TEXT),
    Column("region", TEXT),
    Column("currency", CURRENCY),
    Column("display_name", TEXT),
    Column("billing_zone", TEXT),
    Column("is_simulated", Boolean, nullable=False),
)

WINDOW_LEDGER = Table(
    "window_ledger",
    METADATA,
    Column("cluster", NAME, primary_key=True),
    Column("hour", Instant, primary_key=True),
    Column("source", NAME, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("coverage_ratio", Float),
    Column("row_count", BigInteger, nullable=False),
    Column("input_hash", TEXT, nullable=False),
    Column("note", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("pending_run_id", String(36)),
    Column("fence", BigInteger, nullable=False),
    Column("contents", document(), nullable=False),
    Column("delta_versions", document(), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint(
        "state IN ('complete', 'partial', 'failed', 'unrecoverable', 'before_history')", name="state"
    ),
)

DERIVED_LEDGER = Table(
    "derived_ledger",
    METADATA,
    Column("table_name", NAME, primary_key=True),
    Column("cluster", NAME, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("input_hash", TEXT, nullable=False),
    Column("code_version", TEXT, nullable=False),
    Column("delta_version", BigInteger, nullable=False),
)

LEASE = Table(
    "lease",
    METADATA,
    Column("job", NAME, primary_key=True),
    Column("cluster", NAME, primary_key=True),
    Column("holder", TEXT),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

PRICE = Table(
    "price",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("asset_kind", NAME, nullable=False),
    Column("instance_type", TEXT),
    Column("region", TEXT),
    Column("zone", TEXT),
    Column("purchase_option", TEXT),
    Column("unit", NAME, nullable=False),
    Column("currency", CURRENCY, nullable=False),
    Column("hourly_list_price", rate(), nullable=False),
    Column("hourly_contracted_price", rate()),
    Column("hourly_effective_price", rate()),
    Column("node_selector", Text),
    Column("cpu_core_hourly_price", rate()),
    Column("memory_gib_hourly_price", rate()),
    Column("gpu_hourly_price", rate()),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("source_file", Text),
    Column("source_row", Integer),
    Column("cpu_weight", rate()),
    Column("memory_weight", rate()),
    Column("gpu_weight", rate()),
    Column("daily_from", String(5)),
    Column("daily_to", String(5)),
    Column("weekdays", NAME),
    Column("time_zone", NAME),
    Column("amortisation", document()),
    Column("source_sha256", String(64)),
    Column("imported_at", Instant),
    Column("imported_by", TEXT),
)

OWNERSHIP_RULE = Table(
    "ownership_rule",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("cluster", TEXT, nullable=False),
    Column("namespace", TEXT, nullable=False),
    Column("label_selector", Text),
    Column("team", TEXT, nullable=False),
    Column("cost_centre", TEXT),
    Column("share_ratio", rate(), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("source_file", Text),
    Column("source_row", Integer),
    Column("annotation_selector", Text),
    Column("workload", TEXT),
)

EXCHANGE_RATE = Table(
    "exchange_rate",
    METADATA,
    Column("from_currency", CURRENCY, primary_key=True),
    Column("to_currency", CURRENCY, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("rate", rate(), nullable=False),
    Column("origin", TEXT, nullable=False),
)

BILLING_PERIOD = Table(
    "billing_period",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("totals", document(), nullable=False),
    Column("input_hash", TEXT, nullable=False),
    Column("manifest_hash", TEXT, nullable=False),
    Column("folder", Text, nullable=False),
    Column("prepared_by", TEXT, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("reason", Text),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("state IN ('open', 'closed', 'correcting')", name="state"),
)
"""One row per close of a month. Only ``state`` ever changes: ``open`` again after a reopening."""

BILLING_CORRECTION = Table(
    "billing_correction",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("posted_in", String(7), nullable=False),
    Column("totals", document(), nullable=False),
    Column("manifest_hash", TEXT, nullable=False),
    Column("folder", Text, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("reason", Text),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_billing_correction_posted_in", "posted_in"),
)
"""What changed in a closed month (``period``) and is charged in a later one (``posted_in``)."""

CLOSE_PREPARATION = Table(
    "close_preparation",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("input_hash", TEXT, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("prepared_at", Instant, nullable=False),
)
"""Who asked for a close that a second person still has to approve, and of which figures."""

BUDGET = Table(
    "budget",
    METADATA,
    Column("scope_kind", NAME, primary_key=True),
    Column("scope", TEXT, primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("currency", CURRENCY, primary_key=True),
    Column("amount", money(), nullable=False),
)

INITIATIVE = Table(
    "initiative",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("description", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("cluster", NAME),
    Column("node_pool", TEXT),
    Column("team", TEXT),
    Column("scope", document()),
    Column("owner", TEXT),
    Column("currency", CURRENCY),
    Column("target_per_month", money()),
    Column("forecast_per_month", money()),
    Column("forecast_basis", TEXT),
    Column("difficulty_ratio", Float),
    Column("is_core", Integer),
    Column("closed_at", Instant),
    Column("result", document()),
)
"""``scope`` holds globs by kind; ``result`` is what was measured when the initiative was closed."""

BUSINESS_METRIC = Table(
    "business_metric",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("scope", TEXT, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("value", Float, nullable=False),
    Column("unit", TEXT, nullable=False),
)

RECOMMENDATION = Table(
    "recommendation",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("cluster", NAME, nullable=False),
    Column("namespace", TEXT, nullable=False),
    Column("workload_kind", TEXT, nullable=False),
    Column("workload_name", TEXT, nullable=False),
    Column("container", TEXT, nullable=False),
    Column("team", TEXT),
    Column("policy", TEXT, nullable=False),
    Column("risk_class", TEXT, nullable=False),
    Column("content_hash", String(16), nullable=False),
    Column("state", String(20), nullable=False),
    Column("snoozed_until", Instant),
    Column("as_of", Instant, nullable=False),
    Column("requested_saving_per_month", money()),
    Column("currency", CURRENCY),
    Column("content", document(), nullable=False),
    Column("state_since", Instant),
    Column("agreed", document()),
    Column("applied_from", Instant),
    Column("verified_saving_per_month", money()),
    Column("verified_currency", CURRENCY),
    Index("ix_recommendation_key", "cluster", "namespace", "workload_kind", "workload_name", "container"),
    Index("ix_recommendation_state", "state"),
)

RECOMMENDATION_EVENT = Table(
    "recommendation_event",
    METADATA,
    Column("recommendation_id", ForeignKey("recommendation.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("content_hash", String(16), nullable=False),
    Column("reason", TEXT),
    Column("until", Instant),
    Column("note", Text),
    Column("evidence", document()),
)

SILENCE = Table(
    "silence",
    METADATA,
    Column("cluster", NAME, primary_key=True),
    Column("namespace", TEXT, primary_key=True),
    Column("workload_kind", TEXT, primary_key=True),
    Column("workload_name", TEXT, primary_key=True),
    Column("container", TEXT, primary_key=True),
    Column("policy", TEXT, primary_key=True),
    Column("team", TEXT),
    Column("reason", NAME, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
)

ROLE_GRANT = Table(
    "role_grant",
    METADATA,
    Column("principal", TEXT, primary_key=True),
    Column("role", NAME, primary_key=True),
    Column("team", TEXT, primary_key=True),
)
"""``team`` is empty for roles that are not about a team."""

API_TOKEN = Table(
    "api_token",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("principal", TEXT, nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    UniqueConstraint("token_hash"),
)

AUDIT_ENTRY = Table(
    "audit_entry",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("occurred_at", Instant, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("detail", document(), nullable=False),
)
