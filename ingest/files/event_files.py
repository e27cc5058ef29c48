"""Calendar files: sales, holidays and other times that are not like others, as CSV or YAML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from ingest.files.columns import Column, Kind
from ingest.files.reading import read_rows
from ingest.files.text_files import read_small_text
from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.windows import parse_instant

EVENT_COLUMNS = (
    Column("name", Kind.TEXT, is_required=True),
    Column("kind", Kind.TEXT),
    Column("start", Kind.TEXT, is_required=True),
    Column("end", Kind.TEXT, is_required=True),
    Column("cluster", Kind.TEXT),
    Column("namespace", Kind.TEXT),
    Column("workload", Kind.TEXT),
    Column("expected_factor", Kind.NUMBER),
    Column("include_in_baseline", Kind.TEXT),
)
"""``kind`` is sale without one; patterns are ``*`` without one; ``include_in_baseline`` is yes or no."""

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0", "")


def load_events(path: Path) -> list[CalendarEvent]:
    """Return the events of a CSV file, or of a YAML file with a list ``events``.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for an event that stands twice. Nothing is stored then.
    """
    is_yaml = path.suffix in (".yaml", ".yml")
    rows = _yaml_rows(path) if is_yaml else list(read_rows(path, EVENT_COLUMNS))
    found: dict[str, CalendarEvent] = {}
    for number, row in enumerate(rows, start=1):
        try:
            event = _event(row)
        except InputError as problem:
            raise InputError(
                problem.reason, file=str(path), row=number, field=problem.field, value=problem.value
            ) from problem
        if event.id in found:
            raise InputError("stands twice", file=str(path), row=number, field="name", value=event.name)
        found[event.id] = event
    return list(found.values())


def read_event_kind(text: str) -> EventKind:
    """Return a kind of event by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    try:
        return EventKind(text)
    except ValueError as problem:
        raise InputError(f"is not one of {', '.join(EventKind)}", field="kind", value=text) from problem


def _yaml_rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = yaml.safe_load(read_small_text(path))
    except yaml.YAMLError as problem:
        raise InputError(f"is not YAML: {problem}", file=str(path)) from problem
    rows = content.get("events") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("is not a list of events: begin with `events:`", file=str(path))
    known = {column.name for column in EVENT_COLUMNS}
    for number, row in enumerate(rows, start=1):
        for name in row:
            if name not in known:
                reason = f"is not a key of an event; known are {', '.join(sorted(known))}"
                raise InputError(reason, file=str(path), row=number, field=str(name))
    return rows


def _event(row: Mapping[str, Any]) -> CalendarEvent:
    factor = row.get("expected_factor")
    return CalendarEvent(
        name=str(row.get("name") or ""),
        scope=EventScope(*(str(row.get(name) or "*") for name in ("cluster", "namespace", "workload"))),
        start=_instant(row, "start"),
        end=_instant(row, "end"),
        kind=read_event_kind(str(row.get("kind") or EventKind.SALE)),
        include_in_baseline=_flag(row.get("include_in_baseline")),
        expected_factor=None if factor is None else _number(factor),
    )


def _instant(row: Mapping[str, Any], field: str) -> datetime:
    value = row.get(field)
    if value is None:
        raise InputError("is missing", field=field)
    # YAML reads a bare time as a date or datetime of its own.
    text = value.isoformat() if isinstance(value, (date, datetime)) else str(value)
    try:
        return parse_instant(text)
    except UsageError as problem:
        raise InputError("is not a time like 2026-11-11T00:00:00Z", field=field, value=text) from problem


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError as problem:
        raise InputError("is not a number", field="expected_factor", value=str(value)) from problem


def _flag(value: object) -> bool:
    text = "" if value is None else str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise InputError("is not yes or no", field="include_in_baseline", value=text)
    return text in _YES
