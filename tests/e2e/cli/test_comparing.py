"""Comparing cost, budgets and anomalies as a person types it."""

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

    files = [word for kind in ("usage", "nodes", "prices", "ownership") for word in _file(kind)]
    assert invoke("ingest", "files", *files).exit_code in (0, 3)
    assert invoke("allocate").exit_code in (0, 3)
    return invoke


def _file(kind: str) -> tuple[str, str]:
    return f"--{kind}", str(MONTH / f"{kind}.csv")


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code in (0, 3), result.stderr
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


def test_two_weeks_are_explained_without_a_remainder(run: Run) -> None:
    words = ("--base", "2026-02-02,2026-02-09", "--period", "2026-02-09,2026-02-16", "--output", "json")
    found = {row["part"]: row for row in rows(run("compare", *words))}
    causes = ("price", "quantity", "mix", "efficiency", "new", "gone")
    assert sum(Decimal(found[name]["change"]) for name in causes) == Decimal(found["total"]["change"])


def test_a_unit_of_the_business_needs_values_and_then_has_a_cost(run: Run, tmp_path: Path) -> None:
    ask = ("unit-cost", "--period", "2026-02", "--metric", "orders", "--output", "json")
    assert "business-metric import" in run(*ask).stderr
    lines = ["name,scope,day,value,unit", *(f"orders,,2026-02-{day:02d},100,order" for day in range(10, 15))]
    (tmp_path / "orders.csv").write_text("\n".join(lines) + "\n")
    assert run("business-metric", "import", "orders.csv").exit_code == 0
    (row,) = rows(run(*ask))
    assert row["unit"] == "order"
    assert Decimal(row["unit_cost"]) == (Decimal(row["cost"]) / Decimal(row["quantity"])).quantize(
        Decimal("1e-9")
    )


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("orders,,2026-02-30,1,order", "day"),
        ("orders,,2026-02-01,-1,order", "value"),
        (",,2026-02-01,1,x", "name"),
    ],
)
def test_a_wrong_metric_is_named_and_nothing_is_stored(
    run: Run, tmp_path: Path, line: str, field: str
) -> None:
    (tmp_path / "bad.csv").write_text(f"name,scope,day,value,unit\norders,,2026-02-02,5,order\n{line}\n")
    result = run("business-metric", "import", "bad.csv")
    assert result.exit_code == 1
    assert field in result.stderr
    assert "bad.csv" in result.stderr
    assert run("unit-cost", "--period", "2026-02", "--metric", "orders").exit_code == 1


def test_budgets_anomalies_and_calendars_answer_even_when_there_is_nothing(run: Run) -> None:
    assert "No budget" in run("budget", "status", "--period", "2026-02").stdout
    assert "Nothing new" in run("anomaly", "find").stdout
    assert rows(run("anomaly", "list", "--output", "json")) == []
    assert "Periods are months" in run("budget", "calendar").stdout
    assert run("budget", "status", "--period", "Q7").exit_code == 2


def test_no_cost_is_said_and_not_shown_as_zero(run: Run) -> None:
    result = run("compare", "--base", "2025-01", "--period", "2025-02")
    assert result.exit_code == 1
    assert "no cost is stored" in result.stderr
