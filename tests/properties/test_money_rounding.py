from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary.money import round_to_sum

AMOUNTS = st.lists(st.decimals(min_value=-(10**6), max_value=10**6, places=9), max_size=60)


@given(AMOUNTS, st.integers(min_value=0, max_value=4))
def test_rounded_amounts_add_up_to_the_rounded_total(amounts: list[Decimal], digits: int) -> None:
    unit = Decimal(1).scaleb(-digits)
    assert sum(round_to_sum(amounts, digits), Decimal(0)) == sum(amounts, Decimal(0)).quantize(unit)


@given(AMOUNTS, st.integers(min_value=0, max_value=4))
def test_no_amount_moves_by_a_whole_unit(amounts: list[Decimal], digits: int) -> None:
    unit = Decimal(1).scaleb(-digits)
    for amount, rounded in zip(amounts, round_to_sum(amounts, digits), strict=True):
        assert abs(rounded - amount) <= unit
