"""Tables of owners: what a CMDB stated and when, other names of teams, and names under review."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant
from warehouse.database.metadata import METADATA, NAME, TEXT

APPEND_ONLY = ("name_decision",)
"""Tables in which triggers refuse UPDATE and DELETE."""

OWNERSHIP_SYNC = Table(
    "ownership_sync",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", NAME, nullable=False),
    Column("synced_at", Instant, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("added_count", BigInteger, nullable=False),
    Column("changed_count", BigInteger, nullable=False),
    Column("removed_count", BigInteger, nullable=False),
    Column("unchanged_count", BigInteger, nullable=False),
    Column("is_forced", Boolean, nullable=False),
    Index("ix_ownership_sync_source", "source"),
)
"""One row per sync that changed something, and per first sync of a source."""

CMDB_ENTITY = Table(
    "cmdb_entity",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", NAME, nullable=False),
    Column("kind", NAME, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("team", TEXT),
    Column("cost_centre", TEXT),
    Column("owner_contact", TEXT),
    Column("parent", TEXT),
    Column("cluster", TEXT),
    Column("namespace", TEXT),
    Column("workload", TEXT),
    Column("label_selector", Text),
    Column("annotation_selector", Text),
    Column("sync_id", ForeignKey("ownership_sync.id"), nullable=False),
    Column("superseded_by", ForeignKey("ownership_sync.id")),
    Index("ix_cmdb_entity_key", "source", "kind", "name"),
)
"""Versions of entities. Believed are those that no sync superseded; the others stay as what was believed
before."""

TEAM_ALIAS = Table(
    "team_alias",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("alias", TEXT, nullable=False),
    Column("team", TEXT, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("source_file", Text),
    Column("source_row", Integer),
)

NAME_PAIR = Table(
    "name_pair",
    METADATA,
    Column("id", String(10), primary_key=True),
    Column("name_kind", NAME, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("entity_kind", NAME, nullable=False),
    Column("entity", TEXT, nullable=False),
    Column("score", Float, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
)
"""A name of a cluster and the entity that it may mean; what became of it stands in ``name_decision``."""

NAME_DECISION = Table(
    "name_decision",
    METADATA,
    Column("pair_id", ForeignKey("name_pair.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("decision", String(20), nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("effective_from", Instant, nullable=False),
    Column("decided_at", Instant, nullable=False),
)
