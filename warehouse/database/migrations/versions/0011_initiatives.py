"""Tables of initiatives, their shares and efforts, and limits on advice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables, and give initiatives their plan."""
    _add_columns()
    op.create_table(
        "initiative_effort",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("initiative", sa.String(length=255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("person_days", columns.rate(), nullable=False),
        sa.Column("amount", columns.money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["initiative"], ["initiative.name"], name=op.f("fk_initiative_effort_initiative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_initiative_effort")),
    )
    op.create_index("ix_initiative_effort_initiative", "initiative_effort", ["initiative"])
    op.create_table(
        "initiative_share",
        sa.Column("initiative", sa.String(length=255), nullable=False),
        sa.Column("party", sa.String(length=255), nullable=False),
        sa.Column("ratio", columns.rate(), nullable=False),
        sa.ForeignKeyConstraint(
            ["initiative"], ["initiative.name"], name=op.f("fk_initiative_share_initiative")
        ),
        sa.PrimaryKeyConstraint("initiative", "party", name=op.f("pk_initiative_share")),
    )
    op.create_table(
        "saving_line",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("category", sa.String(length=63), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", columns.money(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("approver", sa.String(length=255), nullable=False),
        sa.Column("recorded_by", sa.String(length=255), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.Column("initiative", sa.String(length=255), nullable=True),
        sa.CheckConstraint("evidence <> ''", name=op.f("ck_saving_line_evidence")),
        sa.CheckConstraint("approver <> ''", name=op.f("ck_saving_line_approver")),
        sa.ForeignKeyConstraint(["initiative"], ["initiative.name"], name=op.f("fk_saving_line_initiative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saving_line")),
    )
    op.create_table(
        "application_trait",
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=255), nullable=False),
        sa.Column("difficulty_ratio", sa.Float(), nullable=True),
        sa.Column("is_core", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.String(length=255), nullable=False),
        sa.Column("set_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "namespace", name=op.f("pk_application_trait")),
    )
    op.create_table(
        "priority_weight",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weights", columns.document(), nullable=False),
        sa.Column("set_by", sa.String(length=255), nullable=False),
        sa.Column("set_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_priority_weight")),
    )
    op.create_table(
        "data_fault_day",
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("noted_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "day", name=op.f("pk_data_fault_day")),
    )


def _add_columns() -> None:
    for column in (
        sa.Column("scope", columns.document(), nullable=True),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("target_per_month", columns.money(), nullable=True),
        sa.Column("forecast_per_month", columns.money(), nullable=True),
        sa.Column("forecast_basis", sa.String(length=255), nullable=True),
        sa.Column("difficulty_ratio", sa.Float(), nullable=True),
        sa.Column("is_core", sa.Integer(), nullable=True),
        sa.Column("closed_at", columns.Instant(), nullable=True),
        sa.Column("result", columns.document(), nullable=True),
    ):
        op.add_column("initiative", column)
