"""Tables of optimisation programmes: efforts, shares, saving lines, traits of applications, weights."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, Float, ForeignKey, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant, document, money, rate
from warehouse.database.metadata import CURRENCY, METADATA, NAME, TEXT

INITIATIVE_EFFORT = Table(
    "initiative_effort",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("initiative", ForeignKey("initiative.name"), nullable=False),
    Column("day", Date, nullable=False),
    Column("person_days", rate(), nullable=False),
    Column("amount", money()),
    Column("currency", CURRENCY),
    Column("note", Text, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_initiative_effort_initiative", "initiative"),
)

INITIATIVE_SHARE = Table(
    "initiative_share",
    METADATA,
    Column("initiative", ForeignKey("initiative.name"), primary_key=True),
    Column("party", TEXT, primary_key=True),
    Column("ratio", rate(), nullable=False),
)

SAVING_LINE = Table(
    "saving_line",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("day", Date, nullable=False),
    Column("category", NAME, nullable=False),
    Column("description", Text, nullable=False),
    Column("amount", money(), nullable=False),
    Column("currency", CURRENCY, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("approver", TEXT, nullable=False),
    Column("recorded_by", TEXT, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("initiative", ForeignKey("initiative.name")),
    CheckConstraint("evidence <> ''", name="evidence"),
    CheckConstraint("approver <> ''", name="approver"),
)
"""Savings that are no infrastructure; no unit cost ever reads this table."""

APPLICATION_TRAIT = Table(
    "application_trait",
    METADATA,
    Column("cluster", NAME, primary_key=True),
    Column("namespace", TEXT, primary_key=True),
    Column("difficulty_ratio", Float),
    Column("is_core", Integer),
    Column("set_by", TEXT, nullable=False),
    Column("set_at", Instant, nullable=False),
)
"""What people know about an application; null leaves it to the data. ``is_core`` is 0 or 1."""

PRIORITY_WEIGHT = Table(
    "priority_weight",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("weights", document(), nullable=False),
    Column("set_by", TEXT, nullable=False),
    Column("set_at", Instant, nullable=False),
)
"""Versions of the weights of the priority score; the newest counts."""

DATA_FAULT_DAY = Table(
    "data_fault_day",
    METADATA,
    Column("cluster", NAME, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("cause", Text),
    Column("noted_at", Instant, nullable=False),
)
"""Whether data looked wrong when a cluster was judged for a UTC day, and why; null when they did not."""
