"""Which of several currencies a board opens on."""

from __future__ import annotations

from collections.abc import Sequence


def main_currency(known: Sequence[str], reporting: str) -> str:
    """Return the reporting currency where anything, or nothing at all, is in it; else the first known."""
    return reporting if reporting in known or not known else known[0]
