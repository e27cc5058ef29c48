"""The error tree of Millicore.

MillicoreError                  exit 1
├── UsageError                  exit 2   a flag or setting is wrong
├── InputError                  exit 1   a file, row, field or value is wrong
├── SourceError                 exit 1   Prometheus, Kubernetes or a file source cannot be read
│   ├── SourceUnreachable                no answer, or an answer that is not its protocol
│   ├── SourceRefused                    credentials are missing or lack a right
│   └── MetricsMissing                   required metrics are not there
├── StorageError                exit 1   the lake or the database cannot be read or written
│   ├── LeaseLost                        another writer holds the lease, or this one is fenced
│   └── LakeInconsistent                 ledger and lake disagree
├── NotFound                    exit 1   a named thing does not exist
├── Conflict                    exit 1   the thing changed since it was read (HTTP 409)
├── Forbidden                   exit 1   the principal has no right to it (HTTP 403)
└── DegradedData                exit 3   the answer stands, but data behind it is missing or assumed
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

_LONGEST_VALUE = 120
"""Characters of a value that a message quotes: a cell may hold megabytes."""


class MillicoreError(Exception):
    """Base of every error that a person is meant to read.

    The message is one or two plain sentences: what is wrong, where, and what to do about it.
    """

    exit_code: ClassVar[int] = 1


class UsageError(MillicoreError):
    """A flag, a setting or a combination of them is wrong."""

    exit_code: ClassVar[int] = 2


class InputError(MillicoreError):
    """A value in a file or an answer cannot be used.

    Parameters
    ----------
    reason : str
        What is wrong with the value, as a clause ("is not a number").
    file, field, value : str or None
        Where it stands. Each is named in the message when given.
    row : int or None
        1-based data row, the header not counted.
    """

    def __init__(
        self,
        reason: str,
        *,
        file: str | None = None,
        field: str | None = None,
        value: object = None,
        row: int | None = None,
    ) -> None:
        self.reason = reason
        self.file = file
        self.field = field
        self.value = value
        self.row = row
        where = ", ".join(
            part
            for part in (
                file or "",
                f"row {row}" if row is not None else "",
                f"field {field}" if field else "",
            )
            if part
        )
        shown = f" value {_shown(value)}" if value is not None else ""
        super().__init__(f"{where}:{shown} {reason}" if where else f"{shown} {reason}".strip())


def _shown(value: object) -> str:
    """Return a value as people write it, text in quotes, cut when it is long."""
    if isinstance(value, datetime):
        return value.isoformat()
    text = repr(value) if isinstance(value, (str, bytes)) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}... ({len(text):,} characters)"


class SourceError(MillicoreError):
    """A source of usage, inventory or prices cannot be read."""


class SourceUnreachable(SourceError):
    """The source did not answer, or answered something that is not its protocol."""


class SourceRefused(SourceError):
    """The source refused the credentials, or they lack a right."""


class MetricsMissing(SourceError):
    """Metrics that an hour cannot do without are absent; the message names them and their remedy."""


class StorageError(MillicoreError):
    """The lake or the database cannot be read or written."""


class LeaseLost(StorageError):
    """Another writer holds the lease of this job, or a newer one has fenced this one off."""


class LakeInconsistent(StorageError):
    """The ledger and the lake disagree about a window."""


class NotFound(MillicoreError):
    """A named thing does not exist."""


class Conflict(MillicoreError):
    """The thing has changed since it was read."""


class Forbidden(MillicoreError):
    """The principal has no right to this row or this decision."""


class DegradedData(MillicoreError):
    """The answer stands, but data behind it is missing or assumed."""

    exit_code: ClassVar[int] = 3
