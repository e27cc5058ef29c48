"""The first schema: ledgers, leases, prices, owners, periods, suggestions, access, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = ("recommendation_event", "audit_entry")


def upgrade() -> None:
    """Create every table, and the triggers that make two of them append-only."""
    _create_tables()
    for table in _APPEND_ONLY:
        _forbid_changes(table)


def _forbid_changes(table: str) -> None:
    message = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def _create_tables() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=True),
        sa.Column("revoked_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("occurred_at", columns.Instant(), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("detail", columns.document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "billing_period",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("total", columns.money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("input_hash", sa.String(length=255), nullable=False),
        sa.Column("manifest_hash", sa.String(length=255), nullable=True),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed', 'correcting')", name=op.f("ck_billing_period_state")),
        sa.PrimaryKeyConstraint("period", "revision", name=op.f("pk_billing_period")),
    )
    op.create_table(
        "budget",
        sa.Column("scope_kind", sa.String(length=63), nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", columns.money(), nullable=False),
        sa.PrimaryKeyConstraint("scope_kind", "scope", "month", "currency", name=op.f("pk_budget")),
    )
    op.create_table(
        "business_metric",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("unit", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", "scope", "day", name=op.f("pk_business_metric")),
    )
    op.create_table(
        "cluster",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=True),
        sa.Column("region", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("display_name", sa.String(length=255), nullable=True),
        sa.Column("billing_zone", sa.String(length=255), nullable=True),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cluster")),
    )
    op.create_table(
        "derived_ledger",
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("input_hash", sa.String(length=255), nullable=False),
        sa.Column("code_version", sa.String(length=255), nullable=False),
        sa.Column("delta_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "cluster", "day", name=op.f("pk_derived_ledger")),
    )
    op.create_table(
        "exchange_rate",
        sa.Column("from_currency", sa.String(length=3), nullable=False),
        sa.Column("to_currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", columns.rate(), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("from_currency", "to_currency", "day", name=op.f("pk_exchange_rate")),
    )
    op.create_table(
        "initiative",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("cluster", sa.String(length=63), nullable=True),
        sa.Column("node_pool", sa.String(length=255), nullable=True),
        sa.Column("team", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_initiative")),
    )
    op.create_table(
        "lease",
        sa.Column("job", sa.String(length=63), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("job", "cluster", name=op.f("pk_lease")),
    )
    op.create_table(
        "ownership_rule",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cluster", sa.String(length=255), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("label_selector", sa.Text(), nullable=True),
        sa.Column("team", sa.String(length=255), nullable=False),
        sa.Column("cost_centre", sa.String(length=255), nullable=True),
        sa.Column("share_ratio", columns.rate(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("valid_from", columns.Instant(), nullable=False),
        sa.Column("valid_to", columns.Instant(), nullable=True),
        sa.Column("source_file", sa.Text(), nullable=True),
        sa.Column("source_row", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ownership_rule")),
    )
    op.create_table(
        "price",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("asset_kind", sa.String(length=63), nullable=False),
        sa.Column("instance_type", sa.String(length=255), nullable=True),
        sa.Column("region", sa.String(length=255), nullable=True),
        sa.Column("zone", sa.String(length=255), nullable=True),
        sa.Column("purchase_option", sa.String(length=255), nullable=True),
        sa.Column("unit", sa.String(length=63), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("hourly_list_price", columns.rate(), nullable=False),
        sa.Column("hourly_contracted_price", columns.rate(), nullable=True),
        sa.Column("hourly_effective_price", columns.rate(), nullable=True),
        sa.Column("node_selector", sa.Text(), nullable=True),
        sa.Column("cpu_core_hourly_price", columns.rate(), nullable=True),
        sa.Column("memory_gib_hourly_price", columns.rate(), nullable=True),
        sa.Column("gpu_hourly_price", columns.rate(), nullable=True),
        sa.Column("valid_from", columns.Instant(), nullable=False),
        sa.Column("valid_to", columns.Instant(), nullable=True),
        sa.Column("source_file", sa.Text(), nullable=True),
        sa.Column("source_row", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_price")),
    )
    op.create_table(
        "recommendation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload_kind", sa.String(length=255), nullable=False),
        sa.Column("workload_name", sa.String(length=255), nullable=False),
        sa.Column("container", sa.String(length=255), nullable=False),
        sa.Column("team", sa.String(length=255), nullable=True),
        sa.Column("policy", sa.String(length=255), nullable=False),
        sa.Column("risk_class", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("snoozed_until", columns.Instant(), nullable=True),
        sa.Column("as_of", columns.Instant(), nullable=False),
        sa.Column("requested_saving_per_month", columns.money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("content", columns.document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation")),
    )
    op.create_index(
        "ix_recommendation_key",
        "recommendation",
        ["cluster", "namespace", "workload_kind", "workload_name", "container"],
        unique=False,
    )
    op.create_index("ix_recommendation_state", "recommendation", ["state"], unique=False)
    op.create_table(
        "role_grant",
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=63), nullable=False),
        sa.Column("team", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("principal", "role", "team", name=op.f("pk_role_grant")),
    )
    op.create_table(
        "silence",
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload_kind", sa.String(length=255), nullable=False),
        sa.Column("workload_name", sa.String(length=255), nullable=False),
        sa.Column("container", sa.String(length=255), nullable=False),
        sa.Column("policy", sa.String(length=255), nullable=False),
        sa.Column("team", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.String(length=63), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("as_of", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint(
            "cluster",
            "namespace",
            "workload_kind",
            "workload_name",
            "container",
            "policy",
            name=op.f("pk_silence"),
        ),
    )
    op.create_table(
        "warehouse_fact",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_warehouse_fact")),
    )
    op.create_table(
        "window_ledger",
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("hour", columns.Instant(), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("coverage_ratio", sa.Float(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("input_hash", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("pending_run_id", sa.String(length=36), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("contents", columns.document(), nullable=False),
        sa.Column("delta_versions", columns.document(), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "state IN ('complete', 'partial', 'failed', 'unrecoverable', 'before_history')",
            name=op.f("ck_window_ledger_state"),
        ),
        sa.PrimaryKeyConstraint("cluster", "hour", "source", name=op.f("pk_window_ledger")),
    )
    op.create_table(
        "recommendation_event",
        sa.Column("recommendation_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", columns.Instant(), nullable=False),
        sa.Column("content_hash", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("until", columns.Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendation.id"],
            name=op.f("fk_recommendation_event_recommendation_id"),
        ),
        sa.PrimaryKeyConstraint("recommendation_id", "sequence", name=op.f("pk_recommendation_event")),
    )
