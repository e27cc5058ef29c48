from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from support.container_usage import Container, constant, observed

from models.pricing.price_list import PriceRow
from models.vocabulary.windows import HOUR
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate

START = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 35 * 24
END = START + HOURS * HOUR
SALE = 30 * 24
"""The hour in which a past sale began; it lasted half a day and tripled the use of the web shop."""


def _daily(hours: np.ndarray) -> np.ndarray:
    usual = 0.6 + 0.3 * np.sin(hours / 24 * 2 * np.pi)
    return usual * np.where((hours >= SALE) & (hours < SALE + 12), 3, 1)


CONTAINERS = (
    Container(cpu=_daily, cpu_request=2.0),
    Container(workload="api", cpu=constant(0.5), cpu_request=0.6),
    Container(workload="young", first_hour=HOURS - 12),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A priced cluster with 35 days of history; its clock stands at the end."""
    runtime = Runtime.for_test(tmp_path_factory.mktemp("ahead"), now=END, reporting_currency="EUR")
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(CONTAINERS, ["node-1"], START, HOURS), held.lease)
    price = PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), START - timedelta(days=30))
    runtime.warehouse.prices.replace([price])
    allocate(runtime)
    yield runtime
    runtime.warehouse.close()
