from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingest.ownership.records import records_of
from ingest.ownership.settings import parse_source
from ingest.ownership.values import at_path, instant_of, text_of
from models.vocabulary.errors import InputError

BERLIN = ZoneInfo("Europe/Berlin")
FILE = Path("/etc/CMDB.yaml")
WHOLE = {"kind": "csv", "path": "apps.csv", "columns": {"name": "id"}, "values": {"kind": "service"}}


def parsed(**changes):
    return parse_source({**WHOLE, **changes}, FILE, BERLIN)


def test_a_source_is_called_as_its_file_and_finds_files_beside_it() -> None:
    source = parsed()
    assert (source.name, source.path) == ("cmdb", "/etc/apps.csv")
    assert parsed(path="/srv/apps.csv").path == "/srv/apps.csv"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colums": {}}, "field colums: is no key of a source; did you mean columns"),
        ({"kind": "ldap"}, "field kind: value 'ldap' is not one of csv, sql, http"),
        ({"kind": "http"}, "field url: is missing"),
        ({"kind": "http", "url": "ftp://x"}, "field url: is not an http"),
        ({"kind": "sql", "query": "SELECT 1"}, "field database_url: is missing"),
        ({"columns": {"team": "t"}}, "field columns.name: is missing"),
        ({"columns": {"name": "id", "chief": "x"}}, "field columns.chief: cannot be mapped"),
        ({"values": {}}, "field columns.kind: is missing"),
        ({"columns": []}, "field columns.name"),
        ({"columns": "x"}, "field columns: is not a mapping"),
        ({"kinds": {"App": "planet"}}, "field kinds: value 'planet' is not one of project"),
        ({"paging": {"next_path": "a", "page_param": "p"}}, "more than one way"),
        ({"paging": {"page_size": 0}}, "page_size: value 0 is not above 0"),
        ({"timeout_seconds": 0}, "timeout_seconds: value 0"),
        ({"retry_limit": -1}, "retry_limit: value -1"),
        ({"name": "No Name"}, "field name: value 'No Name'"),
        ({"first_valid_from": "soon"}, "first_valid_from"),
    ],
)
def test_a_wrong_description_is_named(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parsed(**changes)


def test_paths_lead_into_json_and_texts_are_put_together() -> None:
    row = {"a": {"b": [{"c": "x"}]}, "d.e": "y", "n": 7, "blank": " "}
    assert [at_path(row, path) for path in ("a.b.0.c", "d.e", "a.x", "a.b.9.c", "n.m")] == [
        "x",
        "y",
        None,
        None,
        None,
    ]
    assert text_of(row, "app={a.b.0.c},n={n}") == "app=x,n=7"
    assert text_of(row, "app={nothing}") is None
    assert text_of(row, "blank") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-10-01", datetime(2026, 9, 30, 22, tzinfo=UTC)),
        (date(2026, 10, 1), datetime(2026, 9, 30, 22, tzinfo=UTC)),
        ("2026-10-01T08:00:00+02:00", datetime(2026, 10, 1, 6, tzinfo=UTC)),
        (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)),
    ],
)
def test_a_bare_date_is_midnight_in_the_billing_zone(value: object, expected: datetime) -> None:
    assert instant_of(value, BERLIN, "valid_from", "cmdb") == expected


@pytest.mark.parametrize("value", ["2026-10-01T08:00:00", "yesterday", 20261001, datetime(2026, 10, 1)])  # noqa: DTZ001
def test_a_time_without_zone_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="row 3, field valid_from"):
        instant_of(value, BERLIN, "valid_from", "cmdb", 3)


def test_columns_come_before_fixed_values_and_numbers_become_text() -> None:
    source = parsed(
        columns={"name": "id", "cost_centre": "cc"}, values={"kind": "service", "cost_centre": "0"}
    )
    records = records_of([{"id": 12, "cc": 4711}, {"id": "b", "cc": None}], source, BERLIN)
    assert [(one.name, one.facts.cost_centre) for one in records] == [("12", "4711"), ("b", "0")]


def test_a_password_in_an_address_is_not_shown() -> None:
    source = parsed(kind="http", url="https://reader:s3cret@cmdb.example.com/api")
    assert "s3cret" not in repr(source)
