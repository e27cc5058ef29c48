"""What the repositories of owners promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, update

from models.ownership.entities import EntityFacts, EntityKind, EntityRecord
from models.ownership.history import plan_sync
from models.ownership.name_matches import MatchDecision, NameKind, NamePair
from models.ownership.names import NameAlias
from models.ownership.rules import OwnershipRow, RuleOrigin
from models.vocabulary.errors import Conflict, InputError, NotFound
from models.vocabulary.identity import Principal, Role
from warehouse.database.cmdb import SyncRecord
from warehouse.database.name_reviews import ALWAYS, Decision
from warehouse.database.owner_tables import NAME_DECISION
from warehouse.gateway import Warehouse

START = datetime(2026, 10, 1, tzinfo=UTC)
LATER = START + timedelta(days=9, microseconds=1)
ADMIN = Principal("root", frozenset({Role.ADMIN}))
NEAR = NamePair(NameKind.NAMESPACE, "tools", EntityKind.PROJECT, "Toolz", 0.8, "near")
SAME = NamePair(NameKind.NAMESPACE, "shop", EntityKind.PROJECT, "Shop", 1.0, "the same")


def sync(warehouse: Warehouse, records: list[EntityRecord], at: datetime, source: str = "cmdb"):
    def planned(versions, decisions):
        plan = plan_sync(source, [one for one in versions if one.source == source], records, at)
        counts = (plan.added_count, plan.changed_count, plan.removed_count, plan.unchanged_count)
        return plan, SyncRecord(source, at, "root", len(records), *counts, False)

    return warehouse.ownership.cmdb.sync(source, planned)


def project(name: str, team: str | None, **facts: str) -> EntityRecord:
    return EntityRecord(EntityKind.PROJECT, name, EntityFacts(team=team, **facts))


def decision(kind: MatchDecision, at: datetime = LATER, reason: str = "seen") -> Decision:
    return Decision(kind, "root", reason, START, at)


def test_rules_keep_workloads_and_annotations(each_database: Warehouse) -> None:
    rows = [
        OwnershipRow("*", "shop", "red", START, annotation_selector="owner=*@x", workload="Deployment/web"),
        OwnershipRow("*", "bank", "a", START, share_ratio=Decimal("0.25")),
    ]
    each_database.ownership.replace(rows)
    assert each_database.ownership.written() == rows
    contradicting = [OwnershipRow("*", "x", "a", START), OwnershipRow("c", "*", "b", START, priority=0)]
    each_database.ownership.replace(contradicting)
    with pytest.raises(InputError, match="same precedence"):
        each_database.ownership.replace(
            [OwnershipRow("*", "a*", "a", START), OwnershipRow("*", "*b", "b", START)]
        )
    assert each_database.ownership.written() == contradicting


def test_versions_of_a_cmdb_come_back_to_the_microsecond(each_database: Warehouse) -> None:
    cmdb = each_database.ownership.cmdb
    sync(each_database, [project("Shop", "red", namespace="shop", label_selector="a=b")], START)
    sync(each_database, [project("Shop", "blue")], LATER)
    found = cmdb.versions()
    assert [(one.facts.team, one.valid_from, one.valid_to) for one in found] == [
        ("red", START, LATER),
        ("blue", LATER, None),
    ]
    assert found[0].facts == EntityFacts(team="red", namespace="shop", label_selector="a=b")
    assert [(one.synced_at, one.changed_count) for one in cmdb.syncs("cmdb")] == [(LATER, 1), (START, 0)]


def test_what_was_believed_before_a_sync_can_still_be_read(each_database: Warehouse) -> None:
    sync(each_database, [project("Shop", "red")], START)
    before = each_database.ownership.cmdb.versions()
    sync(each_database, [project("Shop", "blue")], LATER)
    assert each_database.ownership.cmdb.believed_at(START) == before
    assert each_database.ownership.cmdb.believed_at(LATER) == each_database.ownership.cmdb.versions()
    assert each_database.ownership.cmdb.believed_at(START - timedelta(days=1)) == []


def test_sources_do_not_touch_each_other(each_database: Warehouse) -> None:
    sync(each_database, [project("Shop", "red")], START, "one")
    sync(each_database, [project("Bank", "blue")], LATER, "two")
    sync(each_database, [], LATER, "two")
    assert [one.name for one in each_database.ownership.cmdb.versions("one")] == ["Shop"]


def test_a_sync_that_fails_leaves_everything_as_it_was(each_database: Warehouse) -> None:
    sync(each_database, [project("Shop", "red")], START)
    before = each_database.ownership.cmdb.versions()

    def failing(versions, decisions):
        raise InputError("is wrong")

    with pytest.raises(InputError):
        each_database.ownership.cmdb.sync("cmdb", failing)
    assert each_database.ownership.cmdb.versions() == before
    assert len(each_database.ownership.cmdb.syncs()) == 1


def test_rules_of_the_cmdb_stand_beside_written_ones(each_database: Warehouse) -> None:
    each_database.ownership.replace([OwnershipRow("*", "bank", "blue", START)])
    alone = each_database.ownership.hash()
    sync(each_database, [project("Shop", "red")], START)
    assert each_database.ownership.hash() == alone
    each_database.ownership.reviews.store([SAME], [], START)
    (written, synced) = each_database.ownership.all()
    assert (written.team, written.origin) == ("blue", RuleOrigin.FILE)
    assert (synced.namespace, synced.team, synced.origin) == ("shop", "red", RuleOrigin.CMDB)
    assert each_database.ownership.hash() != alone


def test_names_wait_are_decided_once_and_keep_every_decision(each_database: Warehouse) -> None:
    reviews = each_database.ownership.reviews
    assert reviews.store([SAME], [NEAR], START) == 2
    assert reviews.store([SAME], [NEAR], LATER) == 0
    waiting, merged = reviews.pairs()
    assert (waiting.pair, waiting.latest, waiting.found_at) == (NEAR, None, START)
    assert merged.latest is not None
    assert (merged.latest.decision, merged.latest.effective_from) == (MatchDecision.MERGED, ALWAYS)
    reviews.decide(NEAR.id, decision(MatchDecision.ACCEPTED))
    with pytest.raises(Conflict, match="accepted already by root"):
        reviews.decide(NEAR.id, decision(MatchDecision.ACCEPTED))
    reviews.decide(NEAR.id, decision(MatchDecision.REJECTED))
    assert [one.decision.value for one in reviews.history(NEAR.id)] == ["accepted", "rejected"]
    with pytest.raises(NotFound):
        reviews.decide("0" * 10, decision(MatchDecision.ACCEPTED))
    entries = each_database.audit.list(ADMIN)
    assert [entry.action for entry in entries] == ["rejected name", "accepted name"]
    assert entries[0].detail["entity"] == "Toolz"


def test_a_person_overrules_the_rule_for_good(each_database: Warehouse) -> None:
    reviews = each_database.ownership.reviews
    reviews.store([SAME], [], START)
    reviews.decide(SAME.id, decision(MatchDecision.REJECTED))
    reviews.store([SAME], [], LATER)
    assert [one.decision.value for one in reviews.history(SAME.id)] == ["merged", "rejected"]


def test_proposals_that_are_found_no_more_leave_the_queue_unless_decided(each_database: Warehouse) -> None:
    reviews = each_database.ownership.reviews
    other = NamePair(NameKind.NAMESPACE, "bank", EntityKind.PROJECT, "Banq", 0.8, "near")
    reviews.store([], [NEAR, other], START)
    reviews.decide(NEAR.id, decision(MatchDecision.REJECTED))
    reviews.store([], [], LATER)
    assert [one.pair.name for one in reviews.pairs()] == ["tools"]


def test_decisions_can_be_neither_changed_nor_deleted(each_database: Warehouse) -> None:
    each_database.ownership.reviews.store([SAME], [], START)
    for statement in (update(NAME_DECISION).values(reason="x"), delete(NAME_DECISION)):
        with pytest.raises(Exception, match="append-only"), each_database.database.write() as connection:
            connection.execute(statement)
    assert [one.reason for one in each_database.ownership.reviews.history(SAME.id)] == ["the same"]


def test_aliases_come_back_and_bad_ones_leave_the_old(each_database: Warehouse) -> None:
    ownership = each_database.ownership
    rows = [NameAlias("squad 7", "Pay", START, LATER, "names.csv", 1), NameAlias("p", "Pay", START)]
    ownership.replace_aliases(rows)
    assert ownership.written_aliases() == rows
    before = ownership.hash()
    with pytest.raises(InputError, match="a -> b -> a"):
        ownership.replace_aliases([NameAlias("a", "b", START), NameAlias("b", "a", START)])
    assert ownership.written_aliases() == rows
    ownership.replace_aliases([])
    assert ownership.hash() != before


def test_a_label_that_a_person_accepted_is_another_name_of_its_team(each_database: Warehouse) -> None:
    ownership = each_database.ownership
    pair = NamePair(NameKind.TEAM, "pymts", EntityKind.TEAM, "Payments", 0.8, "near")
    ownership.reviews.store([], [pair], START)
    assert ownership.aliases() == []
    ownership.reviews.decide(pair.id, decision(MatchDecision.ACCEPTED))
    assert ownership.aliases() == [NameAlias("pymts", "Payments", START)]
    ownership.replace_aliases([NameAlias("PYMTS", "Payments", START)])
    assert ownership.aliases() == [NameAlias("PYMTS", "Payments", START)]
