"""Rates and mapping are checked and frozen with a month; its journal never changes afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.books import DOCUMENT
from support.closing import FINANCE, LONG_AGO, MONTH, NEXT, START, store_hours
from support.fleet import Node, Pod

from models.exchange.rates import RateRule
from models.journal.entries import Side, charged_totals
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Conflict, Forbidden, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.billing_months import BillingMonth
from service.usecases.exchange import month_rates
from service.usecases.journal import export_journal, read_journal
from service.usecases.period_close import CloseRefused, check_close, close_period, reopen_period
from service.usecases.period_correct import correct_period
from service.usecases.statement_lines import month_lines
from warehouse.database.plans import ExchangeRate

Make = Callable[..., Runtime]
OWNER = Principal("ann", frozenset({Role.OWNER}), frozenset({"red"}))
BILL = 744 * 2 * Decimal("0.233")
"""Two nodes for October."""


def rate(day: date, value: str = "0.9") -> ExchangeRate:
    return ExchangeRate("USD", "EUR", day, Decimal(value), "ECB")


def install(runtime: Runtime, folder: Path, **changes: Any) -> None:
    from service.usecases.journal_mappings import import_mapping

    file = folder / "mapping.yaml"
    file.write_text(json.dumps({**DOCUMENT, **changes}))
    import_mapping(runtime, FINANCE, file)


def exported(runtime: Runtime, folder: Path, month: str = MONTH, file_type: str = "csv") -> bytes:
    folder.mkdir(exist_ok=True)
    return export_journal(runtime, FINANCE, month, file_type=file_type, output_file=folder).path.read_bytes()


def charged(runtime: Runtime, month: str = MONTH) -> dict[str, Decimal]:
    totals = charged_totals(read_journal(runtime, FINANCE, month).lines)
    return {currency: Decimal(total).scaleb(-9) for currency, total in totals.items()}


def test_without_a_mapping_a_month_closes_and_has_no_journal(make: Make) -> None:
    runtime = make()
    close_period(runtime, FINANCE, MONTH)
    with pytest.raises(NotFound, match="closed without one"):
        read_journal(runtime, FINANCE, MONTH)


def test_an_unmapped_cost_centre_blocks_the_close_with_its_money(make: Make, tmp_path: Path) -> None:
    runtime = make()
    rows = [row for row in DOCUMENT["cost_centres"] if row["cost_centre"] != "4711"]
    kinds = [row for row in DOCUMENT["kinds"] if row["kind"] != "team"]
    install(runtime, tmp_path, cost_centres=rows, kinds=kinds)
    found = check_close(runtime, FINANCE, MONTH)
    assert len(found) == 2
    assert found[0].startswith("journal: cost centre 4711 is not mapped for 2026-10: add a row")
    assert "team payments has no cost centre" in found[1]
    with pytest.raises(CloseRefused, match="cost centre 4711 is not mapped"):
        close_period(runtime, FINANCE, MONTH)
    with pytest.raises(Conflict, match="does not book all of 2026-10"):
        read_journal(runtime, FINANCE, MONTH)
    install(runtime, tmp_path)
    assert check_close(runtime, FINANCE, MONTH) == ()


def test_a_mapping_for_later_months_leaves_earlier_ones_alone(make: Make, tmp_path: Path) -> None:
    runtime = make()
    install(runtime, tmp_path, effective_month="2026-11", cost_centres=[DOCUMENT["cost_centres"][3]])
    assert check_close(runtime, FINANCE, MONTH) == ()


def test_the_journal_is_the_statement_to_the_cent(make: Make, tmp_path: Path) -> None:
    runtime = make()
    install(runtime, tmp_path)
    journal = read_journal(runtime, FINANCE, MONTH)
    assert charged(runtime) == {"USD": round(BILL, 2)}
    summary, _ = month_lines(runtime, FINANCE, BillingMonth.read(runtime, MONTH), "summary")
    own = {(line.team, line.kind.value): line.effective for line in summary}
    booked = {
        (line.team, line.source_kind): line.amount for line in journal.lines if line.cost_centre is not None
    }
    assert booked == own
    assert {line.entity for line in journal.lines if line.team == "red"} == {"DE01"}


def test_a_draft_says_so_and_a_closed_months_file_keeps_its_bytes(make: Make, tmp_path: Path) -> None:
    runtime = make(reporting_currency="EUR")
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, 30))])
    install(runtime, tmp_path)
    exported(runtime, tmp_path / "draft")
    assert [path.name for path in sorted((tmp_path / "draft").iterdir())] == [
        "journal_2026-10_DRAFT_millicore.csv",
        "journal_2026-10_DRAFT_millicore.csv.manifest.json",
    ]
    close_period(runtime, FINANCE, MONTH)
    first = exported(runtime, tmp_path / "first"), exported(runtime, tmp_path / "first", file_type="parquet")
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.5"), LONG_AGO)])
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, 30), "0.5"), rate(date(2026, 10, 31), "0.4")])
    install(runtime, tmp_path, rounding={"entity": "DE01", "account": "1"}, posting_period="{month}")
    again = (
        exported(runtime, tmp_path / "again"),
        exported(runtime, tmp_path / "again", file_type="parquet"),
    )
    assert first == again
    manifest = json.loads((tmp_path / "again" / "journal_2026-10_r1_millicore.csv.manifest.json").read_text())
    assert manifest["totals"] == [
        {"currency": "USD", "journal": "346.70", "showback": "0.00", "statement": "346.70"}
    ]
    assert manifest["rates"] == [
        {
            "currency": "USD",
            "rate": "0.9",
            "rate_date": "2026-10-30",
            "origin": "ECB",
            "reporting_currency": "EUR",
            "reporting_total": "312.03",
        }
    ]
    assert (manifest["mapping_version"], manifest["is_draft"]) == (1, False)


def test_the_csv_and_the_parquet_file_say_the_same(make: Make, tmp_path: Path) -> None:
    runtime = make()
    install(runtime, tmp_path)
    text = exported(runtime, tmp_path / "out").decode().split("\r\n")
    exported(runtime, tmp_path / "out", file_type="parquet")
    table = pq.read_table(tmp_path / "out" / "journal_2026-10_DRAFT_millicore.parquet")
    header, *rows = [line.split(",") for line in text if line]
    assert header == table.column_names
    amounts = [Decimal(row[header.index("amount")]) for row in rows]
    assert amounts == table.column("amount").to_pylist()
    assert {row[header.index("account")] for row in rows} == set(table.column("account").to_pylist())


def test_a_missing_rate_blocks_the_close_and_is_named(make: Make) -> None:
    runtime = make(reporting_currency="EUR")
    (problem,) = check_close(runtime, FINANCE, MONTH)
    assert problem == (
        "there is no exchange rate from USD to EUR for the month's end: add it with `millicore rates import`"
    )
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, 24))])
    assert check_close(runtime, FINANCE, MONTH) == ()


def test_an_old_rate_is_no_rate(make: Make) -> None:
    runtime = make(reporting_currency="EUR")
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, 23))])
    assert len(check_close(runtime, FINANCE, MONTH)) == 1


def test_every_day_needs_its_rate_under_the_daily_rule(make: Make) -> None:
    runtime = make(reporting_currency="EUR", exchange_rate_rule="daily", exchange_rate_max_age_days=2)
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, day)) for day in range(1, 32) if day != 9])
    assert check_close(runtime, FINANCE, MONTH) == ()
    (problem,) = check_close(
        make(reporting_currency="EUR", exchange_rate_rule="daily", exchange_rate_max_age_days=0),
        FINANCE,
        MONTH,
    )
    assert "from USD to EUR for 2026-10-09: add it" in problem


def test_frozen_rates_outlive_new_ones_and_the_setting(make: Make) -> None:
    runtime = make(reporting_currency="EUR", exchange_rate_rule="daily")
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, day), f"0.{day:02}") for day in range(1, 32)])
    before = month_rates(runtime, BillingMonth.read(runtime, MONTH))
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, 5), "7")])
    after = month_rates(make_again(runtime), BillingMonth.read(runtime, MONTH))
    assert after.rule is RateRule.DAILY
    assert after.daily == {key: value for key, value in before.daily.items() if key[0] == "USD"}
    assert (after.reporting_currency, after["USD"].rate) == ("EUR", Decimal("0.31"))


def make_again(runtime: Runtime) -> Runtime:
    """Return the same warehouse under settings without a reporting currency."""
    return Runtime.for_test(runtime.settings.home, now=runtime.now())


def test_daily_and_monthly_files_have_one_converted_total(make: Make, tmp_path: Path) -> None:
    runtime = make(reporting_currency="EUR", exchange_rate_rule="daily")
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, day), f"0.{day:02}") for day in range(1, 32)])
    install(runtime, tmp_path)
    journal = read_journal(runtime, FINANCE, MONTH)
    exact = sum(Decimal(day) / 100 for day in range(1, 32)) * 24 * 2 * Decimal("0.233")
    charges = [line for line in journal.lines if line.cost_centre or line.source_kind == "rounding"]
    total = sum((1 if line.side is Side.DEBIT else -1) * (line.reporting_amount or 0) for line in charges)
    assert Decimal(total).scaleb(-9) == round(exact, 2)
    assert {line.rate for line in charges} == {None}


def test_a_correction_reaches_the_journal_of_the_month_that_takes_it(make: Make, tmp_path: Path) -> None:
    runtime = make()
    install(runtime, tmp_path)
    close_period(runtime, FINANCE, MONTH)
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.2"), LONG_AGO)])
    correct_period(runtime, FINANCE, MONTH, "contract")
    journal = read_journal(runtime, FINANCE, NEXT)
    assert charged(runtime, NEXT) == {"USD": round(-744 * 2 * Decimal("0.033"), 2)}
    red = next(line for line in journal.lines if line.team == "red")
    assert (red.side, red.restates) == (Side.CREDIT, "2026-10-r1")
    assert red.text.startswith("Correction of 2026-10-r1: ")
    assert charged(runtime) == {"USD": round(BILL, 2)}


def test_only_finance_reads_the_journal(make: Make, tmp_path: Path) -> None:
    runtime = make(hours=24)
    install(runtime, tmp_path)
    with pytest.raises(Forbidden):
        export_journal(runtime, OWNER, MONTH, output_file=tmp_path)
    with pytest.raises(UsageError, match="'xls' is not a journal format"):
        export_journal(runtime, FINANCE, MONTH, file_type="xls", output_file=tmp_path)


def test_two_exports_of_an_open_month_are_alike(make: Make, tmp_path: Path) -> None:
    runtime = make(hours=48)
    install(runtime, tmp_path)
    assert exported(runtime, tmp_path / "a") == exported(runtime, tmp_path / "b")


def test_two_currencies_are_booked_and_converted_each_by_itself(make: Make, tmp_path: Path) -> None:
    """c1 costs 24 h x 2 x 0.233 USD, c2 24 h x 1.5 CNY; 0.9 and 0.125 EUR each."""
    runtime = make(hours=24, reporting_currency="EUR", exchange_rate_via="USD")
    dollars = PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)
    runtime.warehouse.prices.replace([dollars, PriceRow("ecs.g7", "CNY", Decimal("1.5"), LONG_AGO)])
    nodes, pods = (Node("m1", "ecs.g7"),), (Pod("job", "m1", (1, 4), (1, 3)),)
    store_hours(runtime, START, 24, cluster="c2", nodes=nodes, pods=pods)
    allocate(runtime)
    yuan = ExchangeRate("CNY", "EUR", date(2026, 10, 31), Decimal("0.125"), "bank")
    runtime.warehouse.exchange_rates.save([rate(date(2026, 10, 30)), yuan])
    install(runtime, tmp_path)
    exported(runtime, tmp_path / "out")
    text = (tmp_path / "out" / "journal_2026-10_DRAFT_millicore.csv.manifest.json").read_text()
    manifest = json.loads(text)
    assert [(one["currency"], one["journal"]) for one in manifest["totals"]] == [
        ("CNY", "36.00"),
        ("USD", "11.18"),
    ]
    assert [(one["currency"], one["reporting_total"]) for one in manifest["rates"]] == [
        ("CNY", "4.50"),
        ("USD", "10.06"),
    ]
    assert len({one["document_reference"] for one in manifest["documents"]}) == 4
    assert all(one["debit"] == one["credit"] for one in manifest["documents"])


def test_the_journal_of_a_month_closed_again_names_the_one_that_it_replaces(
    make: Make, tmp_path: Path
) -> None:
    runtime = make()
    install(runtime, tmp_path)
    replaced = []
    for revision in (1, 2):
        close_period(runtime, FINANCE, MONTH)
        path = tmp_path / f"journal-{revision}.csv"
        export_journal(runtime, FINANCE, MONTH, output_file=path)
        manifest = json.loads(path.with_name(f"{path.name}.manifest.json").read_text())
        replaced.append((manifest["invoice_id"], manifest["replaces"]))
        if revision == 1:
            reopen_period(runtime, FINANCE, MONTH, "an owner was wrong")
    assert replaced == [("2026-10-r1", None), ("2026-10-r2", "2026-10-r1")]
