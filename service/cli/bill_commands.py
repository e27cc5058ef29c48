"""Commands about providers' bills: import, list, lines, reconcile, commitments, rules, drop."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.commands import command
from service.cli.months import parse_month
from service.cli.output import Column, amount, as_ratio, number
from service.cli.session import Session

bills_group = typer.Typer(
    help="Providers' bills: import, reconcile with allocated cost, sort their lines.", no_args_is_help=True
)

Month = Annotated[
    str, typer.Option("--month", help="Billing month, like 2026-10.", metavar="MONTH", parser=parse_month)
]

_BILL_COLUMNS = (
    Column("billing_month", "month"),
    Column("provider"),
    Column("billing_account", "account"),
    Column("invoice"),
    Column("currency"),
    amount("billed_cost", "billed"),
    amount("effective_cost", "effective"),
    number("line_count", "lines"),
    Column("source", "map"),
    Column("covered_until", is_in_table=False),
    Column("imported_at", is_in_table=False),
    Column("bill_key", "bill"),
)
_LINE_COLUMNS = (
    Column("bucket"),
    Column("cluster"),
    Column("team"),
    Column("service"),
    Column("resource_id", "resource"),
    Column("charge_category", "category"),
    Column("region", is_in_table=False),
    Column("account", is_in_table=False),
    Column("cost_centre", is_in_table=False),
    Column("asset_kind", is_in_table=False),
    Column("tags", is_in_table=False),
    Column("currency"),
    amount("billed_cost", "billed"),
    amount("effective_cost", "effective"),
    number("line_count", "lines"),
    Column("reason", "decided by"),
)
_TOTAL_COLUMNS = (
    Column("bucket"),
    Column("currency"),
    amount("billed_cost", "billed"),
    amount("effective_cost", "effective"),
    number("line_count", "lines"),
)
_GAP_COLUMNS = (
    Column("month"),
    Column("cluster"),
    Column("currency"),
    amount("billed", "bill"),
    amount("allocated"),
    amount("gap"),
    number("ratio", "gap %", as_ratio),
    amount("price"),
    amount("hours_not_observed", "not observed"),
    amount("hours_not_billed", "not billed"),
    amount("assets_not_priced", "not priced"),
    amount("commitment"),
    Column("rounding", is_in_table=False),
    Column("tolerance", is_in_table=False),
    Column("covered_until", is_in_table=False),
    Column("state"),
)
_COMMITMENT_COLUMNS = (
    Column("commitment_id", "commitment"),
    Column("currency"),
    amount("purchased", "paid"),
    amount("used"),
    amount("unused"),
    amount("gap", "amortised - paid"),
)
_RULE_COLUMNS = (
    number("number", "rule"),
    Column("bucket"),
    Column("provider"),
    Column("account"),
    Column("region"),
    Column("service"),
    Column("charge_category", "category"),
    Column("resource"),
    Column("tags"),
    Column("cluster"),
    Column("team"),
    Column("cost_centre"),
)


class LineView(StrEnum):
    """What `bills lines` shows."""

    TOTALS = "totals"
    LINES = "lines"


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(bills_group, name="bills")


@command(
    bills_group,
    "import",
    example="millicore bills import focus-2026-10.csv.gz --map focus",
    columns=_BILL_COLUMNS,
)
def import_bill(
    session: Session,
    files: Annotated[list[Path], typer.Argument(help="Files or folders of one delivery.", metavar="FILE...")],
    column_map: Annotated[
        str,
        typer.Option(
            "--map",
            help="focus, aws-cur2, azure, google, alibaba, or a YAML or TOML file of your own.",
            metavar="MAP",
        ),
    ] = "focus",
    invoice: Annotated[
        str | None, typer.Option("--invoice", help="Invoice of lines that name none.", metavar="ID")
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Provider of lines that name none.", metavar="NAME")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Billing account of lines that name none.", metavar="ID")
    ] = None,
) -> None:
    """Import a bill; it replaces what was stored of the same account, month and map, all or nothing."""
    from ingest.bills.lines import BillOptions
    from service.usecases.bill_factors import update_factors
    from service.usecases.bill_report import unknown_report
    from service.usecases.bills import import_bills

    runtime = session.create_warehouse()
    options = BillOptions(provider=provider, invoice=invoice, account=account)
    done = import_bills(runtime, session.principal, files, column_map, options, progress=session.progress)
    session.rows([row for bill in done.bills for row in _bill_rows(bill)], _BILL_COLUMNS)
    if done.is_unchanged:
        session.say("These files were imported before: nothing changed.")
    for month in done.closed_months:
        session.say(
            f"{month} is closed and stays as it is; `millicore chargeback correct` charges what changed."
        )
    for month in sorted({bill.billing_month for bill in done.bills} - set(done.closed_months)):
        factors = update_factors(runtime, session.principal, month)
        if factors:
            session.say(f"{len(factors)} factors price {month} as billed: run `millicore allocate`.")
        for text in unknown_report(runtime, session.principal, month):
            session.doubt(text)


@command(bills_group, "list", example="millicore bills list --month 2026-10", columns=_BILL_COLUMNS)
def list_bills(
    session: Session,
    month: Annotated[str | None, typer.Option("--month", help="Only this billing month.")] = None,
) -> None:
    """List the imported bills, one row per currency."""
    from service.usecases.bills import list_bills as read_bills

    bills = read_bills(session.runtime, session.principal, month)
    rows = [row for bill in bills for row in _bill_rows(bill)]
    session.rows(rows, _BILL_COLUMNS, empty="No bill yet: run millicore bills import.")


@command(bills_group, "reconcile", example="millicore bills reconcile --month 2026-10", columns=_GAP_COLUMNS)
def reconcile_bills(
    session: Session,
    month: Month,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")] = None,
) -> None:
    """Compare each cluster's bill with its allocated cost; the causes add up to the gap."""
    from service.usecases.bill_factors import update_factors
    from service.usecases.reconciliation import OVER, reconcile

    update_factors(session.runtime, session.principal, month)
    found = reconcile(session.runtime, session.principal, month, cluster=cluster)
    session.rows([{**asdict(one), **one.causes} for one in found], _GAP_COLUMNS, empty=f"No bill of {month}.")
    over = sorted({one.cluster for one in found if one.state == OVER})
    if over:
        session.doubt(f"bill and allocated cost differ by more than the tolerance in {', '.join(over)}")


@command(bills_group, "lines", example="millicore bills lines --month 2026-10 --bucket out_of_scope")
def list_lines(
    session: Session,
    month: Month,
    bucket: Annotated[str | None, typer.Option("--bucket", help="Only this bucket, with its lines.")] = None,
    view: Annotated[LineView, typer.Option("--view", help="Totals per bucket, or lines.")] = LineView.TOTALS,
    limit: Annotated[int, typer.Option("--limit", help="Most lines shown, the dearest first.", min=1)] = 50,
) -> None:
    """Show where the lines of a month's bills ended: every line in exactly one bucket."""
    from service.usecases.bill_report import bucket_rows, line_rows

    if bucket is None and view is LineView.TOTALS:
        rows = bucket_rows(session.runtime, session.principal, month)
        session.rows(rows, _TOTAL_COLUMNS, empty=f"No bill of {month}.")
        return
    found = line_rows(session.runtime, session.principal, month, bucket=bucket, limit=limit)
    session.rows(found, _LINE_COLUMNS, empty="No such line.")


@command(
    bills_group,
    "commitments",
    example="millicore bills commitments --month 2026-10",
    columns=_COMMITMENT_COLUMNS,
)
def list_commitments(session: Session, month: Month) -> None:
    """Show what was paid for each commitment in a month, and what became of it."""
    from service.usecases.reconciliation import commitment_checks

    found = commitment_checks(session.runtime, session.principal, month)
    rows = [{**asdict(one), "gap": one.gap} for one in found]
    session.rows(rows, _COMMITMENT_COLUMNS, empty=f"No commitment on the bills of {month}.")


@command(
    bills_group, "rules", example="millicore bills rules --import bill-rules.yaml", columns=_RULE_COLUMNS
)
def show_rules(
    session: Session,
    import_file: Annotated[
        Path | None, typer.Option("--import", help="YAML or CSV file of rules to store.", metavar="FILE")
    ] = None,
) -> None:
    """Show the rules that sort bill lines, or store those of a file as the next version."""
    from service.usecases.bills import import_rules, list_rules

    if import_file is not None:
        saved = import_rules(session.create_warehouse(), session.principal, import_file)
        session.say(f"Stored as version {saved.version}; rules: {saved.rule_count}.")
    rows = [
        {"number": position, **asdict(rule), "bucket": rule.bucket.value, "tags": _tags_text(rule.tags)}
        for position, rule in enumerate(list_rules(session.runtime, session.principal), start=1)
    ]
    for row in rows:
        for name in ("team", "cost_centre"):
            if row[f"{name}_tag"]:
                row[name] = f"tag {row[f'{name}_tag']}"
    session.rows(rows, _RULE_COLUMNS, empty="No rule yet: run millicore bills rules --import FILE.")


@command(bills_group, "drop", example="millicore bills drop 2026-10-0123456789abcdef")
def drop_bill(
    session: Session,
    bill: Annotated[str, typer.Argument(help="Bill, as `bills list` names it.", metavar="BILL")],
) -> None:
    """Forget an imported bill."""
    from service.usecases.bills import drop_bill as drop

    gone = drop(session.runtime, session.principal, bill)
    session.document({"bill_key": gone.bill_key}, f"{gone.provider} {gone.billing_month} is dropped.")


def _tags_text(tags: Any) -> str:
    return "; ".join(f"{key}={glob}" for key, glob in sorted(tags.items()))


def _bill_rows(bill: Any) -> list[dict[str, Any]]:
    from decimal import Decimal

    fields = {name: value for name, value in asdict(bill).items() if name not in ("files", "totals")}
    return [
        {
            **fields,
            "currency": total["currency"],
            "billed_cost": Decimal(total["billed_cost"]),
            "effective_cost": Decimal(total["effective_cost"]),
        }
        for total in bill.totals
    ]
