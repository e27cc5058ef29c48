from decimal import Decimal

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
