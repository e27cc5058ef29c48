"""Commands of price lists: take a version in, show what holds, name what is missing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.prices.format_names import PriceFormat
from service.cli.commands import command
from service.cli.output import Column, Row, number
from service.cli.session import Session

if TYPE_CHECKING:
    from models.pricing.price_list import PriceRow

group = typer.Typer(
    help="Price lists: what an hour of each asset costs, and since when.", no_args_is_help=True
)

_IMPORT_COLUMNS = (
    number("read_count", "read"),
    number("added_count", "added"),
    number("ended_count", "ended"),
    number("removed_count", "removed"),
    number("unchanged_count", "unchanged"),
    Column("changes_from"),
    Column("skipped", is_in_table=False),
)
_PRICE_COLUMNS = (
    Column("asset_kind", "asset"),
    Column("instance_type", "type"),
    Column("region"),
    Column("zone"),
    Column("purchase_option", "option"),
    Column("node_selector", "selector"),
    Column("window"),
    number("hourly_list_price", "list"),
    number("contracted_price", "contracted"),
    number("effective_price", "effective"),
    Column("currency", ""),
    Column("unit"),
    number("cpu_core_hourly_price", "per core-hour"),
    number("memory_gib_hourly_price", "per GiB-hour"),
    Column("provenance", "from"),
    Column("valid_from"),
    Column("valid_to"),
    Column("price_id", is_in_table=False),
    Column("source_file", is_in_table=False),
    Column("source_row", is_in_table=False),
    Column("source_sha256", is_in_table=False),
    Column("imported_at", is_in_table=False),
    Column("imported_by", is_in_table=False),
)
_PROBLEM_COLUMNS = (
    Column("kind"),
    Column("cluster"),
    Column("asset_kind", "asset"),
    Column("type_name", "type"),
    Column("region"),
    Column("zone"),
    Column("purchase_option", "option"),
    Column("starts_at", "from"),
    Column("ends_at", "to"),
    number("node_hours"),
    Column("detail"),
)
_UNPRICED_COLUMNS = (
    Column("cluster"),
    Column("asset_kind", "asset"),
    Column("type_name", "type"),
    Column("region"),
    Column("purchase_option", "option"),
    Column("provenance", "cost is"),
    number("asset_hours", "hours"),
)
_WEIGHT_COLUMNS = (
    Column("family"),
    number("cpu_weight", "per core"),
    number("memory_weight", "per GiB"),
    number("gpu_weight", "per GPU"),
    Column("valid_from"),
)

Regions = Annotated[
    list[str] | None, typer.Option("--region", help="Only this region; may be repeated.", metavar="REGION")
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only this instance type; may be repeated.", metavar="TYPE"),
]
Month = Annotated[str, typer.Option("--month", help="Like 2026-10.", metavar="MONTH")]


def register(app: typer.Typer) -> None:
    """Add the group ``prices``."""
    app.add_typer(group, name="prices")


@command(
    group,
    "import",
    example="millicore prices import ec2.csv --format aws --cluster prod-eu",
    columns=_IMPORT_COLUMNS,
)
def import_list(  # noqa: PLR0913 - one parameter per option
    session: Session,
    file: Annotated[Path, typer.Argument(help="File, or a folder of files of one format.")],
    price_format: Annotated[
        PriceFormat, typer.Option("--format", help="Whose format it is.")
    ] = PriceFormat.MILLICORE,
    region: Regions = None,
    types: Types = None,
    asset_kind: Annotated[
        list[str] | None,
        typer.Option("--asset-kind", help="Only node, volume, ...; may be repeated.", metavar="KIND"),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="Only regions and types of this cluster's nodes.", metavar="NAME"),
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", help="When the prices begin.", metavar="TIME")
    ] = None,
    replace_from: Annotated[
        str | None,
        typer.Option("--replace-from", help="Replace stored rows of these assets from then.", metavar="TIME"),
    ] = None,
    term: Annotated[int, typer.Option("--term", help="Years of reservations and plans.", min=1, max=3)] = 1,
    offering_class: Annotated[
        str, typer.Option("--offering-class", help="AWS: standard or convertible.")
    ] = "standard",
    payment: Annotated[
        str, typer.Option("--payment", help="AWS: No Upfront, Partial Upfront or All Upfront.")
    ] = "No Upfront",
    machine_types: Annotated[
        Path | None,
        typer.Option("--machine-types", help="Google Cloud: CSV of further machine types.", metavar="FILE"),
    ] = None,
) -> None:
    """Take a new version of a price list in. What held before keeps its history; all rows or none."""
    from service.usecases.prices import ImportRequest, import_prices, parse_moment

    runtime = session.create_warehouse()
    request = ImportRequest(
        file,
        price_format,
        tuple(region or ()),
        tuple(types or ()),
        cluster,
        None if valid_from is None else parse_moment(runtime, valid_from),
        None if replace_from is None else parse_moment(runtime, replace_from),
        term,
        offering_class,
        payment,
        machine_types,
        tuple(asset_kind or ()),
    )
    report = import_prices(runtime, session.principal, request)
    session.rows([asdict(report)], _IMPORT_COLUMNS)
    passed = sum(report.skipped.values())
    if passed:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
        session.say(f"{passed} rows were passed over: {reasons}")
    if report.changes_from is None:
        session.say("nothing changed: the stored prices say the same")
    else:
        session.say(f"prices changed from {report.changes_from:%Y-%m-%d %H:%M}Z on: run `millicore allocate`")
    for doubt in report.doubts:
        session.say(f"note: {doubt}")


@command(group, "list", example="millicore prices list --at 2026-10-01 --output csv", columns=_PRICE_COLUMNS)
def list_rows(
    session: Session,
    at: Annotated[
        str | None, typer.Option("--at", help="A time or date; now by default.", metavar="TIME")
    ] = None,
    region: Regions = None,
    types: Types = None,
) -> None:
    """List the prices that are valid at a time, with where each comes from."""
    from service.usecases.prices import list_prices, parse_moment

    runtime = session.runtime
    rows = list_prices(
        runtime,
        session.principal,
        at=None if at is None else parse_moment(runtime, at),
        regions=tuple(region or ()),
        types=tuple(types or ()),
    )
    session.rows([_price_row(row) for row in rows], _PRICE_COLUMNS, empty="No price is valid at that time.")


@command(group, "check", example="millicore prices check --month 2026-10", columns=_PROBLEM_COLUMNS)
def check(session: Session, month: Month) -> None:
    """Name what to fix in the price list for a month: holes, gaps, mixed currencies, odd prices."""
    from service.usecases.prices import check_prices

    problems = check_prices(session.runtime, session.principal, month)
    session.rows(
        [asdict(one) for one in problems],
        _PROBLEM_COLUMNS,
        empty=f"Every node-hour of {month} has one price.",
    )
    for one in problems:
        if one.kind in ("hole", "currencies", "ambiguous"):
            where = f"{one.cluster}: " if one.cluster else ""
            session.doubt(f"{where}{one.type_name or 'unknown type'}: {one.detail}")


@command(group, "unpriced", example="millicore prices unpriced --month 2026-10", columns=_UNPRICED_COLUMNS)
def unpriced(session: Session, month: Month) -> None:
    """List the types whose cost in a month is assumed or not known, as it was allocated."""
    from models.vocabulary.identity import Role
    from service.usecases.prices import unpriced_types

    session.principal.require(Role.FINANCE, Role.PLATFORM, Role.LEADERSHIP)
    found = unpriced_types(session.runtime, month)
    session.rows(
        [asdict(one) for one in found],
        _UNPRICED_COLUMNS,
        empty=f"Every allocated hour of {month} has a price of its own.",
    )


@command(group, "weights", example="millicore prices weights weights.csv", columns=_WEIGHT_COLUMNS)
def weights(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(help="CSV of weights, in place of all stored ones; none only lists.")
    ] = None,
) -> None:
    """Show or replace how node prices are split over cores, memory and GPUs, by instance family."""
    from service.usecases.prices import import_family_weights

    runtime = session.create_warehouse()
    if file is not None:
        count = import_family_weights(runtime, session.principal, file)
        session.say(f"stored {count} weights: run `millicore allocate`")
    rows = [asdict(one) for one in runtime.warehouse.prices.weights()]
    session.rows(rows, _WEIGHT_COLUMNS, empty="No weights by family: 9 per core and 1 per GiB everywhere.")


def _price_row(row: PriceRow) -> Row:
    own = {
        name: getattr(row, name) for name in (column.name for column in _PRICE_COLUMNS) if name != "window"
    }
    return {**own, "window": None if row.window is None else row.window.text}
