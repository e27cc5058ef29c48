"""Opening text files: UTF-8 with or without a mark, packed or not; what goes wrong names the file."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from models.vocabulary.errors import InputError

_LARGEST_DOCUMENT_BYTES = 8 << 20
_LONGEST_CELL = 1 << 20


@contextmanager
def reading_text(path: Path) -> Iterator[IO[str]]:
    """Open a file of UTF-8 text, unpacked if its name ends in ``.gz``; what goes wrong names the file.

    Raises
    ------
    InputError
        If it cannot be read, is no UTF-8, or is no CSV or JSON where the block reads it as such.
    """
    try:
        with _opened(path) as stream:
            yield stream
    except UnicodeDecodeError as problem:
        raise InputError("is not UTF-8 text: save it in UTF-8", file=str(path)) from problem
    except csv.Error as problem:
        raise InputError(f"is no CSV: {problem}", file=str(path)) from problem
    except ValueError as problem:
        raise InputError(f"is no JSON: {problem}", file=str(path)) from problem
    except (OSError, EOFError, zlib.error) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise InputError(f"cannot be read: {reason}", file=str(path)) from problem


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def read_small_text(path: Path) -> str:
    """Return the text of a small file that people write, such as rules or a mapping.

    Raises
    ------
    InputError
        If it cannot be read, is no UTF-8, or is larger than 8 MiB.
    """
    with reading_text(path) as stream:
        text = stream.read(_LARGEST_DOCUMENT_BYTES + 1)
    if len(text) > _LARGEST_DOCUMENT_BYTES:
        raise InputError("is larger than 8 MiB: no such file is", file=str(path))
    return text


def csv_rows(
    path: Path, check_names: Callable[[Sequence[str]], None] | None = None, *, may_be_short: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV with their numbers, from 1, each a mapping of column to cell.

    Parameters
    ----------
    path : Path
    check_names : callable, optional
        Gets the header before the first row, and refuses columns that are missing or not known.
    may_be_short : bool
        Whether cells at the end of a row may be left out; they are empty then.

    Raises
    ------
    InputError
        If it is no CSV in UTF-8, has no header or a column twice, or a row has other cells than the header.
    """
    csv.field_size_limit(_LONGEST_CELL)
    with reading_text(path) as stream:
        reader = csv.DictReader(stream, strict=True, restval="" if may_be_short else None)
        names = list(reader.fieldnames or ())
        if not names or len(set(names)) < len(names):
            raise InputError("has no header, or a column twice", file=str(path))
        if check_names is not None:
            check_names(names)
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values():
                raise InputError("has more or fewer cells than the header", file=str(path), row=number)
            yield number, row
