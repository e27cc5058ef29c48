"""Tables around the life of suggestions: exclusions and signed calendar peaks. Part of the whole schema."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from warehouse.database.columns import Instant, document
from warehouse.database.metadata import METADATA, NAME, TEXT

SUGGESTION_EXCLUSION = Table(
    "suggestion_exclusion",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("cluster", TEXT, nullable=False),
    Column("namespace", TEXT, nullable=False),
    Column("workload", TEXT, nullable=False),
    Column("container", TEXT, nullable=False),
    Column("resource", NAME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Instant),
    Column("teams", document()),
    Column("created_by", TEXT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("removed_by", TEXT),
    Column("removed_at", Instant),
)
"""Never deleted: a removed rule keeps who made it and who took it away."""

PEAK_SIGNATURE = Table(
    "peak_signature",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("cluster", NAME, nullable=False),
    Column("namespace", TEXT, nullable=False),
    Column("workload_kind", TEXT, nullable=False),
    Column("workload_name", TEXT, nullable=False),
    Column("event", TEXT, nullable=False),
    Column("signed_by", TEXT, nullable=False),
    Column("signed_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("note", Text),
    Index("ix_peak_signature_cluster", "cluster"),
)
"""Never changed or deleted; a signature ends by itself."""
