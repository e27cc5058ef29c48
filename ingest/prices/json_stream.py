"""Reading members of a large JSON document one by one: a price list may have gigabytes.

Only the member that is being read is held in memory. Numbers become exact decimals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from ingest.files.text_files import reading_text
from models.vocabulary.errors import InputError

_CHUNK = 1 << 20
_LONGEST_MEMBER = 64 << 20
"""Characters: what is longer is damaged, and must not fill the memory before it is refused."""
_LONGEST_NUMBER = 64
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)
_SPACE = " \t\r\n"


def read_document(path: Path) -> Any:
    """Return a whole small document.

    Raises
    ------
    InputError
        If the file is no JSON.
    """
    with reading_text(path) as stream:
        return json.load(stream, parse_float=Decimal, parse_int=Decimal)


def iterate_members(path: Path, depth: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every member of a document that lies ``depth`` levels down, with the names that lead to it.

    Parameters
    ----------
    path : Path
    depth : int
        1: the members of the outermost object or array; 2: the members of those, ... A value that ends before
        this depth, a text or a number, is yielded where it stands. Positions in arrays are names.

    Raises
    ------
    InputError
        If the file is no JSON, or ends too early.
    """
    with reading_text(path) as stream:
        reader = _Reader(stream)
        yield from reader.members((), depth)
        reader.expect_end()


def iterate_records(path: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of ``{name: [...]}``, of an array of such answers, or of an array of records.

    Raises
    ------
    InputError
        If the file holds none of these.
    """
    first = next(iterate_members(path, 2), ((), None))[0]
    is_known = False
    if first and first[0].isdigit():
        for _, value in iterate_members(path, 1):
            records = value.get(name, [value]) if isinstance(value, dict) else []
            is_known = is_known or bool(records)
            for one in records if isinstance(records, list) else [records]:
                yield _record(path, name, one)
    else:
        for names, value in iterate_members(path, 2):
            if names and names[0] == name:
                is_known = True
                yield _record(path, name, value)
    if not is_known:
        raise InputError(f"holds no list {name}", file=str(path))


def _record(path: Path, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError("is no list of records", file=str(path), field=name, value=str(value))
    return value


class _Reader:
    """A buffer over a stream that is dropped as far as it was read."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._is_whole = False

    def members(self, names: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], Any]]:
        opening = self._peek()
        if depth == 0 or opening not in "{[":
            yield names, self._value()
            return
        closing = "}" if opening == "{" else "]"
        self._at += 1
        count = 0
        while self._peek() != closing:
            if count:
                self._take(",")
            name = str(count)
            if opening == "{":
                name = self._value()
                self._take(":")
            yield from self.members((*names, name), depth - 1)
            count += 1
        self._at += 1

    def expect_end(self) -> None:
        """Refuse text after the document.

        Raises
        ------
        ValueError
            If there is any but white space.
        """
        if self._next():
            raise ValueError(f"{self._peek()!r} after the document")

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if len(self._text) - self._at > _LONGEST_MEMBER or not self._read_more():
                    raise
                continue
            # A number at the end of what was read may go on: 12 of 12.5.
            if len(self._text) - end < _LONGEST_NUMBER and self._read_more():
                continue
            self._at = end
            return value

    def _take(self, wanted: str) -> None:
        found = self._peek()
        if found != wanted:
            raise ValueError(f"{found!r} where {wanted!r} is expected")
        self._at += 1

    def _peek(self) -> str:
        """Return the next character that is no white space."""
        found = self._next()
        if not found:
            raise ValueError("it ends too early")
        return found

    def _next(self) -> str:
        """Return the next character that is no white space, empty text at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_more():
                return ""

    def _read_more(self) -> bool:
        if self._is_whole:
            return False
        # As much again as is waiting: a long member is decoded anew a few times only.
        more = self._stream.read(max(_CHUNK, len(self._text) - self._at))
        if not more:
            self._is_whole = True
            return False
        self._text = self._text[self._at :] + more
        self._at = 0
        return True
