"""Exchange rate files of our own and of the European Central Bank."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.files.rate_files import load_rates
from models.vocabulary.errors import InputError
from warehouse.database.plans import ExchangeRate

HEADER = "from_currency,to_currency,day,rate,origin\n"


def write(folder: Path, text: str, name: str = "rates.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_rows_of_our_own(tmp_path: Path) -> None:
    file = write(tmp_path, f"{HEADER}USD,EUR,2026-10-30,0.9123456789,ECB\nCNY,EUR,2026-10-30,0.128,\n")
    assert load_rates(file) == [
        ExchangeRate("USD", "EUR", date(2026, 10, 30), Decimal("0.9123456789"), "ECB"),
        ExchangeRate("CNY", "EUR", date(2026, 10, 30), Decimal("0.128"), "imported"),
    ]


def test_the_table_of_the_ecb(tmp_path: Path) -> None:
    file = write(tmp_path, "Date,USD,JPY,CYP,\n2026-10-30,1.0841,163.2,N/A,\n2026-10-29,1.0815,162.9,N/A,\n")
    found = load_rates(file)
    assert found[0] == ExchangeRate("EUR", "USD", date(2026, 10, 30), Decimal("1.0841"), "ECB reference rate")
    assert [(one.to_currency, one.day.day) for one in found] == [
        ("USD", 30),
        ("JPY", 30),
        ("USD", 29),
        ("JPY", 29),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("USD,EUR,30.10.2026,1,x", "row 1, field day: value '30.10.2026' is not a day like 2026-10-31"),
        ("USD,EUR,2026-10-30,0,x", "row 1, field rate: value '0' is not above 0"),
        ("USD,EUR,2026-10-30,-1,x", "field rate: value '-1' is not above 0"),
        ("USD,EUR,2026-10-30,abc,x", "field rate"),
        ("usd,EUR,2026-10-30,1,x", "field from_currency: value 'usd' is not a currency code"),
        ("USD,RMB¥,2026-10-30,1,x", "field to_currency"),
        ("USD,USD,2026-10-30,1,x", "field to_currency: value 'USD' is both sides"),
        ("USD,EUR,2026-10-30,,x", "field rate"),
        (
            "USD,EUR,2026-10-30,1,x\nUSD,EUR,2026-10-30,2,y",
            "row 2, field rate: value 'USD EUR' has two rates",
        ),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        load_rates(write(tmp_path, f"{HEADER}{row}\n"))
    assert message in str(refused.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="field rate: is missing"):
        load_rates(write(tmp_path, "from_currency,to_currency,day\nUSD,EUR,2026-10-30\n"))


def test_a_short_row_of_the_ecb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1: has 2 cells, the header 3"):
        load_rates(write(tmp_path, "Date,USD,JPY\n2026-10-30,1.08\n"))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        load_rates(write(tmp_path, ""))
