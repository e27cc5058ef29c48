"""Tables of imported bills: what was imported, the rules that sort lines, and blended factors."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from warehouse.database.columns import Instant, document, rate
from warehouse.database.metadata import CURRENCY, METADATA, NAME, TEXT

BILL = Table(
    "bill",
    METADATA,
    Column("bill_key", NAME, primary_key=True),
    Column("partition_name", TEXT, nullable=False),
    Column("billing_month", String(7), nullable=False),
    Column("provider", TEXT, nullable=False),
    Column("billing_account", TEXT, nullable=False),
    Column("source", NAME, nullable=False),
    Column("invoice", TEXT),
    Column("files", document(), nullable=False),
    Column("content_hash", TEXT, nullable=False),
    Column("line_count", BigInteger, nullable=False),
    Column("totals", document(), nullable=False),
    Column("covered_until", Instant),
    Column("imported_by", TEXT, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Index("ix_bill_billing_month", "billing_month"),
)
"""One bill of one billing month. ``partition_name`` is the value of ``bill_line.bill`` that holds its lines:
an import writes a new one and changes this row last, so a reader sees the old lines or the new ones."""

BILL_RULE_SET = Table(
    "bill_rule_set",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content_hash", TEXT, nullable=False),
    Column("rule_count", Integer, nullable=False),
    Column("imported_by", TEXT, nullable=False),
    Column("imported_at", Instant, nullable=False),
)

BILL_RULE = Table(
    "bill_rule",
    METADATA,
    Column("version", Integer, ForeignKey("bill_rule_set.version"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("bucket", NAME, nullable=False),
    Column("provider", TEXT),
    Column("account", TEXT),
    Column("region", TEXT),
    Column("service", TEXT),
    Column("charge_category", TEXT),
    Column("resource", Text),
    Column("tags", document(), nullable=False),
    Column("cluster", NAME),
    Column("team", TEXT),
    Column("team_tag", TEXT),
    Column("cost_centre", TEXT),
    Column("cost_centre_tag", TEXT),
)
"""Every version of the rules stays; the newest sorts the lines."""

BILL_FACTOR = Table(
    "bill_factor",
    METADATA,
    Column("billing_month", String(7), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("family", TEXT),
    Column("region", TEXT),
    Column("is_spot", Boolean),
    Column("cluster", NAME),
    Column("node_key", TEXT),
    Column("currency", CURRENCY, nullable=False),
    Column("factor", rate(), nullable=False),
    Column("billed_cost", rate(), nullable=False),
    Column("list_cost", rate(), nullable=False),
    Column("computed_at", Instant, nullable=False),
)
"""What a list price of a month is multiplied by: per family and region, or per node."""
