"""Tables of owners synchronised from elsewhere, and names under review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from warehouse.database import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the tables, and let rules select by workload and annotation."""
    op.add_column("ownership_rule", sa.Column("annotation_selector", sa.Text(), nullable=True))
    op.add_column("ownership_rule", sa.Column("workload", sa.String(length=255), nullable=True))
    _create_cmdb_tables()
    _create_name_tables()
    _forbid_changes("name_decision")


def _create_cmdb_tables() -> None:
    op.create_table(
        "ownership_sync",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("synced_at", columns.Instant(), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("added_count", sa.BigInteger(), nullable=False),
        sa.Column("changed_count", sa.BigInteger(), nullable=False),
        sa.Column("removed_count", sa.BigInteger(), nullable=False),
        sa.Column("unchanged_count", sa.BigInteger(), nullable=False),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership_sync")),
    )
    op.create_index("ix_ownership_sync_source", "ownership_sync", ["source"], unique=False)
    op.create_table(
        "cmdb_entity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("valid_from", columns.Instant(), nullable=False),
        sa.Column("valid_to", columns.Instant(), nullable=True),
        *(
            sa.Column(name, sa.String(length=255), nullable=True)
            for name in ("team", "cost_centre", "owner_contact", "parent", "cluster", "namespace", "workload")
        ),
        sa.Column("label_selector", sa.Text(), nullable=True),
        sa.Column("annotation_selector", sa.Text(), nullable=True),
        sa.Column("sync_id", sa.Integer(), nullable=False),
        sa.Column("superseded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["sync_id"], ["ownership_sync.id"], name=op.f("fk_cmdb_entity_sync_id")),
        sa.ForeignKeyConstraint(
            ["superseded_by"], ["ownership_sync.id"], name=op.f("fk_cmdb_entity_superseded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cmdb_entity")),
    )
    op.create_index("ix_cmdb_entity_key", "cmdb_entity", ["source", "kind", "name"], unique=False)


def _create_name_tables() -> None:
    op.create_table(
        "team_alias",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("alias", sa.String(length=255), nullable=False),
        sa.Column("team", sa.String(length=255), nullable=False),
        sa.Column("valid_from", columns.Instant(), nullable=False),
        sa.Column("valid_to", columns.Instant(), nullable=True),
        sa.Column("source_file", sa.Text(), nullable=True),
        sa.Column("source_row", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_team_alias")),
    )
    op.create_table(
        "name_pair",
        sa.Column("id", sa.String(length=10), nullable=False),
        sa.Column("name_kind", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("entity_kind", sa.String(length=63), nullable=False),
        sa.Column("entity", sa.String(length=255), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("found_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_pair")),
    )
    op.create_table(
        "name_decision",
        sa.Column("pair_id", sa.String(length=10), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("effective_from", columns.Instant(), nullable=False),
        sa.Column("decided_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["name_pair.id"], name=op.f("fk_name_decision_pair_id")),
        sa.PrimaryKeyConstraint("pair_id", "sequence", name=op.f("pk_name_decision")),
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
