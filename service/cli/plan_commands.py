"""Commands about plans: budgets, the fiscal calendar, and costs that left their range."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.output import Column, amount, as_ratio, number
from service.cli.session import Session

budget_group = typer.Typer(help="Budgets and how spending stands against them.", no_args_is_help=True)
anomaly_group = typer.Typer(help="Costs that left their usual range.", no_args_is_help=True)

_BUDGET_COLUMNS = (
    Column("scope_kind", "kind"),
    Column("scope"),
    Column("period"),
    Column("currency"),
    amount("budget"),
    amount("budget_to_date", "budget to date"),
    amount("cost_to_date", "cost to date"),
    number("spent_ratio", "spent", as_ratio),
    amount("forecast_cost", "forecast"),
    amount("forecast_lower_80", "from"),
    amount("forecast_upper_80", "to (80 %)"),
    Column("state"),
    number("final_day_count", "final days"),
    Column("reason", "why no forecast"),
)
_ANOMALY_COLUMNS = (
    Column("first_day", "since"),
    Column("last_day", "until"),
    Column("scope_kind", "kind"),
    Column("scope"),
    Column("currency"),
    amount("expected_cost", "expected"),
    amount("actual_cost", "actual"),
    amount("money_at_risk", "at risk"),
    Column("cause"),
    Column("cause_text", "what moved"),
    Column("detected_at", is_in_table=False),
)
_CALENDAR_COLUMNS = (number("fiscal_year"), number("period"), Column("first_day"), Column("last_day"))


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(budget_group, name="budget")
    app.add_typer(anomaly_group, name="anomaly")
    command(
        budget_group, "status", example="millicore budget status --period FY2027-Q1", columns=_BUDGET_COLUMNS
    )(budget_status)
    command(budget_group, "calendar", example="millicore budget calendar 445.csv", columns=_CALENDAR_COLUMNS)(
        calendar
    )
    command(anomaly_group, "find", example="millicore anomaly find", columns=_ANOMALY_COLUMNS)(find)
    command(
        anomaly_group, "list", example="millicore anomaly list --since 2026-10-01", columns=_ANOMALY_COLUMNS
    )(list_anomalies)


def budget_status(
    session: Session,
    period: Annotated[
        str | None,
        typer.Option("--period", help="2026-10, FY2027, FY2027-Q1, FY2027-P01; default this month."),
    ] = None,
) -> None:
    """Print each budget beside what was spent on final days and is forecast for the period's end."""
    from service.usecases.budgets import budget_status as read

    found = read(session.runtime, session.principal, period)
    rows = []
    for one in found:
        forecast = one.forecast
        rows.append(
            {
                "scope_kind": one.scope_kind,
                "scope": one.scope,
                "period": one.period.name,
                "currency": one.currency,
                "budget": one.budget,
                "budget_to_date": one.budget_to_date,
                "cost_to_date": one.cost_to_date,
                "spent_ratio": one.spent_ratio,
                "forecast_cost": None if forecast is None else forecast.value,
                "forecast_lower_80": None if forecast is None else forecast.lower_80,
                "forecast_upper_80": None if forecast is None else forecast.upper_80,
                "state": one.state,
                "final_day_count": one.final_day_count,
                "reason": one.reason,
            }
        )
    session.rows(rows, _BUDGET_COLUMNS, empty="No budget of this period: `millicore ingest files --budgets`.")


def calendar(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(help="CSV: fiscal_year, period, first_day, last_day; none prints it.")
    ] = None,
) -> None:
    """Store the periods of a fiscal calendar that does not follow months, or print them."""
    from ingest.files.business_files import load_fiscal_calendar

    calendars = session.create_warehouse().warehouse.fiscal_calendars
    if file is not None:
        calendars.replace(load_fiscal_calendar(file))
    rows = [
        {
            "fiscal_year": row.fiscal_year,
            "period": row.period,
            "first_day": row.first,
            "last_day": row.last,
        }
        for row in calendars.all()
    ]
    month = session.settings.fiscal_year_start_month
    session.rows(rows, _CALENDAR_COLUMNS, empty=f"Periods are months; the year begins in month {month}.")


def find(
    session: Session,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Use only days that end by then.", metavar="WHEN")
    ] = None,
) -> None:
    """Search the final days and print what was not told before: each anomaly once, on its first day."""
    from service.usecases.anomalies import find_anomalies

    run = find_anomalies(session.runtime, None if as_of is None else parse_instant(as_of))
    session.rows(
        [asdict(one) for one in run.told],
        _ANOMALY_COLUMNS,
        empty=f"Nothing new; {len(run.found)} known anomalies in the last weeks (`millicore anomaly list`).",
    )


def list_anomalies(
    session: Session,
    since: Annotated[str | None, typer.Option("--since", help="Still going on this day or later.")] = None,
) -> None:
    """Print the anomalies that stand, the newest first."""
    first = None if since is None else parse_instant(since).date()
    found = session.runtime.warehouse.anomalies.list(session.principal, first)
    session.rows([asdict(one) for one in found], _ANOMALY_COLUMNS, empty="No anomaly is known.")
