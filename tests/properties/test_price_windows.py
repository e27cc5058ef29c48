from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from models.pricing.amortised import Amortisation
from models.pricing.merge import merge_price_rows
from models.pricing.price_book import NodeKind, PriceBook
from models.pricing.price_list import PriceRow, hash_price_rows
from models.pricing.time_windows import parse_window

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NODE = NodeKind("m5.large", None, None, None, None)
BASE = PriceRow("m5.large", "USD", Decimal("0.10"), START)
ZONES = (
    "UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
)

zones = st.sampled_from(ZONES)
minutes = st.integers(0, 1439)
hours = st.integers(0, 24 * 365 - 1).map(lambda count: START + count * HOUR)
"""Every hour of a year, the two on which clocks jump among them."""


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def tiled(cuts: list[int], zone: str) -> list[PriceRow]:
    """Rows whose windows tile the day: each begins where the one before ends."""
    ordered = sorted(set(cuts))
    ends = [*ordered[1:], ordered[0]]
    return [
        replace(
            BASE,
            hourly_list_price=Decimal(index + 1),
            daily_from=clock(first),
            daily_to=clock(last),
            time_zone=zone,
        )
        for index, (first, last) in enumerate(zip(ordered, ends, strict=True))
    ]


@given(st.lists(minutes, min_size=1, max_size=5), zones, hours)
def test_windows_that_tile_the_day_cover_each_instant_exactly_once(cuts, zone, hour):
    rows = tiled(cuts, zone)
    for second in (0, 1, 1799, 1800, 3599):
        moment = hour + timedelta(seconds=second)
        assert sum(row.window.covers(moment) for row in rows) == 1


@given(st.lists(minutes, min_size=1, max_size=5), zones, hours, st.booleans())
def test_spans_partition_the_hour(cuts, zone, hour, has_base):
    rows = tiled(cuts, zone)[:-1] + ([BASE] if has_base else [])
    spans = PriceBook(rows).spans(NODE, hour, hour + HOUR)
    assert (spans[0].start_second, spans[-1].end_second) == (0, 3600)
    assert all(first.end_second == second.start_second for first, second in pairwise(spans))
    assert all(span.start_second < span.end_second for span in spans)
    if has_base:
        assert all(span.row is not None for span in spans)


@given(minutes, minutes, zones, hours)
def test_a_span_has_the_row_that_holds_in_it(first, last, zone, hour):
    night = replace(BASE, daily_from=clock(first), daily_to=clock(last), time_zone=zone)
    for span in PriceBook([BASE, night]).spans(NODE, hour, hour + HOUR):
        middle = hour + timedelta(seconds=(span.start_second + span.end_second) / 2)
        assert (span.row is night) == night.window.covers(middle)


@given(minutes, minutes, zones, st.integers(0, 51))
def test_a_daily_window_adds_up_to_its_length_over_a_week_without_a_jump(first, last, zone, week):
    window = parse_window(clock(first), clock(last), None, zone)
    start = START + week * 7 * DAY
    offsets = {(start + step * HOUR).astimezone(window.zone).utcoffset() for step in range(-24, 9 * 24)}
    if len(offsets) > 1:
        return
    total = sum(
        (
            min(end, start + 7 * DAY) - max(begin, start)
            for begin, end in window.between(start, start + 7 * DAY)
        ),
        timedelta(),
    )
    assert total == 7 * timedelta(minutes=(last - first) % 1440 or 1440)


prices = st.integers(1, 5).map(lambda cents: Decimal(cents) / 100)
moments = st.integers(0, 30).map(lambda count: START + count * DAY)


@st.composite
def timelines(draw):
    """Rows of one type without overlaps, with gaps, the last perhaps open."""
    edges = sorted(draw(st.sets(moments, min_size=2, max_size=7)))
    rows = [
        replace(BASE, hourly_list_price=draw(prices), valid_from=start, valid_to=end)
        for start, end in pairwise(edges)
        if draw(st.booleans())
    ]
    if rows and draw(st.booleans()):
        rows[-1] = replace(rows[-1], valid_to=None)
    return rows


def price_at(rows, moment):
    return next((row.hourly_list_price for row in rows if row.valid_from <= moment < row.ends_at), None)


@settings(max_examples=200)
@given(timelines(), timelines(), moments)
def test_a_replaced_list_says_what_is_new_where_it_says_it_and_what_was_before(stored, incoming, cut):
    merged = merge_price_rows(stored, incoming, replace_from=cut)
    for step in range(0, 32 * 24, 12):
        moment = START + step * HOUR
        wanted = price_at(incoming if incoming and moment >= cut else stored, moment)
        if any(row.ends_at > cut for row in incoming) or moment < cut:
            assert price_at(merged.rows, moment) == wanted
    again = merge_price_rows(merged.rows, incoming, replace_from=cut)
    assert hash_price_rows(again.rows) == hash_price_rows(merged.rows)
    assert again.changes_from is None


@settings(max_examples=200)
@given(timelines(), timelines(), st.integers(0, 31))
def test_no_day_before_a_change_is_touched(stored, incoming, number):
    merged = merge_price_rows(stored, incoming, replace_from=START)
    before, after = PriceBook(stored), PriceBook(merged.rows)
    day = START + number * DAY
    if merged.changes_from is None or day + DAY <= merged.changes_from:
        assert before.hash_between(day, day + DAY) == after.hash_between(day, day + DAY)


@given(
    st.integers(0, 10**7).map(lambda cents: Decimal(cents) / 100),
    st.integers(1, 120),
    st.integers(0, 100),
)
def test_depreciation_adds_up_to_purchase_less_residual(price, months, percent):
    residual = price * percent / 100
    cost = Amortisation(price, Decimal(months), START, residual_price=residual)
    (_, end, hourly), _ = cost.hourly_prices(START, None)
    count = Decimal(int((end - START) / HOUR))
    assert abs(hourly * count - (price - residual)) < Decimal("1e-15")
