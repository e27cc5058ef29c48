"""Tables of calendar events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables."""
    op.create_table(
        "calendar_event",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("cluster", sa.String(length=255), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload", sa.String(length=255), nullable=False),
        sa.Column("start_at", columns.Instant(), nullable=False),
        sa.Column("end_at", columns.Instant(), nullable=False),
        sa.Column("include_in_baseline", sa.Boolean(), nullable=False),
        sa.Column("expected_factor", sa.Float(), nullable=True),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("end_at > start_at", name=op.f("ck_calendar_event_end_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_event")),
    )
    op.create_index("ix_calendar_event_start_at", "calendar_event", ["start_at"])
