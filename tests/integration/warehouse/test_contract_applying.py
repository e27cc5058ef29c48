"""What the repository of attempts promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from support.warehouse import NOON

from models.applying.attempt import ApplyMethod, ApplyResult
from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import ContainerKey, Principal, Role, WorkloadKey
from warehouse.database.applying import ApplyAttempt
from warehouse.database.applying_tables import APPLY_ATTEMPT
from warehouse.gateway import Warehouse

ADMIN = Principal("root", frozenset({Role.ADMIN}))
SHOP = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
STRANGER = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
FIRST = ApplyAttempt(
    recommendation_id="3f2a",
    key=ContainerKey(WorkloadKey("alpha", "shop", "Deployment", "web"), "app"),
    team="shop",
    principal="ann",
    attempted_at=NOON,
    action="apply",
    method=ApplyMethod.SERVER_SIDE,
    is_dry_run=False,
    result=ApplyResult.APPLIED,
    message="taken by the API",
    answer={"values": {"requests": {"cpu": "500m"}}, "status": 200, "conflicts": [], "details": []},
)


def test_an_attempt_comes_back_as_it_was_the_newest_first(each_database: Warehouse) -> None:
    later = replace(FIRST, attempted_at=NOON + timedelta(hours=1), result=ApplyResult.CONFLICT)
    for one in (FIRST, later):
        each_database.apply_attempts.add(one)
    assert each_database.apply_attempts.list(ADMIN) == [later, FIRST]


def test_owners_see_their_own_and_nobody_sees_without_a_role(each_database: Warehouse) -> None:
    unowned = replace(FIRST, team=None)
    for one in (FIRST, unowned):
        each_database.apply_attempts.add(one)
    assert each_database.apply_attempts.list(SHOP) == [FIRST]
    assert each_database.apply_attempts.list(STRANGER) == []
    with pytest.raises(Forbidden):
        each_database.apply_attempts.list(Principal("nobody"))


def test_attempts_are_asked_for_by_suggestion_and_cluster(each_database: Warehouse) -> None:
    other = replace(
        FIRST, recommendation_id="9c", key=ContainerKey(WorkloadKey("beta", "n", "k", "w"), "app")
    )
    for one in (FIRST, other):
        each_database.apply_attempts.add(one)
    assert each_database.apply_attempts.list(ADMIN, recommendation_id="9c") == [other]
    assert each_database.apply_attempts.list(ADMIN, cluster="alpha") == [FIRST]


def test_workloads_that_changed_are_counted_once_and_dry_runs_never(each_database: Warehouse) -> None:
    proxy = replace(FIRST, key=ContainerKey(FIRST.key.workload, "proxy"))
    passed = replace(FIRST, key=ContainerKey(WorkloadKey("alpha", "n", "k", "w"), "app"), is_dry_run=True)
    back = replace(passed, is_dry_run=False, action="rollback")
    refused = replace(passed, is_dry_run=False, result=ApplyResult.REFUSED)
    for one in (FIRST, proxy, passed, back, refused):
        each_database.apply_attempts.add(one)
    assert each_database.apply_attempts.count_changed("alpha", NOON) == 1
    assert each_database.apply_attempts.count_changed("alpha", NOON + timedelta(seconds=1)) == 0
    assert each_database.apply_attempts.count_changed("beta", NOON) == 0
    # an answer that was lost may have changed the workload
    each_database.apply_attempts.add(replace(passed, is_dry_run=False, result=ApplyResult.UNKNOWN))
    assert each_database.apply_attempts.count_changed("alpha", NOON) == 2


def test_attempts_can_only_be_added(each_database: Warehouse) -> None:
    each_database.apply_attempts.add(FIRST)
    for statement in (update(APPLY_ATTEMPT).values(result="applied"), delete(APPLY_ATTEMPT)):
        with pytest.raises(Exception, match="append-only"), each_database.database.write() as connection:
            connection.execute(statement)
