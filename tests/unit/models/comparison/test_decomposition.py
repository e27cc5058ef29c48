from decimal import Decimal
from fractions import Fraction

import pytest

from models.comparison.decomposition import Item, decompose


def item(key, quantity, cost, unit="core-hour"):
    return Item(key, unit, Decimal(quantity), Decimal(cost))


def test_price_quantity_mix_new_and_gone_are_told_apart():
    base = [item("a", 10, 10), item("b", 10, 20), item("old", 1, 7)]
    current = [item("a", 30, 30), item("b", 10, 25), item("fresh", 1, 3)]
    parts = decompose(base, current)
    # mean price 30 / 20 = 1.5; 20 more units cost 30 of it; the units were of the cheaper kind: 10 less
    assert (parts.price, parts.quantity, parts.mix) == (Decimal(5), Decimal(30), Decimal(-10))
    assert (parts.new, parts.gone) == (Decimal(3), Decimal(-7))
    assert parts.total == Decimal(58) - Decimal(37)


def test_units_are_not_mixed():
    base = [item("a", 1, 1), item("a", 100, 1, "GiB-hour")]
    current = [item("a", 2, 2), item("a", 100, 1, "GiB-hour")]
    parts = decompose(base, current)
    assert (parts.price, parts.quantity, parts.mix) == (Decimal(0), Decimal(1), Decimal(0))


def test_without_a_quantity_the_change_is_one_of_price():
    parts = decompose([item("a", 0, 5)], [item("a", 4, 8)])
    assert (parts.price, parts.quantity, parts.mix) == (Decimal(3), Decimal(0), Decimal(0))


def wasteful(key, quantity, cost, useful, place="pool", family=None):
    return Item(key, "core-hour", Decimal(quantity), Decimal(cost), Fraction(useful), family or key, place)


def causes(parts):
    names = ("price", "quantity", "mix", "efficiency", "new", "gone")
    return {name: getattr(parts, name) for name in names if getattr(parts, name)}


def test_a_dearer_price_alone_is_price():
    parts = decompose([wasteful("a", 10, 10, "1/2")], [wasteful("a", 10, 15, "1/2")])
    assert causes(parts) == {"price": Decimal(5)}


def test_twice_the_use_and_twice_the_request_is_quantity_and_what_went_unused_with_it():
    parts = decompose([wasteful("a", 10, 10, "1/2")], [wasteful("a", 20, 20, "1/2")])
    assert causes(parts) == {"quantity": Decimal(5), "efficiency": Decimal(5)}


def test_a_smaller_request_with_the_same_use_is_efficiency():
    parts = decompose([wasteful("a", 10, 10, "1/2")], [wasteful("a", 5, 5, 1)])
    assert causes(parts) == {"efficiency": Decimal(-5)}


def test_a_workload_that_moved_to_a_dearer_pool_is_mix_and_neither_new_nor_dearer():
    cheap = wasteful(("a", "cheap"), 10, 10, 1, place="cheap", family="a")
    other = wasteful(("b", "dear"), 10, 30, 1, place="dear", family="b")
    moved = wasteful(("a", "dear"), 10, 30, 1, place="dear", family="a")
    parts = decompose([cheap, other], [moved, other])
    assert causes(parts) == {"mix": Decimal(20)}


def test_the_largest_cause_is_named():
    assert decompose([wasteful("a", 10, 10, 1)], [wasteful("a", 10, 15, 1)]).largest == "price"


def test_one_side_cannot_name_a_thing_twice():
    with pytest.raises(ValueError, match="two items"):
        decompose([item("a", 1, 1), item("a", 2, 2)], [])
