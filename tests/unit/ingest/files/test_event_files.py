from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.files.event_files import load_events
from models.events.calendar import EventKind, EventScope
from models.vocabulary.errors import InputError

CSV = """name,kind,start,end,namespace,expected_factor,include_in_baseline
singles day,sale,2026-11-11,2026-11-12,shop-*,3.5,
new year,holiday,2027-01-01T00:00:00Z,2027-01-02T00:00:00Z,,,yes
"""
YAML = """
events:
  - {name: singles day, start: 2026-11-11, end: 2026-11-12, namespace: shop-*, expected_factor: 3.5}
  - {name: new year, kind: holiday, start: 2027-01-01, end: 2027-01-02T00:00:00Z, include_in_baseline: true}
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "text"), [("events.csv", CSV), ("events.yaml", YAML)])
def test_events_are_read_from_csv_and_yaml_alike(tmp_path: Path, name: str, text: str) -> None:
    sale, feast = load_events(written(tmp_path, name, text))
    assert (sale.name, sale.kind, sale.expected_factor) == ("singles day", EventKind.SALE, 3.5)
    assert sale.scope == EventScope("*", "shop-*", "*")
    assert (sale.start, sale.end) == (
        datetime(2026, 11, 11, tzinfo=UTC),
        datetime(2026, 11, 12, tzinfo=UTC),
    )
    assert (feast.kind, feast.expected_factor, feast.include_in_baseline) == (EventKind.HOLIDAY, None, True)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("sale,party,2026-11-11,2026-11-12,,,", "kind"),
        ("sale,sale,tomorrow,2026-11-12,,,", "start"),
        ("sale,sale,2026-11-12,2026-11-11,,,", "end"),
        ("sale,sale,2026-11-11,2026-11-12,,,perhaps", "include_in_baseline"),
        ("sale,sale,2026-11-11,2026-11-12,,0,", "expected_factor"),
        ("singles day,sale,2026-11-11,2026-11-12,shop-*,2,", "name"),
    ],
)
def test_a_wrong_cell_is_named_with_file_and_row(tmp_path: Path, row: str, field: str) -> None:
    path = written(tmp_path, "events.csv", CSV + row + "\n")
    with pytest.raises(InputError) as refused:
        load_events(path)
    assert (refused.value.field, refused.value.row, refused.value.file) == (field, 3, str(path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", "is not YAML"), ("a: 1", "begin with `events:`"), ("- {name: a, factor: 2}", "is not a key")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load_events(written(tmp_path, "events.yml", text))
