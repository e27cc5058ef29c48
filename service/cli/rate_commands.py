"""Commands of exchange rates."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.cli.commands import command
from service.cli.months import parse_month
from service.cli.output import Column, number
from service.cli.session import Session

group = typer.Typer(help="Dated rates between currencies.", no_args_is_help=True)

_RATE_COLUMNS = (
    Column("day"),
    Column("from_currency", "from"),
    Column("to_currency", "to"),
    number("rate", text=str),
    Column("origin"),
)
_IMPORT_COLUMNS = (
    Column("file"),
    number("rate_count", "rates"),
    Column("first_day", "from"),
    Column("last_day", "to"),
    Column("currencies"),
)


def register(app: typer.Typer) -> None:
    """Add the group ``rates``."""
    app.add_typer(group, name="rates")


@command(group, "import", example="millicore rates import eurofxref-hist.csv", columns=_IMPORT_COLUMNS)
def import_file(
    session: Session,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet of rates, or the ECB's table as CSV.")],
) -> None:
    """Store exchange rates; closed months keep the rates that converted them."""
    from service.usecases.exchange import import_rates

    rates = import_rates(session.create_warehouse(), session.principal, file)
    days = [rate.day for rate in rates]
    codes = {code for rate in rates for code in (rate.from_currency, rate.to_currency)}
    row = {
        "file": file.name,
        "rate_count": len(rates),
        "first_day": min(days),
        "last_day": max(days),
        "currencies": sorted(codes),
    }
    session.rows([row], _IMPORT_COLUMNS)


@command(group, "list", example="millicore rates list --month 2026-10 --currency CNY", columns=_RATE_COLUMNS)
def list_stored(
    session: Session,
    month: Annotated[str, typer.Option("--month", help="Like 2026-10.", metavar="MONTH", parser=parse_month)],
    currency: Annotated[
        str | None, typer.Option("--currency", help="Only rates from or to it.", metavar="CODE")
    ] = None,
) -> None:
    """List the rates quoted in a month."""
    from service.usecases.billing_months import BillingMonth
    from service.usecases.exchange import list_rates

    facts = BillingMonth.read(session.runtime, month)
    found = list_rates(session.runtime, session.principal, facts.first, facts.last, currency)
    session.rows([asdict(one) for one in found], _RATE_COLUMNS, empty=f"No rate is quoted in {month}.")


@command(group, "show", example="millicore rates show --month 2026-10", columns=_RATE_COLUMNS)
def show_rates(
    session: Session,
    month: Annotated[str, typer.Option("--month", help="Like 2026-10.", metavar="MONTH", parser=parse_month)],
) -> None:
    """Show the rates that convert a month's charges at its end; of a closed month as they were frozen."""
    from service.usecases.billing_months import BillingMonth
    from service.usecases.exchange import month_rates, rate_problems
    from service.usecases.statement_lines import exact_lines

    session.principal.visible_teams()
    facts = BillingMonth.read(session.runtime, month)
    rates = month_rates(session.runtime, facts)
    rows = [
        {
            "day": rate.day,
            "from_currency": currency,
            "to_currency": rates.reporting_currency,
            "rate": rate.rate,
            "origin": rate.origin,
        }
        for currency, rate in sorted(rates.items())
    ]
    session.rows(rows, _RATE_COLUMNS, empty=f"Charges of {month} are not converted.")
    if facts.frozen is None and rates.reporting_currency is not None:
        for problem in rate_problems(rates, exact_lines(session.runtime, facts, is_by_workload=False)[0]):
            session.doubt(problem)
