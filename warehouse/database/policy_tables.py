"""The table of versions of sharing policies. Part of the whole schema."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant, document
from warehouse.database.metadata import METADATA, TEXT

SHARING_POLICY = Table(
    "sharing_policy",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_from", String(7), nullable=False),
    Column("document", document(), nullable=False),
    Column("policy_hash", TEXT, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("note", Text),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_sharing_policy_effective_from", "effective_from"),
)
"""Never changed or deleted. A month follows the version with the latest ``effective_from`` that is not after
it; of several, the highest."""
