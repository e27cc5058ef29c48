from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from support.fleet import Node, Pod, observe, store

from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from service.runtime import Runtime
from service.usecases.allocation import allocate

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 61
SPIKE = range(24 * 50, 24 * 53)
"""Hours of 21, 22 and 23 October."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """Return September and October of a cluster: one batch of three days, and dearer nodes from October."""
    found = Runtime.for_test(
        tmp_path_factory.mktemp("compared"),
        now=FIRST + timedelta(days=DAYS, hours=1),
        anomaly_minimum_excess=1,
    )
    found.warehouse.prices.replace(
        [
            PriceRow("m5.xlarge", "EUR", Decimal("0.2"), LONG_AGO, datetime(2026, 10, 1, tzinfo=UTC)),
            PriceRow("m5.xlarge", "EUR", Decimal("0.22"), datetime(2026, 10, 1, tzinfo=UTC)),
        ]
    )
    found.warehouse.ownership.replace(
        [
            OwnershipRow("*", "shop", "shop", LONG_AGO, cost_centre="4711"),
            OwnershipRow("*", "data", "data", LONG_AGO, cost_centre="4712"),
        ]
    )
    nodes = [Node(f"n{number}") for number in range(4)]
    pods = [
        Pod("web", "n0", (2, 4), (1, 3)),
        Pod("etl", "n1", (1, 2), (1, 2), namespace="data"),
        Pod("batch", "n2", (4, 16), (4, 16), namespace="data", hours=SPIKE),
    ]
    store(found, observe("c1", FIRST, 24 * DAYS, nodes, pods))
    allocate(found)
    return found
