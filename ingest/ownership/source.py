"""Reading a CMDB: a CSV file, a query of its database, or its HTTP interface."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ingest.files.text_files import csv_rows
from ingest.ownership.http_rows import read_http_rows
from ingest.ownership.records import records_of
from ingest.ownership.settings import CmdbKind, CmdbSource
from models.ownership.entities import EntityRecord
from warehouse.foreign_sql import fetch_rows


def read_cmdb(source: CmdbSource, zone: ZoneInfo) -> list[EntityRecord]:
    """Return everything that a CMDB states now, checked.

    Parameters
    ----------
    source : CmdbSource
    zone : ZoneInfo
        A bare date is midnight here.

    Raises
    ------
    SourceError
        If the source does not answer, refuses, or answers something else than rows.
    InputError
        If a row cannot be used.
    """
    return records_of(_rows(source), source, zone)


def _rows(source: CmdbSource) -> list[Mapping[str, Any]]:
    if source.kind is CmdbKind.CSV:
        return [row for _, row in csv_rows(Path(str(source.path)))]
    if source.kind is CmdbKind.SQL:
        return list(fetch_rows(str(source.database_url), str(source.query), source.timeout_seconds))
    return read_http_rows(source)
