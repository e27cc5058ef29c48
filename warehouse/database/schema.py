"""Every table of the database (DESIGN section 4). Alembic migrations build it; a test compares the two."""

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
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from warehouse.database.columns import Instant, document, money, rate

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NAME = String(63)
_TEXT = String(255)
_CURRENCY = String(3)

APPEND_ONLY = ("recommendation_event", "audit_entry")
"""Tables in which triggers refuse UPDATE and DELETE."""

WAREHOUSE_FACT = Table(
    "warehouse_fact",
    METADATA,
    Column("name", _NAME, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What is true of the whole warehouse: ``data_kind`` (simulated or real), ``billing_zone``."""

CLUSTER = Table(
    "cluster",
    METADATA,
    Column("name", _NAME, primary_key=True),
    Column("provider", _TEXT),
    Column("region", _TEXT),
    Column("currency", _CURRENCY),
    Column("display_name", _TEXT),
    Column("billing_zone", _TEXT),
    Column("is_simulated", Boolean, nullable=False),
)

WINDOW_LEDGER = Table(
    "window_ledger",
    METADATA,
    Column("cluster", _NAME, primary_key=True),
    Column("hour", Instant, primary_key=True),
    Column("source", _NAME, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("coverage_ratio", Float),
    Column("row_count", BigInteger, nullable=False),
    Column("input_hash", _TEXT, nullable=False),
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
    Column("table_name", _NAME, primary_key=True),
    Column("cluster", _NAME, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("input_hash", _TEXT, nullable=False),
    Column("code_version", _TEXT, nullable=False),
    Column("delta_version", BigInteger, nullable=False),
)

LEASE = Table(
    "lease",
    METADATA,
    Column("job", _NAME, primary_key=True),
    Column("cluster", _NAME, primary_key=True),
    Column("holder", _TEXT),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

PRICE = Table(
    "price",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("asset_kind", _NAME, nullable=False),
    Column("instance_type", _TEXT),
    Column("region", _TEXT),
    Column("zone", _TEXT),
    Column("purchase_option", _TEXT),
    Column("unit", _NAME, nullable=False),
    Column("currency", _CURRENCY, nullable=False),
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
)

OWNERSHIP_RULE = Table(
    "ownership_rule",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("cluster", _TEXT, nullable=False),
    Column("namespace", _TEXT, nullable=False),
    Column("label_selector", Text),
    Column("team", _TEXT, nullable=False),
    Column("cost_centre", _TEXT),
    Column("share_ratio", rate(), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("source_file", Text),
    Column("source_row", Integer),
)

EXCHANGE_RATE = Table(
    "exchange_rate",
    METADATA,
    Column("from_currency", _CURRENCY, primary_key=True),
    Column("to_currency", _CURRENCY, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("rate", rate(), nullable=False),
    Column("origin", _TEXT, nullable=False),
)

BILLING_PERIOD = Table(
    "billing_period",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("totals", document(), nullable=False),
    Column("input_hash", _TEXT, nullable=False),
    Column("manifest_hash", _TEXT, nullable=False),
    Column("folder", Text, nullable=False),
    Column("prepared_by", _TEXT, nullable=False),
    Column("principal", _TEXT, nullable=False),
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
    Column("manifest_hash", _TEXT, nullable=False),
    Column("folder", Text, nullable=False),
    Column("principal", _TEXT, nullable=False),
    Column("reason", Text),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_billing_correction_posted_in", "posted_in"),
)
"""What changed in a closed month (``period``) and is charged in a later one (``posted_in``)."""

CLOSE_PREPARATION = Table(
    "close_preparation",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("input_hash", _TEXT, nullable=False),
    Column("principal", _TEXT, nullable=False),
    Column("prepared_at", Instant, nullable=False),
)
"""Who asked for a close that a second person still has to approve, and of which figures."""

BUDGET = Table(
    "budget",
    METADATA,
    Column("scope_kind", _NAME, primary_key=True),
    Column("scope", _TEXT, primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("currency", _CURRENCY, primary_key=True),
    Column("amount", money(), nullable=False),
)

INITIATIVE = Table(
    "initiative",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("description", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("cluster", _NAME),
    Column("node_pool", _TEXT),
    Column("team", _TEXT),
)

BUSINESS_METRIC = Table(
    "business_metric",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("scope", _TEXT, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("value", Float, nullable=False),
    Column("unit", _TEXT, nullable=False),
)

RECOMMENDATION = Table(
    "recommendation",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("cluster", _NAME, nullable=False),
    Column("namespace", _TEXT, nullable=False),
    Column("workload_kind", _TEXT, nullable=False),
    Column("workload_name", _TEXT, nullable=False),
    Column("container", _TEXT, nullable=False),
    Column("team", _TEXT),
    Column("policy", _TEXT, nullable=False),
    Column("risk_class", _TEXT, nullable=False),
    Column("content_hash", String(16), nullable=False),
    Column("state", String(20), nullable=False),
    Column("snoozed_until", Instant),
    Column("as_of", Instant, nullable=False),
    Column("requested_saving_per_month", money()),
    Column("currency", _CURRENCY),
    Column("content", document(), nullable=False),
    Index("ix_recommendation_key", "cluster", "namespace", "workload_kind", "workload_name", "container"),
    Index("ix_recommendation_state", "state"),
)

RECOMMENDATION_EVENT = Table(
    "recommendation_event",
    METADATA,
    Column("recommendation_id", ForeignKey("recommendation.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("principal", _TEXT, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("content_hash", String(16), nullable=False),
    Column("reason", _TEXT),
    Column("until", Instant),
    Column("note", Text),
)

SILENCE = Table(
    "silence",
    METADATA,
    Column("cluster", _NAME, primary_key=True),
    Column("namespace", _TEXT, primary_key=True),
    Column("workload_kind", _TEXT, primary_key=True),
    Column("workload_name", _TEXT, primary_key=True),
    Column("container", _TEXT, primary_key=True),
    Column("policy", _TEXT, primary_key=True),
    Column("team", _TEXT),
    Column("reason", _NAME, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
)

ROLE_GRANT = Table(
    "role_grant",
    METADATA,
    Column("principal", _TEXT, primary_key=True),
    Column("role", _NAME, primary_key=True),
    Column("team", _TEXT, primary_key=True),
)
"""``team`` is empty for roles that are not about a team."""

API_TOKEN = Table(
    "api_token",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("principal", _TEXT, nullable=False),
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
    Column("principal", _TEXT, nullable=False),
    Column("action", _TEXT, nullable=False),
    Column("subject", _TEXT, nullable=False),
    Column("detail", document(), nullable=False),
)
