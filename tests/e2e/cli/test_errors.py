"""Errors of the command line: one sentence, the right exit code, no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.small_files import write_small_files
from typer.testing import CliRunner, Result

from service.cli.app import app


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["ingest", "status"], 1, "millicore migrate"),
        (["ingest", "run"], 2, "millicore connect --prometheus"),
        (["ingest", "files"], 2, "give at least one of"),
        (["ingest", "repair", "--window", "soon"], 1, "millicore migrate"),
        (["ingest", "files", "--usage", "none.csv"], 1, "none.csv"),
        (["ingest", "files", "--network", "f.csv"], 2, "--network describes the hours of --usage"),
        (["ingest", "files", "--usage", "u.csv", "--mounts", "m.csv"], 2, "the volumes of --volumes"),
        (["chargeback", "preview"], 2, "--month"),
        (["recommend", "reject", "x"], 2, "--reason"),
        (["nonsense"], 2, "nonsense"),
        (["serve", "--port", "99999"], 2, "--port"),
        (["version", "--config", "none.yaml", "--debug"], 0, ""),
        (["doctor", "--config", "none.yaml"], 2, "none.yaml does not exist"),
        (["scheduler"], 2, "no cluster is configured"),
        (["connect", "--prometheus", "nowhere"], 2, "http"),
        (["connect", "--prometheus", "http://127.0.0.1:9"], 1, "127.0.0.1:9"),
        (["connect", "--prometheus", "http://169.254.169.254"], 2, "link-local"),
        (["simulate", "nothing", "--out", "x"], 2, "nothing"),
        (["simulate", "fleet", "--out", "x", "--metrics", "odd"], 2, "full or stock"),
        (["simulate", "fleet", "--out", "x", "--interval", "400"], 2, "1 to 299 seconds"),
    ],
)
def test_an_error_says_what_is_wrong_with_the_right_exit_code(
    words: list[str], code: int, message: str
) -> None:
    result = run(*words)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_a_traceback_is_shown_only_with_debug() -> None:
    assert "Traceback" not in run("ingest", "status").stderr


def test_a_wrong_setting_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLICORE_HTTP_PORT", "many")
    result = run("ingest", "status")
    assert result.exit_code == 2
    assert "http_port has value 'many'" in result.stderr


def test_an_unreachable_database_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLICORE_DATABASE_URL", "postgresql+psycopg://me:canary-77@127.0.0.1:9/x")
    result = run("ingest", "status")
    assert result.exit_code == 1
    assert "canary-77" not in result.stderr


def test_the_demo_does_not_overwrite_the_settings_of_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "millicore.yaml").write_text("workers: 1\n", encoding="utf-8")
    result = run("demo", "--home", "mine")
    assert result.exit_code == 1
    assert "is not the demo's" in result.stderr


def test_simulated_files_are_not_mixed_with_real_ones(tmp_path: Path) -> None:
    files = write_small_files(tmp_path)
    assert run("ingest", "files", *files.arguments(), "--home", "h").exit_code == 0
    run("simulate", "fortnight", "--days", "1", "--out", "sim")
    result = run("ingest", "files", "--usage", "sim/usage", "--nodes", "sim/nodes.csv", "--home", "h")
    assert result.exit_code == 1
    assert "never mixed" in result.stderr


def test_a_command_that_is_interrupted_ends_quietly_with_code_130(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from service.cli.app import main; main()",
        "simulate",
        "demo",
        "--out",
        "s",
    ]
    repository = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not (tmp_path / "s").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr


def test_an_interrupt_that_arrives_inside_a_destructor_is_not_lost() -> None:
    script = """
import time
from service.cli.interrupts import hand_on_swallowed_interrupts

class Unlucky:
    def __del__(self):
        raise KeyboardInterrupt

hand_on_swallowed_interrupts()
try:
    Unlucky()
    time.sleep(20)
except KeyboardInterrupt:
    raise SystemExit(130)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_version_as_json_names_the_version_of_the_output_contract() -> None:
    answer = json.loads(run("version", "--output", "json").stdout)
    assert answer["output_contract"] == 1
    assert answer["version"]
