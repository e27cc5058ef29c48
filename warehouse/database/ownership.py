"""Ownership rules: who pays for a namespace or a set of pods, replaced as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, insert, select

from models.ownership.rules import OwnershipRow, check_ownership_rows, hash_ownership_rows
from warehouse.database.connection import Database
from warehouse.database.schema import OWNERSHIP_RULE


class Ownership:
    """All ownership rules of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, rows: Sequence[OwnershipRow]) -> None:
        """Store these rules instead of all present ones; all or nothing.

        Raises
        ------
        InputError
            If a rule is wrong or rules of one scope give away more than the whole.
        """
        check_ownership_rows(rows)
        values = [{"position": position, **asdict(row)} for position, row in enumerate(rows)]
        with self._database.write() as connection:
            connection.execute(delete(OWNERSHIP_RULE))
            if values:
                connection.execute(insert(OWNERSHIP_RULE), values)

    def all(self) -> list[OwnershipRow]:
        """Return all rules in the order in which they were given."""
        with self._database.read() as connection:
            rows = connection.execute(select(OWNERSHIP_RULE).order_by(OWNERSHIP_RULE.c.position)).all()
        return [
            OwnershipRow(**{name: value for name, value in row._mapping.items() if name != "position"})
            for row in rows
        ]

    def hash(self) -> str:
        """Return a hash of what the rules say, whatever their order."""
        return hash_ownership_rows(self.all())
