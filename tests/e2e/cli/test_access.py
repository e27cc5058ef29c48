"""Roles, granted and taken at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app
from service.runtime import Runtime
from service.setting_sources import load_settings

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    assert invoke("migrate").exit_code == 0
    return invoke


def held(run: Run) -> list[tuple[str, str, str | None]]:
    rows = json.loads(run("access", "list", "--output", "json").stdout)
    return [(row["principal"], row["role"], row["team"]) for row in rows]


def test_roles_are_granted_listed_and_taken_and_each_step_is_audited(run: Run) -> None:
    granted = run(
        "access", "grant", "ann", "--role", "owner", "--role", "finance", "--team", "a", "--team", "b"
    )
    assert granted.exit_code == 0, granted.stderr
    assert held(run) == [("ann", "finance", None), ("ann", "owner", "a"), ("ann", "owner", "b")]
    assert run("access", "revoke", "ann", "--role", "owner", "--team", "a").exit_code == 0
    assert held(run) == [("ann", "finance", None), ("ann", "owner", "b")]
    runtime = Runtime.wire(load_settings(environment={}, home=Path("home")))
    try:
        from service.access import local_principal

        actions = [entry.action for entry in runtime.warehouse.audit.list(local_principal())]
    finally:
        runtime.warehouse.close()
    assert actions == ["withdraw role", "grant role"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ann", "--role", "king"), "'king' is not a role"),
        (("ann", "--role", "owner"), "--team names the teams of the role owner"),
        (("ann", "--role", "finance", "--team", "a"), "--team names the teams of the role owner"),
        ((" ", "--role", "finance"), "the principal is empty"),
        (("ann", "--role", "owner", "--team", " "), "--team is empty"),
    ],
)
def test_a_wrong_grant_is_refused_and_nothing_is_granted(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    result = run("access", "grant", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert held(run) == []


def test_a_role_that_is_not_held_cannot_be_taken_and_none_is(run: Run) -> None:
    run("access", "grant", "ann", "--role", "finance")
    result = run("access", "revoke", "ann", "--role", "finance", "--role", "admin")
    assert result.exit_code == 1
    assert "ann does not hold the role admin" in result.stderr
    assert held(run) == [("ann", "finance", None)]
