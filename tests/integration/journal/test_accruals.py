"""Accruals of an open month: final days as charged, the others estimated, reversed in the next period."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.books import DOCUMENT
from support.closing import FINANCE, MONTH

from models.journal.accrual import MEAN
from models.vocabulary.errors import Conflict, Forbidden, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.accruals import accrual_rows, export_accrual, read_accrual, sentence
from service.usecases.journal import read_journal
from service.usecases.journal_mappings import import_mapping
from service.usecases.period_close import close_period

Make = Callable[..., Runtime]
DAY_COST = 24 * 2 * Decimal("0.233")
"""Two nodes for a day."""


def install(runtime: Runtime, folder: Path, **changes: object) -> None:
    file = folder / "mapping.yaml"
    file.write_text(json.dumps({**DOCUMENT, **changes}))
    import_mapping(runtime, FINANCE, file)


@pytest.fixture
def running(make: Make) -> Runtime:
    """Return a runtime on 21 October, with twenty final days."""
    return make(hours=20 * 24 + 6, now=datetime(2026, 10, 21, 6, tzinfo=UTC))


def test_a_running_month_is_its_final_days_and_an_estimate(running: Runtime) -> None:
    found = read_accrual(running, FINANCE, MONTH)
    (estimate,) = found.estimates
    assert (estimate.final_day_count, estimate.open_day_count, estimate.method) == (20, 11, MEAN)
    assert Decimal(estimate.actual).scaleb(-9) == 20 * DAY_COST
    assert Decimal(estimate.estimated).scaleb(-9) == 11 * DAY_COST
    rows = accrual_rows(found)
    assert [row["cost_centre"] for row in rows] == [None, "4711"]
    assert sum(row["accrued_cost"] for row in rows) == 31 * DAY_COST
    for row in rows:
        assert row["estimated_cost"] == pytest.approx(row["actual_cost"] * 11 / 20)
    assert sentence(estimate) == (
        "USD: 20 of 31 days are final; the others are estimated at 123.02 USD (mean of the final days, "
        "without an interval: 20 final days are stored; a forecast needs 28)"
    )


def test_a_month_that_is_over_but_not_closed_needs_no_estimate(make: Make) -> None:
    (estimate,) = read_accrual(make(), FINANCE, MONTH).estimates
    assert (estimate.final_day_count, estimate.open_day_count, estimate.estimated) == (31, 0, 0)


def test_the_entries_accrue_and_reverse_in_the_next_period(running: Runtime, tmp_path: Path) -> None:
    install(running, tmp_path)
    written = export_accrual(running, FINANCE, MONTH, output_file=tmp_path)
    assert written.path.name == "accrual_2026-10_DRAFT_millicore.csv"
    with written.path.open(newline="") as source:
        rows = list(csv.DictReader(source))
    periods = {row["posting_period"] for row in rows}
    assert periods == {"FY2027-P07", "FY2027-P08"}
    signed: dict[str, Decimal] = {}
    for row in rows:
        if row["cost_centre"]:
            sign = 1 if row["side"] == "debit" else -1
            known = signed.get(row["posting_period"], Decimal(0))
            signed[row["posting_period"]] = known + sign * Decimal(row["amount"])
    assert signed == {"FY2027-P07": round(31 * DAY_COST, 2), "FY2027-P08": -round(31 * DAY_COST, 2)}
    assert all(bool(row["reversal_of"]) == (row["posting_period"] == "FY2027-P08") for row in rows)
    manifest = json.loads(written.manifest.read_text())
    assert manifest["totals"] == [{"accrued_less_reversed": "0.00", "currency": "USD"}]
    assert (manifest["estimates"][0]["final_days"], manifest["estimates"][0]["open_days"]) == (20, 11)


def test_an_accrual_never_enters_the_months_own_journal(running: Runtime, tmp_path: Path) -> None:
    install(running, tmp_path)
    export_accrual(running, FINANCE, MONTH, output_file=tmp_path)
    assert {line.source_kind for line in read_journal(running, FINANCE, MONTH).lines}.isdisjoint({"accrued"})


def test_a_closed_month_is_not_accrued(make: Make) -> None:
    runtime = make()
    close_period(runtime, FINANCE, MONTH)
    with pytest.raises(Conflict, match="closed and invoiced"):
        read_accrual(runtime, FINANCE, MONTH)


def test_an_accrual_needs_mapping_account_right_and_cost(running: Runtime, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no journal mapping is in force"):
        export_accrual(running, FINANCE, MONTH, output_file=tmp_path)
    install(running, tmp_path)
    with pytest.raises(NotFound, match="nothing of 2026-12 can be accrued"):
        export_accrual(running, FINANCE, "2026-12", output_file=tmp_path)
    document = {name: value for name, value in DOCUMENT.items() if name != "accrual"}
    (tmp_path / "mapping.yaml").write_text(json.dumps(document))
    import_mapping(running, FINANCE, tmp_path / "mapping.yaml")
    with pytest.raises(UsageError, match="has no section accrual"):
        export_accrual(running, FINANCE, MONTH, output_file=tmp_path)
    with pytest.raises(Forbidden):
        read_accrual(running, Principal("lea", frozenset({Role.LEADERSHIP})), MONTH)
