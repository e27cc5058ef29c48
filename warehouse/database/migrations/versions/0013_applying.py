"""Table of attempts to apply suggestions; append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the table, and the triggers that make it append-only."""
    op.create_table(
        "apply_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recommendation_id", sa.String(length=36), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=False),
        *(
            sa.Column(name, sa.String(length=255), nullable=False)
            for name in ("namespace", "workload_kind", "workload_name", "container")
        ),
        sa.Column("team", sa.String(length=255), nullable=True),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("attempted_at", columns.Instant(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("answer", columns.document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apply_attempt")),
    )
    for column in ("recommendation_id", "attempted_at"):
        op.create_index(f"ix_apply_attempt_{column}", "apply_attempt", [column])
    _make_append_only("apply_attempt")


def _make_append_only(table: str) -> None:
    message = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
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
