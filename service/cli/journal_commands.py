"""Commands of the journal: mapping, export, and accruals of months that are not closed."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from models.vocabulary.errors import MillicoreError
from service.cli.commands import command
from service.cli.months import Month
from service.cli.output import Column, amount, number
from service.cli.session import Session

group = typer.Typer(help="Debit and credit lines for the ledger.", no_args_is_help=True)
mapping_group = typer.Typer(help="From charges to entities and accounts.", no_args_is_help=True)
accrual_group = typer.Typer(help="Cost of a month that is not invoiced yet.", no_args_is_help=True)

_MAPPING_COLUMNS = (
    number("version"),
    Column("effective_month", "from"),
    Column("principal", "by"),
    Column("recorded_at", "imported at"),
    Column("source_file", "file"),
    Column("content_hash", "sha256"),
)
_ROW_COLUMNS = (
    Column("section"),
    Column("key"),
    Column("entity"),
    Column("account"),
    Column("mode"),
    Column("from_month", "from"),
    Column("project"),
    Column("tax_code", "tax code"),
)
_GAP_COLUMNS = (Column("problem"),)
_FILE_COLUMNS = (Column("path"), Column("manifest"), Column("sha256"), number("line_count", "lines"))
_ACCRUAL_COLUMNS = (
    Column("cost_centre", "cost centre"),
    Column("currency"),
    amount("actual_cost", "final days"),
    amount("estimated_cost", "estimated"),
    amount("accrued_cost", "accrued"),
)


class JournalFormat(StrEnum):
    """File types of a journal."""

    CSV = "csv"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the groups ``journal`` and ``accrual``."""
    group.add_typer(mapping_group, name="mapping")
    app.add_typer(group, name="journal")
    app.add_typer(accrual_group, name="accrual")


@command(
    mapping_group, "import", example="millicore journal mapping import mapping.yaml", columns=_MAPPING_COLUMNS
)
def import_file(
    session: Session,
    file: Annotated[Path, typer.Argument(help="Mapping as YAML or CSV (docs/journal.md).")],
) -> None:
    """Check a mapping and store it as the next version; closed months keep theirs."""
    from service.usecases.journal_mappings import import_mapping

    stored = import_mapping(session.create_warehouse(), session.principal, file)
    session.rows([vars(stored)], _MAPPING_COLUMNS)


@command(mapping_group, "list", example="millicore journal mapping list", columns=_MAPPING_COLUMNS)
def list_versions(session: Session) -> None:
    """List every version of the mapping."""
    from service.usecases.journal_mappings import list_mappings

    found = list_mappings(session.runtime, session.principal)
    empty = "No mapping is stored: run millicore journal mapping import."
    session.rows([vars(one) for one in found], _MAPPING_COLUMNS, empty=empty)


@command(
    mapping_group, "show", example="millicore journal mapping show --month 2026-10", columns=_ROW_COLUMNS
)
def show_mapping(session: Session, month: Month) -> None:
    """Show the mapping that books a month; of a closed month the one it was closed with."""
    from service.usecases.journal_mappings import show_rows

    session.rows(show_rows(session.runtime, session.principal, month), _ROW_COLUMNS)


@command(
    mapping_group,
    "check",
    example="millicore journal mapping check --month 2026-10 --file mapping.yaml",
    columns=_GAP_COLUMNS,
)
def check(
    session: Session,
    month: Month,
    file: Annotated[Path | None, typer.Option("--file", help="Try this file, storing nothing.")] = None,
) -> None:
    """List what the mapping, or a file, cannot book of a month; exits with 1 if there is anything."""
    from service.usecases.journal_mappings import check_mapping

    gaps = check_mapping(session.runtime, session.principal, month, file)
    session.rows(
        [{"problem": gap} for gap in gaps], _GAP_COLUMNS, empty=f"All charges of {month} can be booked."
    )
    if gaps:
        raise MillicoreError(f"{len(gaps)} things of {month} are not mapped")


@command(
    group,
    "export",
    example="millicore journal export --month 2026-10 --output-file journal.csv",
    columns=_FILE_COLUMNS,
)
def export(
    session: Session,
    month: Month,
    output_file: Annotated[
        Path, typer.Option("--output-file", help="File, or a folder for a file with a telling name.")
    ] = Path(),
    file_format: Annotated[JournalFormat, typer.Option("--format", help="How the file is stored.")] = (
        JournalFormat.CSV
    ),
    *,
    accrual: Annotated[
        bool, typer.Option("--accrual", help="Accrual entries of an open month, with their reversal.")
    ] = False,
) -> None:
    """Write a month's balanced journal lines, with a manifest of totals; an open month's is a draft."""
    from service.usecases.accruals import export_accrual
    from service.usecases.journal import export_journal

    write = export_accrual if accrual else export_journal
    written = write(
        session.runtime, session.principal, month, file_type=file_format.value, output_file=output_file
    )
    session.rows([asdict(written)], _FILE_COLUMNS)


@command(accrual_group, "show", example="millicore accrual show --month 2026-11", columns=_ACCRUAL_COLUMNS)
def show_accrual(session: Session, month: Month) -> None:
    """Show an open month's cost per cost centre: final days as they are, the others estimated."""
    from service.usecases.accruals import accrual_rows, read_accrual, sentence

    found = read_accrual(session.runtime, session.principal, month)
    session.rows(accrual_rows(found), _ACCRUAL_COLUMNS, empty=f"Nothing of {month} is final yet.")
    for estimate in found.estimates:
        session.say(sentence(estimate))
