"""What is wrong with a file is said in words that name it and its remedy."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from support.simulated_files import NODE_ROW, lake_rows, observe_all, observe_rows, usage_row, write_rows

from ingest.files.source import FileSource
from models.vocabulary.errors import InputError


def refused(path: Path) -> str:
    with pytest.raises(InputError) as refusal, FileSource([path], []):
        pass
    return str(refusal.value)


def good_text(folder: Path) -> str:
    return write_rows(folder / "good.csv", [usage_row()]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "is empty: the first line names the columns"),
        (lambda text: text.replace(",", ";"), "separates its cells with semicolons: write commas"),
        (lambda text: text.replace(",", "\t"), "separates its cells with tabs: write commas"),
        (
            lambda text: text.replace("cpu_request_cores", "cpu_reqest_cores"),
            "did you mean cpu_request_cores?",
        ),
        (
            lambda text: text.replace(",0.5,", ",5x,"),
            "value '5x' is no number and is not a Kubernetes quantity",
        ),
        (lambda text: text.replace(",0.5,", ",1e300,"), "value 1e+300 is too large to be true"),
        (
            lambda text: text.replace("prod,", "null,"),
            "value 'null' means a missing value",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, change: object, message: str) -> None:
    assert callable(change)
    path = tmp_path / "bad.csv"
    path.write_text(change(good_text(tmp_path)), encoding="utf-8")
    answer = refused(path)
    assert message in answer
    assert "bad.csv" in answer


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_refused_with_the_one_that_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(good_text(tmp_path).replace("shop,", "café,").encode(encoding))
    assert "is not UTF-8 text: save it as CSV in UTF-8" in refused(path)


@pytest.mark.parametrize("more", [{}, {"line_terminator": "\r\n", "byte_order_mark": "\ufeff"}])
def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path, more: dict[str, str]) -> None:
    text = good_text(tmp_path).replace("\r\n", "\n").replace("\n", more.get("line_terminator", "\n"))
    path = tmp_path / "usage.csv"
    path.write_bytes((more.get("byte_order_mark", "") + text).encode())
    with FileSource([path], []) as source:
        assert source.clusters() == ["prod"]


def test_a_huge_cell_is_not_quoted_whole(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "bad.csv", [usage_row(labels="{" + "x" * 5_000_000)])
    assert len(refused(path)) < 600


def test_empty_text_in_parquet_is_unset_as_in_csv(tmp_path: Path) -> None:
    rows = [usage_row(minute, labels="", pod_uid="") for minute in range(0, 60, 5)]
    frame = pd.DataFrame(rows)
    frame["interval_start"] = pd.to_datetime(frame["interval_start"])
    frame.to_parquet(tmp_path / "usage.parquet", index=False)
    nodes = write_rows(tmp_path / "nodes.csv", [NODE_ROW])
    with FileSource([tmp_path / "usage.parquet"], [nodes]) as source:
        from_parquet = lake_rows(observe_all(source, "prod"), "container_hour")
    assert from_parquet == lake_rows(observe_rows(tmp_path, rows), "container_hour")
    assert from_parquet[0]["pod_uid"]


def test_empty_text_in_a_required_column_of_parquet_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame([usage_row(namespace="")])
    frame["interval_start"] = pd.to_datetime(frame["interval_start"])
    frame.to_parquet(tmp_path / "usage.parquet", index=False)
    assert "field namespace: is empty" in refused(tmp_path / "usage.parquet")
