"""The newest stored forecast of a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from models.vocabulary.identity import Principal
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

MONTH_COST: Final = "month_cost"
"""``series_kind`` of a month's whole cost: ``series`` is the currency, ``target_start`` the month's start."""


@dataclass(frozen=True)
class StoredForecast:
    """One forecast value with its 80 % interval, in the unit of its series."""

    run_at: datetime
    target_start: datetime
    model: str
    value: Decimal
    lower_80: Decimal
    upper_80: Decimal
    backtest_wape: float | None


@dataclass(frozen=True)
class ForecastDay:
    """Forecast cost of one day that is still to come, with its 80 % interval."""

    start: datetime
    value: Decimal
    lower_80: Decimal
    upper_80: Decimal


class ForecastReads:
    """Reads of ``forecast`` at one pin.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def newest(
        self, principal: Principal, series_kind: str, series: str, target_start: datetime, until: datetime
    ) -> StoredForecast | None:
        """Return the forecast of one target by the newest run not after ``until``.

        Forecasts of whole clusters speak about every team: a principal who sees only some gets None.
        """
        principal.visible_teams()
        if not principal.sees_all_teams:
            return None
        sql = """SELECT run_at, target_start, model, value, lower_80, upper_80, backtest_wape FROM forecast
                 WHERE series_kind = $series_kind AND series = $series AND target_start = $target_start
                   AND run_at <= $until AND value IS NOT NULL
                 ORDER BY run_at DESC LIMIT 1"""
        bound = {
            "series_kind": series_kind,
            "series": series,
            "target_start": target_start,
            "until": until,
        }
        rows = self._rows(sql, bound)
        return StoredForecast(**(rows[0] | _exact(rows[0]))) if rows else None

    def days(
        self, principal: Principal, series_kind: str, series: str, run_at: datetime
    ) -> list[ForecastDay]:
        """Return the days that one run forecast, oldest first; none for who sees only some teams."""
        principal.visible_teams()
        if not principal.sees_all_teams:
            return []
        sql = """SELECT target_start AS start, value, lower_80, upper_80 FROM forecast
                 WHERE series_kind = $series_kind AND series = $series AND run_at = $run_at
                   AND value IS NOT NULL AND lower_80 IS NOT NULL AND upper_80 IS NOT NULL
                 ORDER BY target_start"""
        bound = {"series_kind": series_kind, "series": series, "run_at": run_at}
        return [ForecastDay(**(row | _exact(row))) for row in self._rows(sql, bound)]

    def _rows(self, sql: str, bound: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._lake.query(
            sql, tables={"forecast": TableScan("forecast")}, parameters=bound, pin=self._pin
        ).to_pylist()
        return rows


def _exact(row: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(repr(row[name])) for name in ("value", "lower_80", "upper_80")}
