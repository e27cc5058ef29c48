from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from models.comparison.decomposition import Item, decompose

amounts = st.decimals(min_value=0, max_value=10**6, places=9)
ratios = st.fractions(min_value=0, max_value=1, max_denominator=100)


@st.composite
def sides(draw):
    """Return items of some workloads on some pools, in two units."""
    keys = draw(
        st.sets(
            st.tuples(st.sampled_from("abcd"), st.sampled_from(["p", "q"]), st.sampled_from(["cpu", "mem"]))
        )
    )
    return [
        Item((name, pool), unit, draw(amounts), draw(amounts), draw(ratios), family=name, place=pool)
        for name, pool, unit in sorted(keys)
    ]


def total(items):
    return sum((item.cost for item in items), Decimal(0))


@given(sides(), sides())
def test_six_causes_add_up_to_the_change_to_the_last_decimal(base, current):
    assert decompose(base, current).total == total(current) - total(base)


@given(sides())
def test_nothing_changed_means_no_cause(base):
    parts = decompose(base, base)
    assert (parts.price, parts.quantity, parts.mix, parts.efficiency, parts.new, parts.gone) == (0,) * 6


@given(sides(), sides())
def test_the_order_of_things_does_not_matter(base, current):
    assert decompose(base, current) == decompose(base[::-1], current[::-1])


@given(sides(), st.integers(2, 5))
def test_when_every_price_is_multiplied_only_price_explains_it(base, factor):
    dearer = [
        Item(one.key, one.unit, one.quantity, one.cost * factor, one.useful_ratio, one.family, one.place)
        for one in base
    ]
    parts = decompose(base, dearer)
    assert parts.price == total(base) * (factor - 1)
    assert (parts.quantity, parts.efficiency, parts.new, parts.gone) == (0, 0, 0, 0)
    assert abs(parts.mix) == 0


@given(sides(), sides())
def test_what_is_new_one_way_is_gone_the_other_way(base, current):
    there, back = decompose(base, current), decompose(current, base)
    assert (there.new, there.gone) == (-back.gone, -back.new)
    assert Fraction(there.total) == -Fraction(back.total)
