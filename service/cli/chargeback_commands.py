"""Commands of finance: billing periods and what is booked to whom."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.vocabulary.errors import MillicoreError
from service.cli.commands import command
from service.cli.output import Column, Row, as_ratio, number
from service.cli.output import amount as amount_column
from service.cli.session import Session

if TYPE_CHECKING:
    from models.chargeback.lines import ChargeLine

group = typer.Typer(
    help="What is booked to which cost centre, adding up to the node bill.", no_args_is_help=True
)

_PERIOD_COLUMNS = (
    Column("period"),
    Column("state"),
    Column("currency"),
    amount_column("total_cost", "total"),
    number("coverage_ratio", "coverage", as_ratio),
    number("assumed_ratio", "assumed prices", as_ratio),
    number("unpriced_container_hours", "unpriced hours"),
    number("day_count", "days"),
)
_LINE_COLUMNS = (
    Column("cluster"),
    Column("line_kind", "kind"),
    Column("team"),
    Column("cost_centre"),
    Column("ownership_source", "owner by"),
    amount_column("effective_cost", "cost"),
    Column("currency", ""),
)
_CHECK_COLUMNS = (
    Column("cluster"),
    Column("currency"),
    amount_column("node_bill"),
    amount_column("allocated"),
    amount_column("daily_costs"),
    amount_column("lines"),
    Column("is_equal", "equal"),
)
_FILE_COLUMNS = (Column("path"), Column("manifest"), Column("sha256"), number("line_count", "lines"))

Month = Annotated[str, typer.Option("--month", help="Like 2026-10.", metavar="MONTH")]


class ExportFormat(StrEnum):
    """Formats of a chargeback file."""

    SUMMARY = "summary"
    DETAIL = "detail"
    FOCUS = "focus"


def register(app: typer.Typer) -> None:
    """Add the group ``chargeback``."""
    app.add_typer(group, name="chargeback")


@command(group, "list", example="millicore chargeback list --output json", columns=_PERIOD_COLUMNS)
def list_months(session: Session) -> None:
    """List every month with cost, its state and how well it is covered."""
    from service.usecases.chargeback import list_periods

    rows = [asdict(row) for row in list_periods(session.runtime, session.principal)]
    session.rows(rows, _PERIOD_COLUMNS, empty="Nothing is allocated yet: run millicore allocate.")


@command(group, "preview", example="millicore chargeback preview --month 2026-10", columns=_LINE_COLUMNS)
def preview(session: Session, month: Month) -> None:
    """Show a month's lines as they would be exported now, and what stands against closing it."""
    from service.usecases.chargeback import preview as read

    found = read(session.runtime, session.principal, month)
    session.rows([_line_row(line) for line in found.lines], _LINE_COLUMNS)
    totals = ", ".join(f"{total:,.2f} {currency}" for currency, total in found.totals.items())
    session.say(f"{found.period} ({found.state}): {totals}")
    for problem in found.problems:
        session.doubt(problem)


@command(
    group,
    "export",
    example="millicore chargeback export --month 2026-10 --format focus --output-file oct.csv",
    columns=_FILE_COLUMNS,
)
def export(
    session: Session,
    month: Month,
    file_format: Annotated[ExportFormat, typer.Option("--format", help="What kind of lines.")] = (
        ExportFormat.SUMMARY
    ),
    output_file: Annotated[
        Path, typer.Option("--output-file", help="File, or a folder for a file with a telling name.")
    ] = Path(),
) -> None:
    """Write a month's chargeback as CSV, with a manifest of hashes and totals beside it."""
    from service.usecases.chargeback import export_chargeback, preview

    written = export_chargeback(
        session.runtime, session.principal, month, format=file_format, output_file=output_file
    )
    session.rows([asdict(written)], _FILE_COLUMNS)
    for problem in preview(session.runtime, session.principal, month).problems:
        session.doubt(problem)


@command(
    group,
    "verify",
    example="millicore chargeback verify --month 2026-10 --file oct.csv",
    columns=_CHECK_COLUMNS,
)
def verify(
    session: Session,
    month: Month,
    file: Annotated[Path | None, typer.Option("--file", help="A detail or focus file to check.")] = None,
) -> None:
    """Compare node bill, allocation, daily costs and lines: four sums of the same money."""
    from service.usecases.chargeback import verify as check

    checks = check(session.runtime, session.principal, month, file=file)
    session.rows([{**asdict(item), "is_equal": item.is_equal} for item in checks], _CHECK_COLUMNS)
    wrong = [item.cluster for item in checks if not item.is_equal]
    if wrong:
        raise MillicoreError(f"the sums of {month} differ in {', '.join(wrong)}")


def _line_row(line: ChargeLine) -> Row:
    from models.chargeback.lines import amount

    return {
        "cluster": line.cluster,
        "line_kind": line.kind,
        "team": line.team,
        "cost_centre": line.cost_centre,
        "ownership_source": line.ownership_source,
        "effective_cost": amount(line.effective),
        "currency": line.currency,
    }
