"""Journal mapping files: YAML, or a CSV with one row per setting; both give the same document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ingest.files.text_files import csv_rows, read_small_text
from models.journal.document import SECTIONS
from models.vocabulary.errors import InputError

_KEYED = {
    "cost_centres": ("cost_centre",),
    "kinds": ("kind",),
    "providers": ("cluster",),
    "intercompany": ("payer_entity", "provider_entity"),
}
"""Sections of which a CSV row is one row: the fields that ``key`` (and ``key2``) name."""
_SINGLE = ("rounding", "accrual")
_FIXED = ("section", "key", "key2", "value")
_FIELDS = tuple(dict.fromkeys(name for section in (*_KEYED, *_SINGLE) for name in SECTIONS[section].split()))


def load_mapping_document(path: Path) -> dict[str, Any]:
    """Return the document of a mapping file, every value a text.

    A CSV has the columns ``section``, ``key`` and, as far as they are used, ``key2``, ``value`` and the
    fields of the sections: ``effective_month,,,2026-10``, ``posting_periods,2026-10,,P10``.

    Raises
    ------
    InputError
        If the file cannot be read, or is neither.
    """
    if path.suffix in (".yaml", ".yml"):
        return _yaml(path)
    if path.suffix == ".csv":
        return _csv(path)
    raise InputError("is neither .yaml nor .csv", file=str(path))


def _yaml(path: Path) -> dict[str, Any]:
    try:
        # every scalar stays a text: 0711 is an account, not an octal number
        document = yaml.load(read_small_text(path), Loader=yaml.BaseLoader)  # noqa: S506 - builds plain values only
    except yaml.YAMLError as problem:
        raise InputError(f"is not YAML: {problem}", file=str(path)) from problem
    if not isinstance(document, dict):
        raise InputError(f"is no mapping with {', '.join(SECTIONS)}", file=str(path))
    return document


def _csv(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for number, row in csv_rows(path, partial(_check_names, path), may_be_short=True):
        cells = {name: value.strip() for name, value in row.items()}
        _add(path, number, document, {name: value for name, value in cells.items() if value})
    return document


def _check_names(path: Path, names: Sequence[str]) -> None:
    for name in ("section", "key"):
        if name not in names:
            raise InputError("is missing: the column is required", file=str(path), field=name)
    for name in names:
        if name not in (*_FIXED, *_FIELDS):
            known = ", ".join((*_FIXED, *_FIELDS))
            raise InputError(f"is not a column of this file; known are {known}", file=str(path), field=name)


def _add(path: Path, number: int, document: dict[str, Any], cells: dict[str, str]) -> None:
    section = cells.pop("section", "")
    if section not in SECTIONS:
        raise InputError(
            f"is not a section: known are {', '.join(SECTIONS)}",
            file=str(path),
            row=number,
            field="section",
            value=section,
        )
    if section in _KEYED:
        keys = {
            field: cells.pop(column)
            for field, column in zip(_KEYED[section], ("key", "key2"), strict=False)
            if column in cells
        }
        document.setdefault(section, []).append({**cells, **keys})
    elif section == "posting_periods":
        document.setdefault(section, {})[cells.get("key", "")] = cells.get("value", "")
    else:
        if section in document:
            raise InputError("is there twice", file=str(path), row=number, field="section", value=section)
        document[section] = cells if section in _SINGLE else cells.get("value", "")
