"""The golden month closed, corrected and reopened as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
MONTH = Path(__file__).parents[2] / "golden" / "month"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-03-20T00:00:00Z")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    kinds = ("usage", "nodes", "prices", "ownership")
    files = [word for kind in kinds for word in (f"--{kind}", str(MONTH / f"{kind}.csv"))]
    assert invoke("ingest", "files", *files).exit_code in (0, 3)
    return invoke


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code in (0, 3), result.stderr
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


def close(run: Run, note: str = "agreed") -> Result:
    words = ("chargeback", "close", "--month", "2026-02", "--accept-missing", "--note", note)
    return run(*words, "--output", "json")


def test_the_golden_month_closes_exports_alike_and_is_corrected(run: Run, tmp_path: Path) -> None:
    (closed,) = rows(close(run))
    assert (closed["state"], closed["folder"]) == ("closed", "closed/2026-02/1")
    export = ("chargeback", "export", "--month", "2026-02", "--format", "detail", "--output-file")
    assert run(*export, "a.csv").exit_code == 0
    dearer = (MONTH / "prices.csv").read_text().replace("1.10", "1.30")
    (tmp_path / "prices.csv").write_text(dearer)
    assert run("ingest", "files", "--prices", "prices.csv").exit_code in (0, 3)
    assert run("allocate").exit_code == 0
    assert run(*export, "b.csv").exit_code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    correct = ("chargeback", "correct", "--month", "2026-02", "--reason", "letter", "--output", "json")
    (posted,) = rows(run(*correct))
    assert Decimal(posted["effective_cost"]) == 336 * Decimal("0.2")
    assert posted["posted_in"] == "2026-03"
    assert rows(run(*correct)) == []
    listed = {row["period"]: row for row in rows(run("chargeback", "list", "--output", "json"))}
    assert listed["2026-02"]["state"] == "closed r1"
    assert Decimal(listed["2026-02"]["total_cost"]) == Decimal("729.60")
    assert listed["2026-02"]["manifest_sha256"] == closed["manifest_sha256"]
    assert Decimal(listed["2026-03"]["correction_cost"]) == Decimal("67.20")
    for month in ("2026-02", "2026-03"):
        assert run("chargeback", "verify", "--month", month).exit_code == 0
    assert run("chargeback", "export", "--month", "2026-03", "--format", "focus").exit_code in (0, 3)


def test_a_reopened_month_closes_as_revision_two(run: Run) -> None:
    rows(close(run))
    refused = run("chargeback", "reopen", "--month", "2026-02", "--reason", " ")
    assert refused.exit_code == 2
    rows(run("chargeback", "reopen", "--month", "2026-02", "--reason", "asked", "--output", "json"))
    (closed,) = rows(close(run, "again"))
    assert closed["folder"] == "closed/2026-02/2"
    again = close(run)
    assert again.exit_code == 1
    assert "closed already, as revision 2" in again.stderr


def test_a_refusal_lists_what_to_fix_and_exits_with_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-03-01T05:00:00Z")
    refused = run("chargeback", "close", "--month", "2026-02")
    assert refused.exit_code == 1
    assert "2026-02 cannot be closed yet; fix these first:" in refused.stderr
    assert "2026-02 may be closed from 2026-03-02 00:00Z" in refused.stderr


def test_changed_closed_files_are_reported(run: Run, tmp_path: Path) -> None:
    rows(close(run))
    file = tmp_path / "home" / "lake" / "closed" / "2026-02" / "1" / "cost_day.parquet"
    file.chmod(0o644)
    file.write_bytes(b"other")
    found = run("chargeback", "verify", "--month", "2026-02")
    assert found.exit_code == 1
    assert "closed/2026-02/1/cost_day.parquet was changed" in found.stderr
