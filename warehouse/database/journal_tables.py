"""Tables of journal mappings and disputes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant, document, money
from warehouse.database.metadata import CURRENCY, METADATA, NAME, TEXT

JOURNAL_MAPPING = Table(
    "journal_mapping",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_month", String(7), nullable=False),
    Column("content", document(), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("source_file", Text, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("recorded_at", Instant, nullable=False),
)
"""How charges become journal entries, one row per import; never changed."""

DISPUTE = Table(
    "dispute",
    METADATA,
    Column("id", String(20), primary_key=True),
    Column("month", String(7), nullable=False),
    Column("restates", NAME),
    Column("team", TEXT, nullable=False),
    Column("cost_centre", TEXT),
    Column("cluster", TEXT, nullable=False),
    Column("currency", CURRENCY, nullable=False),
    Column("amount", money(), nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_by", TEXT, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("deadline_at", Instant, nullable=False),
    Column("owner", TEXT),
    Column("state", String(20), nullable=False),
    Column("credit", money()),
    Column("receiver", TEXT),
    Column("receiver_cost_centre", TEXT),
    Column("posted_in", String(7)),
    CheckConstraint("state IN ('open', 'answered', 'settled', 'rejected', 'withdrawn')", name="state"),
    Index("ix_dispute_posted_in", "posted_in"),
)
"""What a team contests of a month. ``restates`` is the invoice, null while the month was open; ``receiver``
is null where the platform bears a credit. Only owner, state and what a settlement fills in ever change."""

DISPUTE_EVENT = Table(
    "dispute_event",
    METADATA,
    Column("dispute_id", ForeignKey("dispute.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("action", String(20), nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("note", Text, nullable=False),
    Column("evidence_name", TEXT),
    Column("evidence_sha256", String(64)),
)
"""What was said and done about a dispute; rows are never changed or deleted."""
