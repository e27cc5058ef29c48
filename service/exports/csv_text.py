"""CSV that spreadsheets cannot be tricked by (RFC 4180, UTF-8, CRLF)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA_STARTS = frozenset("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
"""Characters by which a spreadsheet knows a formula, also in full width."""
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad"


def safe_text(text: str | None) -> str:
    """Return text that a spreadsheet shows as text: what looks like a formula gets a leading quote.

    Blanks and invisible characters before it do not hide it. NUL, which no CSV reader accepts, is dropped.
    """
    if not text:
        return ""
    cleaned = text.replace("\0", "")
    start = cleaned.lstrip(" \u00a0\u3000\u2000\u2001\u2002\u2003\u2009\u202f" + _INVISIBLE)
    is_formula = text[0] in _FORMULA_STARTS or (start and start[0] in _FORMULA_STARTS)
    return f"'{cleaned}" if is_formula else cleaned


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Yield the text of a CSV in pieces, the header first; every line ends with CRLF."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
