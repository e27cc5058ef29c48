"""The newest stored forecast of a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

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
        rows = self._lake.query(
            sql, tables={"forecast": TableScan("forecast")}, parameters=bound, pin=self._pin
        ).to_pylist()
        if not rows:
            return None
        row = rows[0]
        exact = {name: Decimal(repr(row[name])) for name in ("value", "lower_80", "upper_80")}
        return StoredForecast(**(row | exact))
