"""What mappings, disputes and exchange rates promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, update
from support.books import DOCUMENT
from support.warehouse import NOON

from models.vocabulary.errors import Conflict, Forbidden, InputError, LeaseLost, NotFound
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from warehouse.database.audit import AuditNote
from warehouse.database.disputes import Dispute, DisputeEvent, DisputeState, Settlement
from warehouse.database.journal_tables import DISPUTE_EVENT, JOURNAL_MAPPING
from warehouse.database.periods import BillingPeriod, PeriodState
from warehouse.database.plans import ExchangeRate
from warehouse.evidence import EvidenceFiles
from warehouse.fencing import Lease
from warehouse.gateway import Warehouse

TTL = timedelta(minutes=10)
FINANCE = Principal("fin", frozenset({Role.FINANCE}))
SHOP = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
BANK = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
PENDING = (DisputeState.OPEN, DisputeState.ANSWERED)


def note(action: str = "import journal mapping") -> AuditNote:
    return AuditNote("fin", action, "mapping.yaml", NOON, {})


def opened(warehouse: Warehouse, **changes: Any) -> Dispute:
    dispute = Dispute(
        id="",
        month="2026-10",
        restates="2026-10-r1",
        team="shop",
        cost_centre="4711",
        cluster="c1",
        amount=Money(Decimal("120.50"), "EUR"),
        subject="all charges",
        reason="not ours",
        opened_by="ann",
        opened_at=NOON,
        deadline_at=NOON + timedelta(days=30),
        owner=None,
    )
    return warehouse.disputes.open(replace(dispute, **changes), event("open"))


def event(action: str, **about: Any) -> DisputeEvent:
    return DisputeEvent(action, "fin", NOON, "words", **about)


def closing_lease(warehouse: Warehouse) -> Lease:
    return warehouse.leases.acquire("chargeback", "(all clusters)", "me", TTL, NOON)


def test_a_mapping_holds_from_its_month_until_the_next(each_database: Warehouse) -> None:
    mappings = each_database.journal_mappings
    january = mappings.add("2026-01", DOCUMENT, "a.yaml", note())
    october = mappings.add("2026-10", {**DOCUMENT, "effective_month": "2026-10"}, "b.yaml", note())
    assert (january.version, october.version) == (1, 2)
    assert mappings.in_force("2025-12") is None
    assert [mappings.in_force(month) for month in ("2026-09", "2026-10", "2027-01")] == [
        january,
        october,
        october,
    ]
    newer = mappings.add("2026-01", {**DOCUMENT, "posting_period": "{month}"}, "c.yaml", note())
    assert mappings.in_force("2026-09") == newer
    assert mappings.list() == [january, october, newer]
    assert newer.content["cost_centres"] == DOCUMENT["cost_centres"]


def test_the_same_mapping_again_is_no_new_version(each_database: Warehouse) -> None:
    first = each_database.journal_mappings.add("2026-01", DOCUMENT, "a.yaml", note())
    assert each_database.journal_mappings.add("2026-01", DOCUMENT, "a.yaml", note()) == first
    assert len(each_database.audit.list(FINANCE)) == 1
    with pytest.raises(InputError):
        each_database.journal_mappings.add("October", DOCUMENT, "a.yaml", note())


def test_mappings_and_events_of_disputes_can_only_grow(each_database: Warehouse) -> None:
    each_database.journal_mappings.add("2026-01", DOCUMENT, "a.yaml", note())
    opened(each_database)
    for statement in (
        update(JOURNAL_MAPPING).values(principal="x"),
        delete(JOURNAL_MAPPING),
        update(DISPUTE_EVENT).values(note="x"),
        delete(DISPUTE_EVENT),
    ):
        with pytest.raises(Exception, match="append-only"), each_database.database.write() as connection:
            connection.execute(statement)


def test_a_dispute_is_kept_and_numbered(each_database: Warehouse) -> None:
    first, second = opened(each_database), opened(each_database, team="bank", restates=None)
    assert (first.id, second.id) == ("D-0001", "D-0002")
    assert each_database.disputes.get("D-0001", FINANCE) == first
    assert first.state is DisputeState.OPEN
    assert first.amount == Money(Decimal("120.50"), "EUR")
    assert each_database.disputes.events("D-0001") == (event("open"),)
    with pytest.raises(NotFound):
        each_database.disputes.get("D-0003", FINANCE)


def test_owners_see_the_disputes_of_their_teams_only(each_database: Warehouse) -> None:
    opened(each_database)
    assert [one.id for one in each_database.disputes.list(SHOP)] == ["D-0001"]
    assert each_database.disputes.list(BANK) == []
    with pytest.raises(NotFound):
        each_database.disputes.get("D-0001", BANK)
    with pytest.raises(Forbidden):
        each_database.disputes.list(Principal("nobody"))


def test_a_dispute_moves_on_and_never_back(each_database: Warehouse) -> None:
    opened(each_database)
    disputes = each_database.disputes
    answered = disputes.move("D-0001", event("answered"), expected=PENDING, owner="fin")
    assert (answered.state, answered.owner) == (DisputeState.ANSWERED, "fin")
    commented = disputes.move("D-0001", event("comment", evidence_name="a.pdf"), expected=PENDING)
    assert commented == answered
    assert disputes.move("D-0001", event("rejected"), expected=PENDING).state is DisputeState.REJECTED
    with pytest.raises(Conflict, match="D-0001 is rejected"):
        disputes.move("D-0001", event("withdrawn"), expected=PENDING)
    assert [one.action for one in disputes.events("D-0001")] == ["open", "answered", "comment", "rejected"]
    assert disputes.list(FINANCE, [DisputeState.OPEN]) == []


def test_a_settlement_is_posted_in_an_open_month_under_the_lease_of_closing(
    each_database: Warehouse,
) -> None:
    opened(each_database)
    lease = closing_lease(each_database)
    settlement = Settlement(Decimal("20.25"), "bank", "4712", "2026-11")
    settled = each_database.disputes.settle(
        "D-0001", settlement, event("settled"), expected=PENDING, lease=lease
    )
    assert settled.credit == Money(Decimal("20.25"), "EUR")
    assert (settled.state, settled.owner, settled.receiver) == (DisputeState.SETTLED, "fin", "bank")
    assert each_database.disputes.posted_in("2026-11") == (settled,)
    assert each_database.disputes.about("2026-10") == (settled,)
    assert [one.id for one in each_database.disputes.list(BANK)] == ["D-0001"]
    (entry,) = each_database.audit.list(FINANCE)
    assert entry.detail == {
        "credit": "20.25",
        "currency": "EUR",
        "receiver": "bank",
        "posted_in": "2026-11",
    }
    with pytest.raises(Conflict):
        each_database.disputes.settle("D-0001", settlement, event("settled"), expected=PENDING, lease=lease)


def test_nothing_is_posted_in_a_closed_month_or_without_the_lease(each_database: Warehouse) -> None:
    opened(each_database)
    lease = closing_lease(each_database)
    closed = BillingPeriod(
        "2026-11", 1, PeriodState.CLOSED, [], "a", "b", "closed/2026-11/1", "fin", "fin", None, NOON
    )
    each_database.periods.record_close(closed, zone="UTC", corrections=(), lease=lease)
    settlement = Settlement(Decimal(1), None, None, "2026-11")
    with pytest.raises(Conflict, match="2026-11 was closed meanwhile"):
        each_database.disputes.settle("D-0001", settlement, event("settled"), expected=PENDING, lease=lease)
    each_database.leases.release(lease)
    with pytest.raises(LeaseLost):
        each_database.disputes.settle("D-0001", settlement, event("settled"), expected=PENDING, lease=lease)
    assert each_database.disputes.get("D-0001", FINANCE).state is DisputeState.OPEN


def test_a_dispute_is_overdue_after_its_deadline_until_it_is_decided(each_database: Warehouse) -> None:
    dispute = opened(each_database)
    assert not dispute.is_overdue(dispute.deadline_at)
    assert dispute.is_overdue(dispute.deadline_at + timedelta(seconds=1))
    withdrawn = each_database.disputes.move("D-0001", event("withdrawn"), expected=PENDING)
    assert not withdrawn.is_overdue(datetime(2030, 1, 1, tzinfo=UTC))


def test_rates_are_replaced_by_pair_and_day_with_their_audit_entry(each_database: Warehouse) -> None:
    rates = each_database.exchange_rates
    first = ExchangeRate("USD", "EUR", date(2026, 10, 30), Decimal("0.9"), "bank")
    rates.save([first], note("import exchange rates"))
    second = replace(first, rate=Decimal("0.91"))
    other = replace(first, day=date(2026, 11, 1))
    rates.save([second, other])
    assert rates.list(date(2026, 10, 1), date(2026, 10, 31)) == [second]
    assert rates.list(date(2026, 10, 1), date(2026, 11, 1)) == [second, other]
    (entry,) = each_database.audit.list(FINANCE)
    assert entry.action == "import exchange rates"
    with pytest.raises(InputError, match="is not above 0"):
        rates.save([replace(first, rate=Decimal(0))])


@pytest.mark.parametrize("place", ["folder", pytest.param("s3", marks=pytest.mark.s3)])
def test_evidence_is_kept_once_under_its_hash(
    place: str, fresh_warehouse: Warehouse, request: pytest.FixtureRequest
) -> None:
    warehouse = fresh_warehouse if place == "folder" else request.getfixturevalue("server_warehouse")
    files = EvidenceFiles(warehouse.lake.root)
    digest = files.keep(b"a bill")
    assert files.keep(b"a bill") == digest
    assert files.read(digest) == b"a bill"
