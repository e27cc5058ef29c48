from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import charges
from support.charges import CONTEXT, MANIFEST, every_kind, line

from models.chargeback.lines import LineKind, round_lines, summarise
from models.exchange.convert import Converted
from models.vocabulary.errors import InputError, StorageError, UsageError
from service.exports import charge_file, drafts, xlsx_file
from service.exports.charge_columns import COLUMNS
from service.exports.charge_file import FileShape, FileType, write_charges
from service.exports.columns import Kind
from service.exports.drafts import WrittenFile

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SHAPES = [FileShape(name, file_type) for name in COLUMNS for file_type in FileType]
NAMES = [f"{shape.name}-{shape.file_type}" for shape in SHAPES]


def lines_of(name: str) -> list[charge_file.ChargeLine]:
    lines = every_kind()
    return round_lines(summarise(lines)) if name == "summary" else lines


def write(folder: Path, shape: FileShape, file: str = "out") -> WrittenFile:
    return write_charges(folder / file, shape, lines_of(shape.name), CONTEXT, MANIFEST)


def csv_rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as source:
        return list(csv.DictReader(source))


def xlsx_rows(path: Path, sheet: int = 1) -> list[dict[str, tuple[str, str, str]]]:
    """Return (type, text, number format) of every cell by its column's name, read without any library."""
    with zipfile.ZipFile(path) as archive:
        root = ET.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml"))
        styles = ET.fromstring(archive.read("xl/styles.xml"))
    texts = {one.get("numFmtId"): one.get("formatCode") for one in styles.iter(f"{_SHEET}numFmt")}
    formats = [one.get("numFmtId") for one in styles.find(f"{_SHEET}cellXfs") or []]
    assert not list(root.iter(f"{_SHEET}f")), "a cell holds a formula"
    found = []
    for row in root.iter(f"{_SHEET}row"):
        cells = {}
        for cell in row:
            text = "".join(
                part.text or "" for part in cell.iter() if part.tag in (f"{_SHEET}v", f"{_SHEET}t")
            )
            shown = texts.get(formats[int(cell.get("s", "0"))]) or ""
            cells["".join(filter(str.isalpha, cell.get("r", "")))] = (cell.get("t", "n"), text, shown)
        found.append(cells)
    names = {place: cell[1] for place, cell in found[0].items()}
    return [{names[place]: cell for place, cell in row.items()} for row in found[1:]]


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_equal_lines_give_equal_bytes_also_in_another_process_zone_and_mask(shape, tmp_path):
    first = write(tmp_path, shape)
    content = first.path.read_bytes()
    assert write(tmp_path, shape).path.read_bytes() == content
    assert hashlib.sha256(content).hexdigest() == first.sha256
    code = (
        "import os, sys; os.umask(0o077); from pathlib import Path\n"
        "from service.exports.charge_file import FileShape, FileType\n"
        "sys.path.insert(0, 'tests/unit/service/exports'); import test_files\n"
        f"print(test_files.write(Path({str(tmp_path)!r}), FileShape({shape.name!r}, "
        f"FileType({shape.file_type.value!r})), 'other').sha256)"
    )
    repository = Path(__file__).resolve().parents[4]
    environment = {**os.environ, "TZ": "Asia/Shanghai", "PYTHONPATH": f"{repository}:{repository / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [first.sha256]


@pytest.mark.parametrize("name", COLUMNS)
def test_every_file_type_holds_the_same_values(name, tmp_path):
    texts = csv_rows(write(tmp_path, FileShape(name), "a.csv").path)
    typed = pq.read_table(write(tmp_path, FileShape(name, FileType.PARQUET), "b.parquet").path).to_pylist()
    cells = xlsx_rows(write(tmp_path, FileShape(name, FileType.XLSX), "c.xlsx").path)
    assert len(texts) == len(typed) == len(cells)
    for text_row, row, cell_row in zip(texts, typed, cells, strict=True):
        for column in COLUMNS[name]:
            text, value, cell = text_row[column.name], row[column.name], cell_row.get(column.name)
            if text == "":
                assert value is None
                assert cell is None
            elif column.kind in (Kind.TEXT, Kind.JSON):
                assert text == value == cell[1]
                assert cell[0] == "inlineStr"
            elif column.kind is Kind.INSTANT:
                assert value == datetime.fromisoformat(text)
                assert datetime(1899, 12, 30, tzinfo=UTC).toordinal() + float(cell[1]) == value.toordinal()
            else:
                assert Decimal(text) == value
                assert cell[0] == "n"
                assert abs(Decimal(cell[1]) - value) < Decimal("1e-9")


def test_parquet_columns_are_typed(tmp_path):
    path = write(tmp_path, FileShape("focus", FileType.PARQUET)).path
    schema = pq.read_schema(path)
    assert schema.field("BilledCost").type == pa.decimal128(38, 9)
    assert schema.field("ContractedUnitPrice").type == pa.decimal128(38, 12)
    assert schema.field("ChargePeriodStart").type == pa.timestamp("us", tz="UTC")
    assert schema.field("SubAccountName").type == pa.dictionary(pa.int32(), pa.string())
    for column in COLUMNS["focus"]:
        assert schema.field(column.name).nullable == column.is_nullable
    with path.open("rb") as source:
        assert b"2026-11" not in source.read().replace(b"2026-11-01", b""), (
            "the time of writing is in the file"
        )


def test_money_in_excel_is_a_number_in_the_format_of_its_currency(tmp_path):
    rows = xlsx_rows(write(tmp_path, FileShape("summary", FileType.XLSX)).path)
    shown = {(row["BillingCurrency"][1], row["BilledCost"][2]) for row in rows if row["x_Cluster"][1] == "c1"}
    assert shown == {("EUR", "[$EUR] #,##0.00")}
    yen = next(row for row in rows if row["BillingCurrency"][1] == "JPY")
    assert yen["BilledCost"][1:] == ("4", "[$JPY] #,##0")


def test_no_text_becomes_a_formula_or_a_link(tmp_path):
    for name in COLUMNS:
        path = write(tmp_path, FileShape(name, FileType.XLSX)).path
        teams = {row["SubAccountName"][1] for row in xlsx_rows(path)}
        assert "'=cmd|' /C calc'!A0" in teams
        with zipfile.ZipFile(path) as archive:
            assert not [part for part in archive.namelist() if "rels" in part and "sheet" in part]


def test_excel_says_in_words_what_the_manifest_says(tmp_path):
    written = write(tmp_path, FileShape("summary", FileType.XLSX))
    with zipfile.ZipFile(written.path) as archive:
        about = archive.read("xl/worksheets/sheet2.xml").decode()
        book = archive.read("xl/workbook.xml").decode()
        lines = archive.read("xl/worksheets/sheet1.xml").decode()
    for words in ("draft: figures may change", "743 of 744 hours are complete", "column contract 1.1", "=c1"):
        assert words in about
    assert 'name="Lines"' in book
    assert 'name="About"' in book
    assert 'state="frozen"' in lines
    assert 'ySplit="1"' in lines


def test_a_byte_order_mark_is_written_when_asked_for_and_only_in_csv(tmp_path):
    plain, marked = write(tmp_path, FileShape("summary")), FileShape("summary", has_mark=True)
    content = plain.path.read_bytes()
    with_mark = write(tmp_path, marked, "marked.csv").path
    assert with_mark.read_bytes() == b"\xef\xbb\xbf" + content
    assert csv_rows(with_mark, "utf-8-sig") == csv_rows(plain.path)
    with pytest.raises(UsageError, match="--bom belongs to CSV"):
        FileShape("summary", FileType.PARQUET, has_mark=True)


def test_more_lines_than_a_sheet_holds_are_refused_with_what_holds_them(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 5)
    with pytest.raises(UsageError, match="write --file-type csv or parquet"):
        write(tmp_path, FileShape("detail", FileType.XLSX))
    assert not list(tmp_path.iterdir())


def test_a_text_longer_than_a_cell_is_refused_and_nothing_is_left(tmp_path):
    long = [line(LineKind.TEAM, 10**9, team="t" * 40_000)]
    with pytest.raises(InputError, match="longer than a cell"):
        write_charges(tmp_path / "x.xlsx", FileShape("summary", FileType.XLSX), long, CONTEXT, MANIFEST)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file_type", FileType)
def test_a_place_that_cannot_be_written_is_named(file_type, tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        write(tmp_path / "absent", FileShape("summary", file_type))


@pytest.mark.parametrize("file_type", FileType)
def test_a_full_disk_leaves_the_old_file_and_no_draft(file_type, tmp_path, monkeypatch):
    before = write(tmp_path, FileShape("summary", file_type)).path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(drafts, "_settle", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write(tmp_path, FileShape("summary", file_type))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.manifest.json"]
    assert (tmp_path / "out").read_bytes() == before


def test_the_manifest_names_the_contract_and_the_type(tmp_path):
    manifest = json.loads(write(tmp_path, FileShape("detail", FileType.PARQUET)).manifest.read_text())
    assert (manifest["contract_version"], manifest["file_type"], manifest["format"]) == (
        "1.1",
        "parquet",
        "detail",
    )
    assert manifest["totals"] == [
        {"currency": "EUR", "effective_cost": "21.80"},
        {"currency": "JPY", "effective_cost": "4"},
    ]


def test_a_reporting_currency_fills_its_columns_with_rate_and_day(tmp_path):
    lines = [charges.workload("red", 2, "web"), charges.workload("red", 3, "web", currency="JPY")]
    dollars = Converted("USD", charges.euros(2.2), Decimal("1.1"), charges.DAY, "bank")
    path = tmp_path / "out.csv"
    written = write_charges(path, FileShape("focus"), lines, CONTEXT, MANIFEST, [dollars, None])
    first, second = csv_rows(written.path)
    names = (
        "x_ReportingCurrency",
        "x_ExchangeRate",
        "x_ExchangeRateDate",
        "x_ReportingCost",
        "x_PolicyVersion",
    )
    assert [first[name] for name in names] == [
        "USD",
        "1.100000000000",
        "2026-10-03",
        "2.200000000",
        "policy-3",
    ]
    assert [second[name] for name in names] == ["", "", "", "", "policy-3"]
    manifest = json.loads(written.manifest.read_text())
    assert manifest["reporting_total"] == {
        "currency": "USD",
        "effective_cost": "2.20",
        "line_count_without_rate": 1,
    }
