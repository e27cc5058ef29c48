"""Commands about what comes: cost to the month's end, use of workloads and teams, and how good that was."""

from __future__ import annotations

import re
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from models.vocabulary.errors import UsageError
from models.vocabulary.windows import HOUR, parse_instant
from service.cli.backtest_commands import backtest_group
from service.cli.commands import command
from service.cli.model_commands import AsOf, ClusterName
from service.cli.output import Column, amount, as_ratio, number
from service.cli.session import Session

if TYPE_CHECKING:
    from service.usecases.forecast_usage import UsageForecast

_COST_COLUMNS = (
    Column("month", text=lambda month: f"{month:%Y-%m}"),
    Column("team", text=lambda team: str(team or "(all)")),
    Column("currency"),
    amount("to_date"),
    amount("value", "month"),
    amount("lower_80", "from"),
    amount("upper_80", "to (80 %)"),
    Column("model"),
    number("backtest_wape", "past error", as_ratio),
    number("naive_wape", "best naive", as_ratio),
    Column("reason", "why none"),
    Column("lower_50", is_in_table=False),
    Column("upper_50", is_in_table=False),
    Column("lower_95", is_in_table=False),
    Column("upper_95", is_in_table=False),
)
_USAGE_COLUMNS = (
    Column("series"),
    Column("team", is_in_table=False),
    Column("resource"),
    Column("unit"),
    number("horizon_hours", "hours"),
    number("mean"),
    number("peak"),
    number("peak_lower_80", "peak from"),
    number("peak_upper_80", "to (80 %)"),
    Column("peak_at", "peak at"),
    number("backtest_wape", "past error", as_ratio),
    number("naive_wape", "best naive", as_ratio),
    Column("model"),
    Column("reason", "why none"),
    Column("value_by_hour", is_in_table=False),
    Column("lower_80_by_hour", is_in_table=False),
    Column("upper_80_by_hour", is_in_table=False),
)
_SCORE_COLUMNS = (
    Column("series_kind", "series"),
    number("horizon_hours", "hours ahead"),
    number("series_count", "series"),
    number("moment_count", "moments"),
    number("wape", "error", as_ratio),
    number("naive_wape", "best naive", as_ratio),
    Column("naive_model", "which naive"),
    number("mean_loss_ratio", "ours/naive"),
    number("coverage_50", "in 50 %", as_ratio),
    number("coverage_80", "in 80 %", as_ratio),
    number("coverage_95", "in 95 %", as_ratio),
    number("worse_ratio", "worse by 5 %", as_ratio),
    number("surely_worse_ratio", "surely worse", as_ratio),
    Column("worse_than_own_ratio", is_in_table=False),
)
_MOST_HOURS = 30 * 24


class SeriesKind(StrEnum):
    """What is forecast."""

    COST = "cost"
    USAGE = "usage"


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    fields = {column.name: column for column in (*_COST_COLUMNS, *_USAGE_COLUMNS)}
    command(app, "forecast", example="millicore forecast", columns=tuple(fields.values()))(forecast)
    command(
        backtest_group,
        "forecast",
        example="millicore backtest forecast --cluster prod-eu",
        columns=_SCORE_COLUMNS,
    )(backtest_forecast)


def forecast(
    session: Session,
    as_of: AsOf = None,
    series: Annotated[
        SeriesKind, typer.Option("--series", help="Cost to the month's end, or use per team.")
    ] = SeriesKind.COST,
    horizon: Annotated[
        str | None, typer.Option("--horizon", help="How far ahead use is forecast, 24h or 30d; default 7d.")
    ] = None,
    cluster: ClusterName = None,
    *,
    workloads: Annotated[
        bool, typer.Option("--workloads", help="Use per workload instead of per team.")
    ] = False,
) -> None:
    """Forecast cost or use, with intervals and the error of the past beside that of the best naive."""
    moment = parse_instant(as_of) if as_of else None
    if series is SeriesKind.COST and not workloads:
        if cluster is not None:
            raise UsageError("cost is forecast over all clusters: --cluster goes with --series usage")
        if horizon is not None:
            raise UsageError("cost is forecast to the month's end: --horizon goes with --series usage")
        _show_costs(session, moment)
        return
    from service.usecases.forecast_usage import forecast_usage

    found = forecast_usage(
        session.runtime,
        moment,
        horizon_hours=_read_hours("7d" if horizon is None else horizon),
        cluster=cluster,
        progress=session.progress,
    )
    wanted = "workload_" if workloads else "team_"
    rows = [row for one in found if one.series_kind.startswith(wanted) for row in _rows(session, one)]
    when = f"before {moment:%Y-%m-%d %H:%M}Z" if moment else "yet"
    session.rows(rows, _USAGE_COLUMNS, empty=f"No use is stored {when}, so nothing can be forecast.")


def backtest_forecast(session: Session, cluster: ClusterName = None, as_of: AsOf = None) -> None:
    """Forecast the stored past again from earlier moments, and judge it by what came."""
    from service.usecases.forecast_backtest import backtest_forecasts

    moment = parse_instant(as_of) if as_of else None
    scores = backtest_forecasts(
        session.runtime, session.principal, as_of=moment, cluster=cluster, progress=session.progress
    )
    rows = []
    for score in scores:
        row = {"series_kind": score.series_kind, **asdict(score.accuracy)}
        coverage = row.pop("coverage")
        rows.append(row | {f"coverage_{share * 100:.0f}": inside for share, inside in coverage.items()})
    session.rows(rows, _SCORE_COLUMNS, empty="No series has enough history to replay.")


def _show_costs(session: Session, moment: Any) -> None:
    from service.usecases.forecasts import forecast_costs

    run = forecast_costs(session.runtime, moment, progress=session.progress)
    rows = [asdict(item) for item in run.forecasts]
    session.rows(rows, _COST_COLUMNS, empty="No day is final yet, so nothing can be forecast.")


def _read_hours(text: str) -> int:
    """Return the hours of ``24h`` or ``7d``.

    Raises
    ------
    UsageError
        If it is neither, or not from one hour to 30 days.
    """
    match = re.fullmatch(r"(\d{1,4})([hd])", text.strip())
    hours = int(match[1]) * (24 if match[2] == "d" else 1) if match else 0
    if not 1 <= hours <= _MOST_HOURS:
        raise UsageError(f"--horizon {text} is not from 1h to 30d, such as 24h or 7d")
    return hours


def _rows(session: Session, one: UsageForecast) -> list[dict[str, Any]]:
    from service.usecases.forecast_usage import visible

    return [_row(one, position) for position in visible(one, session.principal)]


def _row(one: UsageForecast, position: int) -> dict[str, Any]:
    found = one.found
    value = found.value[position]
    row: dict[str, Any] = {
        "series": one.names[position],
        "team": one.teams[position],
        "resource": one.resource,
        "unit": one.unit,
        "horizon_hours": len(value),
        "model": found.model[position] or None,
        "reason": found.reason[position],
        "backtest_wape": _known(found.wape[position]),
        "naive_wape": _known(found.naive_wape[position]),
    }
    if found.reason[position] is not None:
        return row
    peak = int(np.argmax(value))
    lower, upper = found.lower[0.8][position], found.upper[0.8][position]
    return row | {
        "mean": float(value.mean()),
        "peak": float(value[peak]),
        "peak_lower_80": float(lower[peak]),
        "peak_upper_80": float(upper[peak]),
        "peak_at": one.start + peak * HOUR,
        "value_by_hour": value.tolist(),
        "lower_80_by_hour": lower.tolist(),
        "upper_80_by_hour": upper.tolist(),
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
