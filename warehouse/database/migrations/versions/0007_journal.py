"""Tables of journal mappings and disputes; mappings and events are append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("journal_mapping", "dispute_event")


def upgrade() -> None:
    """Build the tables, and the triggers that make two of them append-only."""
    _create_mapping()
    _create_disputes()
    for table in _APPEND_ONLY:
        _forbid_changes(table)


def _create_mapping() -> None:
    op.create_table(
        "journal_mapping",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_month", sa.String(length=7), nullable=False),
        sa.Column("content", columns.document(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_journal_mapping")),
    )


def _create_disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("restates", sa.String(length=63), nullable=True),
        sa.Column("team", sa.String(length=255), nullable=False),
        sa.Column("cost_centre", sa.String(length=255), nullable=True),
        sa.Column("cluster", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", columns.money(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.String(length=255), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=False),
        sa.Column("deadline_at", columns.Instant(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("credit", columns.money(), nullable=True),
        sa.Column("receiver", sa.String(length=255), nullable=True),
        sa.Column("receiver_cost_centre", sa.String(length=255), nullable=True),
        sa.Column("posted_in", sa.String(length=7), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'settled', 'rejected', 'withdrawn')", name=op.f("ck_dispute_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    op.create_index("ix_dispute_posted_in", "dispute", ["posted_in"])
    op.create_table(
        "dispute_event",
        sa.Column("dispute_id", sa.String(length=20), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", columns.Instant(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("evidence_name", sa.String(length=255), nullable=True),
        sa.Column("evidence_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_event_dispute_id")),
        sa.PrimaryKeyConstraint("dispute_id", "sequence", name=op.f("pk_dispute_event")),
    )


def _forbid_changes(table: str) -> None:
    message = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
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
