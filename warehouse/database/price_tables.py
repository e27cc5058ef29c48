"""Tables of price lists beside the prices themselves."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from warehouse.database.columns import Instant, rate
from warehouse.database.metadata import METADATA, NAME

FAMILY_WEIGHT = Table(
    "family_weight",
    METADATA,
    Column("family", NAME, primary_key=True),
    Column("valid_from", Instant, primary_key=True),
    Column("cpu_weight", rate(), nullable=False),
    Column("memory_weight", rate(), nullable=False),
    Column("gpu_weight", rate()),
    Column("source_file", Text),
    Column("source_row", Integer),
)
"""How the price of a node is split over its resources, by family of instance types and from when on."""
