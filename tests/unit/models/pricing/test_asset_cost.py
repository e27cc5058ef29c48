from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from models.pricing.asset_book import AssetPrices, ChargedKind, charged_kinds, is_charged
from models.pricing.asset_cost import ASSET_COLUMNS, price_assets
from models.pricing.price_list import PriceRow

HOUR = datetime(2026, 10, 1, 5, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
GIB = float(1 << 30)
FACTS = {
    "hour": HOUR,
    "asset": "a1",
    "type_name": "gp3",
    "region": "eu-1",
    "zone": "eu-1a",
    "running_seconds": 3600.0,
    "size_bytes": 100 * GIB,
    "label_sets": None,
}


def row(kind="volume", price="0.0001", unit="gib_hour", type_name="gp3", **fields):
    return PriceRow(
        type_name, "USD", Decimal(price), **{"valid_from": START, "asset_kind": kind, "unit": unit, **fields}
    )


def priced(kind, book, *assets, labels=None):
    filled = [FACTS | asset for asset in assets or ({},)]
    table = pa.table(
        {name: pa.array([asset[name] for asset in filled], one) for name, one in ASSET_COLUMNS.items()}
    )
    return price_assets(kind, table, AssetPrices(book, labels)).to_pylist()


def test_a_volume_costs_price_times_capacity_times_time():
    full, half = priced("volume", [row()], {}, {"asset": "a2", "running_seconds": 1800.0})
    assert (full["effective_cost"], half["effective_cost"]) == (Decimal("0.01"), Decimal("0.005"))
    assert (full["asset_kind"], full["asset"], full["provenance"]) == ("volume", "a1", "list")
    assert full["cpu_weight"] is None


def test_a_volume_may_be_priced_as_a_whole():
    (cost,) = priced(
        "volume", [row(price="0.25", unit="hour")], {"running_seconds": 900.0, "size_bytes": None}
    )
    assert cost["list_cost"] == Decimal("0.0625")


def test_a_load_balancer_costs_price_times_time():
    book = [row("load_balancer", "0.025", "hour", None)]
    (cost,) = priced("load_balancer", book, {"type_name": None, "size_bytes": None})
    assert cost["effective_cost"] == Decimal("0.025")


def test_traffic_costs_price_times_bytes_of_its_class():
    book = [row("network", "0.09", "gib", "internet"), row("network", "0.01", "gib", "region")]
    out, within = priced(
        "network",
        book,
        {"asset": "internet", "type_name": "internet", "size_bytes": 2 * GIB, "running_seconds": None},
        {"asset": "region", "type_name": "region", "size_bytes": GIB / 4, "running_seconds": None},
    )
    assert (out["effective_cost"], within["effective_cost"]) == (Decimal("0.18"), Decimal("0.0025"))


def test_contracted_and_effective_cost_stand_beside_the_list():
    agreed = row(hourly_contracted_price=Decimal("0.00009"), hourly_effective_price=Decimal("0.00008"))
    (cost,) = priced("volume", [agreed])
    costs = (cost["list_cost"], cost["contracted_cost"], cost["effective_cost"])
    assert costs == (Decimal("0.01"), Decimal("0.009"), Decimal("0.008"))
    assert cost["provenance"] == "contract"


def test_a_price_that_changes_within_the_hour_splits_it_by_seconds():
    change = HOUR + timedelta(minutes=15)
    book = [row(valid_to=change), row(price="0.0002", valid_from=change)]
    first, then = priced("volume", book, {}, {"hour": HOUR + timedelta(hours=1)})
    assert (first["effective_cost"], then["effective_cost"]) == (Decimal("0.0175"), Decimal("0.02"))
    assert first["price_id"] == f"{book[0].price_id}+{book[1].price_id}"


@pytest.mark.parametrize(
    "asset",
    [{"type_name": "io2"}, {"type_name": None}, {"size_bytes": None}, {"running_seconds": None}],
)
def test_what_no_price_fits_is_unpriced_and_never_0(asset):
    (cost,) = priced("volume", [row()], asset)
    assert (cost["effective_cost"], cost["currency"], cost["price_id"]) == (None, None, None)
    assert cost["provenance"] == "unpriced"


def test_a_price_that_ends_within_the_hour_leaves_it_unpriced():
    (cost,) = priced("volume", [row(valid_to=HOUR + timedelta(minutes=59))])
    assert cost["provenance"] == "unpriced"


def test_two_currencies_within_an_hour_are_never_added():
    change = HOUR + timedelta(minutes=30)
    yuan = PriceRow("gp3", "CNY", Decimal(1), change, asset_kind="volume", unit="gib_hour")
    (cost,) = priced("volume", [row(valid_to=change), yuan])
    assert cost["provenance"] == "unpriced"


def test_the_most_specific_row_wins():
    book = [
        row(price="0.1", unit="hour", type_name=None),
        row(price="0.2", unit="hour"),
        row(price="0.3", unit="hour", region="eu-1"),
        row(price="0.4", unit="hour", zone="eu-1a"),
        row(price="9", unit="hour", purchase_option="spot"),
        row(price="9", unit="gib"),
    ]
    found = priced(
        "volume",
        book,
        {},
        {"zone": "eu-1b"},
        {"zone": None, "region": "us-1"},
        {"zone": None, "region": None, "type_name": "io2"},
    )
    assert [cost["list_cost"] for cost in found] == [Decimal(text) for text in ("0.4", "0.3", "0.2", "0.1")]


def test_a_control_plane_takes_the_price_of_its_region_or_of_its_nodes_labels():
    labels = {"s1": {"tier": "premium"}, "s2": {"tier": "free"}}
    book = [
        row("control_plane", "0.10", "hour", "standard", region="eu-1"),
        row("control_plane", "0.60", "hour", "premium", node_selector="tier=premium"),
    ]
    plain, premium, elsewhere = priced(
        "control_plane",
        book,
        {"type_name": None, "label_sets": ["s2"]},
        {"type_name": None, "label_sets": ["s1", "s2"]},
        {"type_name": None, "region": "us-1"},
        labels=labels,
    )
    assert (plain["list_cost"], premium["list_cost"]) == (Decimal("0.1"), Decimal("0.6"))
    assert elsewhere["provenance"] == "unpriced"


def test_two_tiers_that_fit_equally_well_leave_a_control_plane_unpriced():
    book = [row("control_plane", "0.1", "hour", "standard"), row("control_plane", "0.6", "hour", "premium")]
    (cost,) = priced("control_plane", book, {"type_name": None})
    assert cost["provenance"] == "unpriced"


def test_kinds_are_charged_in_months_in_which_they_have_a_price():
    november = datetime(2026, 11, 1, tzinfo=UTC)
    december = datetime(2026, 12, 1, tzinfo=UTC)
    book = [
        row(valid_from=november),
        row("network", "0.09", "gib", "internet"),
        row("load_balancer", "1", "gib_hour", None),
        PriceRow("m5", "USD", Decimal(1), START),
    ]
    before = charged_kinds(book, datetime(2026, 10, 1, tzinfo=UTC), november)
    after = charged_kinds(book, november, december)
    assert before == {ChargedKind("network", "internet")}
    assert after == {ChargedKind("network", "internet"), ChargedKind("volume", None)}
    assert is_charged("volume", "io2", after)
    assert not is_charged("volume", "io2", before)
    assert not is_charged("network", "zone", after)
    assert is_charged("network", "zone", charged_kinds([row("network", "1", "gib", None)], START, december))


def test_no_assets_have_no_prices():
    empty = pa.table({name: pa.nulls(0, kind) for name, kind in ASSET_COLUMNS.items()})
    assert price_assets("volume", empty, AssetPrices([row()])).num_rows == 0
