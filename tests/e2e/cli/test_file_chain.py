"""From files to a chargeback file, as a person types it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from support.small_files import write_small_files
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-11-03T00:00:00Z")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    return invoke


def ingested(run: Run, folder: Path, **options: bool) -> None:
    result = run("ingest", "files", *write_small_files(folder, **options).arguments())
    assert result.exit_code == 0, result.stderr


def test_files_become_costs_that_add_up_to_the_node_bill(run: Run, tmp_path: Path) -> None:
    ingested(run, tmp_path)
    assert run("allocate").exit_code == 0
    listed = run("chargeback", "list", "--output", "json")
    (row,) = json.loads(listed.stdout)
    assert row["period"] == "2026-10"
    assert Decimal(row["total_cost"]) == Decimal("4.80")
    verified = run("chargeback", "verify", "--month", "2026-10", "--output", "json")
    assert verified.exit_code == 0
    (check,) = json.loads(verified.stdout)
    assert Decimal(check["node_bill"]) == Decimal(check["lines"]) == Decimal("4.8")


def test_the_exported_file_holds_the_same_sum_and_is_the_same_each_time(run: Run, tmp_path: Path) -> None:
    ingested(run, tmp_path)
    run("allocate")
    first = run("chargeback", "export", "--month", "2026-10", "--output-file", "a.csv", "--output", "json")
    run("chargeback", "export", "--month", "2026-10", "--output-file", "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    (written,) = json.loads(first.stdout)
    assert written["line_count"] > 0
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert sum(1 for _ in csv.DictReader(StringIO(text))) == written["line_count"]


def test_a_month_that_is_not_covered_is_exported_with_a_note_and_exit_code_3(
    run: Run, tmp_path: Path
) -> None:
    ingested(run, tmp_path)
    run("allocate")
    result = run("chargeback", "export", "--month", "2026-10", "--output-file", "a.csv")
    assert result.exit_code == 3
    assert "note:" in result.stderr


def test_an_unknown_instance_type_is_assumed_and_said_to_be(run: Run, tmp_path: Path) -> None:
    ingested(run, tmp_path, with_unknown_type=True)
    result = run("allocate", "--output", "json")
    assert result.exit_code == 3
    assert "x9.mystery" in result.stderr
    assert "assumed" in result.stderr
    (row,) = json.loads(run("chargeback", "list", "--output", "json").stdout)
    assert row["assumed_ratio"] > 0


def test_strict_prices_leave_an_unknown_type_unpriced_never_zero(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLICORE_PRICES_MODE", "strict")
    ingested(run, tmp_path, with_unknown_type=True)
    result = run("allocate")
    assert result.exit_code == 3
    assert "unpriced" in result.stderr
    rows = json.loads(run("chargeback", "list", "--output", "json").stdout)
    assert sum(row["unpriced_container_hours"] for row in rows) == 24.0


def test_reading_the_same_files_twice_changes_nothing(run: Run, tmp_path: Path) -> None:
    ingested(run, tmp_path)
    again = run("ingest", "files", *write_small_files(tmp_path).arguments(), "--output", "json")
    (row,) = json.loads(again.stdout)
    assert (row["rows"], row["unchanged"]) == (0, 24)


def test_a_bad_cell_is_named_and_nothing_is_stored(run: Run, tmp_path: Path) -> None:
    files = write_small_files(tmp_path)
    text = files.usage.read_text(encoding="utf-8").replace(",3600,0.5,", ",3600,half,", 1)
    files.usage.write_text(text, encoding="utf-8")
    result = run("ingest", "files", *files.arguments())
    assert result.exit_code == 1
    for part in ("usage.csv", "row 1", "cpu_usage_cores", "half"):
        assert part in result.stderr
    assert run("ingest", "status", "--output", "json").stdout.strip() == "[]"
    assert "no price list" in run("doctor").stdout


def test_overlapping_prices_are_refused_before_anything_is_stored(run: Run, tmp_path: Path) -> None:
    files = write_small_files(tmp_path)
    with files.prices.open("a", encoding="utf-8") as file:
        file.write("m6i.large,eu-1,on_demand,USD,0.20,0.20,2026-06-01T00:00:00Z,\n")
    result = run("ingest", "files", *files.arguments())
    assert result.exit_code == 1
    assert "overlaps row 1" in result.stderr
    assert run("ingest", "status", "--output", "json").stdout.strip() == "[]"


def test_csv_on_stdout_holds_data_only(run: Run, tmp_path: Path) -> None:
    ingested(run, tmp_path)
    result = run("ingest", "status", "--output", "csv")
    (row,) = csv.DictReader(StringIO(result.stdout))
    assert (row["cluster"], row["complete"], row["source"]) == ("prod", "24", "files")


def test_the_flag_for_strict_prices_does_what_the_setting_does(run: Run, tmp_path: Path) -> None:
    ingested(run, tmp_path, with_unknown_type=True)
    assert "unpriced" in run("allocate", "--prices", "strict").stderr
    assert "assumed" in run("allocate", "--prices", "assumed").stderr
    assert run("allocate", "--prices", "free").exit_code == 2
