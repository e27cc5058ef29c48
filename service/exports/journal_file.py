"""Journal files: columns, CSV and Parquet, and the manifest beside them; whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.chargeback.lines import amount
from models.journal.entries import JournalLine
from service.exports.csv_file import coins
from service.exports.csv_text import csv_text, safe_text
from service.exports.drafts import WrittenFile, drafting, manifest_path

CONTRACT_VERSION = "1.0"
"""Of the columns; grows when one is added, renamed or removed."""
_MONEY = pa.decimal128(38, 3)


@dataclass(frozen=True)
class Column:
    """A column: its name, its value and what kind of value that is."""

    name: str
    value: Callable[[JournalLine], Any]
    kind: str = "text"


COLUMNS: tuple[Column, ...] = (
    Column("document_reference", lambda line: line.document_reference),
    Column("posting_period", lambda line: line.posting_period),
    Column("entity", lambda line: line.entity),
    Column("account", lambda line: line.account),
    Column("side", lambda line: line.side.value),
    Column("amount", lambda line: line.amount, "amount"),
    Column("currency", lambda line: line.currency),
    Column("reporting_amount", lambda line: line.reporting_amount, "reporting"),
    Column("reporting_currency", lambda line: line.reporting_currency),
    Column("exchange_rate", lambda line: line.rate, "rate"),
    Column("exchange_rate_date", lambda line: line.rate_date, "day"),
    Column("cost_centre", lambda line: line.cost_centre),
    Column("project", lambda line: line.project),
    Column("tax_code", lambda line: line.tax_code),
    Column("partner_entity", lambda line: line.partner_entity),
    Column("text", lambda line: line.text),
    Column("source_line_kind", lambda line: line.source_kind),
    Column("team", lambda line: line.team),
    Column("cluster", lambda line: line.cluster),
    Column("restates", lambda line: line.restates),
    Column("reversal_of", lambda line: line.reversal_of),
)
_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "amount": _MONEY,
    "reporting": _MONEY,
    "rate": pa.string(),
    "day": pa.date32(),
}


def journal_name(month: str, state: str, kind: str, file_type: str) -> str:
    """Return the name of a journal file; ``state`` is which close it shows, or DRAFT."""
    return f"{kind}_{month}_{state}_millicore.{file_type}"


def write_journal(
    target: Path, file_type: str, lines: Sequence[JournalLine], manifest: Mapping[str, Any]
) -> WrittenFile:
    """Write journal lines and a manifest beside them (``<file>.manifest.json``); equal input, equal bytes.

    Parameters
    ----------
    target : Path
    file_type : str
        ``csv`` or ``parquet``.
    lines : sequence of JournalLine
        In the order of the file.
    manifest : mapping
        What the manifest says besides file, hash and count.

    Raises
    ------
    StorageError
        If it cannot be written; nothing of it is left.
    """
    content = _csv(lines) if file_type == "csv" else _parquet(lines)
    digest = hashlib.sha256(content).hexdigest()
    described = {
        **manifest,
        "contract_version": CONTRACT_VERSION,
        "file": target.name,
        "line_count": len(lines),
        "sha256": digest,
    }
    text = json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    with drafting(target) as (draft, note):
        draft.write_bytes(content)
        note.write_text(text, encoding="utf-8")
    return WrittenFile(target, manifest_path(target), digest, len(lines))


def _csv(lines: Iterable[JournalLine]) -> bytes:
    rows = ([_text(column, line) for column in COLUMNS] for line in lines)
    return "".join(csv_text([column.name for column in COLUMNS], rows)).encode()


def _text(column: Column, line: JournalLine) -> str:
    value = column.value(line)
    if value is None:
        return ""
    if column.kind == "amount":
        return coins(value, line.currency)
    if column.kind == "reporting":
        return coins(value, line.reporting_currency or line.currency)
    if column.kind == "rate":
        return format(value, "f")
    return str(value) if column.kind == "day" else safe_text(value)


def _parquet(lines: Sequence[JournalLine]) -> bytes:
    arrays = [pa.array([_value(column, line) for line in lines], _TYPES[column.kind]) for column in COLUMNS]
    table = pa.table(arrays, names=[column.name for column in COLUMNS])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, version="2.6", compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _value(column: Column, line: JournalLine) -> Any:
    value = column.value(line)
    if value is None or column.kind in ("text", "day"):
        return value
    if column.kind == "rate":
        return format(value, "f")
    return round(amount(value), 3)
