"""The whole schema: importing this module declares every table of the database."""

from __future__ import annotations

from types import ModuleType

from warehouse.database import (
    applying_tables,
    bill_tables,
    event_tables,
    initiative_tables,
    journal_tables,
    life_tables,
    owner_tables,
    plan_tables,
    policy_tables,
    price_tables,
    replica_tables,
    schema,
)
from warehouse.database.metadata import METADATA

DECLARED_IN: tuple[ModuleType, ...] = (
    applying_tables,
    initiative_tables,
    schema,
    price_tables,
    owner_tables,
    bill_tables,
    event_tables,
    policy_tables,
    plan_tables,
    journal_tables,
    life_tables,
    replica_tables,
)
"""Modules that declare tables; one that is missing here would be missing from the migrations' comparison."""

__all__ = ["DECLARED_IN", "METADATA"]
