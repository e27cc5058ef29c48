"""CMDBs read from CSV, SQL and HTTP: the same rows from each, and every fault named."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from support.cmdb_server import TOKEN, CmdbServer
from support.postgres import PostgresServer

from ingest.ownership.settings import CmdbSource, parse_source
from ingest.ownership.source import read_cmdb
from models.ownership.entities import EntityKind
from models.vocabulary.errors import InputError, SourceError, SourceRefused, SourceUnreachable, UsageError

UTC_ZONE = ZoneInfo("UTC")
ROWS = [
    {
        "id": f"svc-{number}",
        "type": "Application",
        "owner": {"team": f"team-{number % 2}"},
        "ns": f"ns-{number}",
    }
    for number in range(5)
]


def source_of(tmp_path: Path, **document: object) -> CmdbSource:
    document.setdefault("columns", {"name": "id", "kind": "type", "team": "owner.team", "namespace": "ns"})
    document.setdefault("kinds", {"Application": "service", "Rack": None})
    return parse_source(document, tmp_path / "cmdb.yaml", UTC_ZONE)


def http_source(tmp_path: Path, server: CmdbServer, path: str = "/linked", **document: object) -> CmdbSource:
    document.setdefault("paging", {"next_path": "links.next"})
    document.setdefault("json_path", "data.items")
    document.setdefault("token", TOKEN)
    return source_of(tmp_path, kind="http", url=f"{server.url}{path}", timeout_seconds=5, **document)


@pytest.fixture(autouse=True)
def waits_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("ingest.ownership.http_rows.time.sleep", waits.append)
    return waits


def names(records: list) -> list[tuple[str, str, str]]:
    return [(record.name, record.facts.team, record.facts.namespace) for record in records]


EXPECTED = [(f"svc-{number}", f"team-{number % 2}", f"ns-{number}") for number in range(5)]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/linked", {}),
        ("/headed", {"paging": {"link_header": True}, "json_path": ""}),
        ("/numbered", {"paging": {"page_param": "page", "size_param": "n", "page_size": 2}, "json_path": ""}),
    ],
)
def test_every_page_is_read_in_order(cmdb_server, tmp_path, path, document) -> None:
    cmdb_server.rows = ROWS
    records = read_cmdb(http_source(tmp_path, cmdb_server, path, **document), UTC_ZONE)
    assert names(records) == EXPECTED
    assert {record.kind for record in records} == {EntityKind.SERVICE}
    assert len(cmdb_server.requests) == 3


def test_a_full_last_page_of_numbered_pages_is_followed_by_an_empty_one(cmdb_server, tmp_path) -> None:
    cmdb_server.rows = ROWS[:4]
    document = {"paging": {"page_param": "page", "page_size": 2}, "json_path": ""}
    assert len(read_cmdb(http_source(tmp_path, cmdb_server, "/numbered", **document), UTC_ZONE)) == 4
    assert len(cmdb_server.requests) == 3


def test_a_refused_token_is_named_and_never_shown(cmdb_server, tmp_path) -> None:
    source = http_source(tmp_path, cmdb_server, token="s3cret-of-ours")
    with pytest.raises(SourceRefused, match=r"cmdb: http://127.*refuses the credentials \(401\)") as caught:
        read_cmdb(source, UTC_ZONE)
    assert "s3cret" not in str(caught.value) + repr(source)
    assert len(cmdb_server.requests) == 1


def test_a_busy_server_is_asked_again_after_what_it_asks_for(cmdb_server, tmp_path, waits_asked_for) -> None:
    cmdb_server.rows = ROWS
    cmdb_server.faults = [(500, b"oops"), (503, b""), (429, b"")]
    cmdb_server.headers = {"Retry-After": "7"}
    assert names(read_cmdb(http_source(tmp_path, cmdb_server), UTC_ZONE)) == EXPECTED
    assert waits_asked_for == [7, 7, 7]


def test_a_server_that_stays_down_is_given_up_with_growing_jittered_waits(
    cmdb_server, tmp_path, waits_asked_for
) -> None:
    cmdb_server.faults = [(500, b"")] * 9
    with pytest.raises(SourceUnreachable, match=r"answered 500, also after 3 repeats. Nothing was changed"):
        read_cmdb(http_source(tmp_path, cmdb_server, retry_limit=3), UTC_ZONE)
    assert len(cmdb_server.requests) == 4
    assert all(
        0.5 * base <= wait <= 1.5 * base for wait, base in zip(waits_asked_for, (0.5, 1, 2), strict=True)
    )


def test_a_server_that_is_not_there_is_named(tmp_path, cmdb_server) -> None:
    source = replace(http_source(tmp_path, cmdb_server), url="http://127.0.0.1:9/x?key=hidden", retry_limit=0)
    with pytest.raises(SourceUnreachable, match=r"http://127.0.0.1:9/x does not answer") as caught:
        read_cmdb(source, UTC_ZONE)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b'{"data": {"items": [', b"\xff\xfe"])
def test_what_is_no_json_is_named(cmdb_server, tmp_path, body) -> None:
    cmdb_server.faults = [(200, body)]
    with pytest.raises(SourceUnreachable, match="did not answer in JSON"):
        read_cmdb(http_source(tmp_path, cmdb_server), UTC_ZONE)


@pytest.mark.parametrize("body", [b"{}", b'{"data": {"items": {}}}', b'{"data": {"items": [1]}}'])
def test_an_answer_without_rows_names_the_place(cmdb_server, tmp_path, body) -> None:
    cmdb_server.faults = [(200, body)]
    with pytest.raises(SourceError, match=r"holds no list of objects at data.items: set json_path"):
        read_cmdb(http_source(tmp_path, cmdb_server), UTC_ZONE)


def test_pages_that_lead_in_a_circle_or_to_another_host_are_refused(cmdb_server, tmp_path) -> None:
    cmdb_server.rows = ROWS
    with pytest.raises(SourceError, match="lead in a circle"):
        read_cmdb(http_source(tmp_path, cmdb_server, "/circle"), UTC_ZONE)
    cmdb_server.next_host = "http://localhost:1"
    with pytest.raises(SourceRefused, match="Credentials are not sent to another host"):
        read_cmdb(http_source(tmp_path, cmdb_server), UTC_ZONE)


def test_a_redirect_is_named_not_followed(cmdb_server, tmp_path) -> None:
    cmdb_server.faults, cmdb_server.headers = [(302, b"")], {"Location": "https://login.example.com/?t=1"}
    with pytest.raises(SourceRefused, match=r"redirects to https://login.example.com/\."):
        read_cmdb(http_source(tmp_path, cmdb_server), UTC_ZONE)


def test_a_csv_file_is_read_beside_its_description(tmp_path: Path) -> None:
    (tmp_path / "apps.csv").write_text("\ufeffid,type,team,ns\nsvc-0,Application,team-0,ns-0\nr1,Rack,,\n")
    columns = {"name": "id", "kind": "type", "team": "team", "namespace": "ns"}
    source = source_of(tmp_path, kind="csv", path="apps.csv", columns=columns)
    assert names(read_cmdb(source, UTC_ZONE)) == EXPECTED[:1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,type,team,ns\nsvc,Application,t\n", "row 1: has more or fewer cells"),
        (
            "id,type,team,ns\nsvc,Server,t,n\n",
            "row 1, field kind: value 'Server' is not one of Application, Rack",
        ),
        ("id,type,team,ns\n,Application,t,n\n", "row 1, field id: is empty"),
        ("id,type,team\nsvc,Application,t\n", "field ns: is mapped to namespace, and no row has it"),
        ("id,id\n", "has no header, or a column twice"),
    ],
)
def test_a_wrong_csv_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "apps.csv").write_text(text)
    columns = {"name": "id", "kind": "type", "team": "team", "namespace": "ns"}
    with pytest.raises(InputError, match=message):
        read_cmdb(source_of(tmp_path, kind="csv", path="apps.csv", columns=columns), UTC_ZONE)


SQL = "SELECT id, type, team, ns, since FROM app WHERE id LIKE 'svc-%' ORDER BY id"
CREATE = "CREATE TABLE app (id TEXT, type TEXT, team TEXT, ns TEXT, since {instant})"
SQL_COLUMNS = {"name": "id", "kind": "type", "team": "team", "namespace": "ns", "valid_from": "since"}


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a CMDB with five services and one row of no interest."""
    values = [
        (row["id"], row["type"], row["owner"]["team"], row["ns"], "2026-10-02T12:00:00+00:00") for row in ROWS
    ]
    values.append(("rack-1", "Rack", "x", "y", "2026-10-02T12:00:00+00:00"))
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "cmdb.db") as connection:
            connection.execute(CREATE.format(instant="TEXT"))
            connection.executemany("INSERT INTO app VALUES (?, ?, ?, ?, ?)", values)
        connection.close()
        return f"sqlite:///{tmp_path / 'cmdb.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(CREATE.format(instant="TIMESTAMPTZ"))
        connection.cursor().executemany("INSERT INTO app VALUES (%s, %s, %s, %s, %s)", values)
    return url


def sql_source(tmp_path: Path, url: str, query: str = SQL) -> CmdbSource:
    return source_of(tmp_path, kind="sql", database_url=url, query=query, columns=SQL_COLUMNS)


def test_a_query_gives_the_same_rows_from_both_databases(tmp_path: Path, database_url: str) -> None:
    records = read_cmdb(sql_source(tmp_path, database_url), UTC_ZONE)
    assert names(records) == EXPECTED
    assert {f"{record.valid_from:%Y-%m-%dT%H:%MZ}" for record in records} == {"2026-10-02T12:00Z"}


def test_a_query_cannot_write_there(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(UsageError, match="begins with SELECT"):
        read_cmdb(sql_source(tmp_path, database_url, "DELETE FROM app"), UTC_ZONE)
    hidden = "WITH gone AS (DELETE FROM app RETURNING *) SELECT * FROM gone"
    with pytest.raises(SourceError):
        read_cmdb(sql_source(tmp_path, database_url, hidden), UTC_ZONE)
    assert len(read_cmdb(sql_source(tmp_path, database_url), UTC_ZONE)) == 5


def test_a_query_that_fails_is_named_without_the_password(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(SourceError, match=r"refuses the query: .*nowhere") as caught:
        read_cmdb(sql_source(tmp_path, database_url, "SELECT 1 FROM nowhere"), UTC_ZONE)
    assert "secret-word" not in str(caught.value)


def test_a_database_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ann:pass-word@127.0.0.1:9/x"
    with pytest.raises(SourceUnreachable, match=r"127.0.0.1:9/x cannot be used") as caught:
        read_cmdb(sql_source(tmp_path, url), UTC_ZONE)
    assert "pass-word" not in str(caught.value)
    with pytest.raises(SourceUnreachable, match=r"nothing.db cannot be used"):
        read_cmdb(sql_source(tmp_path, f"sqlite:///{tmp_path}/nothing.db"), UTC_ZONE)
    assert not (tmp_path / "nothing.db").exists()


@pytest.mark.parametrize("url", ["not a url", "oracle+nosuch://x"])
def test_a_url_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError):
        read_cmdb(sql_source(tmp_path, url), UTC_ZONE)
