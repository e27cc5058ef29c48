"""Tables of policies of idle, shared and platform cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables."""
    op.create_table(
        "sharing_policy",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_from", sa.String(length=7), nullable=False),
        sa.Column("document", columns.document(), nullable=False),
        sa.Column("policy_hash", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_sharing_policy")),
    )
    op.create_index("ix_sharing_policy_effective_from", "sharing_policy", ["effective_from"])
