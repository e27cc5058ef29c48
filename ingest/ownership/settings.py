"""Where a CMDB is and how its columns are called: the content of a ``cmdb.yaml``, checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ingest.ownership.values import instant_of
from models.ownership.entities import EntityFacts, EntityKind
from models.vocabulary.errors import InputError

TARGETS = ("kind", "name", *(one.name for one in fields(EntityFacts)), "valid_from", "valid_to")
"""What columns can be mapped to."""
_Choice = TypeVar("_Choice", bound=StrEnum)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class CmdbKind(StrEnum):
    """How a CMDB is read."""

    CSV = "csv"
    SQL = "sql"
    HTTP = "http"


@dataclass(frozen=True)
class Paging:
    """How an HTTP source hands out more than one page; without any setting there is one.

    Parameters
    ----------
    next_path : str or None
        Where in the answer the address of the next page stands, such as ``links.next``.
    link_header : bool
        The next page is named by the header ``Link: <...>; rel="next"``.
    page_param, size_param : str or None
        Query parameters with the number of the page and its size; pages are read until one is not full.
    first_page, page_size : int
    """

    next_path: str | None = None
    link_header: bool = False
    page_param: str | None = None
    size_param: str | None = None
    first_page: int = 1
    page_size: int = 100


@dataclass(frozen=True)
class CmdbSource:
    """One CMDB.

    Parameters
    ----------
    name : str
        Stands with every version that comes from it.
    kind : CmdbKind
    columns : mapping of str to str
        From what we call a value (`TARGETS`) to the source's column, a dotted path into JSON, or a text with
        ``{column}`` in it.
    values : mapping of str to str
        Values that are the same for every row, such as ``kind: service``.
    kinds : mapping of str to (EntityKind or None)
        The source's words for kinds; None leaves such rows out. Empty takes our own words.
    path, url, query, database_url : str or None
        Of a CSV file, an HTTP source, an SQL source. Addresses may hold passwords: never shown whole.
    headers, token
        Of an HTTP source; never shown.
    json_path : str
        Where in the answer the list of rows stands; empty when the answer is the list.
    paging : Paging
    timeout_seconds : float
    retry_limit : int
        Repeats after a failed first attempt.
    first_valid_from : datetime or None
        Since when the rows of the very first sync hold; None is the time of that sync.
    tls_ca_file : str or None
    """

    name: str
    kind: CmdbKind
    columns: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, EntityKind | None] = field(default_factory=dict)
    path: str | None = None
    url: str | None = field(default=None, repr=False)
    query: str | None = None
    database_url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str | None = field(default=None, repr=False)
    json_path: str = ""
    paging: Paging = field(default_factory=Paging)
    timeout_seconds: float = 30.0
    retry_limit: int = 4
    first_valid_from: datetime | None = None
    tls_ca_file: str | None = None


def parse_source(document: Mapping[str, Any], file: Path, zone: ZoneInfo) -> CmdbSource:
    """Return a source from the content of its file, secrets already in their place.

    Parameters
    ----------
    document : mapping
    file : Path
        Gives the source its name when it states none; relative paths start at its folder.
    zone : ZoneInfo
        A bare date is midnight here.

    Raises
    ------
    InputError
        Naming the file, the key and what to write.
    """
    given = dict(document)
    _refuse_unknown(given, [one.name for one in fields(CmdbSource)], file)
    kind = _choice(given.get("kind"), CmdbKind, "kind", file)
    made: dict[str, Any] = {**given, "kind": kind, "name": str(given.get("name") or file.stem.lower())}
    if not _NAME.fullmatch(made["name"]):
        raise InputError("is not 1 to 63 of a-z 0-9 . _ -", file=str(file), field="name", value=made["name"])
    made["columns"] = _columns(given, "columns", file)
    made["values"] = _columns(given, "values", file)
    made["kinds"] = {
        str(word): None if kind is None else _choice(kind, EntityKind, "kinds", file)
        for word, kind in _mapping(given, "kinds", file).items()
    }
    made["headers"] = {str(key): str(value) for key, value in _mapping(given, "headers", file).items()}
    made["paging"] = _paging(_mapping(given, "paging", file), file)
    if given.get("first_valid_from") is not None:
        made["first_valid_from"] = instant_of(given["first_valid_from"], zone, "first_valid_from", str(file))
    _check_numbers(made, file)
    source = CmdbSource(**made)
    _check_whole(source, file)
    return source if source.path is None else _with_path(source, made, file)


def _with_path(source: CmdbSource, made: Mapping[str, Any], file: Path) -> CmdbSource:
    return CmdbSource(**{**made, "path": str(file.parent / str(source.path))})


def _refuse_unknown(given: Mapping[str, Any], known: list[str], file: Path) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise InputError(f"is no key of a source; {remedy}", file=str(file), field=str(key))


def _mapping(given: Mapping[str, Any], key: str, file: Path) -> Mapping[Any, Any]:
    found = given.get(key) or {}
    if not isinstance(found, Mapping):
        raise InputError("is not a mapping", file=str(file), field=key)
    return found


def _columns(given: Mapping[str, Any], key: str, file: Path) -> dict[str, str]:
    found = {str(name): str(value) for name, value in _mapping(given, key, file).items()}
    for name in found:
        if name not in TARGETS:
            raise InputError(
                f"cannot be mapped; it is one of {', '.join(TARGETS)}", file=str(file), field=f"{key}.{name}"
            )
    return found


def _choice(value: object, kinds: type[_Choice], key: str, file: Path) -> _Choice:
    try:
        return kinds(str(value))
    except ValueError as problem:
        raise InputError(
            f"is not one of {', '.join(kinds)}", file=str(file), field=key, value=value
        ) from problem


def _paging(given: Mapping[Any, Any], file: Path) -> Paging:
    known = [one.name for one in fields(Paging)]
    _refuse_unknown(given, known, file)
    paging = Paging(**{str(key): value for key, value in given.items()})
    ways = [bool(paging.next_path), paging.link_header, bool(paging.page_param)]
    if sum(ways) > 1:
        raise InputError("names more than one way to the next page: keep one", file=str(file), field="paging")
    if not isinstance(paging.page_size, int) or paging.page_size < 1:
        raise InputError("is not above 0", file=str(file), field="paging.page_size", value=paging.page_size)
    return paging


def _check_numbers(made: Mapping[str, Any], file: Path) -> None:
    for key, least in (("timeout_seconds", 0.001), ("retry_limit", 0)):
        value = made.get(key, least)
        if not isinstance(value, int | float) or value < least:
            raise InputError("is not a number of at least 0", file=str(file), field=key, value=value)


def _check_whole(source: CmdbSource, file: Path) -> None:
    needed = {
        CmdbKind.CSV: ("path",),
        CmdbKind.SQL: ("database_url", "query"),
        CmdbKind.HTTP: ("url",),
    }[source.kind]
    for key in needed:
        if not getattr(source, key):
            raise InputError(
                f"is missing: a source of kind {source.kind} needs it", file=str(file), field=key
            )
    if source.kind is CmdbKind.HTTP and urlsplit(str(source.url)).scheme not in ("http", "https"):
        raise InputError("is not an http:// or https:// address", file=str(file), field="url")
    if "name" not in source.columns:
        raise InputError("is missing: say which column holds the name", file=str(file), field="columns.name")
    if "kind" not in source.columns and "kind" not in source.values:
        raise InputError(
            "is missing: write values: {kind: service} or name the column that tells it",
            file=str(file),
            field="columns.kind",
        )
