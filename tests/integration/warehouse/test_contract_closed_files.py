"""Closed files on a folder and on S3: complete by their manifest, replaced before, never changed after."""

from __future__ import annotations

import pyarrow as pa
import pytest

from models.vocabulary.errors import LakeInconsistent
from warehouse.closed import ClosedFiles, encode, input_hash
from warehouse.gateway import Warehouse

FOLDER = "closed/2026-10/1"
ROWS = pa.table({"a": pa.array([1, 2, None]), "b": ["x", "y", "z"]})


class Killed(Exception):
    """Stands for the end of the process."""


def write(files: ClosedFiles, rows: pa.Table = ROWS, stop: str | None = None) -> str:
    def on_step(step: str) -> None:
        if step == stop:
            raise Killed

    return files.write(FOLDER, {"cost_day": encode(rows), "price": encode(ROWS)}, {"note": "é"}, on_step)


def test_tables_come_back_as_they_were_closed(any_warehouse: Warehouse) -> None:
    files = ClosedFiles(any_warehouse.lake.root)
    digest = write(files)
    files.check(FOLDER, digest)
    manifest = files.manifest(FOLDER, digest)
    assert manifest["note"] == "é"
    assert [one["row_count"] for one in manifest["files"]] == [3, 3]
    assert files.table(FOLDER, manifest, "cost_day") == ROWS
    assert write(files) == digest


@pytest.mark.parametrize("step", ["emptied", "written cost_day", "written price"])
def test_an_attempt_that_died_is_replaced_whole(any_warehouse: Warehouse, step: str) -> None:
    files = ClosedFiles(any_warehouse.lake.root)
    with pytest.raises(Killed):
        write(files, ROWS.slice(1), step)
    with pytest.raises(LakeInconsistent, match=r"manifest\.json is gone"):
        files.manifest(FOLDER, "any")
    digest = write(files)
    files.check(FOLDER, digest)
    assert files.table(FOLDER, files.manifest(FOLDER, digest), "cost_day") == ROWS


def test_other_content_is_found_out(any_warehouse: Warehouse) -> None:
    files = ClosedFiles(any_warehouse.lake.root)
    digest = write(files)
    other = write(files, ROWS.slice(1))
    assert other != digest
    with pytest.raises(LakeInconsistent, match=r"manifest\.json was changed.*backup"):
        files.check(FOLDER, digest)


def test_equal_tables_have_equal_hashes() -> None:
    chunked = pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)])
    assert input_hash({"a": encode(chunked)}) == input_hash({"a": encode(ROWS)})
    assert input_hash({"b": encode(ROWS)}) != input_hash({"a": encode(ROWS)})
