from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from models.pricing.amortised import Amortisation
from models.pricing.node_cost import price_node_hours
from models.pricing.price_book import DefaultPrice, PriceBook
from models.pricing.price_list import PROVENANCES, PriceRow

HOUR = datetime(2026, 10, 1, 5, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT = DefaultPrice(Decimal("0.03"), Decimal("0.004"), Decimal(1), "USD", date(2026, 1, 1))
GIB = float(1 << 30)
FACTS = {
    "hour": HOUR,
    "node_key": "n1",
    "instance_type": "m5.large",
    "region": "eu-1",
    "zone": "eu-1a",
    "purchase_option": "on-demand",
    "label_set_id": None,
    "running_seconds": 3600.0,
    "cpu_capacity_cores": 2.0,
    "cpu_allocatable_cores": 1.9,
    "memory_capacity_bytes": 8 * GIB,
    "memory_allocatable_bytes": 7 * GIB,
    "gpu_capacity": None,
}
TYPES = {
    name: pa.timestamp("us", "UTC")
    if name == "hour"
    else pa.float64()
    if isinstance(value, float)
    else pa.string()
    for name, value in FACTS.items()
} | {"gpu_capacity": pa.float64()}


def node_table(*rows):
    filled = [FACTS | row for row in rows]
    return pa.table({name: pa.array([row[name] for row in filled], kind) for name, kind in TYPES.items()})


def priced(book, *rows, default=None, labels=None):
    return price_node_hours(node_table(*rows), PriceBook(book, labels), default=default).to_pylist()


def row(price="0.10", **fields):
    return PriceRow("m5.large", "USD", Decimal(price), START, **fields)


def test_a_node_hour_costs_price_times_seconds():
    full, half = priced([row()], {}, {"node_key": "n2", "running_seconds": 1800.0})
    assert (full["effective_cost"], half["effective_cost"]) == (Decimal("0.1"), Decimal("0.05"))
    assert (full["provenance"], full["currency"], full["asset_kind"]) == ("list", "USD", "node")
    assert (full["cpu_weight"], full["memory_weight"], full["gpu_weight"]) == (9.0, 1.0, 0.0)


def test_a_price_that_changes_within_the_hour_splits_it_by_seconds():
    change = HOUR + timedelta(minutes=15)
    book = [row(valid_to=change), PriceRow("m5.large", "USD", Decimal("0.20"), change)]
    (cost,) = priced(book, {})
    assert cost["list_cost"] == Decimal("0.175")
    assert cost["price_id"] == f"{book[0].price_id}+{book[1].price_id}"


@pytest.mark.parametrize(("hour_beside", "expected"), [(-1, "0.05"), (1, "0.10")])
def test_a_node_that_ran_half_an_hour_is_placed_by_its_neighbour_hours(hour_beside, expected):
    change = HOUR + timedelta(minutes=30)
    book = [row(valid_to=change), PriceRow("m5.large", "USD", Decimal("0.20"), change)]
    beside = {"hour": HOUR + hour_beside * timedelta(hours=1)}
    cost = priced(book, {"running_seconds": 1800.0}, beside)[0]
    assert cost["list_cost"] == Decimal(expected)


def test_the_most_specific_row_wins():
    book = [
        row(),
        row("0.09", region="eu-1"),
        row("0.08", zone="eu-1a"),
        row("0.03", purchase_option="spot"),
        row("0.01", node_selector="pool=cheap"),
    ]
    labels = {"set1": {"pool": "cheap"}}
    costs = priced(
        book,
        {"region": "us-1", "zone": "us-1a"},
        {"zone": "eu-1b", "node_key": "n2"},
        {"node_key": "n3"},
        {"node_key": "n4", "purchase_option": "spot"},
        {"node_key": "n5", "label_set_id": "set1"},
        labels=labels,
    )
    assert [str(cost["list_cost"].normalize()) for cost in costs] == ["0.1", "0.09", "0.08", "0.03", "0.01"]


def test_an_unknown_type_is_assumed_from_the_dated_default():
    (cost,) = priced([row()], {"instance_type": "x9.huge"}, default=DEFAULT)
    assert cost["effective_cost"] == Decimal("0.092")
    assert (cost["provenance"], cost["price_id"]) == ("assumed", "assumed-2026-01-01")


def test_strict_prices_leave_it_without_a_cost_and_never_0():
    (cost,) = priced([row()], {"instance_type": "x9.huge"})
    assert (cost["effective_cost"], cost["list_cost"], cost["currency"]) == (None, None, None)
    assert cost["provenance"] == "unpriced"


def test_a_price_that_ends_within_the_hour_leaves_strict_hours_unpriced_and_others_partly_assumed():
    ends = row(valid_to=HOUR + timedelta(minutes=30))
    assert priced([ends], {})[0]["effective_cost"] is None
    (cost,) = priced([ends], {}, default=DEFAULT)
    assert cost["effective_cost"] == Decimal("0.096")
    assert cost["provenance"] == "assumed"


def test_currencies_are_never_added_within_an_hour():
    change = HOUR + timedelta(minutes=15)
    book = [row(valid_to=change), PriceRow("m5.large", "EUR", Decimal("0.20"), change)]
    assert priced(book, {}, default=DEFAULT)[0]["provenance"] == "unpriced"


def test_a_node_of_unknown_size_or_time_cannot_be_priced():
    nodes = ({"cpu_capacity_cores": None, "cpu_allocatable_cores": None}, {"running_seconds": None})
    for facts in nodes:
        assert priced([row()], facts, default=DEFAULT)[0]["provenance"] == "unpriced"


def test_component_prices_and_devices_set_the_weights():
    own = row(cpu_core_hourly_price=Decimal("0.04"), memory_gib_hourly_price=Decimal("0.005"))
    assert priced([own], {})[0]["cpu_weight"] == 0.04
    with_gpu = priced([row()], {"gpu_capacity": 1.0})[0]
    assert (with_gpu["gpu_weight"], with_gpu["cpu_weight"], with_gpu["memory_weight"]) == (9.0, 0.9, 0.1)


def test_contracted_and_effective_cost_stand_beside_the_list():
    book = [row(hourly_contracted_price=Decimal("0.08"), hourly_effective_price=Decimal("0.06"))]
    (cost,) = priced(book, {})
    assert (cost["list_cost"], cost["contracted_cost"], cost["effective_cost"]) == (
        Decimal("0.1"),
        Decimal("0.08"),
        Decimal("0.06"),
    )


def test_no_nodes_have_no_prices():
    assert price_node_hours(node_table().slice(0, 0), PriceBook([]), default=None).num_rows == 0


def test_a_price_is_split_by_its_components_then_by_its_family_then_by_default():
    family = {"cpu_weight": Decimal(6), "memory_weight": Decimal(1)}
    parts = {"cpu_core_hourly_price": Decimal("0.04"), "memory_gib_hourly_price": Decimal("0.005")}
    with_gpu = {"gpu_capacity": 1.0}
    weights = [
        tuple(cost[name] for name in ("cpu_weight", "memory_weight", "gpu_weight"))
        for book, node in (
            ([row(**family)], {}),
            ([row(**family, **parts)], {}),
            ([row(**family)], with_gpu),
            ([row(**family, gpu_weight=Decimal(50))], with_gpu),
        )
        for cost in priced(book, node)
    ]
    assert weights == [(6.0, 1.0, 0.0), (0.04, 0.005, 0.0), (0.9, 0.1, 9.0), (6.0, 1.0, 50.0)]


def test_an_hour_is_known_as_well_as_the_weakest_of_its_seconds():
    bought = Amortisation(Decimal(7300), Decimal(10), START)
    change = START + timedelta(minutes=30)
    book = [
        row(valid_to=change, hourly_effective_price=Decimal("0.05")),
        PriceRow("m5.large", "USD", Decimal(1), change, amortisation=bought),
    ]
    assert priced(book, {})[0]["provenance"] == "amortised"
    assert PROVENANCES.index("list") < PROVENANCES.index("amortised") < PROVENANCES.index("assumed")
