"""Values of a CMDB's rows: paths into JSON, texts with columns in them, dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from models.vocabulary.errors import InputError
from models.vocabulary.windows import to_utc

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def at_path(value: Any, path: str) -> Any:
    """Return what stands at a dotted path of mappings and list positions; None where it leads nowhere.

    A key that holds dots itself is found too: the whole path is tried first.
    """
    if not path:
        return value
    if isinstance(value, Mapping) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, Mapping):
        return at_path(value.get(head), rest) if head in value else None
    if isinstance(value, list) and head.isdigit() and int(head) < len(value):
        return at_path(value[int(head)], rest)
    return None


def text_of(row: Mapping[str, Any], wanted: str) -> Any:
    """Return the value of a column, path or text with ``{column}`` in it; None when a part is not there."""
    if not _PLACEHOLDER.search(wanted):
        return _known(at_path(row, wanted))
    parts = {name: _known(at_path(row, name)) for name in _PLACEHOLDER.findall(wanted)}
    if any(part is None for part in parts.values()):
        return None
    return _PLACEHOLDER.sub(lambda match: str(parts[match[1]]).strip(), wanted)


def _known(value: Any) -> Any:
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def instant_of(value: Any, zone: ZoneInfo, field: str, file: str, row: int | None = None) -> datetime:
    """Return an instant; a bare date is midnight in the zone.

    Raises
    ------
    InputError
        If it is no date and no time, or a time without its zone.
    """
    try:
        if isinstance(value, str):
            text = value.strip()
            is_date = len(text) == 10
            value = date.fromisoformat(text) if is_date else datetime.fromisoformat(text)
        if isinstance(value, datetime):
            return to_utc(value)
        if isinstance(value, date):
            return to_utc(datetime.combine(value, time(), zone))
    except (ValueError, InputError) as problem:
        reason = "is not a date or a time with its zone, like 2026-10-01 or 2026-10-01T08:00:00Z"
        raise InputError(reason, file=file, row=row, field=field, value=value) from problem
    raise InputError("is not a date or a time", file=file, row=row, field=field, value=value)
