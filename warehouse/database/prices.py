"""Price lists: the rows by which node hours are priced, replaced as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, insert, select

from models.pricing.price_list import PriceRow, check_price_rows, hash_price_rows
from warehouse.database.connection import Database
from warehouse.database.schema import PRICE


class PriceLists:
    """All price rows of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, rows: Sequence[PriceRow]) -> None:
        """Store these rows instead of all present ones; all or nothing.

        Raises
        ------
        InputError
            If a row is wrong or two rows price the same asset at the same time (names file and rows).
        """
        check_price_rows(rows)
        values = [{"position": position, **asdict(row)} for position, row in enumerate(rows)]
        with self._database.write() as connection:
            connection.execute(delete(PRICE))
            if values:
                connection.execute(insert(PRICE), values)

    def all(self) -> list[PriceRow]:
        """Return all rows in the order in which they were given."""
        with self._database.read() as connection:
            rows = connection.execute(select(PRICE).order_by(PRICE.c.position)).all()
        return [
            PriceRow(**{name: value for name, value in row._mapping.items() if name != "position"})
            for row in rows
        ]

    def hash(self) -> str:
        """Return a hash of what the rows say, whatever their order."""
        return hash_price_rows(self.all())
