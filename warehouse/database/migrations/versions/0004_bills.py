"""Tables of imported bills and what their lines became."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables."""
    op.create_table(
        "bill",
        sa.Column("bill_key", sa.String(length=63), nullable=False),
        sa.Column("partition_name", sa.String(length=255), nullable=False),
        sa.Column("billing_month", sa.String(length=7), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("billing_account", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("invoice", sa.String(length=255), nullable=True),
        sa.Column("files", columns.document(), nullable=False),
        sa.Column("content_hash", sa.String(length=255), nullable=False),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.Column("totals", columns.document(), nullable=False),
        sa.Column("covered_until", columns.Instant(), nullable=True),
        sa.Column("imported_by", sa.String(length=255), nullable=False),
        sa.Column("imported_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("bill_key", name=op.f("pk_bill")),
    )
    op.create_index("ix_bill_billing_month", "bill", ["billing_month"])
    op.create_table(
        "bill_rule_set",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content_hash", sa.String(length=255), nullable=False),
        sa.Column("rule_count", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(length=255), nullable=False),
        sa.Column("imported_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_bill_rule_set")),
    )
    op.create_table(
        "bill_rule",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=True),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("region", sa.String(length=255), nullable=True),
        sa.Column("service", sa.String(length=255), nullable=True),
        sa.Column("charge_category", sa.String(length=255), nullable=True),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("tags", columns.document(), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=True),
        sa.Column("team", sa.String(length=255), nullable=True),
        sa.Column("team_tag", sa.String(length=255), nullable=True),
        sa.Column("cost_centre", sa.String(length=255), nullable=True),
        sa.Column("cost_centre_tag", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["version"], ["bill_rule_set.version"], name=op.f("fk_bill_rule_version")),
        sa.PrimaryKeyConstraint("version", "position", name=op.f("pk_bill_rule")),
    )
    op.create_table(
        "bill_factor",
        sa.Column("billing_month", sa.String(length=7), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("family", sa.String(length=255), nullable=True),
        sa.Column("region", sa.String(length=255), nullable=True),
        sa.Column("is_spot", sa.Boolean(), nullable=True),
        sa.Column("cluster", sa.String(length=63), nullable=True),
        sa.Column("node_key", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("factor", columns.rate(), nullable=False),
        sa.Column("billed_cost", columns.rate(), nullable=False),
        sa.Column("list_cost", columns.rate(), nullable=False),
        sa.Column("computed_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("billing_month", "position", name=op.f("pk_bill_factor")),
    )
