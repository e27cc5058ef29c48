"""Ownership files: rows of CSV or Parquet as `OwnershipRow`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from ingest.files.cells import decimal_cell
from ingest.files.columns import NAME_COLUMNS, OWNERSHIP_COLUMNS
from ingest.files.reading import find_files, read_rows
from models.ownership.names import NameAlias, check_aliases
from models.ownership.precedence import check_rule_set
from models.ownership.rules import OwnershipRow
from models.vocabulary.errors import InputError


def load_ownership(path: Path) -> list[OwnershipRow]:
    """Return the rules of a file, or of all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value: a share that is no number, a period that ends before it starts,
        shares of a split that do not add up to 1, rules that contradict each other.
    """
    rows = [
        _ownership_row(str(file), number, row)
        for file in find_files([path])
        for number, row in enumerate(read_rows(file, OWNERSHIP_COLUMNS), start=1)
    ]
    check_rule_set(rows)
    return rows


def load_names(path: Path) -> list[NameAlias]:
    """Return the other names of teams in a file, or in all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value: an alias that means two teams at one time, aliases that lead back
        to themselves.
    """
    rows = [
        _name_row(str(file), number, row)
        for file in find_files([path])
        for number, row in enumerate(read_rows(file, NAME_COLUMNS), start=1)
    ]
    check_aliases(rows)
    return rows


def _name_row(file: str, number: int, row: Mapping[str, object]) -> NameAlias:
    valid_from, valid_to = row["valid_from"], row["valid_to"]
    assert isinstance(valid_from, datetime)
    ends = valid_to if isinstance(valid_to, datetime) else None
    return NameAlias(str(row["alias"]), str(row["team"]), valid_from, ends, file, number)


def _ownership_row(file: str, number: int, row: Mapping[str, object]) -> OwnershipRow:
    valid_from, valid_to = row["valid_from"], row["valid_to"]
    assert isinstance(valid_from, datetime)
    share = decimal_cell(file, number, "share_ratio", row["share_ratio"])
    priority = decimal_cell(file, number, "priority", row["priority"]) or Decimal(0)
    if priority != int(priority):
        raise InputError(
            "is not a whole number", file=file, row=number, field="priority", value=str(priority)
        )
    return OwnershipRow(
        cluster=str(row["cluster"]),
        namespace=str(row["namespace"]),
        team=str(row["team"]),
        valid_from=valid_from,
        valid_to=valid_to if isinstance(valid_to, datetime) else None,
        label_selector=_text(row["label_selector"]),
        cost_centre=_text(row["cost_centre"]),
        share_ratio=Decimal(1) if share is None else share,
        priority=int(priority),
        source_file=file,
        source_row=number,
        annotation_selector=_text(row["annotation_selector"]),
        workload=_text(row["workload"]),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
