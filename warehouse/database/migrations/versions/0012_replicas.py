"""Tables of load tests and weighted request metrics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables."""
    op.create_table(
        "load_test",
        *_workload(),
        sa.Column("metric", sa.String(length=255), nullable=False),
        sa.Column("tested_at", columns.Instant(), nullable=False),
        sa.Column("capacity_per_replica", sa.Float(), nullable=False),
        sa.Column("unit", sa.String(length=255), nullable=False),
        sa.Column("service_level", sa.String(length=255), nullable=False),
        sa.Column("stop_rule_ratio", sa.Float(), nullable=True),
        sa.Column("peak_demand", sa.Float(), nullable=True),
        sa.Column("source_file", sa.Text(), nullable=True),
        sa.Column("source_row", sa.Integer(), nullable=True),
        sa.Column("imported_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, "tested_at", name=op.f("pk_load_test")),
    )
    op.create_table(
        "request_metric_fit",
        *_workload(),
        sa.Column("metric", sa.String(length=255), nullable=False),
        sa.Column("fitted_at", columns.Instant(), nullable=False),
        sa.Column("held_out_r2", sa.Float(), nullable=True),
        sa.Column("plain_held_out_r2", sa.Float(), nullable=True),
        sa.Column("content", columns.document(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, "fitted_at", name=op.f("pk_request_metric_fit")),
    )
    op.create_index("ix_request_metric_fit_fitted_at", "request_metric_fit", ["fitted_at"])


_KEY = ("cluster", "namespace", "workload_kind", "workload_name", "metric")


def _workload() -> list[sa.Column[str]]:
    return [
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload_kind", sa.String(length=255), nullable=False),
        sa.Column("workload_name", sa.String(length=255), nullable=False),
    ]
