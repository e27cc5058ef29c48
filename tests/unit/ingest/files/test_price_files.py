from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.files.price_files import load_family_weights, load_prices
from models.vocabulary.errors import InputError

START = datetime(2026, 1, 1, tzinfo=UTC)


def write(tmp_path: Path, **cells: str) -> Path:
    path = tmp_path / "prices.csv"
    row = {"instance_type": "own", "currency": "EUR", "valid_from": "2026-01-01T00:00:00Z", **cells}
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    return path


def test_a_purchase_becomes_a_price_until_it_is_written_off_and_one_after_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        purchase_price="8760",
        lifetime_months="12",
        power_watts="500",
        power_usage_effectiveness_ratio="1.6",
        power_price_per_kwh="0.25",
        other_monthly_cost="73",
    )
    first, second = load_prices(path)
    assert (first.hourly_list_price, second.hourly_list_price) == (Decimal("1.3"), Decimal("0.3"))
    # 12 x 730 hours are 365 days.
    assert first.valid_to == second.valid_from == datetime(2027, 1, 1, tzinfo=UTC)
    assert (first.provenance, second.valid_to, second.source_row) == ("amortised", None, 1)
    assert first.amortisation is not None
    assert first.amortisation.purchased_at == START


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"purchase_price": "100"}, "row 1, field lifetime_months: is empty"),
        ({"purchase_price": "100", "lifetime_months": "0"}, "row 1, field lifetime_months: value 0"),
        (
            {"power_watts": "100", "hourly_list_price": "1"},
            "row 1, field power_watts.*without a purchase_price",
        ),
        (
            {"purchase_price": "1", "lifetime_months": "1", "hourly_list_price": "1"},
            "row 1, field purchase_price.*give one of the two",
        ),
        (
            {"purchase_price": "1", "lifetime_months": "1", "purchased_at": "2026-02-01T00:00:00Z"},
            "row 1, field valid_from.*is before purchased_at",
        ),
        (
            {"purchase_price": "1", "lifetime_months": "1", "asset_kind": "volume"},
            "row 1, field purchase_price.*is for nodes",
        ),
        ({}, "row 1, field hourly_list_price: is empty"),
        ({"hourly_list_price": "1", "daily_from": "22:00"}, "row 1, field daily_to"),
        ({"hourly_list_price": "1", "daily_from": "9 pm", "daily_to": "06:00"}, "row 1, field daily_from"),
    ],
)
def test_what_is_missing_or_wrong_is_named(tmp_path: Path, cells: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_prices(write(tmp_path, **cells))


def test_a_row_may_hold_for_some_hours_of_the_week(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        hourly_list_price="0.1",
        daily_from="22:00",
        daily_to="6:00",
        weekdays='"mon,tue"',
        time_zone="Asia/Shanghai",
    )
    (row,) = load_prices(path)
    assert row.window is not None
    assert row.window.text == "mon,tue 22:00-06:00 Asia/Shanghai"


def test_pods_of_serverless_nodes_have_component_prices_alone(tmp_path: Path) -> None:
    parts = {"cpu_core_hourly_price": "0.05", "memory_gib_hourly_price": "0.006"}
    (row,) = load_prices(write(tmp_path, instance_type="", purchase_option="ECI", **parts))
    assert (row.purchase_option, row.hourly_list_price) == ("serverless", Decimal(0))
    with pytest.raises(InputError, match="field hourly_list_price: is empty"):
        load_prices(write(tmp_path, purchase_option="on_demand", **parts))


def test_weights_by_family_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(
        "family,cpu_weight,memory_weight,gpu_weight,valid_from\n"
        "ecs.gn7,0.9,0.1,9,2026-01-01T00:00:00Z\n"
        "c7,6.5,1,,2026-01-01T00:00:00Z\n"
    )
    gpu, plain = load_family_weights(path)
    assert (gpu.gpu_weight, plain.gpu_weight, plain.cpu_weight) == (Decimal(9), None, Decimal("6.5"))
    path.write_text("family,cpu_weight,memory_weight,valid_from\nc7,much,1,2026-01-01T00:00:00Z\n")
    with pytest.raises(InputError, match="row 1, field cpu_weight: value 'much' is not a number"):
        load_family_weights(path)
