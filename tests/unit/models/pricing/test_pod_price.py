from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from models.allocation.columns import CPU, GPU, MEMORY
from models.pricing.node_cost import price_node_hours
from models.pricing.pod_price import price_by_pods, with_pod_costs
from models.pricing.price_book import DefaultPrice, PriceBook
from models.pricing.price_list import PriceRow

HOUR = datetime(2026, 10, 1, 5, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
GIB = float(1 << 30)
DEFAULT = DefaultPrice(Decimal("0.03"), Decimal("0.004"), Decimal(1), "USD", date(2026, 1, 1))
TEXTS = ("node_key", "instance_type", "region", "zone", "purchase_option", "label_set_id")


def nodes(*options):
    count = len(options)
    facts = {
        "node_key": [f"n{index}" for index in range(count)],
        "instance_type": ["virtual"] * count,
        "region": ["eu-1"] * count,
        "zone": [None] * count,
        "purchase_option": list(options),
        "label_set_id": [None] * count,
    }
    sizes = {
        "running_seconds": 3600.0,
        "cpu_capacity_cores": 10_000.0,
        "cpu_allocatable_cores": 10_000.0,
        "memory_capacity_bytes": 80_000 * GIB,
        "memory_allocatable_bytes": 80_000 * GIB,
        "gpu_capacity": None,
    }
    return pa.table(
        {
            "hour": pa.array([HOUR] * count, pa.timestamp("us", "UTC")),
            **{name: pa.array(facts[name], pa.string()) for name in TEXTS},
            **{name: pa.array([value] * count, pa.float64()) for name, value in sizes.items()},
        }
    )


def pod_row(cpu="0.04", memory="0.005", price="0", **fields):
    return PriceRow(
        "virtual",
        "USD",
        Decimal(price),
        **{"valid_from": START, "purchase_option": "serverless", **fields},
        cpu_core_hourly_price=Decimal(cpu),
        memory_gib_hourly_price=Decimal(memory),
    )


def priced(rows, *options, default=None):
    table, book = nodes(*options), PriceBook(rows)
    return price_by_pods(table, price_node_hours(table, book, default=default), book, default=default)


def test_a_serverless_node_has_rates_and_no_price_of_its_own():
    ordinary = PriceRow("virtual", "USD", Decimal("2"), START, purchase_option="on_demand")
    table, rates = priced([pod_row(), ordinary], "serverless", "on_demand")
    assert rates is not None
    assert rates.is_by_pod.tolist() == [True, False]
    assert rates.rates[CPU][0] * 3600 == pytest.approx(40_000_000)
    assert rates.rates[MEMORY][0] * 3600 * GIB == pytest.approx(5_000_000)
    assert rates.rates[GPU].tolist() == [0.0, 0.0]
    assert table.column("effective_cost").to_pylist() == [Decimal(0), Decimal(2)]
    filled = with_pod_costs(table, {0: Decimal("0.15")})
    for name in ("list_cost", "contracted_cost", "effective_cost"):
        assert filled.column(name).to_pylist() == [Decimal("0.15"), Decimal(2)]


def test_component_prices_that_change_within_the_hour_count_by_seconds():
    change = HOUR + timedelta(minutes=15)
    _, rates = priced([pod_row(valid_to=change), pod_row("0.08", valid_from=change)], "serverless")
    assert rates is not None
    assert rates.rates[CPU][0] * 3600 == pytest.approx(70_000_000)


def test_without_a_price_the_default_s_components_are_assumed():
    table, rates = priced([], "serverless", default=DEFAULT)
    assert rates is not None
    assert rates.rates[CPU][0] * 3600 == pytest.approx(30_000_000)
    assert table.column("provenance").to_pylist() == ["assumed"]
    strict, none = priced([], "serverless")
    assert none is None
    assert strict.column("provenance").to_pylist() == ["unpriced"]


def test_a_virtual_node_with_a_price_of_its_own_is_an_ordinary_node():
    table, rates = priced([pod_row(price="3")], "serverless")
    assert rates is None
    assert table.column("effective_cost").to_pylist() == [Decimal(3)]


def test_a_price_that_ends_within_the_hour_leaves_it_unpriced():
    table, rates = priced([pod_row(valid_to=HOUR + timedelta(minutes=1))], "serverless")
    assert rates is None
    assert table.column("provenance").to_pylist() == ["unpriced"]
