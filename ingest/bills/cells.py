"""Cells of a bill as values: amounts without loss, times, tags; each text is read once, however frequent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from ingest.files.reading import FilePlace
from models.vocabulary.errors import InputError
from warehouse.lake.bill_table import BILL_AMOUNT

_NARROWER = pa.decimal128(37, 15)
_SMALLEST = Decimal("1e-15")
_LARGEST = Decimal(10) ** 15
_TIME_FORMS = ("%Y-%m-%dT%H:%M:%S.%f", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%m/%d/%Y %H:%M:%S")
_MONTH = re.compile(r"(\d{4})[-/]?(\d{2})")
_AZURE_PAIRS = re.compile(r'"([^"]*)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_ALIBABA_PAIR = re.compile(r"key:(.*?)\s+value:(.*)", re.DOTALL)


def convert(
    place: FilePlace, values: pa.Array, field: str, kind: pa.DataType, read: Callable[[str], Any]
) -> pa.Array:
    """Return texts as values of a kind; null stays null.

    Raises
    ------
    InputError
        Naming file, row, field and value of the first text that cannot be read.
    """
    encoded = values.dictionary_encode()
    found: list[Any] = []
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            found.append(read(text))
        except InputError as problem:
            place.refuse(pc.equal(encoded.indices, code), values, field, problem.reason)
    return pa.array(found, kind).take(encoded.indices)


def read_amount(text: str) -> Decimal:
    """Return an amount of up to 15 decimals; further ones are rounded half-even."""
    try:
        with localcontext() as context:
            context.prec = 60
            value = Decimal(text.strip().replace(",", ""))
            if not value.is_finite():
                raise InputError("is not a finite number")
            if abs(value) >= _LARGEST:
                raise InputError("is too large to be true")
            return value.quantize(_SMALLEST, rounding=ROUND_HALF_EVEN)
    except InvalidOperation as problem:
        raise InputError("is not a number") from problem


def add_amounts(one: Any, other: Any) -> Any:
    """Return the sum of two columns of amounts, in their own type."""
    # Arrow widens a sum by a digit, and amounts have as many as there can be
    return pc.add(one.cast(_NARROWER), other.cast(_NARROWER)).cast(BILL_AMOUNT)


def read_number(text: str) -> float | None:
    """Return a quantity."""
    return float(read_amount(text))


def time_reader(zone: ZoneInfo) -> Callable[[str], datetime]:
    """Return a reader of times; one without a zone is of the given zone."""

    def read(text: str) -> datetime:
        moment = _parse_time(text.strip().removesuffix(" UTC"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

    return read


def _parse_time(text: str) -> datetime:
    if match := _MONTH.fullmatch(text):
        text = f"{match[1]}-{match[2]}-01"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        for form in _TIME_FORMS:
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007 - the zone of the map is added
            except ValueError:
                continue
    raise InputError("is not a time like 2026-10-01T00:00:00Z")


def tag_reader(form: str) -> Callable[[str], str | None]:
    """Return a reader of tags in one of the forms of a map; it gives a JSON object with sorted keys."""
    parse = {"json": _json_tags, "pairs": _pair_tags, "key_value_list": _listed_tags}[form]

    def read(text: str) -> str | None:
        return encode_tags(parse(text))

    return read


def encode_tags(tags: dict[str, str]) -> str | None:
    """Return tags as JSON with sorted keys, or None without any."""
    return json.dumps(tags, sort_keys=True, ensure_ascii=False) if tags else None


def _json_tags(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        # Azure writes the pairs without the braces
        pairs = _AZURE_PAIRS.findall(text)
        if not pairs:
            raise InputError("is not a JSON object of tags") from None
        return dict(pairs)
    if isinstance(found, list):
        return _listed(found)
    if not isinstance(found, dict):
        raise InputError("is not a JSON object of tags")
    return {str(key): _tag_text(value) for key, value in found.items()}


def _listed_tags(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as problem:
        raise InputError("is not a JSON list of keys and values") from problem
    return _json_tags(text) if isinstance(found, dict) else _listed(found)


def _listed(found: Any) -> dict[str, str]:
    try:
        return {str(one["key"]): _tag_text(one.get("value")) for one in found}
    except (TypeError, KeyError, AttributeError) as problem:
        raise InputError("is not a JSON list of keys and values") from problem


def _tag_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _pair_tags(text: str) -> dict[str, str]:
    """Read ``key:team value:shop; key:env value:prod``, or JSON."""
    if text.lstrip().startswith("{"):
        return _json_tags(text)
    found = {}
    for part in text.split(";"):
        match = _ALIBABA_PAIR.fullmatch(part.strip())
        if match:
            found[match[1].strip()] = match[2].strip()
        elif part.strip():
            raise InputError("is not a list like key:team value:shop; key:env value:prod")
    return found
