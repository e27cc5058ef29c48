"""Commands of finance: billing periods and what is booked to whom."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.vocabulary.errors import MillicoreError
from service.cli.check_rows import CHECK_COLUMNS, check_row, say_wrong
from service.cli.commands import command
from service.cli.months import Month
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
    Column("revision", is_in_table=False),
    amount_column("correction_cost", "corrections"),
    Column("closed_by", "closed by"),
    Column("closed_at", is_in_table=False),
    Column("manifest_sha256", is_in_table=False),
)
_CLOSE_COLUMNS = (
    Column("period"),
    Column("state"),
    number("revision"),
    Column("prepared_by", "prepared by"),
    Column("approved_by", "approved by"),
    Column("closed_at", "closed at"),
    Column("folder"),
    Column("manifest_sha256", "sha256"),
)
_CORRECTION_COLUMNS = (
    Column("period"),
    Column("correction_id", "correction"),
    Column("posted_in", "posted in"),
    Column("cluster"),
    amount_column("effective_cost", "cost"),
    Column("currency", ""),
    number("line_count", "lines"),
)
_LINE_COLUMNS = (
    Column("cluster"),
    Column("line_kind", "kind"),
    Column("team"),
    Column("cost_centre"),
    Column("ownership_source", "owner by"),
    amount_column("effective_cost", "cost"),
    Column("currency", ""),
    Column("restates", "corrects"),
)
_FILE_COLUMNS = (Column("path"), Column("manifest"), Column("sha256"), number("line_count", "lines"))


class ExportFormat(StrEnum):
    """Formats of a chargeback file."""

    SUMMARY = "summary"
    DETAIL = "detail"
    FOCUS = "focus"


class ExportFileType(StrEnum):
    """File types of a chargeback file."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


def register(app: typer.Typer) -> None:
    """Add the group ``chargeback``."""
    app.add_typer(group, name="chargeback")


@command(group, "list", example="millicore chargeback list --output json", columns=_PERIOD_COLUMNS)
def list_months(session: Session) -> None:
    """List every month with cost, its state and how well it is covered."""
    from service.usecases.chargeback_periods import list_periods

    found = list_periods(session.runtime, session.principal)
    rows = [
        {**asdict(row), "state": f"{row.state} r{row.revision}" if row.revision else row.state}
        for row in found
    ]
    session.rows(rows, _PERIOD_COLUMNS, empty="Nothing is allocated yet: run millicore allocate.")


@command(group, "preview", example="millicore chargeback preview --month 2026-10", columns=_LINE_COLUMNS)
def preview(session: Session, month: Month) -> None:
    """Show a month's lines as they would be exported now, and what stands against closing it."""
    from service.usecases.chargeback_periods import preview as read

    found = read(session.runtime, session.principal, month)
    session.rows([_line_row(line) for line in found.lines], _LINE_COLUMNS)
    totals = ", ".join(f"{total:,.2f} {currency}" for currency, total in found.totals.items())
    state = f"{found.state} r{found.revision}" if found.revision else found.state
    session.say(f"{found.period} ({state}): {totals}")
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
    file_type: Annotated[
        ExportFileType, typer.Option("--file-type", help="How the file is stored.")
    ] = ExportFileType.CSV,
    *,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin a CSV with a byte order mark, by which Excel knows UTF-8.")
    ] = False,
) -> None:
    """Write a month's chargeback as CSV, Parquet or Excel, with a manifest of hashes and totals beside it."""
    from service.usecases.chargeback_export import export_chargeback
    from service.usecases.chargeback_periods import preview

    written = export_chargeback(
        session.runtime,
        session.principal,
        month,
        format=file_format,
        file_type=file_type,
        has_mark=bom,
        output_file=output_file,
    )
    session.rows([asdict(written)], _FILE_COLUMNS)
    for problem in preview(session.runtime, session.principal, month).problems:
        session.doubt(problem)


@command(
    group,
    "verify",
    example="millicore chargeback verify --month 2026-10 --file oct.csv",
    columns=CHECK_COLUMNS,
)
def verify(
    session: Session,
    month: Month,
    file: Annotated[Path | None, typer.Option("--file", help="A detail or focus file to check.")] = None,
) -> None:
    """Prove that every hour is allocated exactly and that what assets cost is what is charged."""
    from service.usecases.chargeback_check import verify as check

    checks = check(session.runtime, session.principal, month, file=file)
    session.rows([check_row(item) for item in checks], CHECK_COLUMNS)
    wrong = [say_wrong(item) for item in checks if not item.is_equal]
    if wrong:
        raise MillicoreError(f"the sums of {month} differ in {', '.join(wrong)}")


@command(
    group,
    "close",
    example='millicore chargeback close --month 2026-10 --note "bill of 5 November agrees"',
    columns=_CLOSE_COLUMNS,
)
def close(
    session: Session,
    month: Month,
    note: Annotated[str | None, typer.Option("--note", help="Kept with the close.")] = None,
    *,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Close although hours are missing; needs --note.")
    ] = False,
) -> None:
    """Close a month for good, or list everything that must be fixed first."""
    from service.usecases.period_close import CloseOptions, close_period

    options = CloseOptions(note, accept_missing)
    outcome = close_period(session.runtime, session.principal, month, options)
    closed = outcome.closed
    row: Row = {
        "period": month,
        "state": "prepared" if closed is None else str(closed.state),
        "revision": 0 if closed is None else closed.revision,
        "prepared_by": outcome.prepared_by,
        "approved_by": None if closed is None else closed.principal,
        "closed_at": None if closed is None else closed.recorded_at,
        "folder": None if closed is None else closed.folder,
        "manifest_sha256": None if closed is None else closed.manifest_hash,
    }
    session.rows([row], _CLOSE_COLUMNS)
    if closed is None:
        session.say(f"{month} is prepared: a second person closes it with the same command.")


@command(
    group,
    "correct",
    example='millicore chargeback correct --month 2026-10 --reason "late hours of 3 October"',
    columns=_CORRECTION_COLUMNS,
)
def correct(
    session: Session,
    month: Month,
    reason: Annotated[str | None, typer.Option("--reason", help="Kept with the correction.")] = None,
) -> None:
    """Charge what changed in a closed month by lines of the next open one."""
    from service.usecases.period_correct import correct_period

    outcome = correct_period(session.runtime, session.principal, month, reason)
    posted = outcome.posted
    rows: list[Row] = (
        []
        if posted is None
        else [
            {
                "period": month,
                "correction_id": f"{posted.restates}-c{posted.sequence}",
                "posted_in": posted.posted_in,
                "cluster": total["cluster"],
                "effective_cost": Decimal(total["effective_cost"]),
                "currency": total["currency"],
                "line_count": outcome.line_count,
            }
            for total in posted.totals
        ]
    )
    session.rows(rows, _CORRECTION_COLUMNS, empty=f"Nothing of {month} changed since it was last charged.")


@command(
    group,
    "reopen",
    example='millicore chargeback reopen --month 2026-10 --reason "the customer asked for it"',
    columns=_CLOSE_COLUMNS,
)
def reopen(
    session: Session,
    month: Month,
    reason: Annotated[str, typer.Option("--reason", help="Kept in the audit log.")],
) -> None:
    """Open a closed month again. Its files stay; its next close is the next revision."""
    from service.usecases.period_close import reopen_period

    before = reopen_period(session.runtime, session.principal, month, reason)
    row: Row = {
        "period": month,
        "state": "open",
        "revision": before.revision,
        "prepared_by": before.prepared_by,
        "approved_by": before.principal,
        "closed_at": before.recorded_at,
        "folder": before.folder,
        "manifest_sha256": before.manifest_hash,
    }
    session.rows([row], _CLOSE_COLUMNS)


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
        "restates": line.restates,
    }
