"""Every shipped map reads a few lines of its provider's own columns."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.bills import focus_line, write_bill

from ingest.bills.column_map import load_map, shipped_maps
from ingest.bills.lines import BillOptions, read_bill_lines
from models.vocabulary.errors import InputError


def read(path: Path, name: str, **options: str) -> list[dict[str, Any]]:
    batches = read_bill_lines([path], load_map(name), BillOptions(**options))
    return [row for batch in batches for row in batch.to_pylist()]


def effective(rows: Sequence[Mapping[str, Any]]) -> list[Decimal]:
    return [row["effective_cost"] for row in rows]


CUR = """\
bill_payer_account_id,bill_billing_period_start_date,bill_invoice_id,line_item_usage_start_date,\
line_item_usage_end_date,line_item_line_item_type,line_item_product_code,line_item_resource_id,\
line_item_unblended_cost,line_item_currency_code,line_item_usage_amount,pricing_unit,\
reservation_reservation_a_r_n,reservation_effective_cost,\
reservation_unused_amortized_upfront_fee_for_billing_period,reservation_unused_recurring_fee,\
savings_plan_savings_plan_a_r_n,savings_plan_savings_plan_effective_cost,\
savings_plan_total_commitment_to_date,savings_plan_used_commitment,resource_tags
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,Usage,AmazonEC2,i-1,0.20,USD,1,Hrs,,,,,,,,,\
"{""user_team"": ""shop""}"
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,DiscountedUsage,AmazonEC2,i-2,0,USD,1,Hrs,ri,0.12,,,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,RIFee,AmazonEC2,,74.4,USD,744,Hrs,ri,,1.5,2.5,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2027-10-01T00:00:00Z,Fee,AmazonEC2,,500,USD,1,,ri,,,,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,Fee,AmazonRoute53,,12,USD,1,,,,,,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,SavingsPlanCoveredUsage,AmazonEC2,i-3,0.20,USD,1,Hrs,,,,,sp,0.14,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,SavingsPlanNegation,ComputeSavingsPlans,,-0.20,USD,1,,,,,,sp,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,SavingsPlanRecurringFee,ComputeSavingsPlans,,0.15,USD,1,,,,,,sp,,0.15,0.14,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,Tax,AmazonEC2,,3.1,USD,,,,,,,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,Credit,AmazonEC2,,-10,USD,,,,,,,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,Refund,AmazonEC2,,-1,USD,,,,,,,,,,,
1234,2026-10-01,INV,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,EdpDiscount,AmazonEC2,i-1,-0.01,USD,1,,,,,,,,,,
"""


def test_aws_cost_follows_commitments_to_what_they_covered(tmp_path: Path) -> None:
    path = tmp_path / "cur.csv"
    path.write_text(CUR)
    rows = read(path, "aws-cur2")
    expected = ["0.20", "0.12", "4.0", "0", "12", "0.14", "0", "0.01", "3.1", "-10", "-1", "-0.01"]
    assert effective(rows) == [Decimal(cost) for cost in expected]
    assert sum(row["billed_cost"] for row in rows) == Decimal("578.84")
    categories = [row["charge_category"] for row in rows]
    assert categories == [
        *("Usage", "Usage", "Purchase", "Purchase", "Purchase", "Usage", "Adjustment", "Purchase"),
        *("Tax", "Credit", "Refund", "Discount"),
    ]
    assert [row["commitment_status"] for row in rows[1:8]] == [
        *("Used", "Unused", None, None, "Used", None, "Unused")
    ]
    assert (rows[0]["tags"], rows[0]["billed_hours"], rows[0]["provider"]) == (
        '{"user_team": "shop"}',
        1.0,
        "AWS",
    )
    assert {row["billing_month"] for row in rows} == {"2026-10"}


def test_aws_lines_without_their_cost_column_name_it(tmp_path: Path) -> None:
    path = tmp_path / "cur.csv"
    path.write_text(CUR.replace("savings_plan_savings_plan_effective_cost", "other"))
    with pytest.raises(InputError, match="SavingsPlanCoveredUsage lines have their effective cost there"):
        read(path, "aws-cur2")


def test_an_unknown_kind_of_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cur.csv"
    path.write_text(CUR.replace("EdpDiscount", "MoonDiscount"))
    with pytest.raises(InputError) as refused:
        read(path, "aws-cur2")
    assert (refused.value.row, refused.value.value) == (12, "MoonDiscount")


LEGACY_CUR = """\
bill/PayerAccountId,bill/BillingPeriodStartDate,lineItem/UsageStartDate,lineItem/UsageEndDate,\
lineItem/LineItemType,lineItem/ProductCode,lineItem/UnblendedCost,lineItem/CurrencyCode,resourceTags/user:team,\
resourceTags/user:env
1,2026-10-01T00:00:00Z,2026-10-01T00:00:00Z,2026-10-01T01:00:00Z,Usage,AmazonEC2,1.5,USD,shop,
"""


def test_tags_in_columns_of_their_own_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cur.csv"
    path.write_text(LEGACY_CUR)
    (row,) = read(path, "aws-cur2")
    assert (row["effective_cost"], json.loads(row["tags"])) == (Decimal("1.5"), {"team": "shop"})


AZURE = """\
BillingAccountId,billingPeriodStartDate,date,ChargeType,ResourceId,CostInBillingCurrency,BillingCurrency,Quantity,\
UnitOfMeasure,PricingModel,ReservationId,Term,Frequency,Tags
9,10/01/2026,10/05/2026,Usage,/subscriptions/s/virtualMachines/vm1,4.8,EUR,24,1 Hour,OnDemand,,,UsageBased,"""
AZURE += '''"""team"": ""shop"",""env"": ""prod"""
9,10/01/2026,10/05/2026,UnusedReservation,,0.7,EUR,,1 Hour,Reservation,res-1,,UsageBased,
9,10/01/2026,10/06/2026,Purchase,,365,EUR,1,,Reservation,res-1,12,OneTime,
9,10/01/2026,10/06/2026,Purchase,,30,EUR,1,,Reservation,res-2,12,Recurring,
9,10/01/2026,10/06/2026,Refund,,-5,EUR,1,,,,,OneTime,
'''


def test_azure_purchases_for_a_year_are_spread_unless_they_recur(tmp_path: Path) -> None:
    path = tmp_path / "azure.csv"
    path.write_text(AZURE)
    rows = read(path, "azure")
    assert [row["charge_category"] for row in rows] == ["Usage", "Usage", "Purchase", "Purchase", "Refund"]
    assert rows[0]["billed_hours"] == 24.0
    assert json.loads(rows[0]["tags"]) == {"team": "shop", "env": "prod"}
    assert rows[0]["charge_end"] == datetime(2026, 10, 6, tzinfo=UTC)
    assert rows[1]["commitment_status"] == "Unused"
    assert [row["amortise_until"] for row in rows[2:]] == [datetime(2027, 10, 6, tzinfo=UTC), None, None]


def google_rows() -> list[dict[str, Any]]:
    usage = {
        "billing_account_id": "01-AB",
        "service": {"description": "Compute Engine"},
        "sku": {"id": "S1", "description": "N2 Core"},
        "usage_start_time": "2026-10-01T00:00:00Z",
        "usage_end_time": "2026-10-01T01:00:00Z",
        "project": {"id": "shop-prod"},
        "labels": [{"key": "goog-k8s-cluster-name", "value": "dev"}],
        "location": {"region": "europe-west1"},
        "resource": {"global_name": "//compute.googleapis.com/projects/p/zones/z/instances/n1"},
        "cost": 1.25,
        "currency": "USD",
        "invoice": {"month": "202610"},
        "cost_type": "regular",
        "credits": [
            {"name": "committed", "amount": -0.25, "type": "COMMITTED_USAGE_DISCOUNT"},
            {"name": "Launch", "amount": -0.5, "type": "PROMOTION"},
        ],
    }
    return [usage, {**usage, "cost": 0.1, "cost_type": "tax", "credits": [], "labels": []}]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet"])
def test_google_discounts_lower_their_row_and_promotions_stand_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"google.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(google_rows()), path)
    else:
        text = "\n".join(json.dumps(row) for row in google_rows())
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    rows = read(path, "google")
    assert [(row["charge_category"], row["effective_cost"]) for row in rows] == [
        ("Usage", Decimal(1)),
        ("Tax", Decimal("0.1")),
        ("Credit", Decimal("-0.5")),
    ]
    assert sum(row["billed_cost"] for row in rows) == Decimal("0.6")
    assert json.loads(rows[0]["tags"]) == {"goog-k8s-cluster-name": "dev"}
    assert rows[2]["description"] == "Launch"
    assert [row["line_number"] for row in rows] == [0, 1, 2]
    assert {row["billing_month"] for row in rows} == {"2026-10"}


ALIBABA_CHINESE = """\
账单月份,账号ID,产品Code,产品,实例ID,消费类型,账单类型,地域,实例规格,服务开始时间,服务结束时间,用量,用量单位,官网价,应付金额,币种,实例标签
2026-10,77,ecs,云服务器ECS,i-bp1abc,后付费,云资源按量费用,cn-hangzhou,ecs.g7.2xlarge,2026-10-01 00:00:00,\
2026-11-01 00:00:00,744,小时,1488,1190.4,CNY,key:team value:shop; key:env value:生产
2026-10,77,ecs,云服务器ECS,i-bp1def,预付费,订阅-订单,cn-hangzhou,ecs.g7.2xlarge,2026-10-11 00:00:00,\
2027-10-11 00:00:00,1,,5000,3650,CNY,-
2026-10,77,ecs,云服务器ECS,i-bp1abc,后付费,退款,cn-hangzhou,,2026-10-01 00:00:00,\
2026-11-01 00:00:00,,,,-10.4,CNY,
"""
ALIBABA_FIELDS = """\
BillingCycle,BillAccountID,ProductName,InstanceID,SubscriptionType,Item,Region,Currency,PretaxGrossAmount,PretaxAmount,Tag
2026-10,77,Elastic Compute Service,i-bp1abc,PayAsYouGo,PayAsYouGoBill,cn-hangzhou,CNY,10,8,
"""


def test_alibaba_is_read_with_chinese_headers_and_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text("\N{ZERO WIDTH NO-BREAK SPACE}" + ALIBABA_CHINESE, encoding="utf-8")
    rows = read(path, "alibaba")
    assert [row["charge_category"] for row in rows] == ["Usage", "Purchase", "Refund"]
    assert effective(rows) == [Decimal("1190.4"), Decimal(3650), Decimal("-10.4")]
    assert rows[0]["charge_start"] == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert json.loads(rows[0]["tags"]) == {"team": "shop", "env": "生产"}
    assert (rows[0]["billed_hours"], rows[1]["tags"]) == (744.0, None)
    assert rows[1]["amortise_until"] == datetime(2027, 10, 10, 16, tzinfo=UTC)
    assert {row["billing_month"] for row in rows} == {"2026-10"}


def test_alibaba_is_read_as_its_interface_answers(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(ALIBABA_FIELDS)
    (row,) = read(path, "alibaba")
    assert (row["list_cost"], row["effective_cost"], row["resource_id"]) == (10, 8, "i-bp1abc")
    assert row["charge_end"] > row["charge_start"]


@pytest.mark.parametrize(
    ("renamed", "version"),
    [
        ({}, "1.0"),
        ({"ProviderName": "ServiceProviderName"}, "1.4"),
        ({"ProviderName": "providername", "BilledCost": "BILLEDCOST"}, "odd case"),
    ],
)
def test_focus_columns_are_found_by_name(tmp_path: Path, renamed: dict[str, str], version: str) -> None:
    line = {renamed.get(name, name): value for name, value in focus_line("0.00000080000").items()}
    (row,) = read(write_bill(tmp_path / "focus.csv", [{**line, "x_Anything": "ignored"}]), "focus")
    assert (row["provider"], row["billed_cost"]) == ("AWS", Decimal("0.0000008")), version


def test_focus_parquet_and_packed_csv_say_the_same(tmp_path: Path) -> None:
    lines = [focus_line("1.5", Tags='{"b": "2", "a": "1"}'), focus_line("-0.000000012345")]
    plain = write_bill(tmp_path / "focus.csv", lines)
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    typed = pa.Table.from_pylist(
        [
            {
                **{name: value or None for name, value in line.items()},
                "BilledCost": float(line["BilledCost"]),
                "EffectiveCost": Decimal(line["EffectiveCost"]),
                "BillingPeriodStart": datetime(2026, 10, 1, tzinfo=UTC),
                "Tags": {"a": "1", "b": "2"} if line["Tags"] else None,
            }
            for line in lines
        ]
    )
    tags = pa.array(
        [None if one is None else list(one.items()) for one in typed.column("Tags").to_pylist()],
        pa.map_(pa.string(), pa.string()),
    )
    typed = typed.set_column(typed.schema.get_field_index("Tags"), "Tags", tags)
    pq.write_table(typed, tmp_path / "focus.parquet")
    assert read(packed, "focus") == read(plain, "focus") == read(tmp_path / "focus.parquet", "focus")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"BilledCost": "12,3x"}, "BilledCost"),
        ({"EffectiveCost": "NaN"}, "EffectiveCost"),
        ({"EffectiveCost": ""}, "EffectiveCost"),
        ({"BillingCurrency": "RMB yuan"}, "BillingCurrency"),
        ({"ChargeCategory": "Gift"}, "ChargeCategory"),
        ({"ChargePeriodStart": "yesterday"}, "ChargePeriodStart"),
        ({"ChargePeriodEnd": "2026-09-01T00:00:00Z"}, "ChargePeriodEnd"),
        ({"Tags": "{oops"}, "Tags"),
    ],
)
def test_a_bad_cell_is_named_with_file_row_field_and_value(
    tmp_path: Path, change: dict[str, str], field: str
) -> None:
    path = write_bill(tmp_path / "focus.csv", [focus_line("1"), focus_line("1", **change)])
    with pytest.raises(InputError) as refused:
        read(path, "focus")
    assert (refused.value.file, refused.value.row, refused.value.field) == (str(path), 2, field)


def test_a_missing_column_is_named_with_the_remedy(tmp_path: Path) -> None:
    line = focus_line("1")
    del line["EffectiveCost"]
    with pytest.raises(InputError, match=r"field EffectiveCost: is missing: the map focus reads"):
        read(write_bill(tmp_path / "focus.csv", [line]), "focus")


def test_what_a_file_does_not_name_comes_from_the_command(tmp_path: Path) -> None:
    path = write_bill(tmp_path / "focus.csv", [focus_line("1", ProviderName="", BillingAccountId="")])
    (row,) = read(path, "focus", provider="OVH", invoice="F-1", account="a-9")
    assert (row["provider"], row["invoice"], row["billing_account"]) == ("OVH", "F-1", "a-9")


OWN_MAP = """\
[columns]
billing_period_start = "month"
currency = "cur"
billed_cost = "netto"
effective_cost = "netto"
resource_id = ["machine", "asset"]
[constants]
provider = "Our data centre"
"""


def test_a_map_of_one_s_own_reads_any_bill(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN_MAP)
    (tmp_path / "bill.csv").write_text("month,cur,netto,machine,asset\n2026-10,EUR,12.5,,rack-7\n")
    (row,) = read(tmp_path / "bill.csv", str(tmp_path / "own.toml"))
    assert (row["provider"], row["resource_id"], row["effective_cost"]) == (
        "Our data centre",
        "rack-7",
        Decimal("12.5"),
    )
    assert (row["charge_start"], row["charge_end"]) == (
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 10, 29, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("columns: {price: x}", "is not a field of a bill line"),
        ("column: {}", "is not a key of a map"),
        ("columns: {currency: c, billed_cost: b}", "is missing: name the column"),
        ("[", "is not a map of columns"),
        ("columns: [a, b]", "holds no keys and values"),
        ("cases: {Usage: Usage}", "holds no keys and values"),
        ("zone: Mars/Base", "is not an IANA time zone"),
    ],
)
def test_a_map_that_says_nothing_useful_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_map(str(path))


def test_maps_are_shipped_for_every_provider() -> None:
    assert shipped_maps() == ("alibaba", "aws-cur2", "azure", "focus", "google")
    with pytest.raises(InputError, match="name one of alibaba"):
        load_map("gcp")
