"""Tables of fiscal calendars and anomalies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables."""
    op.create_table(
        "fiscal_period",
        sa.Column("fiscal_year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("fiscal_year", "period", name=op.f("pk_fiscal_period")),
    )
    op.create_table(
        "cost_anomaly",
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("scope_kind", sa.String(length=63), nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("day_count", sa.Integer(), nullable=False),
        sa.Column("expected_cost", columns.money(), nullable=False),
        sa.Column("actual_cost", columns.money(), nullable=False),
        sa.Column("money_at_risk", columns.money(), nullable=False),
        sa.Column("cause", sa.String(length=63), nullable=False),
        sa.Column("cause_text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detected_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("state IN ('found', 'withdrawn')", name=op.f("ck_cost_anomaly_state")),
        sa.PrimaryKeyConstraint("currency", "scope_kind", "scope", "first_day", name=op.f("pk_cost_anomaly")),
    )
    op.create_index("ix_cost_anomaly_first_day", "cost_anomaly", ["first_day"])
