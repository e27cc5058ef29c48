"""Column maps: how the columns of a provider's bill become the columns of ``bill_line``."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from ingest.files.text_files import read_small_text
from models.billing.buckets import CHARGE_CATEGORIES
from models.vocabulary.errors import InputError

TEXT_FIELDS = (
    "provider",
    "billing_account",
    "sub_account",
    "invoice",
    "charge_category",
    "charge_class",
    "charge_frequency",
    "description",
    "service_category",
    "service",
    "region",
    "zone",
    "resource_id",
    "resource_name",
    "resource_type",
    "sku",
    "pricing_category",
    "commitment_id",
    "commitment_type",
    "commitment_status",
    "unit",
    "currency",
    "tags",
)
TIME_FIELDS = ("billing_period_start", "charge_start", "charge_end", "amortise_until")
AMOUNT_FIELDS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
NUMBER_FIELDS = ("quantity", "term_months")
FIELDS = (*TEXT_FIELDS, *TIME_FIELDS, *AMOUNT_FIELDS, *NUMBER_FIELDS)
TAG_FORMATS = ("json", "pairs", "key_value_list")

_MAPS = package_files("ingest.bills") / "maps"


@dataclass(frozen=True)
class Case:
    """What a value of the deciding column changes.

    Parameters
    ----------
    values : mapping of str to str
        Fields set to a fixed text.
    amounts : mapping of str to tuple of str
        Fields that are the sum of columns; a column after ``-`` is subtracted, none at all is 0.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    amounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMap:
    """One declared map.

    Parameters
    ----------
    name : str
    columns : mapping of str to tuple of str
        Field to the columns that may hold it; in each row the first one with a value counts.
    required : tuple of str
        Fields without which the file is refused.
    constants : mapping of str to str
        Fields that no column holds.
    amounts : mapping of str to tuple of str
        As in `Case`, for every row.
    case_column : tuple of str
        Column that decides over cases; empty without any.
    cases : mapping of str to Case
        By value of that column; ``value|commitment`` is for rows that name a commitment, ``*`` stands for all
        other values; without it they are refused.
    zone : ZoneInfo
        Of times that carry none.
    nulls : tuple of str
        Texts that mean no value.
    tag_format : str
        One of `TAG_FORMATS`.
    tag_prefixes : tuple of str
        Columns that begin so hold one tag each; the rest of the name is its key.
    credit_column : str or None
        Column with a list of credits of a row (Google).
    separate_credits : tuple of str
        Types of credits that become lines of their own; all others lower the row's cost.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    constants: Mapping[str, str]
    amounts: Mapping[str, tuple[str, ...]]
    case_column: tuple[str, ...]
    cases: Mapping[str, Case]
    zone: ZoneInfo
    nulls: tuple[str, ...]
    tag_format: str
    tag_prefixes: tuple[str, ...]
    credit_column: str | None
    separate_credits: tuple[str, ...]
    content_hash: str

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Return every column that the map reads."""
        terms = [*self.amounts.values(), *(t for case in self.cases.values() for t in case.amounts.values())]
        found = [name for names in self.columns.values() for name in names]
        found += [term.removeprefix("-") for names in terms for term in names]
        found += [*self.case_column, *([self.credit_column] if self.credit_column else [])]
        return tuple(dict.fromkeys(found))


def shipped_maps() -> tuple[str, ...]:
    """Return the names of the maps that come with Millicore."""
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in _MAPS.iterdir() if entry.name.endswith(".yaml"))
    )


def load_map(name_or_path: str) -> ColumnMap:
    """Return a shipped map by name, or one of your own by the path of a YAML or TOML file.

    Raises
    ------
    InputError
        If there is no such map, or it says something that no bill has.
    """
    if name_or_path in shipped_maps():
        return _parse(_MAPS.joinpath(f"{name_or_path}.yaml").read_text(encoding="utf-8"), name_or_path, "map")
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml", ".toml"):
        known = ", ".join(shipped_maps())
        raise InputError(
            f"is not a map of columns: name one of {known}, or a .yaml or .toml file",
            field="map",
            value=name_or_path,
        )
    return _parse(read_small_text(path), path.stem, str(path), is_toml=path.suffix == ".toml")


def _parse(text: str, name: str, file: str, *, is_toml: bool = False) -> ColumnMap:
    try:
        content = tomllib.loads(text) if is_toml else yaml.safe_load(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"is not a map of columns: {problem}", file=file) from problem
    if not isinstance(content, dict):
        raise InputError("is not a map of columns: write keys and values", file=file)
    _check_form(content, file)
    return _checked(_build(content, name, hashlib.sha256(text.encode()).hexdigest()[:32]), file)


def _check_form(content: Mapping[str, Any], file: str) -> None:
    """Refuse unknown keys, parts that are no mappings, and a zone that is none."""
    for key, value in content.items():
        if key not in _KEYS:
            raise InputError(f"is not a key of a map; known are {', '.join(_KEYS)}", file=file, field=key)
        if key in _MAPPINGS and value is not None and not isinstance(value, dict):
            raise InputError("holds no keys and values", file=file, field=key, value=value)
    cases = (content.get("cases") or {}).items()
    for value, case in cases:
        if case is not None and not isinstance(case, dict):
            raise InputError("holds no keys and values", file=file, field=f"cases.{value}", value=case)
    try:
        ZoneInfo(str(content.get("zone") or "UTC"))
    except (KeyError, ValueError) as problem:
        raise InputError(
            "is not an IANA time zone like Europe/Berlin", file=file, field="zone", value=content.get("zone")
        ) from problem


_MAPPINGS = ("columns", "constants", "amounts", "cases")
_KEYS = (
    "description",
    "columns",
    "required",
    "constants",
    "amounts",
    "case_column",
    "cases",
    "zone",
    "nulls",
    "tag_format",
    "tag_prefixes",
    "credit_column",
    "separate_credits",
)


def _build(content: Mapping[str, Any], name: str, digest: str) -> ColumnMap:
    cases = {str(value): _case(case or {}) for value, case in (content.get("cases") or {}).items()}
    return ColumnMap(
        name=name,
        columns={key: _names(value) for key, value in (content.get("columns") or {}).items()},
        required=_names(content.get("required")),
        constants={key: str(value) for key, value in (content.get("constants") or {}).items()},
        amounts={key: _names(value) for key, value in (content.get("amounts") or {}).items()},
        case_column=_names(content.get("case_column")),
        cases=cases,
        zone=ZoneInfo(content.get("zone") or "UTC"),
        nulls=_names(content.get("nulls")),
        tag_format=content.get("tag_format") or "json",
        tag_prefixes=_names(content.get("tag_prefixes")),
        credit_column=content.get("credit_column"),
        separate_credits=_names(content.get("separate_credits")),
        content_hash=digest,
    )


def _case(content: Mapping[str, Any]) -> Case:
    amounts = {key: _names(value) for key, value in content.items() if key in AMOUNT_FIELDS}
    return Case({key: str(value) for key, value in content.items() if key not in AMOUNT_FIELDS}, amounts)


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def _checked(found: ColumnMap, file: str) -> ColumnMap:
    named = [*found.columns, *found.required, *found.constants, *found.amounts]
    for case in found.cases.values():
        named += [*case.values, *case.amounts]
    for name in named:
        if name not in FIELDS:
            raise InputError(
                f"is not a field of a bill line; known are {', '.join(FIELDS)}", file=file, field=name
            )
    for category in _fixed_categories(found):
        if category not in CHARGE_CATEGORIES:
            raise InputError(
                f"is not one of {', '.join(CHARGE_CATEGORIES)}",
                file=file,
                field="charge_category",
                value=category,
            )
    for name in ("billing_period_start", "currency", "billed_cost"):
        if name not in named:
            raise InputError("is missing: name the column that holds it", file=file, field=name)
    if found.tag_format not in TAG_FORMATS:
        raise InputError(
            f"is not one of {', '.join(TAG_FORMATS)}", file=file, field="tag_format", value=found.tag_format
        )
    return found


def _fixed_categories(found: ColumnMap) -> Sequence[str]:
    values = [found.constants, *(case.values for case in found.cases.values())]
    return [value["charge_category"] for value in values if "charge_category" in value]
