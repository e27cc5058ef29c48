"""Whoever owns what, and however it is rounded, nothing is lost and nothing is paid twice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.allocation.apportion import apportion, apportion_many, apportion_rows
from models.chargeback.cost_rows import Labels, build_cost_rows
from models.chargeback.lines import (
    ChargeLine,
    LineKind,
    closing_lines,
    round_lines,
    rounding_lines,
    totals,
    units,
)
from models.comparison.decomposition import Item, decompose
from models.ownership.matching import OwnershipBook
from models.ownership.rules import OwnershipRow
from models.ownership.timeline import cut

START = datetime(2026, 10, 5, tzinfo=UTC)
DAY = date(2026, 10, 5)
weights = st.lists(st.integers(0, 10**15), min_size=1, max_size=20).filter(any)
amounts = st.decimals(Decimal(0), Decimal(10**6), places=9)


@given(st.integers(-(10**15), 10**15), weights)
def test_apportioned_units_add_up_and_are_within_a_unit(total, parts):
    split = apportion(total, parts)
    assert sum(split) == total
    assert all(abs(part - Fraction(total * w, sum(parts))) < 1 for part, w in zip(split, parts, strict=True))


@given(st.integers(0, 10**12), weights)
def test_many_parts_add_up(total, parts):
    assert int(apportion_many(total, np.array(parts, dtype=np.int64)).sum()) == total


@given(st.lists(st.integers(0, 10**15), max_size=20), st.lists(st.integers(1, 99), min_size=1, max_size=5))
def test_shared_rows_add_up(values, ratios):
    shares = [Fraction(ratio, sum(ratios)) for ratio in ratios]
    parts = apportion_rows(np.array(values, dtype=np.int64), shares)
    assert sum(parts).tolist() == values


lines_of_bills = st.lists(
    st.tuples(st.integers(0, 10**13), st.sampled_from(["EUR", "JPY"]), st.sampled_from(["c1", "c2"])),
    min_size=1,
    max_size=30,
)


@given(lines_of_bills)
def test_rounded_lines_and_rounding_lines_reach_the_same_whole_coins(bills):
    lines = [
        ChargeLine(LineKind.TEAM, cluster, currency, cost, cost, cost, used=cost, team=f"t{index}")
        for index, (cost, currency, cluster) in enumerate(bills)
    ]
    rounded = round_lines(lines)
    assert totals(rounded) == totals([*lines, *rounding_lines(lines)])
    for before, after in zip(lines, rounded, strict=True):
        coin = 10**9 if before.currency == "JPY" else 10**7
        assert after.effective % coin == 0
        assert abs(after.effective - before.effective) < coin
        assert after.used == after.effective


@given(lines_of_bills)
def test_the_file_adds_up_to_the_rounded_whole_bill_and_each_cluster_to_its_own(bills):
    lines = [
        ChargeLine(LineKind.TEAM, cluster, currency, cost, cost, cost, used=cost, team=f"t{index}")
        for index, (cost, currency, cluster) in enumerate(bills)
    ]
    file = [*round_lines(lines), *closing_lines(lines)]
    for currency, digits in (("EUR", 2), ("JPY", 0)):
        exact = sum(line.effective for line in lines if line.currency == currency)
        charged = sum(line.effective for line in file if line.currency == currency)
        assert charged == units(round(Decimal(exact).scaleb(-9), digits))


items = st.dictionaries(
    st.integers(0, 8), st.tuples(st.sampled_from(["a", "b"]), amounts, amounts), max_size=8
).map(lambda found: [Item(key, *value) for key, value in found.items()])


@given(items, items)
def test_the_parts_of_a_change_leave_no_remainder(base, current):
    change = sum((one.cost for one in current), Decimal(0)) - sum((one.cost for one in base), Decimal(0))
    assert decompose(base, current).total == change


def _lines_and_prices(costs, groups):
    """Return tables as ``cost_sums`` gives them: workload costs per (namespace, group) and node lines."""
    lines, prices = [], []
    for number, group in enumerate(groups):
        base = {"hour_group": number, "currency": "EUR", "provenance": "list", "price_id": "p"}
        bits = sum(1 << (int(hour.timestamp()) // 3600 % 32) for hour in group.hours)
        rows = [
            {**base, "line_kind": "container", "namespace": f"ns{index}", "cost": cost, "hour_bits": bits}
            for index, cost in enumerate(costs)
        ]
        rows.append({**base, "line_kind": "node", "namespace": None, "cost": Decimal(1), "hour_bits": bits})
        lines += rows
        total = sum((row["cost"] for row in rows), Decimal(0))
        prices.append({**base, "effective_cost": total, "list_cost": 2 * total, "contracted_cost": total})
    money = pa.decimal128(38, 9)
    zero = [Decimal(0)] * len(lines)
    is_node = [row["line_kind"] == "node" for row in lines]

    def text(name):
        return pa.array([row.get(name) for row in lines], pa.string())

    def cost(wanted):
        return pa.array(
            [row["cost"] if node == wanted else Decimal(0) for row, node in zip(lines, is_node, strict=True)],
            money,
        )

    table = pa.table(
        {
            "hour_group": pa.array([row["hour_group"] for row in lines], pa.int32()),
            **{name: text(name) for name in ("line_kind", "namespace", "currency", "provenance", "price_id")},
            "resource": pa.array(["cpu"] * len(lines)),
            **{name: pa.nulls(len(lines), pa.string()) for name in ("node_pool", "label_set_id")},
            **{name: text("namespace") for name in ("workload_kind", "workload_name")},
            "container_hours": pa.array([1] * len(lines), pa.int64()),
            "hour_bits": pa.array([row["hour_bits"] for row in lines], pa.int64()),
            **{
                f"{name}_thousandths": pa.array([Decimal(3600000)] * len(lines), pa.decimal128(38, 0))
                for name in ("request", "usage", "billed", "idle", "capacity", "allocatable")
            },
            "used_cost": cost(False),
            "idle_cost": cost(True),
            **{
                name: pa.array(zero, money)
                for name in (
                    "unused_request_cost",
                    "unmeasured_cost",
                    "overhead_cost",
                    "oversell_gain",
                    "burst_gain",
                    "idle_share_weight",
                    "overhead_share_weight",
                    "oversell_share_weight",
                )
            },
        }
    )
    return table, pa.Table.from_pylist(
        prices,
        pa.schema(
            [("hour_group", pa.int32())]
            + [(name, pa.string()) for name in ("currency", "provenance", "price_id")]
            + [(name, money) for name in ("effective_cost", "list_cost", "contracted_cost")]
        ),
    )


rules = st.lists(
    st.builds(
        lambda namespace, team, minute, length, share: OwnershipRow(
            "*",
            namespace,
            team,
            START + timedelta(minutes=minute),
            START + timedelta(minutes=minute + length),
            share_ratio=Decimal(share) / 100,
        ),
        st.sampled_from(["ns0", "ns1", "ns*"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(-600, 1500),
        st.integers(1, 2000),
        st.integers(1, 33),
    ),
    max_size=6,
    unique_by=lambda row: (row.namespace, row.team),
)


@given(st.lists(amounts, min_size=1, max_size=3), rules, st.sampled_from(["UTC", "Asia/Kolkata"]))
@settings(max_examples=60, deadline=None)
def test_owners_pay_what_the_nodes_cost_however_rules_change_within_hours(costs, rows, zone_name):
    book, zone = OwnershipBook(rows), ZoneInfo(zone_name)
    start, end = START - timedelta(days=1), START + timedelta(days=2)
    timeline = cut(DAY, DAY, zone, book.changes("c", start, end))
    lines, prices = _lines_and_prices(costs, timeline.groups)
    found = build_cost_rows(lines, prices, timeline, book, Labels({}, {}), cluster="c")
    total = sum((units(row["total_cost"]) for row in found.to_pylist()), 0)
    listed = sum((units(row["list_cost"]) for row in found.to_pylist()), 0)
    whole = sum((units(row["effective_cost"]) for row in prices.to_pylist()), 0)
    if zone_name == "UTC":
        assert (total, listed) == (whole, 2 * whole)
    again = build_cost_rows(
        *_lines_and_prices(costs, timeline.groups), timeline, book, Labels({}, {}), cluster="c"
    )
    assert again.equals(found)
