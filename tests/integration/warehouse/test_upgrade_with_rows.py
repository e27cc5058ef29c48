"""An installation of the version before is migrated with what it holds, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text
from support.recommendations import suggestion

from models.vocabulary.identity import Principal, Role
from models.vocabulary.suggestion_life import RecommendationState
from warehouse.database import migration
from warehouse.database.connection import Database
from warehouse.database.initiatives import Initiatives
from warehouse.database.recommendation_rows import to_values
from warehouse.database.recommendations import Decision, Recommendations

ADMIN = Principal("root", frozenset({Role.ADMIN}))
OLD_REVISION = "0008"
LATER_FIELDS = ("record", "replicas", "hpa")
MADE = datetime(2026, 10, 1, 12, tzinfo=UTC)
APPLIED = datetime(2026, 10, 3, 9, tzinfo=UTC)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def old_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database at the schema of the version before, empty."""
    url = f"sqlite:///{tmp_path}/old.db"
    if request.param == "PostgreSQL":
        url = request.getfixturevalue("postgres_server").new_database()
    database = Database(url)
    config = migration._config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLD_REVISION)
    return database


def insert(connection: Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    connection.execute(
        text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{n}' for n in values)})"), values
    )


def instant(database: Database, moment: datetime) -> object:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f") if database.is_sqlite else moment


def store_old_rows(database: Database) -> None:
    """Write an initiative, an open and an applied suggestion, with the columns that existed then."""
    values = to_values(suggestion(), "shop")
    content = {name: part for name, part in values["content"].items() if name not in LATER_FIELDS}
    made, applied = instant(database, MADE), instant(database, APPLIED)
    plain = {
        name: values[name]
        for name in ("cluster", "namespace", "workload_kind", "workload_name", "container", "policy")
    }
    with database.write() as connection:
        insert(connection, "initiative", name="spot", description="", started_at=made, ended_at=applied)
        for number, state in enumerate(("proposed", "applied")):
            insert(
                connection,
                "recommendation",
                id=f"r{number}",
                **plain,
                team="shop",
                risk_class=values["risk_class"],
                content_hash=values["content_hash"],
                state=state,
                as_of=made,
                content=json.dumps(content),
            )
            steps = ["proposed"] if state == "proposed" else ["proposed", "accepted", "applied"]
            for sequence, step in enumerate(steps, 1):
                insert(
                    connection,
                    "recommendation_event",
                    recommendation_id=f"r{number}",
                    sequence=sequence,
                    state=step,
                    principal="ann",
                    occurred_at=applied if step == "applied" else made,
                    content_hash=values["content_hash"],
                )


def test_stored_suggestions_and_initiatives_outlive_the_upgrade(old_database: Database) -> None:
    store_old_rows(old_database)
    assert migration.upgrade(old_database)[0] == "0009"
    repository = Recommendations(old_database)
    by_id = {one.id: one for one in repository.list(ADMIN)}
    assert (by_id["r0"].state_since, by_id["r0"].applied_from) == (MADE, None)
    assert (by_id["r1"].state_since, by_id["r1"].applied_from) == (APPLIED, APPLIED)
    assert by_id["r0"].wanted == by_id["r0"].recommendation.advised
    assert by_id["r0"].agreed is None
    decision = Decision("r0", by_id["r0"].etag, RecommendationState.ACCEPTED)
    repository.decide_all([decision], ADMIN, APPLIED)
    assert [event.sequence for event in repository.events("r0", ADMIN)] == [1, 2]
    (initiative,) = Initiatives(old_database).list()
    assert (initiative.name, initiative.target, initiative.closed_at) == ("spot", None, None)
    assert migration.upgrade(old_database) == []
    old_database.close()
