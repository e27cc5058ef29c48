"""The same files give the same chargeback on a folder with SQLite and on S3 with PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from support.s3 import S3Server
from support.small_files import write_small_files
from typer.testing import CliRunner

from service.cli.app import app

FORMATS = ("summary", "detail", "focus")


def run(*words: str, accepts: tuple[int, ...] = (0,)) -> str:
    answer = CliRunner().invoke(app, list(words))
    assert answer.exit_code in accepts, answer.stderr
    return answer.stdout


def exported(folder: Path, home: str, *more: str) -> dict[str, bytes]:
    """Take the files the whole way and return each chargeback file."""
    places = ("--home", home, *more)
    run("migrate", *places)
    run("ingest", "files", *write_small_files(folder).arguments(), *places)
    run("allocate", *places)
    (check,) = json.loads(run("chargeback", "verify", "--month", "2026-10", "--output", "json", *places))
    assert check["is_equal"] is True
    found = {}
    for name in FORMATS:
        file = folder / f"{Path(home).name}-{name}.csv"
        words = ("--month", "2026-10", "--format", name, "--output-file", str(file))
        run("chargeback", "export", *words, *places, accepts=(3,))
        found[name] = file.read_bytes()
    return found


@pytest.mark.s3
@pytest.mark.postgres
def test_files_on_s3_and_postgresql_become_the_same_chargeback_bytes_as_on_a_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    s3_server: S3Server,
    postgres_server: PostgresServer,
) -> None:
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-11-03T00:00:00Z")
    embedded = exported(tmp_path, str(tmp_path / "embedded"))
    settings = tmp_path / "servers.yaml"
    settings.write_text(
        json.dumps(
            {
                "lake_url": s3_server.new_bucket(),
                "database_url": postgres_server.new_database(),
                "storage_options": s3_server.storage_options,
            }
        ),
        encoding="utf-8",
    )
    shared = exported(tmp_path, str(tmp_path / "shared"), "--config", str(settings))
    assert shared == embedded
