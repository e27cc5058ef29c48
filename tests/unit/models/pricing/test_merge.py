from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.pricing.merge import ClosedMonth, clip_rows, merge_price_rows
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Conflict, InputError

JAN, FEB, MAR, APR, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4, 5))
OLD = PriceRow("m5.large", "EUR", Decimal("0.10"), JAN, region="eu", source_file="a.csv", source_row=1)
NEW = replace(OLD, hourly_list_price=Decimal("0.12"), valid_from=MAR, source_file="b.csv", source_row=4)
OTHER = replace(OLD, instance_type="m5.xlarge")
CLOSED = ClosedMonth("2026-02", FEB, MAR)


def test_a_new_price_ends_the_old_one_where_it_begins():
    merged = merge_price_rows([OLD, OTHER], [NEW])
    assert merged.rows == (replace(OLD, valid_to=MAR), OTHER, NEW)
    assert (merged.added_count, merged.ended_count, merged.removed_count) == (1, 1, 0)
    assert merged.changes_from == MAR
    assert merged.rows[0].price_id == OLD.price_id


def test_importing_twice_changes_nothing():
    once = merge_price_rows([OLD], [NEW, OTHER])
    twice = merge_price_rows(once.rows, [NEW, OTHER])
    assert twice.rows == once.rows
    assert (twice.changes_from, twice.unchanged_count, twice.added_count) == (None, 2, 0)


def test_a_new_version_that_says_the_same_price_does_not_cut_the_old_row():
    merged = merge_price_rows([OLD], [replace(OLD, valid_from=MAR)])
    assert merged.rows == (OLD,)


def test_spellings_of_one_option_are_one_asset():
    stored = replace(OLD, purchase_option="on_demand")
    merged = merge_price_rows([stored], [replace(NEW, purchase_option="On-Demand")])
    assert merged.rows[0].valid_to == MAR


def test_a_price_for_a_time_leaves_the_old_one_before_and_after():
    merged = merge_price_rows([OLD], [replace(NEW, valid_to=APR)])
    assert [(row.valid_from, row.valid_to, row.hourly_list_price) for row in merged.rows] == [
        (JAN, MAR, Decimal("0.10")),
        (APR, None, Decimal("0.10")),
        (MAR, APR, Decimal("0.12")),
    ]


def test_a_back_dated_change_is_refused_with_its_rows():
    stored = merge_price_rows([OLD], [NEW]).rows
    back = replace(NEW, hourly_list_price=Decimal("0.5"), valid_from=FEB, source_file="c.csv", source_row=7)
    with pytest.raises(InputError, match=r"c\.csv, row 7, field valid_from.*--replace-from"):
        merge_price_rows(stored, [back])
    again = replace(NEW, hourly_list_price=Decimal("0.5"))
    with pytest.raises(InputError, match="equally old stored row"):
        merge_price_rows(stored, [again])


def test_replace_from_drops_newer_rows_of_the_assets_in_the_list_alone():
    stored = merge_price_rows([OLD, OTHER], [NEW]).rows
    fixed = replace(NEW, hourly_list_price=Decimal("0.2"), valid_from=JAN)
    merged = merge_price_rows(stored, [fixed], replace_from=FEB)
    assert merged.rows == (replace(OLD, valid_to=FEB), OTHER, replace(fixed, valid_from=FEB))
    assert (merged.removed_count, merged.ended_count, merged.changes_from) == (1, 1, FEB)


def test_a_price_of_a_closed_month_does_not_change():
    for row in (replace(NEW, valid_from=FEB), replace(OTHER, valid_from=FEB, valid_to=MAR)):
        with pytest.raises(Conflict, match=r"2026-02, which is closed.*--valid-from 2026-03-01T00:00:00Z"):
            merge_price_rows([OLD], [row], closed=[CLOSED])
    with pytest.raises(Conflict, match="2026-02"):
        merge_price_rows([OLD], [NEW], closed=[CLOSED], replace_from=FEB)
    assert merge_price_rows([OLD], [NEW], closed=[CLOSED]).changes_from == MAR


def test_a_hole_is_filled_without_touching_its_neighbours():
    stored = [replace(OLD, valid_to=FEB), NEW]
    filling = replace(OLD, valid_from=FEB, valid_to=MAR)
    merged = merge_price_rows(stored, [filling])
    assert merged.rows == (*stored, filling)
    assert merged.ended_count == 0


def test_windows_of_one_type_are_assets_of_their_own():
    night = replace(
        NEW, hourly_list_price=Decimal("0.05"), daily_from="22:00", daily_to="06:00", valid_from=FEB
    )
    merged = merge_price_rows([OLD], [night])
    assert merged.rows == (OLD, night)


def test_rows_are_cut_where_they_begin_to_be_wanted():
    assert clip_rows([replace(OLD, valid_to=FEB), NEW, OTHER], FEB) == [NEW, replace(OTHER, valid_from=FEB)]


def test_one_window_in_two_spellings_is_one_asset_and_no_change():
    short = replace(OLD, daily_from="6:00", daily_to="9:00", weekdays="mon-tue")
    long = replace(short, daily_from="06:00", daily_to="09:00", weekdays="tue,mon", time_zone="UTC")
    assert merge_price_rows([short], [long]).rows == (short,)
