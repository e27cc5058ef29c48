"""What price lists promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models.pricing.amortised import Amortisation
from models.pricing.family_weights import FamilyWeight
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.identity import Principal, Role
from warehouse.database.audit import AuditNote
from warehouse.database.periods import BillingPeriod, PeriodState
from warehouse.gateway import Warehouse

START = datetime(2026, 10, 1, tzinfo=UTC)
CHANGE = datetime(2026, 10, 20, 12, tzinfo=UTC)
ADMIN = Principal("root", frozenset({Role.ADMIN}))
NOTE = AuditNote("ann", "import prices", "list.csv", START, {"format": "millicore"})
OLD = PriceRow("m5.large", "USD", Decimal("0.0960000000001"), START, source_file="a.csv", source_row=1)
NEW = replace(OLD, hourly_list_price=Decimal("0.1"), valid_from=CHANGE)


def test_every_column_of_a_price_comes_back_exactly(each_database: Warehouse) -> None:
    bought = Amortisation(
        Decimal("9760.10"), Decimal(36), START - timedelta(days=3), power_watts=Decimal("412.5")
    )
    rows = [
        replace(
            OLD,
            daily_from="22:00",
            daily_to="06:00",
            weekdays="mon-fri",
            time_zone="Asia/Shanghai",
            source_sha256="ab" * 32,
            imported_at=CHANGE,
            imported_by="ann",
        ),
        replace(OLD, instance_type="own", amortisation=bought, hourly_list_price=bought.hourly_depreciation),
        replace(OLD, instance_type="x", cpu_weight=Decimal(6), memory_weight=Decimal("1.5")),
    ]
    each_database.prices.replace(rows)
    stored = each_database.prices.all()
    assert stored == rows
    assert (stored[0].source_sha256, stored[0].imported_at, stored[0].imported_by) == (
        "ab" * 32,
        CHANGE,
        "ann",
    )
    assert [row.price_id for row in stored] == [row.price_id for row in rows]


def test_a_new_version_keeps_the_history_and_is_noted_once(each_database: Warehouse) -> None:
    prices = each_database.prices
    prices.merge([OLD], NOTE)
    merged = prices.merge([NEW], NOTE)
    assert (merged.added_count, merged.ended_count) == (1, 1)
    assert prices.all() == [replace(OLD, valid_to=CHANGE), NEW]
    before = prices.hash()
    assert prices.merge([NEW], NOTE).changes_from is None
    assert prices.hash() == before
    entries = each_database.audit.list(ADMIN)
    assert [(entry.action, entry.detail["added"], entry.detail["ended"]) for entry in entries] == [
        ("import prices", 1, 1),
        ("import prices", 1, 0),
    ]


def test_a_refused_import_changes_nothing_and_is_not_noted(each_database: Warehouse) -> None:
    prices = each_database.prices
    prices.merge([OLD], NOTE)
    prices.merge([NEW], NOTE)
    fresh = replace(OLD, instance_type="fresh")
    with pytest.raises(InputError, match="--replace-from"):
        prices.merge([fresh, replace(NEW, hourly_list_price=Decimal(9), valid_from=START)], NOTE)
    with pytest.raises(InputError, match="currency"):
        prices.merge([fresh, replace(fresh, region="eu", currency="euro")], NOTE)
    assert prices.all() == [replace(OLD, valid_to=CHANGE), NEW]
    assert len(each_database.audit.list(ADMIN)) == 2


def _closed(revision: int = 1) -> BillingPeriod:
    return BillingPeriod(
        "2026-10", revision, PeriodState.CLOSED, [], "a", "b", "f", "pre", "fin", None, CHANGE
    )


def test_prices_of_a_closed_month_do_not_change_by_an_import(each_database: Warehouse) -> None:
    prices = each_database.prices
    prices.merge([OLD], NOTE)
    lease = each_database.leases.acquire("close", "*", "one", timedelta(minutes=5), CHANGE)
    each_database.periods.record_close(_closed(), zone="Asia/Shanghai", corrections=[], lease=lease)
    with pytest.raises(Conflict, match="2026-10, which is closed"):
        prices.merge([NEW], NOTE)
    # October ends at 16:00 UTC in Shanghai.
    with pytest.raises(Conflict, match="--valid-from 2026-10-31T16:00:00Z"):
        prices.merge([replace(NEW, valid_from=datetime(2026, 10, 31, 15, tzinfo=UTC))], NOTE)
    after = replace(NEW, valid_from=datetime(2026, 10, 31, 16, tzinfo=UTC))
    assert prices.merge([after], NOTE).added_count == 1
    note = AuditNote("fin", "reopen period", "2026-10", CHANGE, {})
    each_database.periods.change_state("2026-10", PeriodState.OPEN, note)
    assert prices.merge([NEW], NOTE, replace_from=CHANGE).changes_from == CHANGE


def test_weights_by_family_reach_the_rows_and_leave_what_is_stored(each_database: Warehouse) -> None:
    prices = each_database.prices
    prices.replace([OLD])
    before = prices.hash()
    weights = [FamilyWeight("m5", Decimal(6), Decimal(1), START, source_file="w.csv", source_row=1)]
    prices.replace_weights(weights, replace(NOTE, action="import price weights"))
    assert prices.weights() == weights
    assert prices.stored() == [OLD]
    assert [row.cpu_weight for row in prices.all()] == [Decimal(6)]
    assert prices.hash() != before
    prices.replace_weights([], NOTE)
    assert prices.hash() == before


def test_a_long_history_of_spot_prices_is_taken_in_again_without_a_change(each_database: Warehouse) -> None:
    rows = [
        replace(
            OLD,
            hourly_list_price=Decimal(1 + index % 2),
            valid_from=START + timedelta(minutes=37 * index),
            valid_to=START + timedelta(minutes=37 * (index + 1)) if index < 199 else None,
            purchase_option="spot",
            zone="a",
        )
        for index in range(200)
    ]
    each_database.prices.merge(rows, NOTE)
    again = each_database.prices.merge(rows[100:], NOTE)
    assert (again.changes_from, again.unchanged_count) == (None, 100)
    longer = replace(rows[-1], valid_from=START + timedelta(days=9), hourly_list_price=Decimal(7))
    assert each_database.prices.merge([longer], NOTE).ended_count == 1
