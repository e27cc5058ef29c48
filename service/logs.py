"""Logs: one line each on stderr, in UTC, without secrets. Data goes to stdout and never passes here."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import TextIO

_SECRETS = (
    (re.compile(r"(://[^/\s:@]+:)[^@\s/]+@"), r"\1***@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"), r"\1 ***"),
    (
        re.compile(
            r"(?i)((?:pass(?:word)?|secret|token|access_key(?:_id)?)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+"
        ),
        r"\1***",
    ),
)
_NOISY = ("apscheduler", "alembic", "urllib3", "kubernetes", "prometheus_api_client", "watchfiles", "asyncio")


def redact(text: str) -> str:
    """Return the text with passwords in URLs, tokens and keys replaced by ``***``."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _RedactingFormatter(logging.Formatter):
    """No secret in message or traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure_logs(level: str = "info", stream: TextIO | None = None) -> None:
    """Send the logs of this process to stderr.

    Parameters
    ----------
    level : str
        debug, info, warning or error. Libraries are one step quieter, unless it is debug.
    stream : file, optional
        Where to write instead of stderr.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    formatter = _RedactingFormatter(
        "%(asctime)sZ %(levelname)-7s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
