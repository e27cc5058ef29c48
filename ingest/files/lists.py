"""The small lists that people keep in files: prices, owners, budgets and initiatives."""

from __future__ import annotations

from ingest.files.ownership_files import load_ownership
from ingest.files.plan_files import load_budgets, load_initiatives
from ingest.files.price_files import load_prices

__all__ = ["load_budgets", "load_initiatives", "load_ownership", "load_prices"]
