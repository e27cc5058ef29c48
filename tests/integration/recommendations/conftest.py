from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from support.container_usage import GIB, MIB, Container, constant, observed

from models.pricing.price_list import PriceRow
from models.vocabulary.windows import HOUR
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.profiles import build_histograms

START = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 34 * 24
END = START + HOURS * HOUR

CONTAINERS = (
    Container(cpu=lambda h: 0.3 + 0.2 * np.sin(h / 24 * 2 * np.pi), pods=3, cpu_request=2.0),
    Container(workload="api", cpu=constant(0.5), memory=constant(900 * MIB), cpu_request=0.6),
    Container(workload="leak", memory=lambda h: 50 * MIB + MIB * h, cpu_request=0.12, memory_limit=4 * GIB),
    Container(workload="young", first_hour=HOURS - 12),
    Container(workload="idle", cpu=constant(0.001), cpu_request=0.1),
    Container(workload="hot", cpu=constant(1.5), cpu_request=0.5, node="node-2"),
)


def record(runtime: Runtime, containers: tuple[Container, ...], start: datetime, hours: int) -> None:
    """Record hours as ingest does."""
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(containers, ["node-1", "node-2"], start, hours), held.lease)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A priced cluster with 34 days of history, allocated; its clock stands at the end."""
    home: Path = tmp_path_factory.mktemp("world")
    runtime = Runtime.for_test(home, now=END, reporting_currency="EUR")
    record(runtime, CONTAINERS, START, HOURS)
    price = PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), START - timedelta(days=30))
    runtime.warehouse.prices.replace([price])
    allocate(runtime)
    build_histograms(runtime)
    yield runtime
    runtime.warehouse.close()
