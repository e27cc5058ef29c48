"""Rows of a CMDB as entity records, each column found through the source's map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ingest.ownership.settings import CmdbSource
from ingest.ownership.values import instant_of, text_of
from models.ownership.entities import EntityFacts, EntityKind, EntityRecord, check_records
from models.vocabulary.errors import InputError

Row = Mapping[str, Any]
_FACTS = tuple(one.name for one in fields(EntityFacts))


def records_of(rows: Iterable[Row], source: CmdbSource, zone: ZoneInfo) -> list[EntityRecord]:
    """Return the rows as checked records, in their order; rows of kinds that are left out are not in it.

    Raises
    ------
    InputError
        Naming source, row, field and value: a mapped column that no row has, a kind that is not known, a
        bad date, an entity that is there twice, a loop of parents.
    """
    listed = list(rows)
    _check_columns(listed, source)
    records = [
        record
        for number, row in enumerate(listed, start=1)
        if (record := _record(row, number, source, zone)) is not None
    ]
    check_records(records, source.name)
    return records


def _check_columns(rows: Sequence[Row], source: CmdbSource) -> None:
    """Refuse a mapped plain column that not one row has: a renamed column would empty every owner."""
    if not rows:
        return
    there = {name for row in rows for name in row}
    for target, wanted in source.columns.items():
        head = wanted.partition(".")[0]
        if "{" not in wanted and wanted not in there and head not in there:
            raise InputError(
                f"is mapped to {target}, and no row has it; there are {', '.join(sorted(there)[:20])}",
                file=source.name,
                field=wanted,
            )


def _record(row: Row, number: int, source: CmdbSource, zone: ZoneInfo) -> EntityRecord | None:
    found = {target: text_of(row, wanted) for target, wanted in source.columns.items()}
    found = {**source.values, **{target: value for target, value in found.items() if value is not None}}
    kind = _kind(found.get("kind"), number, source)
    if kind is None:
        return None
    if found.get("name") is None:
        raise InputError("is empty", file=source.name, row=number, field=source.columns["name"])
    return EntityRecord(
        kind,
        _text(found["name"]) or "",
        EntityFacts(**{name: _text(found.get(name)) for name in _FACTS}),
        _instant(found, "valid_from", number, source, zone),
        _instant(found, "valid_to", number, source, zone),
        number,
    )


def _kind(value: object, number: int, source: CmdbSource) -> EntityKind | None:
    if source.kinds and str(value) in source.kinds:
        return source.kinds[str(value)]
    try:
        return EntityKind(str(value))
    except ValueError as problem:
        known = ", ".join(source.kinds or EntityKind)
        raise InputError(
            f"is not one of {known}; map it in kinds, to null to leave such rows out",
            file=source.name,
            row=number,
            field="kind",
            value=value,
        ) from problem


def _instant(
    found: Mapping[str, Any], name: str, number: int, source: CmdbSource, zone: ZoneInfo
) -> datetime | None:
    value = found.get(name)
    return None if value is None else instant_of(value, zone, name, source.name, number)


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None
