"""Shares and savings of levers as people write them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from models.initiatives.initiative import AgreedShare
from models.vocabulary.errors import InputError, UsageError


def parse_shares(texts: Sequence[str]) -> list[AgreedShare]:
    """Return shares from texts like ``platform=50``.

    Raises
    ------
    UsageError
        If one is not a party and a number.
    """
    shares = []
    for text in texts:
        party, _, parts = text.rpartition("=")
        try:
            shares.append(AgreedShare(party.strip(), Decimal(parts)))
        except InvalidOperation as problem:
            raise UsageError(f"{text!r} is not like platform=50") from problem
        if not party.strip():
            raise UsageError(f"{text!r} names no party: write platform=50")
    return shares


def read_lever_savings(path: str) -> dict[frozenset[str], Decimal]:
    """Return what sets of levers save together, from a CSV with the columns levers (joined by +) and saving.

    Raises
    ------
    InputError
        Naming file and row.
    """
    found: dict[frozenset[str], Decimal] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", file=path) from problem
    for number, row in enumerate(rows, start=1):
        levers = frozenset(part.strip() for part in (row.get("levers") or "").split("+") if part.strip())
        try:
            found[levers] = Decimal(row.get("saving") or "")
        except InvalidOperation as problem:
            raise InputError(
                "is not a number", file=path, row=number, field="saving", value=row.get("saving")
            ) from problem
    return found
