"""Tables of the life of suggestions: exclusions, agreed values, effects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables, and give suggestions and events their new columns."""
    _add_columns()
    op.create_table(
        "suggestion_exclusion",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cluster", sa.String(length=255), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload", sa.String(length=255), nullable=False),
        sa.Column("container", sa.String(length=255), nullable=False),
        sa.Column("resource", sa.String(length=63), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", columns.Instant(), nullable=True),
        sa.Column("teams", columns.document(), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("removed_by", sa.String(length=255), nullable=True),
        sa.Column("removed_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_exclusion")),
    )
    op.create_table(
        "peak_signature",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("workload_kind", sa.String(length=255), nullable=False),
        sa.Column("workload_name", sa.String(length=255), nullable=False),
        sa.Column("event", sa.String(length=255), nullable=False),
        sa.Column("signed_by", sa.String(length=255), nullable=False),
        sa.Column("signed_at", columns.Instant(), nullable=False),
        sa.Column("until", columns.Instant(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peak_signature")),
    )
    op.create_index("ix_peak_signature_cluster", "peak_signature", ["cluster"])


def _add_columns() -> None:
    op.add_column("recommendation_event", sa.Column("evidence", columns.document(), nullable=True))
    op.add_column("recommendation", sa.Column("state_since", columns.Instant(), nullable=True))
    op.add_column("recommendation", sa.Column("agreed", columns.document(), nullable=True))
    op.add_column("recommendation", sa.Column("applied_from", columns.Instant(), nullable=True))
    op.add_column("recommendation", sa.Column("verified_saving_per_month", columns.money(), nullable=True))
    op.add_column("recommendation", sa.Column("verified_currency", sa.String(length=3), nullable=True))
    op.execute(
        sa.text(
            "UPDATE recommendation SET state_since = (SELECT max(occurred_at) FROM recommendation_event "
            "WHERE recommendation_event.recommendation_id = recommendation.id)"
        )
    )
    op.execute(
        sa.text(
            "UPDATE recommendation SET applied_from = (SELECT max(occurred_at) FROM recommendation_event "
            "WHERE recommendation_event.recommendation_id = recommendation.id "
            "AND recommendation_event.state = 'applied')"
        )
    )
