"""Chargeback files of every type as a person writes and checks them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
GOLDEN = Path(__file__).parents[2] / "golden"
STEM = "chargeback_2026-02_detail_DRAFT_millicore"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-03-20T00:00:00Z")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    kinds = ("usage", "nodes", "prices", "ownership")
    files = [word for kind in kinds for word in (f"--{kind}", str(GOLDEN / "month" / f"{kind}.csv"))]
    assert invoke("ingest", "files", *files).exit_code in (0, 3)
    assert invoke("allocate").exit_code in (0, 3)
    return invoke


def test_every_file_type_is_written_under_its_name_and_verifies(run: Run, tmp_path: Path) -> None:
    words = ("--month", "2026-02", "--format", "detail", "--output-file", ".", "--output", "json")
    for file_type in ("csv", "parquet", "xlsx"):
        done = run("chargeback", "export", *words, "--file-type", file_type)
        assert done.exit_code in (0, 3), done.stderr
        (written,) = json.loads(done.stdout)
        assert Path(written["path"]).name == f"{STEM}.{file_type}"
        assert json.loads(Path(written["manifest"]).read_text())["sha256"] == written["sha256"]
    assert pq.read_table(tmp_path / f"{STEM}.parquet").num_rows == 352
    for file_type, code in (("csv", 0), ("parquet", 0), ("xlsx", 1)):
        done = run("chargeback", "verify", "--month", "2026-02", "--file", f"{STEM}.{file_type}")
        assert done.exit_code == code, done.stderr


def test_a_mark_is_for_csv(run: Run, tmp_path: Path) -> None:
    words = ("chargeback", "export", "--month", "2026-02", "--bom", "--output-file", "out")
    assert run(*words).exit_code in (0, 3)
    expected = (GOLDEN / "expected" / "summary.csv").read_bytes()
    assert (tmp_path / "out").read_bytes() == b"\xef\xbb\xbf" + expected
    refused = run(*words, "--file-type", "parquet")
    assert refused.exit_code == 2
    assert "--bom belongs to CSV" in refused.stderr
