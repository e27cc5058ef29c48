"""Rates, mapping, journal, disputes and accruals as a person types them, on the golden month."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
GOLDEN = Path(__file__).parents[2] / "golden" / "month"
MAPPING = """\
effective_month: 2026-01
rounding: {entity: HQ, account: "6999"}
accrual: {account: "3990"}
cost_centres:
  - {cost_centre: cc-100, entity: DE01, account: "6500", mode: chargeback}
  - {cost_centre: cc-200, entity: DE02, account: "6500", mode: showback}
  - {cost_centre: cc-900, entity: HQ, account: "6510", mode: chargeback}
kinds:
  - {kind: team, cost_centre: cc-900}
  - {kind: idle, cost_centre: cc-900}
  - {kind: overhead, cost_centre: cc-900}
  - {kind: unowned, cost_centre: cc-900}
  - {kind: dispute, cost_centre: cc-900}
providers:
  - {cluster: "*", entity: HQ, account: "1800"}
intercompany:
  - {payer_entity: "*", provider_entity: HQ, due_to_account: "2500", due_from_account: "1500"}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-03-20T00:00:00Z")
    monkeypatch.setenv("MILLICORE_REPORTING_CURRENCY", "CNY")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    kinds = ("usage", "nodes", "prices", "ownership")
    files = [word for kind in kinds for word in (f"--{kind}", str(GOLDEN / f"{kind}.csv"))]
    assert invoke("ingest", "files", *files).exit_code in (0, 3)
    assert invoke("allocate").exit_code in (0, 3)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return invoke


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code in (0, 3), result.stderr
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


def test_a_month_is_mapped_converted_closed_disputed_and_booked(run: Run, tmp_path: Path) -> None:
    json_output = ("--output", "json")
    (imported,) = rows(run("journal", "mapping", "import", "mapping.yaml", *json_output))
    assert (imported["version"], imported["effective_month"]) == (1, "2026-01")
    assert rows(run("journal", "mapping", "check", "--month", "2026-02", *json_output)) == []
    refused = run("chargeback", "close", "--month", "2026-02", "--accept-missing", "--note", "x")
    assert refused.exit_code == 1
    assert "there is no exchange rate from EUR to CNY" in refused.stderr
    (tmp_path / "ecb.csv").write_text("Date,USD,CNY,\n2026-02-27,1.08,8.125,\n2026-02-26,1.09,N/A,\n")
    (loaded,) = rows(run("rates", "import", "ecb.csv", *json_output))
    assert (loaded["rate_count"], loaded["currencies"]) == (3, ["CNY", "EUR", "USD"])
    closed = run("chargeback", "close", "--month", "2026-02", "--accept-missing", "--note", "x")
    assert closed.exit_code == 0, closed.stderr
    shown = {
        row["from_currency"]: row for row in rows(run("rates", "show", "--month", "2026-02", *json_output))
    }
    assert (shown["EUR"]["rate"], shown["EUR"]["day"]) == ("8.125", "2026-02-27")
    (file,) = rows(run("journal", "export", "--month", "2026-02", *json_output))
    assert file["path"] == "journal_2026-02_r1_millicore.csv"
    check_journal(tmp_path / file["path"])
    words = ("--month", "2026-02", "--team", "red", "--amount", "10.50", "--reason", "not ours")
    (opened,) = rows(run("dispute", "open", *words, "--evidence", "mapping.yaml", *json_output))
    assert (opened["dispute_id"], opened["amount"]) == ("D-0001", "10.50")
    rows(run("dispute", "answer", "D-0001", "--note", "looked at it", *json_output))
    (settled,) = rows(run("dispute", "settle", "D-0001", "--credit", "5.25", "--to", "blue", *json_output))
    assert (settled["state"], settled["posted_in"], settled["receiver"]) == ("settled", "2026-03", "blue")
    events = rows(run("dispute", "show", "D-0001", *json_output))
    assert [event["action"] for event in events] == ["open", "answered", "settled"]
    assert rows(run("dispute", "list", "--state", "open", *json_output)) == []


def check_journal(path: Path) -> None:
    """Compare with the statement: 729.60 EUR, of which blue's 329.29 are only shown."""
    with path.open(newline="") as source:
        lines = list(csv.DictReader(source))
    charges = [line for line in lines if line["cost_centre"]]
    signs = {"debit": 1, "credit": -1}
    booked = sum(signs[line["side"]] * Decimal(line["amount"]) for line in charges)
    assert booked == Decimal("729.60") - Decimal("329.29")
    for entity in ("DE01", "HQ"):
        for name in ("amount", "reporting_amount"):
            own = [line for line in lines if line["entity"] == entity]
            assert sum(signs[line["side"]] * Decimal(line[name]) for line in own) == 0
    assert {line["exchange_rate"] for line in lines} == {"8.125"}
    manifest = json.loads(path.with_name(f"{path.name}.manifest.json").read_text())
    assert manifest["totals"] == [
        {"currency": "EUR", "statement": "729.60", "journal": "400.31", "showback": "329.29"}
    ]
    assert manifest["rates"][0]["reporting_total"] == "5928.00"


def test_an_open_month_is_accrued(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLICORE_REPORTING_CURRENCY", "EUR")
    rows(run("journal", "mapping", "import", "mapping.yaml", "--output", "json"))
    found = rows(run("accrual", "show", "--month", "2026-02", "--output", "json"))
    assert {row["currency"] for row in found} == {"EUR"}
    (file,) = rows(
        run("journal", "export", "--accrual", "--month", "2026-02", "--format", "parquet", "--output", "json")
    )
    assert file["path"] == "accrual_2026-02_DRAFT_millicore.parquet"


def test_wrong_words_are_usage_errors_and_wrong_data_is_an_error(run: Run) -> None:
    for command in (
        ("journal", "export", "--month", "2026-13"),
        ("chargeback", "preview", "--month", "February"),
        ("accrual", "show", "--month", "26-02"),
        ("dispute", "list", "--state", "lost"),
        ("dispute", "settle", "D-0001", "--credit", "much", "--to", "blue"),
        ("dispute", "open", "--month", "2026-02", "--team", "red", "--reason", "x", "--line", "shop"),
    ):
        assert run(*command).exit_code == 2, command
    assert run("journal", "export", "--month", "2026-02").exit_code == 1
    assert run("journal", "mapping", "import", "gone.yaml").exit_code == 1
    assert run("rates", "import", "mapping.yaml").exit_code == 1
    assert run("dispute", "show", "D-0009").exit_code == 1
    broken = run("journal", "mapping", "check", "--month", "2026-02", "--file", "mapping.yaml")
    assert broken.exit_code == 0
