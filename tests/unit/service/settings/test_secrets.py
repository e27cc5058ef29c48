"""Secrets: from files, never in print."""

from __future__ import annotations

import logging
from io import StringIO
from pathlib import Path

import pytest

from models.vocabulary.errors import UsageError
from service.logs import configure_logs, redact
from service.setting_sources import load_settings

CANARY = "canary-5f2c91"


def test_no_secret_is_in_the_printed_settings(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        f"""
database_url: postgresql+psycopg://u:{CANARY}@h/d
storage_options: {{AWS_SECRET_ACCESS_KEY: {CANARY}}}
clusters:
  - name: a
    prometheus: {{url: http://p, bearer_token: {CANARY}, password: {CANARY}, headers: {{X-Key: {CANARY}}}}}
""",
        encoding="utf-8",
    )
    settings = load_settings(file, environment={})
    assert CANARY in settings.database_location
    assert CANARY not in repr(settings)
    assert CANARY not in str(settings)
    assert CANARY not in str(settings.model_dump())


@pytest.mark.parametrize("key", ["bearer_token", "password"])
def test_a_secret_of_a_cluster_can_be_the_content_of_a_file(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}\n", encoding="utf-8")
    file = tmp_path / "m.yaml"
    file.write_text(
        f"clusters: [{{name: a, prometheus: {{url: http://p, {key}_file: {tmp_path / 'secret'}}}}}]",
        encoding="utf-8",
    )
    connection = load_settings(file, environment={}).clusters[0].prometheus
    assert getattr(connection, key).get_secret_value() == CANARY


def test_a_secret_variable_can_name_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:////x.db\n", encoding="utf-8")
    (tmp_path / "store").write_text('{"AWS_REGION": "eu-1"}', encoding="utf-8")
    settings = load_settings(
        environment={
            "MILLICORE_DATABASE_URL_FILE": str(tmp_path / "url"),
            "MILLICORE_STORAGE_OPTIONS_FILE": str(tmp_path / "store"),
        }
    )
    assert settings.database_location == "sqlite:////x.db"
    assert settings.storage_options["AWS_REGION"].get_secret_value() == "eu-1"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"database_url_file .*none cannot be read: No such file"):
        load_settings(environment={"MILLICORE_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="database_url and database_url_file are both given"):
        load_settings(
            environment={
                "MILLICORE_DATABASE_URL": "sqlite:///a",
                "MILLICORE_DATABASE_URL_FILE": str(tmp_path / "url"),
            }
        )


def test_a_wrong_secret_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        f"clusters: [{{name: a, prometheus: {{url: u, bearer_token: [{CANARY}]}}}}]", encoding="utf-8"
    )
    with pytest.raises(UsageError, match="bearer_token") as caught:
        load_settings(file, environment={})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql+psycopg://user:{CANARY}@host/db is down",
        f"Authorization: Bearer {CANARY}",
        f"password={CANARY} rest",
        f"{{'AWS_SECRET_ACCESS_KEY': '{CANARY}'}}",
        f'"token": "{CANARY}"',
    ],
)
def test_logs_hide_what_looks_like_a_secret(text: str) -> None:
    assert CANARY not in redact(text)


def test_a_traceback_in_the_log_hides_secrets_too() -> None:
    stream = StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs("info", stream)
        try:
            int(f"http://me:{CANARY}@host")
        except ValueError:
            logging.getLogger("test").exception("failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert "Traceback" in stream.getvalue()
    assert CANARY not in stream.getvalue()
