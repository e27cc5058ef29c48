"""What the repositories of bills promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from support.warehouse import NOON

from models.billing.buckets import Bucket
from models.billing.factors import BillFactor
from models.billing.rules import BillRule
from models.vocabulary.errors import Conflict, InputError, LakeInconsistent, NotFound
from warehouse.database.audit import AuditNote
from warehouse.database.bills import Bill
from warehouse.database.periods import BillingPeriod, PeriodState
from warehouse.gateway import Warehouse
from warehouse.lake.bill_files import BillWriter, remove_bills
from warehouse.lake.bill_table import BILL_AMOUNT
from warehouse.reads.bills import BillReads

NOTE = AuditNote("finance", "import bill", "bill.csv", NOON, {})
BILL = Bill(
    bill_key="2026-10-a",
    partition_name="2026-10-a-1",
    billing_month="2026-10",
    provider="AWS",
    billing_account="1234",
    source="focus",
    invoice=None,
    files={"files": [{"name": "bill.csv", "sha256": "ab"}], "bill_count": 1},
    content_hash="one",
    line_count=2,
    totals=[{"currency": "USD", "billed_cost": "3", "effective_cost": "3"}],
    covered_until=datetime(2026, 11, 1, tzinfo=UTC),
    imported_by="finance",
    imported_at=NOON,
)
START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
FACTOR = BillFactor(
    START,
    END,
    "USD",
    Decimal("0.812345678901234567890123"),
    Decimal(8),
    Decimal(10),
    "m5",
    "eu-1",
    is_spot=False,
)


def lines(*costs: str) -> pa.Table:
    count = len(costs)
    amounts = pa.array([Decimal(cost) for cost in costs], BILL_AMOUNT)
    return pa.table(
        {
            "billing_date": pa.array([START.date()] * count),
            "line_number": pa.array(range(count), pa.int64()),
            "currency": ["USD"] * count,
            "charge_category": ["Usage"] * count,
            "billed_cost": amounts,
            "effective_cost": amounts,
        }
    )


def store(warehouse: Warehouse, bill: Bill, *costs: str) -> None:
    with BillWriter(warehouse.lake) as writer:
        writer.write(bill.billing_month, bill.partition_name, lines(*costs))
        writer.commit()
    warehouse.bills.record([bill], NOTE)


def test_a_bill_is_replaced_as_a_whole(each_database: Warehouse) -> None:
    bills = each_database.bills
    bills.record([BILL, replace(BILL, bill_key="2026-10-b", partition_name="2026-10-b-1")], NOTE)
    newer = replace(BILL, partition_name="2026-10-a-2", content_hash="two", line_count=5)
    bills.record([newer], NOTE)
    assert bills.list("2026-10")[0] == newer
    assert bills.of_content("two") == [newer]
    assert [bill.bill_key for bill in bills.list()] == ["2026-10-a", "2026-10-b"]
    assert bills.list("2026-11") == []


def test_a_bill_is_dropped_once(each_database: Warehouse) -> None:
    each_database.bills.record([BILL], NOTE)
    assert each_database.bills.drop(BILL.bill_key, NOTE) == BILL
    with pytest.raises(NotFound, match="there is no bill 2026-10-a"):
        each_database.bills.drop(BILL.bill_key, NOTE)


def test_rules_keep_their_order_and_every_version(each_database: Warehouse) -> None:
    rules = [
        BillRule(Bucket.OUT_OF_CLUSTER, service="*RDS*", tags={"env": "prod"}, team_tag="team"),
        BillRule(Bucket.CLUSTER, resource="nat-*", cluster="prod"),
    ]
    repository = each_database.bill_rules
    assert repository.all() == []
    assert repository.save(rules, "finance", NOON).version == 1
    assert repository.save(rules, "finance", NOON).version == 1
    assert repository.all() == rules
    assert repository.save(rules[::-1], "finance", NOON).version == 2
    assert repository.all() == rules[::-1]
    with pytest.raises(InputError):
        repository.save([BillRule(Bucket.CLUSTER)], "finance", NOON)
    assert [one.version for one in repository.versions()] == [2, 1]


def test_factors_come_back_digit_by_digit(each_database: Warehouse) -> None:
    factors = each_database.bill_factors
    factors.replace("2026-10", [FACTOR], NOON)
    assert factors.all() == [FACTOR]
    assert factors.months() == ["2026-10"]
    factors.replace("2026-10", [], NOON)
    assert factors.all() == []


def test_factors_of_a_closed_month_stay(each_database: Warehouse) -> None:
    each_database.bill_factors.replace("2026-10", [FACTOR], NOON)
    closed = BillingPeriod(
        period="2026-10",
        revision=1,
        state=PeriodState.CLOSED,
        totals=[],
        input_hash="",
        manifest_hash="",
        folder="",
        prepared_by="a",
        principal="b",
        reason=None,
        recorded_at=NOON,
    )
    lease = each_database.leases.acquire("chargeback", "(all clusters)", "test", END - START, NOON)
    each_database.periods.record_close(closed, zone="UTC", corrections=[], lease=lease)
    with pytest.raises(Conflict, match="is charged by a correction"):
        each_database.bill_factors.replace("2026-10", [], NOON)
    assert each_database.bill_factors.all() == [FACTOR]


def test_lines_are_read_of_known_bills_only(any_warehouse: Warehouse) -> None:
    store(any_warehouse, BILL, "1.000000000000001", "2")
    with BillWriter(any_warehouse.lake) as writer:  # an import that was killed before it was recorded
        writer.write("2026-10", "2026-10-a-2", lines("7"))
        writer.commit()
    reads = BillReads(any_warehouse.lake)
    (group,) = reads.groups(any_warehouse.bills.list())
    assert (group.line_count, group.billed_cost) == (2, Decimal("3.000000000000001"))
    assert reads.partitions() == {"2026-10-a-1": "2026-10", "2026-10-a-2": "2026-10"}
    remove_bills(any_warehouse.lake, {"2026-10-a-2": "2026-10"})
    assert len(any_warehouse.lake.scan("bill_line")) == 2


def test_lines_that_are_missing_are_noticed(any_warehouse: Warehouse) -> None:
    store(any_warehouse, replace(BILL, line_count=3), "1", "2")
    with pytest.raises(LakeInconsistent, match="has 3 lines, the lake holds 2"):
        BillReads(any_warehouse.lake).groups(any_warehouse.bills.list())


def test_lines_that_were_not_committed_belong_to_nobody(any_warehouse: Warehouse) -> None:
    with BillWriter(any_warehouse.lake) as writer:
        writer.write("2026-10", "2026-10-a-1", lines("7"))
    assert len(any_warehouse.lake.scan("bill_line")) == 0
