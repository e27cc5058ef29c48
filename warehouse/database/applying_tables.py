"""Table of attempts to apply suggestions in a cluster. Part of the whole schema."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant, document
from warehouse.database.metadata import METADATA, NAME, TEXT

APPLY_ATTEMPT = Table(
    "apply_attempt",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("recommendation_id", String(36), nullable=False),
    Column("cluster", NAME, nullable=False),
    Column("namespace", TEXT, nullable=False),
    Column("workload_kind", TEXT, nullable=False),
    Column("workload_name", TEXT, nullable=False),
    Column("container", TEXT, nullable=False),
    Column("team", TEXT),
    Column("principal", TEXT, nullable=False),
    Column("attempted_at", Instant, nullable=False),
    Column("action", String(20), nullable=False),
    Column("method", String(20), nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("result", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("answer", document(), nullable=False),
    Index("ix_apply_attempt_recommendation_id", "recommendation_id"),
    Index("ix_apply_attempt_attempted_at", "attempted_at"),
)
"""One row per attempt, append-only. ``answer`` holds values sent, HTTP status, conflicts and details."""
