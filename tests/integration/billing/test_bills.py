"""Bills from file to buckets: whole periods or nothing, and every line in exactly one bucket."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.bills import focus_line, node_line, write_bill
from support.closing import FINANCE, MONTH

from models.billing.buckets import Bucket
from models.vocabulary.errors import Conflict, Forbidden, InputError, NotFound
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.bill_months import BillMonth
from service.usecases.bill_report import bucket_rows, line_rows, unknown_report
from service.usecases.billing_months import BillingMonth
from service.usecases.bills import BillImport, drop_bill, import_bills, import_rules, list_bills, list_rules

OWNER = Principal("ann", frozenset({Role.OWNER}), frozenset({"red"}))


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))


def import_lines(
    runtime: Runtime, folder: Path, lines: Sequence[dict[str, str]], name: str = "bill.csv"
) -> BillImport:
    return import_bills(runtime, FINANCE, [write_bill(folder / name, lines)])


def total(runtime: Runtime, month: str = MONTH, currency: str = "USD") -> Decimal:
    rows = bucket_rows(runtime, FINANCE, month)
    found = [row["billed_cost"] for row in rows if (row["bucket"], row["currency"]) == ("total", currency)]
    return sum(found, Decimal(0))


def test_a_real_bill_ends_in_buckets_that_add_up_to_it(runtime: Runtime, shared_data: Path) -> None:
    path = shared_data / "usage" / "focus_1_0_sample_1000.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    done = import_bills(runtime, FINANCE, [path])
    assert sum(bill.line_count for bill in done.bills) == 1000
    assert {bill.provider for bill in done.bills} == {"AWS", "Microsoft", "Oracle"}
    for month, count in (("2024-09", 999), ("2024-10", 1)):
        mine = [row for row in rows if row["BillingPeriodStart"].startswith(month)]
        billed = sum(Decimal(row["BilledCost"]) for row in mine)
        effective = sum(Decimal(row["EffectiveCost"]) for row in mine)
        found = bucket_rows(runtime, FINANCE, month)
        assert [row["line_count"] for row in found if row["bucket"] == "total"] == [count]
        for name, expected in (("billed_cost", billed), ("effective_cost", effective)):
            assert sum(row[name] for row in found if row["bucket"] != "total") == expected
    credit = [row for row in bucket_rows(runtime, FINANCE, "2024-09") if row["bucket"] == "credit"]
    assert [row["line_count"] for row in credit] == [1]


def test_the_same_file_twice_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    lines = [focus_line("10"), focus_line("-3", ChargeCategory="Credit")]
    first = import_lines(runtime, tmp_path, lines)
    versions = runtime.warehouse.lake.versions()
    again = import_lines(runtime, tmp_path, lines, "renamed.csv")
    assert again.is_unchanged
    assert again.bills == first.bills
    assert runtime.warehouse.lake.versions() == versions
    assert total(runtime) == 7


def test_a_newer_bill_of_a_period_replaces_it_whole(runtime: Runtime, tmp_path: Path) -> None:
    other_account = focus_line("5", BillingAccountId="9999")
    import_lines(runtime, tmp_path, [focus_line("10"), focus_line("20"), other_account])
    import_lines(runtime, tmp_path, [focus_line("12")])
    assert total(runtime) == 17  # the account that the newer file does not hold stays
    assert len(runtime.warehouse.lake.scan("bill_line")) == 2
    import_lines(runtime, tmp_path, [focus_line("10"), focus_line("20"), other_account])
    assert total(runtime) == 35


def test_files_of_one_name_in_two_folders_are_one_delivery(runtime: Runtime, tmp_path: Path) -> None:
    for folder, cost in (("a", "1"), ("b", "2")):
        (tmp_path / "delivery" / folder).mkdir(parents=True)
        write_bill(tmp_path / "delivery" / folder / "part.csv", [focus_line(cost)])
    (bill,) = import_bills(runtime, FINANCE, [tmp_path / "delivery"]).bills
    assert (bill.line_count, total(runtime)) == (2, 3)
    write_bill(tmp_path / "delivery" / "a" / "part.csv", [focus_line("5")])
    assert not import_bills(runtime, FINANCE, [tmp_path / "delivery"]).is_unchanged
    assert total(runtime) == 7


def test_a_bill_with_a_bad_row_stores_nothing(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, [focus_line("10")])
    with pytest.raises(InputError, match="row 2, field BilledCost: value 'much'"):
        import_lines(runtime, tmp_path, [focus_line("11"), {**focus_line("1"), "BilledCost": "much"}])
    assert total(runtime) == 10


class Killed(RuntimeError):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", ["staged", "committed", "recorded"])
def test_an_import_killed_at_any_step_leaves_the_old_bill_or_the_new(
    runtime: Runtime, tmp_path: Path, step: str
) -> None:
    import_lines(runtime, tmp_path, [focus_line("10")])
    newer = write_bill(tmp_path / "newer.csv", [focus_line("12"), focus_line("1")])

    def die(reached: str) -> None:
        if reached == step:
            raise Killed

    with pytest.raises(Killed):
        import_bills(runtime, FINANCE, [newer], on_step=die)
    assert total(runtime) == (13 if step == "recorded" else 10)
    import_bills(runtime, FINANCE, [newer])
    assert total(runtime) == 13
    assert list_bills(runtime, FINANCE)[0].line_count == 2


def test_currencies_and_negative_rows_are_kept_apart(runtime: Runtime, tmp_path: Path) -> None:
    lines = [focus_line("10"), focus_line("-2"), focus_line("7", BillingCurrency="EUR")]
    (bill,) = import_lines(runtime, tmp_path, lines).bills
    assert [(one["currency"], Decimal(one["billed_cost"])) for one in bill.totals] == [("EUR", 7), ("USD", 8)]
    assert (total(runtime), total(runtime, currency="EUR")) == (8, 7)


def test_unknown_resources_are_named_and_counted(runtime: Runtime, tmp_path: Path) -> None:
    lines = [focus_line("1", ResourceId="i-small"), focus_line("9", ResourceId="i-large"), focus_line("2")]
    import_lines(runtime, tmp_path, lines)
    assert unknown_report(runtime, FINANCE, MONTH) == [
        "2026-10: 3 bill lines over 12.00 USD belong to no cluster and no rule; 2 resources, the dearest "
        "i-large, i-small"
    ]
    (dearest,) = line_rows(runtime, FINANCE, MONTH, bucket="out_of_scope", limit=1)
    assert (dearest["resource_id"], dearest["effective_cost"]) == ("i-large", 9)


def test_one_month_from_two_kinds_of_files_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, [focus_line("10", ProviderName="Ours", BillingAccountId="a")])
    own = tmp_path / "own.yaml"
    own.write_text(
        "columns: {billing_period_start: m, currency: c, billed_cost: b}\n"
        "constants: {provider: Ours, billing_account: a}\n"
    )
    (tmp_path / "own.csv").write_text("m,c,b\n2026-10,USD,10\n")
    with pytest.raises(Conflict, match="drop it first"):
        import_bills(runtime, FINANCE, [tmp_path / "own.csv"], str(own))
    assert total(runtime) == 10


def test_a_dropped_bill_is_gone(runtime: Runtime, tmp_path: Path) -> None:
    (bill,) = import_lines(runtime, tmp_path, [focus_line("10")]).bills
    assert drop_bill(runtime, FINANCE, bill.bill_key).billing_month == MONTH
    assert total(runtime) == 0
    assert len(runtime.warehouse.lake.scan("bill_line")) == 0
    with pytest.raises(NotFound):
        drop_bill(runtime, FINANCE, bill.bill_key)


def test_rules_have_versions_and_sort_what_is_stored(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, [focus_line("10", ServiceName="RDS", Tags='{"team": "shop"}')])
    yaml_file = tmp_path / "rules.yaml"
    yaml_file.write_text("rules:\n  - {bucket: out_of_cluster, service: RDS, team_tag: team}\n")
    assert import_rules(runtime, FINANCE, yaml_file).version == 1
    assert import_rules(runtime, FINANCE, yaml_file).version == 1
    csv_file = tmp_path / "rules.csv"
    csv_file.write_text("bucket,service,tags,team\nout_of_cluster,RDS,team=sh*,dba\n")
    assert import_rules(runtime, FINANCE, csv_file).version == 2
    assert [rule.team for rule in list_rules(runtime, FINANCE)] == ["dba"]
    (row,) = line_rows(runtime, FINANCE, MONTH)
    assert (row["bucket"], row["team"], row["reason"]) == ("out_of_cluster", "dba", "rule 1")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("rules:\n  - {bucket: cellar, service: x}\n", "bucket"),
        ("rules:\n  - {bucket: tax, colour: x}\n", "colour"),
        ("rules:\n  - {bucket: cluster, service: x}\n", "cluster"),
    ],
)
def test_a_wrong_rule_names_its_row_and_keeps_the_old_rules(
    runtime: Runtime, tmp_path: Path, text: str, field: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        import_rules(runtime, FINANCE, path)
    assert (refused.value.row, refused.value.field) == (1, field)
    assert runtime.warehouse.bill_rules.versions() == []


def test_a_purchase_for_a_year_is_spread_over_the_months_of_its_term(
    runtime: Runtime, tmp_path: Path
) -> None:
    bought = focus_line(
        "365",
        ChargeCategory="Purchase",
        ChargeFrequency="One-Time",
        CommitmentDiscountId="ri",
        ChargePeriodStart="2026-10-22T00:00:00Z",
        ChargePeriodEnd="2027-10-22T00:00:00Z",
    )
    import_lines(runtime, tmp_path, [bought])
    november = focus_line("1", BillingPeriodStart="2026-11-01T00:00:00Z")
    import_lines(runtime, tmp_path, [november], "november.csv")
    spread = {}
    for month in ("2026-10", "2026-11", "2026-12", "2027-10", "2027-11"):
        groups = BillMonth.read(runtime, BillingMonth.read(runtime, month)).in_bucket(
            Bucket.COMMITMENT_PURCHASE
        )
        spread[month] = [(one.group.billed_cost, one.group.effective_cost) for one in groups]
    assert spread == {
        "2026-10": [(365, 10)],
        "2026-11": [(0, 30)],
        "2026-12": [(0, 31)],
        "2027-10": [(0, 21)],
        "2027-11": [],
    }


def test_only_finance_imports_and_no_team_sees_bills(runtime: Runtime, tmp_path: Path) -> None:
    path = write_bill(tmp_path / "bill.csv", [node_line("i-1", 1, "1")])
    with pytest.raises(Forbidden):
        import_bills(runtime, OWNER, [path])
    with pytest.raises(Forbidden):
        list_bills(runtime, OWNER)
    with pytest.raises(Forbidden):
        line_rows(runtime, OWNER, MONTH)
