"""Rows on stdout: the same facts for people, programs and spreadsheets."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.output import (
    Column,
    OutputFormat,
    amount,
    as_amount,
    as_ratio,
    as_text,
    plain,
    write_csv,
    write_rows,
    write_table,
)

COLUMNS = (Column("name"), amount("cost"), Column("secret", is_in_table=False))
TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\uff1d")


def test_what_is_not_known_is_never_zero() -> None:
    assert as_text(None) == as_text(float("nan")) == as_ratio(None) == as_amount(None) == "-"
    assert plain(float("nan")) is None
    assert plain(float("inf")) is None


def test_decimals_stay_exact_and_instants_carry_their_zone() -> None:
    moment = datetime(2026, 10, 1, 2, tzinfo=UTC)
    row = {"cost": Decimal("0.100000001"), "at": moment, "day": date(2026, 10, 1)}
    assert plain(row) == {"cost": "0.100000001", "at": "2026-10-01T02:00:00Z", "day": "2026-10-01"}


def test_json_of_no_rows_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows([], COLUMNS, OutputFormat.JSON)
    assert json.loads(capsys.readouterr().out) == []


def test_json_and_csv_hold_columns_that_tables_leave_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a", "cost": Decimal(1), "secret": "x"}]
    write_rows(rows, COLUMNS, OutputFormat.JSON)
    assert json.loads(capsys.readouterr().out) == [{"name": "a", "cost": "1", "secret": "x"}]
    write_rows(rows, COLUMNS, OutputFormat.TABLE)
    assert "x" not in capsys.readouterr().out


def test_an_empty_table_says_so_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows([], COLUMNS, OutputFormat.TABLE, empty="No cluster is known yet.")
    assert capsys.readouterr().out == "No cluster is known yet.\n"


def test_labels_of_a_cluster_are_neither_markup_nor_terminal_commands() -> None:
    stream = StringIO()
    write_table([{"name": "[red]x[/red]\x1b[2J", "cost": None}], COLUMNS, stream=stream)
    assert "[red]x[/red]" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_wide_table_is_not_folded_when_nobody_watches() -> None:
    stream = StringIO()
    write_table([{"name": "n" * 150, "cost": Decimal(1)}], COLUMNS, stream=stream)
    assert "n" * 150 in stream.getvalue()


@given(st.text())
def test_no_text_cell_of_a_csv_begins_like_a_formula(text: str) -> None:
    stream = StringIO(newline="")
    write_csv([{"name": text, "cost": Decimal("-1.5"), "secret": None}], COLUMNS, stream)
    _, row = csv.reader(StringIO(stream.getvalue(), newline=""))
    assert not row[0].lstrip(" ").startswith(TRIGGERS)
    plain_text = text.replace("\0", "")  # no spreadsheet reads NUL
    assert row[0] in (plain_text, f"'{plain_text}")
    assert row[1:] == ["-1.5", ""]


def test_an_amount_below_a_coin_shows_no_minus_before_zero() -> None:
    assert as_amount(Decimal("-0.001208242")) == "0.00"
    assert as_amount(Decimal("-1234.5")) == "-1,234.50"


@pytest.mark.parametrize(
    ("value", "text"), [("0E-9", "0.000000000"), ("6.0E-8", "0.000000060"), ("1E+3", "1000")]
)
def test_money_is_never_written_in_scientific_notation(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
