"""The periods of a company's fiscal calendar, where it does not follow months."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from models.budget.fiscal import CalendarRow, FiscalCalendar
from warehouse.database.connection import Database
from warehouse.database.plan_tables import FISCAL_PERIOD


class FiscalCalendars:
    """The one fiscal calendar of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, rows: Sequence[CalendarRow]) -> None:
        """Store these periods instead of all present ones; all or nothing.

        Raises
        ------
        InputError
            If periods overlap or leave a gap.
        """
        FiscalCalendar(rows=rows)
        values = [
            {
                "fiscal_year": row.fiscal_year,
                "period": row.period,
                "first_day": row.first,
                "last_day": row.last,
            }
            for row in rows
        ]
        with self._database.write() as connection:
            connection.execute(delete(FISCAL_PERIOD))
            if values:
                connection.execute(insert(FISCAL_PERIOD), values)

    def all(self) -> list[CalendarRow]:
        """Return every period, oldest first."""
        statement = select(FISCAL_PERIOD).order_by(FISCAL_PERIOD.c.first_day)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [CalendarRow(row.fiscal_year, row.period, row.first_day, row.last_day) for row in rows]
