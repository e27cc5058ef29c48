"""Tables of fiscal calendars and of cost anomalies. Part of the whole schema."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant, money
from warehouse.database.metadata import CURRENCY, METADATA, NAME, TEXT

FISCAL_PERIOD = Table(
    "fiscal_period",
    METADATA,
    Column("fiscal_year", Integer, primary_key=True, autoincrement=False),
    Column("period", Integer, primary_key=True, autoincrement=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
)
"""Periods of a calendar that does not follow months; empty where it does."""

COST_ANOMALY = Table(
    "cost_anomaly",
    METADATA,
    Column("currency", CURRENCY, primary_key=True),
    Column("scope_kind", NAME, primary_key=True),
    Column("scope", TEXT, primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    Column("day_count", Integer, nullable=False),
    Column("expected_cost", money(), nullable=False),
    Column("actual_cost", money(), nullable=False),
    Column("money_at_risk", money(), nullable=False),
    Column("cause", NAME, nullable=False),
    Column("cause_text", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("detected_at", Instant, nullable=False),
    CheckConstraint("state IN ('found', 'withdrawn')", name="state"),
    Index("ix_cost_anomaly_first_day", "first_day"),
)
"""One row per run of anomalous days; ``withdrawn`` when later data made it ordinary."""
