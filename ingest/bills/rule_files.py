"""Reading the rules that sort bill lines from YAML or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ingest.files.text_files import csv_rows, read_small_text
from models.billing.buckets import Bucket
from models.billing.rules import BillRule, check_bill_rules
from models.vocabulary.errors import InputError

_TEXTS = (
    "provider",
    "account",
    "region",
    "service",
    "charge_category",
    "resource",
    "cluster",
    "team",
    "team_tag",
    "cost_centre",
    "cost_centre_tag",
)
_KEYS = ("bucket", *_TEXTS, "tags")


def load_bill_rules(path: Path) -> list[BillRule]:
    """Return the rules of a YAML or CSV file in their order, checked.

    Raises
    ------
    InputError
        Naming file, row, field and value.
    """
    rows = _csv_rows(path) if path.suffix == ".csv" else _yaml_rows(path)
    rules = [_rule(str(path), number, row) for number, row in enumerate(rows, start=1)]
    check_bill_rules(rules)
    return rules


def _csv_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    for _, row in csv_rows(path, may_be_short=True):
        yield {name: value for name, value in row.items() if value}


def _yaml_rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = yaml.safe_load(read_small_text(path))
    except yaml.YAMLError as problem:
        raise InputError(f"is not YAML: {problem}", file=str(path)) from problem
    rows = content.get("rules") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("is not a list of rules: begin with `rules:`", file=str(path))
    return rows


def _rule(file: str, number: int, row: Mapping[str, Any]) -> BillRule:
    for name in row:
        if name not in _KEYS:
            known = ", ".join(_KEYS)
            raise InputError(f"is not a key of a rule; known are {known}", file=file, row=number, field=name)
    try:
        bucket = Bucket(str(row.get("bucket", "")))
    except ValueError as problem:
        raise InputError(
            f"is not one of {', '.join(Bucket)}",
            file=file,
            row=number,
            field="bucket",
            value=row.get("bucket"),
        ) from problem
    texts = {name: str(row[name]) for name in _TEXTS if row.get(name) is not None}
    tags = _tags(file, number, row.get("tags"))
    return BillRule(bucket, **texts, tags=tags, source_file=file, source_row=number)


def _tags(file: str, number: int, value: object) -> dict[str, str]:
    """Read a mapping, or in CSV ``env=prod;app=*``."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(key): str(glob) for key, glob in value.items()}
    pairs = [part.partition("=") for part in str(value).split(";") if part.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise InputError(
            "is not a list like env=prod;app=*", file=file, row=number, field="tags", value=value
        )
    return {key.strip(): glob.strip() for key, _, glob in pairs}
