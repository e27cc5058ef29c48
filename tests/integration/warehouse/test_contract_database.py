"""What the repositories promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, text, update
from support.warehouse import NOON, observed_window, store_window

from models.initiatives.initiative import Initiative
from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import (
    Conflict,
    Forbidden,
    InputError,
    LeaseLost,
    MillicoreError,
    NotFound,
    StorageError,
)
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from models.vocabulary.windows import HourWindow
from warehouse.database.audit import AuditNote
from warehouse.database.periods import BillingPeriod, Correction, PeriodState
from warehouse.database.plans import Budget, BusinessMetric, ExchangeRate
from warehouse.database.schema import AUDIT_ENTRY
from warehouse.gateway import Warehouse

START = datetime(2026, 10, 1, tzinfo=UTC)
TTL = timedelta(minutes=10)
ADMIN = Principal("root", frozenset({Role.ADMIN}))
SHOP = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
STRANGER = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
NOBODY = Principal("nobody")


def test_migrating_again_does_nothing(each_database: Warehouse) -> None:
    assert each_database.migrate() == []


def test_one_holder_has_a_lease_and_its_number_grows(each_database: Warehouse) -> None:
    leases = each_database.leases
    first = leases.acquire("ingest", "alpha", "one", TTL, NOON)
    with pytest.raises(LeaseLost, match="running in one"):
        leases.acquire("ingest", "alpha", "two", TTL, NOON)
    assert leases.acquire("ingest", "beta", "two", TTL, NOON).fence == 1
    second = leases.acquire("ingest", "alpha", "two", TTL, NOON + TTL)
    assert second.fence == first.fence + 1
    with pytest.raises(LeaseLost):
        leases.renew(first, NOON)
    leases.release(first)
    assert leases.current("ingest", "alpha", NOON + TTL) == second
    leases.release(second)
    assert leases.acquire("ingest", "alpha", "one", TTL, NOON).fence == 3


def test_a_renewed_lease_lasts_longer(each_database: Warehouse) -> None:
    lease = each_database.leases.acquire("ingest", "alpha", "one", TTL, NOON)
    renewed = each_database.leases.renew(lease, NOON + timedelta(minutes=9))
    assert renewed.fence == lease.fence
    with pytest.raises(LeaseLost):
        each_database.leases.acquire("ingest", "alpha", "two", TTL, NOON + TTL)


def test_real_and_simulated_clusters_never_share_a_warehouse(each_database: Warehouse) -> None:
    clusters = each_database.clusters
    assert clusters.is_simulated() is None
    clusters.register("sim-a", is_simulated=True)
    clusters.register("sim-b", is_simulated=True)
    with pytest.raises(Conflict, match="holds simulated data"):
        clusters.register("prod")
    with pytest.raises(Conflict, match="holds simulated data"):
        store_window(each_database, observed_window("prod", HourWindow.of_hour(START)))
    assert [cluster.name for cluster in clusters.list()] == ["sim-a", "sim-b"]
    assert clusters.is_simulated() is True


def test_a_cluster_keeps_what_was_known_of_it(each_database: Warehouse) -> None:
    each_database.clusters.register("prod", "aws", "eu-central-1", "EUR", "Production")
    cluster = each_database.clusters.register("prod", region="eu-west-1")
    assert (cluster.provider, cluster.region, cluster.currency) == ("aws", "eu-west-1", "EUR")
    with pytest.raises(NotFound):
        each_database.clusters.get("other")
    with pytest.raises(InputError):
        each_database.clusters.register("null")


def test_clusters_that_were_shut_down_are_remembered_with_their_last_hour(each_database: Warehouse) -> None:
    clusters, longest = each_database.clusters, "c" * 63
    for name, end in (("alpha", NOON), (longest, NOON), ("alpha", NOON + timedelta(hours=1))):
        clusters.retire(name, end, AuditNote("finance", "retire cluster", name, NOON, {}))
    assert clusters.retired() == {"alpha": NOON + timedelta(hours=1), longest: NOON}


def test_prices_come_back_exactly_and_in_order(each_database: Warehouse) -> None:
    rows = [
        PriceRow(
            "m5.large", "USD", Decimal("0.0960000000001"), START, source_file="prices.csv", source_row=1
        ),
        PriceRow(
            "m5.xlarge", "USD", Decimal("0.192"), START, START + timedelta(days=30), purchase_option="spot"
        ),
    ]
    each_database.prices.replace(rows)
    assert each_database.prices.all() == rows
    before = each_database.prices.hash()
    each_database.prices.replace(rows[::-1])
    assert each_database.prices.hash() == before


def test_overlapping_prices_are_refused_and_the_old_ones_stay(each_database: Warehouse) -> None:
    good = PriceRow("m5.large", "USD", Decimal("0.096"), START)
    each_database.prices.replace([good])
    with pytest.raises(InputError, match="overlaps row 1"):
        each_database.prices.replace([good, dataclasses.replace(good, valid_from=START + timedelta(days=1))])
    assert each_database.prices.all() == [good]


def test_ownership_rules_come_back_exactly(each_database: Warehouse) -> None:
    rows = [
        OwnershipRow("*", "shop-*", "shop", START, cost_centre="1200", share_ratio=Decimal("0.333333333333")),
        OwnershipRow("alpha", "bank", "bank", START, label_selector="tier=gold", priority=3),
    ]
    each_database.ownership.replace(rows)
    assert each_database.ownership.all() == rows
    assert len(each_database.ownership.hash()) == 32


def _period(revision: int, principal: str = "fin") -> BillingPeriod:
    return BillingPeriod(
        period="2026-10",
        revision=revision,
        state=PeriodState.CLOSED,
        totals=[{"currency": "EUR", "cluster": "alpha", "effective_cost": "1234.560000001"}],
        input_hash="abc",
        manifest_hash="def",
        folder=f"closed/2026-10/{revision}",
        prepared_by="pre",
        principal=principal,
        reason=None,
        recorded_at=NOON,
    )


def _close(warehouse: Warehouse, revision: int, zone: str = "Europe/Berlin") -> None:
    lease = warehouse.leases.acquire("chargeback", "(all clusters)", "test", timedelta(minutes=15), NOON)
    warehouse.periods.record_close(_period(revision), zone=zone, corrections=(), lease=lease)


def _correction(sequence: int, posted_in: str = "2026-11") -> Correction:
    return Correction(
        period="2026-10",
        sequence=sequence,
        revision=1,
        posted_in=posted_in,
        totals=[{"currency": "EUR", "cluster": "alpha", "effective_cost": "-0.000000001"}],
        manifest_hash="def",
        folder=f"closed/2026-10/corrections/{sequence}",
        principal="fin",
        reason="late",
        recorded_at=NOON,
    )


def test_hours_of_a_closed_month_cannot_change(each_database: Warehouse) -> None:
    periods = each_database.periods
    _close(each_database, 1)
    in_october = HourWindow.of_hour(START - timedelta(hours=1))  # 1 October, 01:00 in Berlin
    with pytest.raises(Conflict, match="2026-10 is closed"):
        store_window(each_database, observed_window("alpha", in_october))
    store_window(each_database, observed_window("alpha", HourWindow.of_hour(START - timedelta(hours=3))))
    note = AuditNote("fin", "let late hours in", "2026-10", NOON, {})
    periods.change_state("2026-10", PeriodState.CORRECTING, note)
    store_window(each_database, observed_window("alpha", in_october))
    newest = periods.get("2026-10")
    assert newest is not None
    assert newest.state is PeriodState.CORRECTING
    assert newest.totals == _period(1).totals
    assert str(periods.billing_zone()) == "Europe/Berlin"


def test_a_close_is_recorded_once_in_order_and_with_its_audit_entry(each_database: Warehouse) -> None:
    with pytest.raises(Conflict, match="next revision is 1"):
        _close(each_database, 2)
    assert each_database.periods.billing_zone() is None
    _close(each_database, 1)
    with pytest.raises(Conflict, match="closed already"):
        _close(each_database, 2)
    note = AuditNote("fin", "reopen period", "2026-10", NOON, {"reason": "why"})
    each_database.periods.change_state("2026-10", PeriodState.OPEN, note)
    with pytest.raises(Conflict, match="fixed to Europe/Berlin"):
        _close(each_database, 2, zone="UTC")
    _close(each_database, 2)
    assert [one.revision for one in each_database.periods.list()] == [1, 2]
    entries = each_database.audit.list(Principal("fin", frozenset({Role.FINANCE})))
    assert [one.action for one in entries] == ["close period", "reopen period", "close period"]


def test_a_close_without_its_lease_or_with_a_new_correction_is_refused(each_database: Warehouse) -> None:
    leases = each_database.leases
    old = leases.acquire("chargeback", "(all clusters)", "one", timedelta(seconds=1), NOON)
    later = NOON + timedelta(minutes=1)
    lease = leases.acquire("chargeback", "(all clusters)", "two", timedelta(minutes=15), later)
    periods = each_database.periods
    with pytest.raises(LeaseLost):
        periods.record_close(_period(1), zone="UTC", corrections=(), lease=old)
    periods.record_close(_period(1), zone="UTC", corrections=(), lease=lease)
    periods.record_correction(_correction(1), lease)
    november = dataclasses.replace(_period(1), period="2026-11")
    with pytest.raises(Conflict, match="correction was posted in 2026-11 meanwhile"):
        periods.record_close(november, zone="UTC", corrections=(), lease=lease)
    periods.record_close(november, zone="UTC", corrections=[("2026-10", 1)], lease=lease)
    with pytest.raises(Conflict, match="2026-11 was closed meanwhile"):
        periods.record_correction(_correction(2), lease)
    assert periods.next_open("2026-10") == "2026-12"
    periods.record_correction(_correction(2, "2026-12"), lease)
    assert [one.sequence for one in periods.corrections_of("2026-10")] == [1, 2]
    assert periods.corrections_in("2026-11") == (_correction(1),)
    assert periods.months() == {"2026-10", "2026-11", "2026-12"}


def test_the_billing_zone_is_fixed_once(each_database: Warehouse) -> None:
    each_database.periods.set_billing_zone("Europe/Berlin")
    each_database.periods.set_billing_zone("Europe/Berlin")
    with pytest.raises(Conflict, match="fixed to Europe/Berlin"):
        each_database.periods.set_billing_zone("UTC")
    with pytest.raises(InputError):
        each_database.periods.set_billing_zone("Mars/Olympus")


def test_money_with_more_than_six_decimals_is_refused(each_database: Warehouse) -> None:
    budget = Budget("team", "shop", "2026-10", Money(Decimal("0.0000001"), "EUR"))
    with pytest.raises(MillicoreError, match="more than 6 decimals"):
        each_database.budgets.replace([budget])


def test_budgets_are_seen_by_those_who_may(each_database: Warehouse) -> None:
    shop = Budget("team", "shop", "2026-10", Money(Decimal("100.50"), "EUR"))
    everything = Budget("all", "*", "2026-10", Money(Decimal(900), "EUR"))
    each_database.budgets.replace([shop, everything])
    assert each_database.budgets.list(ADMIN) == [everything, shop]
    assert each_database.budgets.list(SHOP, "2026-10") == [shop]
    assert each_database.budgets.list(STRANGER) == []
    with pytest.raises(Forbidden):
        each_database.budgets.list(NOBODY)
    with pytest.raises(InputError, match="two amounts"):
        each_database.budgets.replace([shop, shop])


def test_plans_are_kept(each_database: Warehouse) -> None:
    stage = Initiative("spot", "spot nodes for batch", START, cluster="alpha")
    each_database.initiatives.save(stage)
    each_database.initiatives.save(stage)
    assert each_database.initiatives.list() == [stage]
    rate = ExchangeRate("USD", "EUR", date(2026, 10, 1), Decimal("0.9123456789"), "ECB")
    each_database.exchange_rates.save([rate])
    assert each_database.exchange_rates.at("USD", "EUR", date(2026, 10, 5)) == rate
    with pytest.raises(NotFound, match="no exchange rate"):
        each_database.exchange_rates.at("USD", "EUR", date(2026, 9, 30))
    metric = BusinessMetric("orders", "shop", date(2026, 10, 1), 12_345.0, "orders")
    each_database.business_metrics.save([metric, metric])
    assert each_database.business_metrics.list("orders", date(2026, 10, 1), date(2026, 10, 2)) == [metric]


def test_without_a_grant_a_principal_holds_no_role(each_database: Warehouse) -> None:
    access = each_database.access
    access.grant("ann", Role.OWNER, "shop")
    access.grant("ann", Role.OWNER, "web")
    access.grant("fin", Role.FINANCE)
    assert access.principal("ann") == Principal("ann", frozenset({Role.OWNER}), frozenset({"shop", "web"}))
    assert access.principal("eve") == Principal("eve")
    access.withdraw("ann", Role.OWNER, "web")
    assert access.principal("ann").teams == {"shop"}
    with pytest.raises(InputError):
        access.grant("ann", Role.OWNER)


def test_a_token_works_until_it_expires_or_is_revoked(each_database: Warehouse) -> None:
    access = each_database.access
    access.grant("ci", Role.FINANCE)
    token = access.issue_token("ci", description="export", at=NOON, expires_at=NOON + timedelta(days=1))
    found = access.principal_of_token(token, NOON)
    assert found is not None
    assert found.roles == {Role.FINANCE}
    assert access.principal_of_token(token, NOON + timedelta(days=1)) is None
    assert access.principal_of_token(token + "x", NOON) is None
    (info,) = access.tokens()
    assert token not in repr(info)
    access.revoke_token(info.id, NOON)
    assert access.principal_of_token(token, NOON) is None
    with pytest.raises(NotFound):
        access.revoke_token(info.id, NOON)


def test_the_audit_log_can_only_grow(each_database: Warehouse) -> None:
    each_database.audit.append(ADMIN, "export chargeback", "2026-10", NOON, {"rows": 3})
    for statement in (update(AUDIT_ENTRY).values(action="x"), delete(AUDIT_ENTRY)):
        with pytest.raises(Exception, match="append-only"), each_database.database.write() as connection:
            connection.execute(statement)
    (entry,) = each_database.audit.list(ADMIN)
    assert (entry.principal, entry.detail, entry.occurred_at) == ("root", {"rows": 3}, NOON)
    with pytest.raises(Forbidden):
        each_database.audit.list(SHOP)


def test_a_missing_table_says_migrate(each_database: Warehouse) -> None:
    with pytest.raises(StorageError, match="millicore migrate"), each_database.database.read() as connection:
        connection.execute(text("SELECT * FROM no_such_thing"))
