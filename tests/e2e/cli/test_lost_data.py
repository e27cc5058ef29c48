"""A lake that lost something, or is old, is said to be so; what a message names mends it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.small_files import SmallFiles, write_small_files
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


@pytest.fixture
def files(run: Run, tmp_path: Path) -> SmallFiles:
    """Files that are stored and allocated."""
    written = write_small_files(tmp_path)
    assert run("ingest", "files", *written.arguments()).exit_code == 0
    assert run("allocate").exit_code == 0
    return written


def assert_mended(run: Run, files: SmallFiles) -> None:
    """Heal, read the files again, and find the same money as at first."""
    healed = run("doctor", "--heal")
    assert healed.exit_code == 3, healed.stderr
    assert "are owed again" in healed.stdout
    status = json.loads(run("ingest", "status", "--output", "json").stdout)
    assert status[0]["complete"] < 24
    again = run("ingest", "files", *files.arguments())
    assert again.exit_code == 0, again.stderr
    assert run("allocate").exit_code == 0
    (check,) = json.loads(run("chargeback", "verify", "--month", "2026-10", "--output", "json").stdout)
    assert check["is_equal"] is True
    assert float(check["lines"]) == pytest.approx(4.8)
    assert run("doctor").exit_code == 0


def test_a_lost_file_of_the_lake_is_found_and_its_hours_can_be_read_again(
    run: Run, files: SmallFiles, tmp_path: Path
) -> None:
    lost = next((tmp_path / "home" / "lake" / "container_hour").rglob("*.parquet"))
    lost.unlink()
    for words in (("doctor",), ("ingest", "files", *files.arguments())):
        result = run(*words)
        assert result.exit_code == 1
        assert "millicore doctor --heal" in result.stdout + result.stderr
    assert_mended(run, files)


def test_an_older_copy_of_the_lake_is_refused_until_it_is_mended(
    run: Run, files: SmallFiles, tmp_path: Path
) -> None:
    lake, older = tmp_path / "home" / "lake", tmp_path / "older"
    shutil.copytree(lake, older)
    usage = files.usage.read_text(encoding="utf-8")
    files.usage.write_text(usage.replace(",0.5,", ",0.6,"), encoding="utf-8")
    assert run("ingest", "files", *files.arguments()).exit_code == 0
    assert run("allocate").exit_code == 0
    shutil.rmtree(lake)
    shutil.move(older, lake)
    for words in (("allocate",), ("chargeback", "list"), ("ingest", "files", *files.arguments())):
        result = run(*words)
        assert result.exit_code == 1
        assert "the lake is older than the ledger" in result.stderr
    assert_mended(run, files)


def test_a_lake_that_is_gone_is_made_anew_and_not_taken_for_unchanged(
    run: Run, files: SmallFiles, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "home" / "lake")
    assert "millicore migrate" in run("allocate").stderr
    assert run("migrate").exit_code == 0
    assert "doctor --heal" in run("allocate").stderr
    assert_mended(run, files)


def test_a_file_that_is_no_database_is_an_error_in_words(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "millicore.db").write_text("garbage " * 20, encoding="utf-8")
    result = run("ingest", "status")
    assert result.exit_code == 1
    assert "is no database of SQLite" in result.stderr


def test_a_home_that_cannot_be_a_folder_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = CliRunner().invoke(app, ["ingest", "status", "--home", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert "cannot be created: File exists. Choose another with --home" in result.stderr


@pytest.mark.parametrize(
    "words",
    [("allocate",), ("recommend", "list"), ("export", "cost_day", "--output-file", "x.csv")],
)
def test_a_cluster_that_nobody_knows_is_refused(run: Run, files: SmallFiles, words: tuple[str, ...]) -> None:
    result = run(*words, "--cluster", "nope")
    assert result.exit_code == 1
    assert "there is no cluster nope" in result.stderr


def test_nodes_without_usage_are_refused_with_what_is_missing(run: Run, files: SmallFiles) -> None:
    result = run("ingest", "files", "--nodes", str(files.nodes))
    assert result.exit_code == 2
    assert "give both" in result.stderr


def test_old_data_is_judged_as_of_its_end_and_said_to_be_old(run: Run, files: SmallFiles) -> None:
    result = run("recommend", "run")
    assert result.exit_code == 3
    assert "prod is judged as of 2026-10-02 00:00Z: nothing newer is stored" in result.stderr
    silences = json.loads(run("recommend", "list", "--silent", "--output", "json").stdout)
    assert silences
    assert "gone" not in {row["reason"] for row in silences}
