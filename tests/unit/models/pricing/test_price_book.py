from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models.pricing.family_weights import FamilyWeight, weigh_rows
from models.pricing.merge import merge_price_rows
from models.pricing.price_book import NodeKind, PriceBook
from models.pricing.price_list import PriceRow, check_price_rows
from models.vocabulary.errors import InputError

JAN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = replace(PriceRow("m5.large", "USD", Decimal("0.10"), JAN))
NIGHT = replace(DAY, hourly_list_price=Decimal("0.04"), daily_from="22:30", daily_to="06:00")
NODE = NodeKind("m5.large", "eu", "eu-a", "on_demand", None)


def prices(rows, hour, node=NODE):
    spans = PriceBook(rows).spans(node, hour, hour + HOUR)
    return [
        (span.start_second, span.end_second, None if span.row is None else span.row.hourly_list_price)
        for span in spans
    ]


def test_an_hour_is_cut_where_a_tidal_price_begins():
    evening = datetime(2026, 10, 1, 22, tzinfo=UTC)
    assert prices([DAY, NIGHT], evening) == [(0, 1800, Decimal("0.10")), (1800, 3600, Decimal("0.04"))]
    assert prices([DAY, NIGHT], evening + HOUR) == [(0, 3600, Decimal("0.04"))]
    assert prices([DAY, NIGHT], evening - HOUR) == [(0, 3600, Decimal("0.10"))]


def test_a_hole_between_windows_is_not_filled_without_a_row_for_all_hours():
    evening = datetime(2026, 10, 1, 22, tzinfo=UTC)
    assert prices([NIGHT], evening) == [(0, 1800, None), (1800, 3600, Decimal("0.04"))]


def test_the_week_end_has_its_own_price():
    weekend = replace(DAY, hourly_list_price=Decimal("0.07"), weekdays="sat-sun", time_zone="Asia/Shanghai")
    friday = datetime(2026, 10, 2, 15, tzinfo=UTC)  # 23:00 in Shanghai
    assert prices([DAY, weekend], friday)[0][2] == Decimal("0.10")
    assert prices([DAY, weekend], friday + HOUR)[0][2] == Decimal("0.07")


def test_windows_that_overlap_are_refused_and_those_that_meet_are_not():
    morning = replace(NIGHT, daily_from="06:00", daily_to="09:00")
    check_price_rows([DAY, NIGHT, morning])
    with pytest.raises(InputError, match="overlaps row 1"):
        check_price_rows([NIGHT, replace(morning, daily_from="05:59")])
    with pytest.raises(InputError, match="field time_zone"):
        check_price_rows([NIGHT, replace(morning, time_zone="Asia/Shanghai")])


def test_a_window_is_for_nodes_only():
    with pytest.raises(InputError, match="field daily_from"):
        check_price_rows([replace(NIGHT, asset_kind="volume", unit="gib_hour")])


def test_options_are_compared_in_one_spelling():
    spot = replace(DAY, purchase_option="Preemptible", hourly_list_price=Decimal("0.03"))
    hour = datetime(2026, 10, 1, tzinfo=UTC)
    assert prices([DAY, spot], hour, NODE._replace(purchase_option="spot"))[0][2] == Decimal("0.03")
    assert prices([DAY, spot], hour)[0][2] == Decimal("0.10")


def test_mixed_kinds_of_one_cluster_have_prices_of_their_own():
    metal = replace(DAY, instance_type="ecs.ebmg7", purchase_option="bare-metal")
    pods = PriceRow(
        None,
        "USD",
        Decimal(0),
        JAN,
        purchase_option="serverless",
        cpu_core_hourly_price=Decimal("0.04"),
        memory_gib_hourly_price=Decimal("0.004"),
    )
    hour = datetime(2026, 10, 1, tzinfo=UTC)
    book = PriceBook([DAY, metal, pods])
    kinds = (NODE, NODE._replace(instance_type="ecs.ebmg7"), NODE._replace(purchase_option="serverless"))
    found = [book.spans(kind, hour, hour + HOUR)[0].row for kind in kinds]
    assert found == [DAY, metal, pods]


def test_a_reservation_holds_for_the_pool_that_its_selector_names():
    reserved = replace(
        DAY, purchase_option="reserved", node_selector="pool=web", hourly_effective_price=Decimal("0.06")
    )
    book = PriceBook([DAY, reserved], {"w": {"pool": "web"}, "b": {"pool": "batch"}})
    hour = datetime(2026, 10, 1, tzinfo=UTC)
    paid = [
        book.spans(NODE._replace(label_set_id=one), hour, hour + HOUR)[0].row.effective_price for one in "wb"
    ]
    assert paid == [Decimal("0.06"), Decimal("0.10")]


@pytest.mark.parametrize(
    "change",
    [
        {"hourly_list_price": Decimal("0.2")},
        {"daily_from": "22:00", "daily_to": "06:00"},
        {"cpu_weight": Decimal(6), "memory_weight": Decimal(1)},
    ],
)
def test_a_change_from_a_day_on_touches_no_day_before(change):
    start = datetime(2026, 10, 10, tzinfo=UTC)
    before = PriceBook([DAY])
    after = PriceBook(merge_price_rows([DAY], [replace(DAY, valid_from=start, **change)]).rows)
    days = [datetime(2026, 10, day, tzinfo=UTC) for day in range(1, 20)]
    dirty = [
        day
        for day in days
        if before.hash_between(day, day + timedelta(days=1))
        != after.hash_between(day, day + timedelta(days=1))
    ]
    assert dirty == [day for day in days if day >= start]


def test_weights_from_a_day_on_touch_no_day_before():
    start = datetime(2026, 10, 10, tzinfo=UTC)
    weight = FamilyWeight("m5", Decimal(6), Decimal(1), start)
    before, after = PriceBook([DAY]), PriceBook(weigh_rows([DAY], [weight]))
    earlier = (start - timedelta(days=1), start)
    assert before.hash_between(*earlier) == after.hash_between(*earlier)
    later = (start, start + timedelta(days=1))
    assert before.hash_between(*later) != after.hash_between(*later)


def test_a_row_without_the_newer_columns_keeps_its_id():
    row = PriceRow("m5.large", "EUR", Decimal("0.10"), JAN)
    assert row.price_id == "3f7f250fdad6"
    assert replace(row, daily_from="22:00", daily_to="06:00").price_id != row.price_id
