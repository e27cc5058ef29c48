"""Small text files: what cannot be read says where and why."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ingest.files.text_files import csv_rows, read_small_text, reading_text
from models.vocabulary.errors import InputError


def test_a_mark_and_packing_are_seen_through(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_bytes("\ufeffname,size\nä,1\n".encode())
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    expected = [(1, {"name": "ä", "size": "1"})]
    assert list(csv_rows(plain)) == expected
    assert list(csv_rows(packed)) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "has no header"),
        (b"a,a\n1,2\n", "a column twice"),
        (b"a,b\n1,2\n1,2,3\n", "row 2: has more or fewer cells"),
        (b"a,b\n1\n", "row 1: has more or fewer cells"),
        (b"a\n\xff\n", "is not UTF-8"),
        (b'a\n"b"c\n', "is no CSV"),
    ],
)
def test_a_damaged_csv_is_refused_with_its_row(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        list(csv_rows(file))


def test_short_rows_are_empty_cells_where_that_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1\n")
    assert list(csv_rows(file, may_be_short=True)) == [(1, {"a": "1", "b": ""})]
    file.write_text("a,b\n1,2,3\n")
    with pytest.raises(InputError, match="more or fewer cells"):
        list(csv_rows(file, may_be_short=True))


def test_a_packed_file_that_ends_early_or_is_none_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"a\n1\n" * 1000)
    for number, content in enumerate((whole[:-12], whole[:12] + b"\0" * 20, b"plain text")):
        file = tmp_path / f"{number}.csv.gz"
        file.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"), reading_text(file) as stream:
            stream.read()


def test_a_document_has_a_largest_size(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("a: 1\n")
    assert read_small_text(file) == "a: 1\n"
    file.write_text("#" * ((8 << 20) + 1))
    with pytest.raises(InputError, match="larger than 8 MiB"):
        read_small_text(file)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_small_text(tmp_path / "absent.yaml")
