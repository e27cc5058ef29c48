"""What the repository of suggestions promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from support.recommendations import run_of, suggestion
from support.warehouse import NOON, created_warehouse, folder_location

from models.vocabulary.errors import (
    Conflict,
    Forbidden,
    InputError,
    NotFound,
)
from models.vocabulary.identity import Principal, Role
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from warehouse.database.schema import RECOMMENDATION_EVENT
from warehouse.gateway import Warehouse

START = datetime(2026, 10, 1, tzinfo=UTC)
TTL = timedelta(minutes=10)
ADMIN = Principal("root", frozenset({Role.ADMIN}))
SHOP = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
STRANGER = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
NOBODY = Principal("nobody")


def test_events_of_suggestions_can_only_grow(each_database: Warehouse) -> None:
    each_database.recommendations.save_run(run_of(suggestion()))
    for statement in (update(RECOMMENDATION_EVENT).values(state="x"), delete(RECOMMENDATION_EVENT)):
        with pytest.raises(Exception, match="append-only"), each_database.database.write() as connection:
            connection.execute(statement)


def test_the_same_run_twice_changes_nothing(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    for _ in range(2):
        repository.save_run(run_of(suggestion()))
    (stored,) = repository.list(ADMIN)
    assert stored.recommendation == suggestion()
    assert stored.state is RecommendationState.PROPOSED
    assert len(repository.events(stored.id)) == 1


def test_other_advice_supersedes_the_older_proposal(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion(cpu=0.5)))
    repository.save_run(run_of(suggestion(cpu=0.25)))
    states = {s.recommendation.advised.cpu_request_cores: s.state for s in repository.list(ADMIN)}
    assert states == {0.5: RecommendationState.SUPERSEDED, 0.25: RecommendationState.PROPOSED}


def test_advice_that_is_not_repeated_expires_and_the_silence_is_kept(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion()))
    repository.save_run(run_of())
    assert [s.state for s in repository.list(ADMIN)] == [RecommendationState.EXPIRED]
    (silence,) = repository.silences(SHOP)
    assert silence.silence.sentence == "3 of 7 days"
    assert repository.silences(STRANGER) == []


def test_a_run_leaves_other_clusters_alone(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion(cluster="beta"), clusters=("beta",)))
    repository.save_run(run_of(clusters=("alpha",)))
    assert [s.state for s in repository.list(ADMIN)] == [RecommendationState.PROPOSED]


def test_an_accepted_suggestion_stands_and_keeps_its_container_quiet(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion(cpu=0.5)))
    (stored,) = repository.list(SHOP)
    repository.decide(
        stored.id, etag=stored.etag, principal=SHOP, state=RecommendationState.ACCEPTED, at=NOON, note="ok"
    )
    repository.save_run(run_of(suggestion(cpu=0.25)))
    (stored,) = repository.list(SHOP)
    assert stored.state is RecommendationState.ACCEPTED
    last = repository.events(stored.id, SHOP)[-1]
    assert (last.principal, last.note, last.occurred_at) == ("ann", "ok", NOON)


def test_a_rejected_advice_does_not_come_back(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion()))
    (stored,) = repository.list(SHOP)
    rejected = {"etag": stored.etag, "principal": SHOP, "state": RecommendationState.REJECTED, "at": NOON}
    with pytest.raises(InputError, match="say why"):
        repository.decide(stored.id, **rejected)
    event = repository.decide(stored.id, **rejected, reason=RejectionReason.PEAK_KNOWN)
    assert event.reason is RejectionReason.PEAK_KNOWN
    repository.save_run(run_of(suggestion()))
    assert [s.state for s in repository.list(SHOP)] == [RecommendationState.REJECTED]


def test_a_snooze_ends_with_a_proposal(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion()))
    (stored,) = repository.list(SHOP)
    snooze = {"etag": stored.etag, "principal": SHOP, "state": RecommendationState.SNOOZED, "at": NOON}
    with pytest.raises(InputError, match="future"):
        repository.decide(stored.id, **snooze, until=NOON)
    repository.decide(stored.id, **snooze, until=NOON + timedelta(days=7))
    repository.save_run(run_of(suggestion(cpu=0.1), as_of=NOON + timedelta(days=6)))
    assert [s.state for s in repository.list(SHOP)] == [RecommendationState.SNOOZED]
    repository.save_run(run_of(suggestion(), as_of=NOON + timedelta(days=8)))
    assert [s.state for s in repository.list(SHOP)] == [RecommendationState.PROPOSED]


def test_only_the_owner_sees_and_decides(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion()))
    (stored,) = repository.list(ADMIN)
    assert repository.list(STRANGER) == []
    accept = {"etag": stored.etag, "state": RecommendationState.ACCEPTED, "at": NOON}
    with pytest.raises(NotFound):
        repository.decide(stored.id, principal=STRANGER, **accept)
    with pytest.raises(Forbidden):
        repository.decide(stored.id, principal=NOBODY, **accept)
    finance = Principal("fin", frozenset({Role.FINANCE}))
    with pytest.raises(Forbidden):
        repository.decide(stored.id, principal=finance, **accept)
    with pytest.raises(NotFound):
        repository.get(stored.id, STRANGER)


def test_a_suggestion_that_changed_is_not_decided(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion()))
    (stored,) = repository.list(SHOP)
    with pytest.raises(Conflict, match="has changed"):
        repository.decide(
            stored.id, etag="other", principal=SHOP, state=RecommendationState.ACCEPTED, at=NOON
        )
    with pytest.raises(Conflict, match="cannot become"):
        repository.decide(
            stored.id, etag=stored.etag, principal=SHOP, state=RecommendationState.VERIFIED, at=NOON
        )


def test_the_same_advice_has_the_same_id_in_every_warehouse_and_another_in_a_second_life(
    each_database: Warehouse, tmp_path: Path
) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion(cpu=0.5)))
    (first,) = repository.list(ADMIN)
    elsewhere = created_warehouse(folder_location(tmp_path / "elsewhere"))
    try:
        elsewhere.recommendations.save_run(run_of(suggestion(cpu=0.5)))
        assert [item.id for item in elsewhere.recommendations.list(ADMIN)] == [first.id]
    finally:
        elsewhere.close()
    repository.save_run(run_of())
    repository.save_run(run_of(suggestion(cpu=0.25)))
    repository.save_run(run_of(suggestion(cpu=0.5)))
    states = {item.id: item.state for item in repository.list(ADMIN)}
    assert len(states) == 3
    assert states.pop(first.id) is RecommendationState.EXPIRED
    assert sorted(states.values()) == [RecommendationState.PROPOSED, RecommendationState.SUPERSEDED]
