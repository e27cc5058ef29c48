"""Journal files: safe text, exact amounts, equal bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.journal.entries import JournalLine, Side
from models.vocabulary.errors import StorageError
from service.exports.journal_file import COLUMNS, journal_name, write_journal

LINE = JournalLine(
    document_reference="MC-1",
    posting_period="2026-10",
    entity="DE01",
    account="0711",
    side=Side.DEBIT,
    currency="USD",
    amount=1_230_000_000,
    text="=cmd|' /C calc'!A0",
    source_kind="team",
    cost_centre="4711",
    team="@red",
    reporting_currency="JPY",
    reporting_amount=185_000_000_000,
    rate=Decimal("150.25"),
    rate_date=date(2026, 10, 30),
)


def cells(path: Path) -> dict[str, str]:
    header, row = path.read_bytes().decode().split("\r\n")[:2]
    return dict(zip(header.split(","), row.split(","), strict=True))


def test_texts_are_no_formulas_and_amounts_have_their_currencys_decimals(tmp_path: Path) -> None:
    written = write_journal(tmp_path / "j.csv", "csv", [LINE], {"period": "2026-10"})
    row = cells(written.path)
    assert (row["text"], row["team"]) == ("'=cmd|' /C calc'!A0", "'@red")
    assert (row["amount"], row["reporting_amount"]) == ("1.23", "185")
    assert (row["account"], row["exchange_rate"], row["exchange_rate_date"]) == (
        "0711",
        "150.25",
        "2026-10-30",
    )
    assert (row["tax_code"], row["reversal_of"]) == ("", "")


def test_parquet_keeps_decimals_and_nulls(tmp_path: Path) -> None:
    written = write_journal(tmp_path / "j.parquet", "parquet", [LINE], {})
    table = pq.read_table(written.path)
    assert table.column_names == [column.name for column in COLUMNS]
    assert pa.types.is_decimal(table.schema.field("amount").type)
    (row,) = table.to_pylist()
    assert (row["amount"], row["account"], row["tax_code"]) == (Decimal("1.230"), "0711", None)


@pytest.mark.parametrize("file_type", ["csv", "parquet"])
def test_equal_lines_give_equal_bytes_and_the_manifest_their_hash(tmp_path: Path, file_type: str) -> None:
    lines = [LINE, replace(LINE, side=Side.CREDIT)]
    first = write_journal(tmp_path / f"a.{file_type}", file_type, lines, {})
    second = write_journal(tmp_path / f"b.{file_type}", file_type, lines, {})
    assert first.path.read_bytes() == second.path.read_bytes()
    manifest = json.loads(first.manifest.read_text())
    assert (manifest["sha256"], manifest["line_count"]) == (first.sha256, 2) == (second.sha256, 2)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_journal(tmp_path / "gone" / "j.csv", "csv", [LINE], {})
    assert list(tmp_path.iterdir()) == []


def test_a_name_says_whether_it_is_a_draft() -> None:
    assert journal_name("2026-10", "DRAFT", "journal", "csv") == "journal_2026-10_DRAFT_millicore.csv"
