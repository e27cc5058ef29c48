"""Laws of bills: nothing is lost or counted twice on the way from lines to charges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from support.bills import group

from models.billing.amortise import share_of_month
from models.billing.assets import AssetIndex, ClusterAsset
from models.billing.buckets import CHARGE_CATEGORIES, Bucket, LineGroup
from models.billing.charges import cluster_bills, scope_charges, true_up_lines
from models.billing.gap import AssetMonth, explain_gap
from models.billing.rules import BillRule
from models.billing.sorting import bucket_totals, sort_lines

AMOUNTS = st.decimals(-1000, 1000, places=15)
GROUPS = st.lists(
    st.builds(
        lambda cost, billed, currency, category, resource, status, commitment, tags: group(
            "0",
            effective_cost=cost,
            billed_cost=billed,
            contracted_cost=cost,
            currency=currency,
            charge_category=category,
            resource_id=resource,
            commitment_status=status,
            commitment_id=commitment,
            tags=tags,
        ),
        AMOUNTS,
        AMOUNTS,
        st.sampled_from(["USD", "EUR"]),
        st.sampled_from(CHARGE_CATEGORIES),
        st.sampled_from([None, "i-1", "i-2", "vol-1", "other"]),
        st.sampled_from([None, "Used", "Unused"]),
        st.sampled_from([None, "sp-1"]),
        st.sampled_from([{}, {"eks:cluster-name": "prod"}, {"team": "shop"}, {"team": "pay", "env": "lab"}]),
    ),
    max_size=30,
)
RULES = st.lists(
    st.sampled_from(
        [
            BillRule(Bucket.OUT_OF_CLUSTER, team_tag="team"),
            BillRule(Bucket.OUT_OF_SCOPE, tags={"env": "lab"}),
            BillRule(Bucket.CLUSTER, resource="other", cluster="test"),
            BillRule(Bucket.TAX, charge_category="Purchase"),
        ]
    ),
    max_size=4,
)
ASSETS = AssetIndex(
    [
        ClusterAsset("prod", "node", "a", "aws:///z/i-1"),
        ClusterAsset("test", "node", "b", "aws:///z/i-2"),
        ClusterAsset("prod", "volume", "v", "vol-1"),
    ]
)
CLUSTERS = {"prod": "prod", "test": "test"}


def total(groups: Sequence[LineGroup], currency: str, measure: str) -> Decimal:
    return sum((getattr(one, measure) for one in groups if one.currency == currency), Decimal(0))


@given(GROUPS, RULES)
def test_buckets_add_up_to_the_invoice_in_every_currency(
    groups: list[LineGroup], rules: list[BillRule]
) -> None:
    found = sort_lines(groups, rules, ASSETS, CLUSTERS)
    assert [one.group for one in found] == groups
    sums = bucket_totals(found)
    for currency in ("USD", "EUR"):
        mine = [amounts for (name, _), amounts in sums.items() if name == currency]
        assert sum(billed for billed, _ in mine) == total(groups, currency, "billed_cost")
        assert sum(effective for _, effective in mine) == total(groups, currency, "effective_cost")


@given(
    GROUPS,
    RULES,
    st.dictionaries(
        st.tuples(st.sampled_from(["USD", "EUR"]), st.sampled_from(["prod", "test"])), st.integers()
    ),
)
def test_lines_of_a_month_add_up_to_the_bill_in_scope(
    groups: list[LineGroup], rules: list[BillRule], allocated: dict[tuple[str, str], int]
) -> None:
    found = sort_lines(groups, rules, ASSETS, CLUSTERS)
    bills = cluster_bills(found)
    lines = [*true_up_lines(bills, allocated, "INV-1"), *scope_charges(found)]
    for currency in ("USD", "EUR"):
        in_scope = [one.group for one in found if one.bucket is not Bucket.OUT_OF_SCOPE]
        billed = round(Fraction(total(in_scope, currency, "effective_cost")) * 10**9)
        with_bill = sum(allocated.get(key, 0) for key in bills if key[0] == currency)
        charged = sum(line.effective for line in lines if line.currency == currency)
        assert charged + with_bill == billed


@given(GROUPS, RULES, st.randoms())
def test_the_order_of_lines_changes_no_charge(
    groups: list[LineGroup], rules: list[BillRule], chance: object
) -> None:
    shuffled = list(groups)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (sort_lines(lines, rules, ASSETS, CLUSTERS) for lines in (groups, shuffled))
    assert scope_charges(one) == scope_charges(other)
    assert cluster_bills(one) == cluster_bills(other)


@given(AMOUNTS, st.dates(date(2025, 12, 1), date(2026, 3, 1)), st.integers(1, 500), st.integers(0, 23))
def test_months_share_a_prepayment_without_remainder(
    paid: Decimal, first: date, days: int, hour: int
) -> None:
    start = datetime(first.year, first.month, first.day, hour, tzinfo=UTC)
    bounds = [date(year, month, 1) for year in (2025, 2026, 2027) for month in range(1, 13)]
    shares = [share_of_month(paid, start, start + timedelta(days=days), pair) for pair in pairwise(bounds)]
    assert sum(shares) == paid
    assert all(share * paid >= 0 for share in shares)


POSITIVE = st.decimals(0, 1000, places=9)
HOURS = st.one_of(st.none(), st.floats(0, 744))
ASSET_MONTHS = st.lists(
    st.builds(
        AssetMonth,
        st.sampled_from(["node", "volume", "network", "control_plane", "other"]),
        st.text("ab", min_size=1, max_size=2),
        AMOUNTS,
        AMOUNTS,
        POSITIVE,
        POSITIVE,
        HOURS,
        HOURS,
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(ASSET_MONTHS, st.integers(-(10**15), 10**15))
def test_causes_add_up_to_the_gap(assets: list[AssetMonth], allocated: int) -> None:
    gap = explain_gap("prod", "USD", allocated, assets)
    assert sum(gap.causes.values()) == gap.gap == gap.billed - gap.allocated
