from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from models.pricing.findings import (
    SeenNodes,
    find_ambiguous,
    find_holes,
    find_mixed_currencies,
    list_problems,
)
from models.pricing.price_book import NodeKind, PriceBook
from models.pricing.price_list import PriceRow

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW = PriceRow("m5.large", "USD", Decimal("0.10"), START, region="eu")
NODE = NodeKind("m5.large", "eu", "eu-a", "on_demand", None)


def seen(kind: NodeKind, *hours: int) -> list[SeenNodes]:
    return [SeenNodes(kind, START + hour * HOUR, 2) for hour in hours]


def test_prices_above_list_are_named_and_left_as_they_are():
    dear = replace(ROW, hourly_contracted_price=Decimal("0.08"), hourly_effective_price=Decimal("0.09"))
    (problem,) = list_problems([ROW, replace(dear, region="us")], START, END)
    assert problem.kind == "order"
    assert "effective price 0.09 USD is above the contracted price 0.08 USD" in problem.detail


def test_a_gap_between_two_rows_of_a_type_is_named():
    first = replace(ROW, valid_to=START + 24 * HOUR)
    second = replace(ROW, valid_from=START + 48 * HOUR)
    (gap,) = list_problems([second, first], START, END)
    assert (gap.kind, gap.starts_at, gap.ends_at) == ("gap", first.valid_to, second.valid_from)


def test_hours_without_a_price_are_joined_and_counted():
    other = NODE._replace(instance_type="x9.huge")
    late = replace(ROW, valid_from=START + 2 * HOUR)
    holes = find_holes(PriceBook([late]), [*seen(NODE, 0, 1, 2, 3), *seen(other, 5)])
    assert [(one.type_name, one.starts_at, one.ends_at, one.node_hours) for one in holes] == [
        ("m5.large", START, START + 2 * HOUR, 4),
        ("x9.huge", START + 5 * HOUR, START + 6 * HOUR, 2),
    ]


def test_part_of_an_hour_without_a_price_is_a_hole():
    book = PriceBook([replace(ROW, daily_from="00:00", daily_to="00:30")])
    (hole,) = find_holes(book, seen(NODE, 0))
    assert hole.node_hours == 2


def test_nodes_priced_in_two_currencies_are_named():
    yuan = replace(ROW, instance_type="x", currency="CNY")
    nodes = [*seen(NODE, 0, 1), *seen(NODE._replace(instance_type="x"), 0)]
    (problem,) = find_mixed_currencies(PriceBook([ROW, yuan]), nodes)
    assert (problem.type_name, problem.kind) == ("x", "currencies")
    assert find_mixed_currencies(PriceBook([ROW]), nodes) == []
    assert find_mixed_currencies(PriceBook([]), nodes) == []


def test_two_selectors_that_choose_one_node_are_named():
    web = replace(ROW, node_selector="pool=web")
    large = replace(ROW, node_selector="size=large")
    batch = replace(ROW, node_selector="pool=batch")
    labels = {"a": {"pool": "web", "size": "large"}, "b": {"pool": "batch"}}
    (problem,) = find_ambiguous([web, large, batch], labels)
    assert "size=large" in problem.detail
    assert find_ambiguous([web, batch], labels) == []
