"""Price lists beyond a node and an hour: time windows, purchases, weights by family, origins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the table of prices and build that of weights."""
    for column in (
        sa.Column("cpu_weight", columns.rate(), nullable=True),
        sa.Column("memory_weight", columns.rate(), nullable=True),
        sa.Column("gpu_weight", columns.rate(), nullable=True),
        sa.Column("daily_from", sa.String(length=5), nullable=True),
        sa.Column("daily_to", sa.String(length=5), nullable=True),
        sa.Column("weekdays", sa.String(length=63), nullable=True),
        sa.Column("time_zone", sa.String(length=63), nullable=True),
        sa.Column("amortisation", columns.document(), nullable=True),
        sa.Column("source_sha256", sa.String(length=64), nullable=True),
        sa.Column("imported_at", columns.Instant(), nullable=True),
        sa.Column("imported_by", sa.String(length=255), nullable=True),
    ):
        op.add_column("price", column)
    op.create_table(
        "family_weight",
        sa.Column("family", sa.String(length=63), nullable=False),
        sa.Column("valid_from", columns.Instant(), nullable=False),
        sa.Column("cpu_weight", columns.rate(), nullable=False),
        sa.Column("memory_weight", columns.rate(), nullable=False),
        sa.Column("gpu_weight", columns.rate(), nullable=True),
        sa.Column("source_file", sa.Text(), nullable=True),
        sa.Column("source_row", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("family", "valid_from", name=op.f("pk_family_weight")),
    )
