"""The statement, its policy and the proof as a person asks for them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
GOLDEN = Path(__file__).parents[2] / "golden"
MONTH = ("--month", "2026-02")


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


def _json(done: Result) -> list[dict[str, object]]:
    assert done.exit_code in (0, 3), done.stderr
    return json.loads(done.stdout)


def _total(rows: list[dict[str, object]]) -> Decimal:
    return sum((Decimal(str(row["total"])) for row in rows), Decimal(0))


def test_a_policy_stands_on_the_statement_and_the_month_still_proves(run: Run, tmp_path: Path) -> None:
    before = _json(run("chargeback", "statement", *MONTH, "--output", "json"))
    assert {row["policy"] for row in before} == {"default policy: every cause is a line of its own"}
    (tmp_path / "policy.yaml").write_text("idle: share\noverhead: share\nunowned: proportional\n")
    words = ("policy.yaml", "--from", "2026-02", "--note", "agreed", "--output", "json")
    (stored,) = _json(run("chargeback", "policy", "set", *words))
    assert (stored["version"], stored["note"]) == (1, "agreed")
    after = _json(run("chargeback", "statement", *MONTH, "--output", "json"))
    assert {row["view"] for row in after} == {"payer"}
    assert str(stored["policy_hash"])[:12] in str(after[0]["policy"])
    assert _total(after) == _total(before)
    left, whole = ({row["idle"] for row in rows if row["payer"] == "(idle)"} for rows in (after, before))
    assert Decimal(left.pop()) < Decimal(whole.pop())
    causes = run("chargeback", "statement", *MONTH, "--view", "cause", "--output", "csv")
    rows = list(csv.DictReader(io.StringIO(causes.stdout)))
    assert sum(Decimal(row["total"]) for row in rows) == _total(before)
    (check,) = _json(run("chargeback", "verify", *MONTH, "--output", "json"))
    assert (check["is_equal"], check["hours_unequal"]) == (True, 0)
    shown = run("chargeback", "policy", "show", *MONTH)
    assert 'unowned: {"to": "share", "scope": "cluster", "key": "proportional"}' in shown.stderr
    (listed,) = _json(run("chargeback", "policy", "list", "--output", "json"))
    assert listed["version"] == 1


def test_a_wrong_policy_or_view_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("idle: everybody\n")
    done = run("chargeback", "policy", "set", "policy.yaml", "--from", "2026-02")
    assert done.exit_code == 1
    assert "everybody" in done.stderr
    assert run("chargeback", "policy", "set", "none.yaml", "--from", "2026-02").exit_code == 1
    assert run("chargeback", "statement", *MONTH, "--view", "sideways").exit_code == 2
    table = run("chargeback", "statement", *MONTH)
    assert "by payer" in table.stderr
    (tmp_path / "policy.yaml").write_text("idle: share\n")
    assert run("chargeback", "policy", "set", "policy.yaml", "--from", "2026-02").exit_code == 0
    table = run("chargeback", "statement", *MONTH)
    assert "(idle cpu) stays where it arose" in table.stderr


def test_a_policy_that_cannot_be_read_names_its_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("idle: share\noverhead: own: line\n")
    result = run("chargeback", "policy", "set", "policy.yaml", "--from", "2026-02")
    assert result.exit_code == 1
    assert "policy.yaml, field policy: value 'overhead: own: line'" in result.stderr
    assert "is not YAML in line 2" in result.stderr


def test_an_earlier_version_says_from_when_another_is_followed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("idle: share\n")
    assert run("chargeback", "policy", "set", "policy.yaml", "--from", "2026-03").exit_code == 0
    result = run("chargeback", "policy", "set", "policy.yaml", "--from", "2026-02")
    assert "From 2026-03 on, version 1 is followed as before." in result.stderr
