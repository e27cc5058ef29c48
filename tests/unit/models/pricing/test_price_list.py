from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.pricing.price_list import PriceRow, check_price_rows, hash_price_rows
from models.vocabulary.errors import InputError

START, MIDDLE, END = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 6, 12))
ROW = PriceRow("m5.large", "EUR", Decimal("0.10"), START, MIDDLE)


def test_missing_prices_fall_back_up_the_ladder():
    assert (ROW.contracted_price, ROW.effective_price, ROW.provenance) == (
        Decimal("0.10"),
        Decimal("0.10"),
        "list",
    )
    contracted = replace(ROW, hourly_contracted_price=Decimal("0.08"))
    assert (contracted.effective_price, contracted.provenance) == (Decimal("0.08"), "contract")


def test_two_prices_of_one_asset_at_one_time_are_refused_by_row_and_file():
    other = replace(
        ROW, valid_from=datetime(2026, 5, 1, tzinfo=UTC), valid_to=END, source_file="p.csv", source_row=9
    )
    with pytest.raises(InputError, match=r"p\.csv, row 9.*overlaps row 1"):
        check_price_rows([ROW, other])


def test_prices_that_meet_or_differ_in_place_do_not_overlap():
    check_price_rows([ROW, replace(ROW, valid_from=MIDDLE, valid_to=None), replace(ROW, zone="a")])


def test_an_open_price_overlaps_everything_after_it():
    with pytest.raises(InputError, match="overlaps"):
        check_price_rows([replace(ROW, valid_to=None), replace(ROW, valid_from=END, valid_to=None)])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"instance_type": None}, "instance_type"),
        ({"hourly_list_price": Decimal("-1")}, "hourly_list_price"),
        ({"hourly_list_price": Decimal("NaN")}, "hourly_list_price"),
        ({"currency": "euro"}, "currency"),
        ({"asset_kind": "pod"}, "asset_kind"),
        ({"unit": "month"}, "unit"),
        ({"valid_to": START}, "valid_to"),
        ({"node_selector": "a in b"}, "label_selector"),
    ],
)
def test_a_wrong_cell_is_named(change, field):
    with pytest.raises(InputError, match=f"row 1, field {field}"):
        check_price_rows([replace(ROW, **change)])


def test_ids_and_hashes_follow_what_a_row_says_and_not_where_it_stands():
    same = replace(ROW, hourly_list_price=Decimal("0.100"), source_file="other.csv", source_row=3)
    assert same.price_id == ROW.price_id
    later = replace(ROW, valid_from=MIDDLE, valid_to=END)
    assert hash_price_rows([ROW, later]) == hash_price_rows([later, same])
    assert hash_price_rows([ROW]) != hash_price_rows([later])
