"""Writing a chargeback file and its manifest: whole or not at all, the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from models.chargeback.lines import ChargeLine
from models.exchange.convert import Converted
from models.vocabulary.errors import UsageError
from service.exports.charge_columns import COLUMNS, CONTRACT_VERSION
from service.exports.columns import Charge, ChargeContext
from service.exports.csv_file import coins, write_csv
from service.exports.drafts import WrittenFile, drafting, manifest_path, sha256_of
from service.exports.origin_charges import with_ratios
from service.exports.parquet_file import write_parquet
from service.exports.payer_rows import payer_rows
from service.exports.xlsx_file import check_row_count, write_xlsx


class FileType(StrEnum):
    """How a chargeback file is stored."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@dataclass(frozen=True)
class FileShape:
    """Format, file type and byte order mark of a file.

    Parameters
    ----------
    name : str
        Format: summary, detail or focus.
    file_type : FileType
    has_mark : bool
        Whether a CSV begins with a byte order mark, by which Excel knows UTF-8.

    Raises
    ------
    UsageError
        If a mark is asked for that the file type has no place for.
    """

    name: str
    file_type: FileType = FileType.CSV
    has_mark: bool = False

    def __post_init__(self) -> None:
        if self.has_mark and self.file_type is not FileType.CSV:
            raise UsageError(f"--bom belongs to CSV files; {self.file_type} has no place for it")


def file_name(period: str, name: str, revision: int, file_type: FileType = FileType.CSV) -> str:
    """Return the name of a chargeback file: which close of the month it shows, or that it is a draft."""
    state = f"r{revision}" if revision else "DRAFT"
    return f"chargeback_{period}_{name}_{state}_millicore.{file_type}"


def write_charges(
    target: Path,
    shape: FileShape,
    lines: Sequence[ChargeLine],
    context: ChargeContext,
    manifest: Mapping[str, Any],
    converted: Sequence[Converted | None] | None = None,
) -> WrittenFile:
    """Write lines as a file and a manifest beside it (``<file>.manifest.json``).

    Both are written whole beside their place and then renamed, the manifest last; equal input gives equal
    bytes. A kill leaves what was there before, and at most a draft whose name begins with a point.

    Parameters
    ----------
    target : Path
    shape : FileShape
    lines : sequence of ChargeLine
        In the order of the file.
    context : ChargeContext
    manifest : mapping
        What the manifest says besides hash, file and totals.
    converted : sequence of Converted or None
        The lines' costs in the reporting currency; None where there is none.

    Raises
    ------
    UsageError
        If an Excel sheet has fewer rows than the file has lines.
    StorageError
        If the file cannot be written; nothing of it is left.
    """
    shown = [None] * len(lines) if converted is None else converted
    rows = payer_rows(lines, shown) if shape.name == "summary" else with_ratios(lines, shown)
    if shape.file_type is FileType.XLSX:
        check_row_count(len(rows))
    described = {
        **manifest,
        "contract_version": CONTRACT_VERSION,
        "file": target.name,
        "file_type": shape.file_type.value,
        "format": shape.name,
        "line_count": len(rows),
        "totals": _totals(lines),
        **_reported(shown),
    }
    with drafting(target) as (draft, note):
        _write_rows(draft, shape, rows, context, described)
        digest = sha256_of(draft)
        text = json.dumps({**described, "sha256": digest}, indent=2, sort_keys=True, ensure_ascii=False)
        note.write_text(f"{text}\n", encoding="utf-8")
    return WrittenFile(target, manifest_path(target), digest, len(rows))


def _write_rows(
    draft: Path, shape: FileShape, rows: Sequence[Charge], context: ChargeContext, manifest: Mapping[str, Any]
) -> None:
    columns = COLUMNS[shape.name]
    if shape.file_type is FileType.CSV:
        write_csv(draft, columns, rows, context, has_mark=shape.has_mark)
    elif shape.file_type is FileType.PARQUET:
        write_parquet(draft, columns, rows, context)
    else:
        write_xlsx(draft, columns, rows, context, manifest)


def _reported(converted: Sequence[Converted | None]) -> dict[str, Any]:
    """Return the total in the reporting currency, and how many lines have no rate; nothing without one."""
    known = [one for one in converted if one is not None]
    if not known:
        return {}
    total = coins(sum(one.units for one in known), known[0].currency)
    missing = len(converted) - len(known)
    reported = {"currency": known[0].currency, "effective_cost": total, "line_count_without_rate": missing}
    return {"reporting_total": reported}


def _totals(lines: Iterable[ChargeLine]) -> list[dict[str, str]]:
    """Return the total per currency; currencies are never added."""
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.effective
    return [
        {"currency": currency, "effective_cost": coins(total, currency)}
        for currency, total in sorted(sums.items())
    ]
