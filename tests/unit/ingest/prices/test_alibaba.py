from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import write_json

from ingest.prices.alibaba import read_alibaba
from ingest.prices.published import Wanted
from models.vocabulary.errors import InputError

START = datetime(2026, 10, 1, tzinfo=UTC)
DATED = Wanted(valid_from=START)


def test_the_published_file_gives_hours_and_subscriptions(tmp_path: Path) -> None:
    terms = {
        "hours": [{"price": "0.58", "period": "1", "time": "Hour"}],
        "months": [{"price": "292.0", "period": "1"}],
        "years": [],
    }
    document = {
        "currency": "CNY",
        "publicationDate": "2026-09-20T00:00:00Z",
        "pricingInfo": {
            "cn-hangzhou::ecs.g7.large::vpc::linux::optimized": terms,
            "cn-hangzhou::ecs.g7.large::vpc::windows::optimized": terms,
        },
    }
    found = read_alibaba([write_json(tmp_path / "instancePrice.json", document)], Wanted())
    hourly, monthly = found.rows
    assert (hourly.purchase_option, hourly.hourly_list_price) == ("on_demand", Decimal("0.58"))
    assert (monthly.purchase_option, monthly.effective_price) == ("reserved", Decimal("0.4"))
    assert (monthly.hourly_list_price, monthly.currency) == (Decimal("0.58"), "CNY")
    assert hourly.valid_from == datetime(2026, 9, 20, tzinfo=UTC)
    assert found.skipped == {"other operating system or network": 1}


def test_a_csv_in_chinese_says_how_it_is_paid(tmp_path: Path) -> None:
    (tmp_path / "ecs.csv").write_text(
        "地域,实例规格,付费类型,价格,原价,币种,单位\n"
        "cn-beijing,ecs.g7.large,按量付费,0.46,0.58,CNY,小时\n"
        "cn-beijing,ecs.g7.large,包年包月,219,,CNY,月\n"
        "cn-beijing,ecs.ebmg7.32xlarge,按量付费,38,,CNY,小时\n",
        encoding="utf-8-sig",
    )
    hourly, monthly, metal = read_alibaba([tmp_path / "ecs.csv"], DATED).rows
    assert (hourly.hourly_list_price, hourly.contracted_price) == (Decimal("0.58"), Decimal("0.46"))
    assert (monthly.purchase_option, monthly.effective_price) == ("reserved", Decimal("0.3"))
    assert monthly.hourly_list_price == Decimal("0.58")
    assert (metal.hourly_list_price, metal.provenance) == (Decimal(38), "list")
    assert {row.valid_from for row in (hourly, monthly, metal)} == {START}


def test_a_csv_under_the_names_of_the_api(tmp_path: Path) -> None:
    (tmp_path / "ecs.csv").write_text(
        "RegionId,ZoneId,InstanceType,InstanceChargeType,TradePrice,Currency,PriceUnit,EffectiveDate\n"
        "cn-shanghai,cn-shanghai-b,ecs.c7.xlarge,PostPaid,0.9,CNY,Hour,2026-10-01\n"
    )
    (row,) = read_alibaba([tmp_path / "ecs.csv"], Wanted()).rows
    assert (row.zone, row.purchase_option, row.valid_from) == ("cn-shanghai-b", "on_demand", START)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "cn-beijing,ecs.g7.large,PostPaid,dear,CNY,Hour",
            "row 1, field Price: value 'dear' is not a number",
        ),
        ("cn-beijing,ecs.g7.large,PostPaid,1,CNY,Week", "row 1, field Period: value 'Week' is not Hour"),
        ("cn-beijing,,PostPaid,1,CNY,Hour", "row 1, field InstanceType: is missing"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "ecs.csv").write_text(f"RegionId,InstanceType,ChargeType,Price,Currency,Period\n{line}\n")
    with pytest.raises(InputError, match=message):
        read_alibaba([tmp_path / "ecs.csv"], DATED)


def test_a_missing_column_is_named_with_its_headings(tmp_path: Path) -> None:
    (tmp_path / "ecs.csv").write_text("RegionId,Price,Currency\ncn-beijing,1,CNY\n")
    with pytest.raises(InputError, match="field InstanceType: is missing: it is called InstanceType"):
        read_alibaba([tmp_path / "ecs.csv"], DATED)
