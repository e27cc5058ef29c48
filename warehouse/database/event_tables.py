"""The table of calendar events. Part of the whole schema."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Index, String, Table

from warehouse.database.columns import Instant
from warehouse.database.metadata import METADATA, NAME, TEXT

CALENDAR_EVENT = Table(
    "calendar_event",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("kind", NAME, nullable=False),
    Column("cluster", TEXT, nullable=False),
    Column("namespace", TEXT, nullable=False),
    Column("workload", TEXT, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("include_in_baseline", Boolean, nullable=False),
    Column("expected_factor", Float),
    Column("principal", TEXT, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("end_at > start_at", name="end_at"),
    Index("ix_calendar_event_start_at", "start_at"),
)
"""Sales, holidays, load tests. ``cluster``, ``namespace`` and ``workload`` are shell patterns; the interval
is half-open."""
