"""A real HTTP server, a real PostgreSQL, and a warehouse with four days of a small cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.cmdb_server import cmdb_server  # noqa: F401
from support.fleet import Node, Pod, observe, store
from support.postgres import postgres_server  # noqa: F401

from models.pricing.price_list import PriceRow
from service.runtime import Runtime

START = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PODS = (
    Pod("web-1", "n1", (1, 4), (0.1, 3), workload="web"),
    Pod("api", "n1", (None, None), (0.5, 1), namespace="pay", labels={"team": "team_pay"}),
    Pod("agent", "n2", (0.3, 1), (None, None), namespace="tools"),
)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime with four days of October 2026 of a cluster of two nodes, priced."""
    found = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    found.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    store(found, observe("c1", START, 96, (Node("n1"), Node("n2", pool="spot")), PODS))
    return found
