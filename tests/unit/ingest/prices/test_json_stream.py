from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.prices import json_stream
from ingest.prices.json_stream import iterate_members, iterate_records
from models.vocabulary.errors import InputError

DOCUMENT = {"a": {"x": 1, "y": [1.25, "two", None]}, "b": "text", "c": {}, "d": [{"k": 12345.5}]}


@pytest.mark.parametrize("chunk", [1, 3, 7, 1 << 20])
def test_members_are_the_same_however_the_file_is_cut(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    path = tmp_path / "d.json"
    path.write_text(json.dumps(DOCUMENT, indent=1))
    assert list(iterate_members(path, 2)) == [
        (("a", "x"), Decimal(1)),
        (("a", "y"), [Decimal("1.25"), "two", None]),
        (("b",), "text"),
        (("d", "0"), {"k": Decimal("12345.5")}),
    ]


def test_packed_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "d.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"skus": [{"a": 1}]}).encode()))
    assert list(iterate_records(path, "skus")) == [{"a": Decimal(1)}]


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', '{"a" 1}', '{"a": 1} x', '{"a": [1 2]}', "not json"])
def test_what_is_no_json_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "d.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"d\.json: is no JSON"):
        list(iterate_members(path, 2))


def test_an_empty_list_is_known_and_a_missing_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text('{"other": [1]}')
    with pytest.raises(InputError, match="holds no list Items"):
        list(iterate_records(path, "Items"))
