"""Closed periods with totals per currency and cluster, their corrections, and closes awaiting approval.

``billing_period`` is made anew: no version before this one wrote a row to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables of closing."""
    op.drop_table("billing_period")
    op.create_table(
        "billing_period",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("totals", columns.document(), nullable=False),
        sa.Column("input_hash", sa.String(length=255), nullable=False),
        sa.Column("manifest_hash", sa.String(length=255), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("prepared_by", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed', 'correcting')", name=op.f("ck_billing_period_state")),
        sa.PrimaryKeyConstraint("period", "revision", name=op.f("pk_billing_period")),
    )
    op.create_table(
        "billing_correction",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("posted_in", sa.String(length=7), nullable=False),
        sa.Column("totals", columns.document(), nullable=False),
        sa.Column("manifest_hash", sa.String(length=255), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("period", "sequence", name=op.f("pk_billing_correction")),
    )
    op.create_index("ix_billing_correction_posted_in", "billing_correction", ["posted_in"])
    op.create_table(
        "close_preparation",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("input_hash", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("prepared_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_close_preparation")),
    )
