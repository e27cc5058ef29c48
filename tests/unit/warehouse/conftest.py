"""A warehouse on a folder and SQLite for unit tests."""

from __future__ import annotations

from support.warehouse import fresh_warehouse  # noqa: F401
