"""Commands that compare cost: why it changed, and what a unit of it is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.vocabulary.windows import HOUR, parse_window
from service.cli.commands import command
from service.cli.output import Column, amount, as_amount, number
from service.cli.session import Session

if TYPE_CHECKING:
    from service.usecases.request_unit_costs import WorkloadUnitCost
    from warehouse.reads.variance import CostScope

_CHANGE_COLUMNS = (
    Column("part"),
    Column("currency"),
    amount("base_cost", "before"),
    amount("current_cost", "after"),
    amount("change"),
    Column("cause"),
)
_UNIT_COLUMNS = (
    Column("unit"),
    Column("currency"),
    amount("cost"),
    number("quantity", text=as_amount),
    number("unit_cost", "cost per unit", lambda value: "-" if value is None else f"{value:,.6f}"),
    number("day_count", "days"),
    number("missing_days", "days left out"),
    Column("workload"),
    Column("flag"),
)
_METRIC_COLUMNS = (Column("name"), number("values"))

Period = Annotated[
    str, typer.Option("--period", help="2026-10, lastmonth, 7d or start,end.", metavar="WINDOW")
]
Base = Annotated[str, typer.Option("--base", help="What it is compared with.", metavar="WINDOW")]
Team = Annotated[str | None, typer.Option("--team", help="Only this team.", metavar="NAME")]
Centre = Annotated[str | None, typer.Option("--cost-centre", help="Only this cost centre.", metavar="NAME")]
Cluster = Annotated[str | None, typer.Option("--cluster", help="Only this cluster.", metavar="NAME")]
Currency = Annotated[
    str | None, typer.Option("--currency", help="Default the one with most cost.", metavar="CODE")
]

metric_group = typer.Typer(help="Numbers of the business to divide cost by.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(
        app, "compare", example="millicore compare --period 2026-10 --base 2026-09", columns=_CHANGE_COLUMNS
    )(compare)
    command(
        app,
        "unit-cost",
        example="millicore unit-cost --period 2026-10 --metric orders",
        columns=_UNIT_COLUMNS,
    )(unit_cost)
    app.add_typer(metric_group, name="business-metric")
    command(
        metric_group, "import", example="millicore business-metric import orders.csv", columns=_METRIC_COLUMNS
    )(import_metrics)


def compare(  # noqa: PLR0913 - one parameter per option
    session: Session,
    period: Period,
    base: Base,
    team: Team = None,
    base_team: Annotated[
        str | None, typer.Option("--base-team", help="Another team to compare with.", metavar="NAME")
    ] = None,
    cost_centre: Centre = None,
    cluster: Cluster = None,
    currency: Currency = None,
    top: Annotated[int, typer.Option("--top", help="Largest changes to name.", min=0)] = 10,
) -> None:
    """Explain a change of cost by price, quantity, mix, efficiency, new and gone, without a remainder."""
    from dataclasses import replace

    from service.usecases.variance import explain_change

    runtime = session.runtime
    later = _scope(session, period, currency, (team, cost_centre, cluster))
    earlier = _scope(session, base, later.currency, (base_team or team, cost_centre, cluster))
    found = explain_change(
        runtime, session.principal, replace(earlier, currency=later.currency), later, most_movers=top
    )
    rows: list[dict[str, object]] = [
        {
            "part": "total",
            "base_cost": found.base_cost,
            "current_cost": found.current_cost,
            "change": found.change,
        }
    ]
    rows += [{"part": name, "change": value} for name, value in asdict(found.causes).items()]
    rows += [
        {
            "part": mover.name,
            "base_cost": mover.base_cost,
            "current_cost": mover.current_cost,
            "change": mover.change,
            "cause": mover.cause,
        }
        for mover in found.movers
    ]
    session.rows([{**row, "currency": later.currency} for row in rows], _CHANGE_COLUMNS)
    for scope, final in ((earlier, found.base_final_days), (later, found.current_final_days)):
        days = (scope.last - scope.first).days + 1
        if final < days:
            session.doubt(f"{final} of {days} days from {scope.first} to {scope.last} are final")


def unit_cost(
    session: Session,
    period: Period,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric", help="A business metric, or weighted-requests per workload.", metavar="NAME"
        ),
    ] = None,
    team: Team = None,
    cost_centre: Centre = None,
    cluster: Cluster = None,
    currency: Currency = None,
) -> None:
    """Print what a core-hour, GiB-hour or GPU-hour costs, or a unit of a business metric."""
    from service.usecases.request_unit_costs import WEIGHTED_REQUESTS, request_unit_costs
    from service.usecases.unit_costs import business_unit_cost, resource_unit_costs

    scope = _scope(session, period, currency, (team, cost_centre, cluster))
    if metric == WEIGHTED_REQUESTS:
        _print_request_costs(session, scope, request_unit_costs(session.runtime, session.principal, scope))
        return
    found = (
        resource_unit_costs(session.runtime, session.principal, scope)
        if metric is None
        else business_unit_cost(session.runtime, session.principal, scope, metric)
    )
    rows = [{**asdict(one), "currency": scope.currency} for one in found]
    session.rows(rows, _UNIT_COLUMNS, empty="No cost is stored for this period.")
    for one in found:
        if one.missing_days:
            session.doubt(
                f"{one.missing_days} days are left out: their cost is not final or {metric} has no value"
            )


def _print_request_costs(session: Session, scope: CostScope, found: list[WorkloadUnitCost]) -> None:
    rows = [
        {
            **asdict(one.found),
            "currency": scope.currency,
            "workload": str(one.workload),
            "flag": one.flag or None,
        }
        for one in found
    ]
    session.rows(rows, _UNIT_COLUMNS, empty="No requests are stored: name a histogram in the settings.")
    for one in found:
        if one.flag:
            session.doubt(f"{one.workload}: {one.flag}")
        if one.found.missing_days:
            session.doubt(f"{one.workload}: {one.found.missing_days} days are left out")


def import_metrics(
    session: Session,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: name, scope, day, value, unit.")],
) -> None:
    """Store values of business metrics; one of the same name, scope and day is replaced."""
    from ingest.files.business_files import load_business_metrics

    metrics = load_business_metrics(file)
    session.create_warehouse().warehouse.business_metrics.save(metrics)
    counts = {
        name: sum(one.name == name for one in metrics) for name in sorted({one.name for one in metrics})
    }
    session.rows([{"name": name, "values": count} for name, count in counts.items()], _METRIC_COLUMNS)


def _scope(
    session: Session, text: str, currency: str | None, place: tuple[str | None, str | None, str | None]
) -> CostScope:
    from models.vocabulary.errors import NotFound
    from warehouse.reads.costs import CostReads
    from warehouse.reads.variance import CostScope

    first, last = _days(session, text)
    if currency is None:
        known = CostReads(session.runtime.warehouse.lake).currencies(session.principal, first, last)
        if not known:
            raise NotFound(f"no cost is stored from {first} to {last}; run `millicore allocate`")
        currency = known[0]
        for other in known[1:]:
            session.doubt(f"there is cost in {other} too: ask for it with --currency {other}")
    team, cost_centre, cluster = place
    return CostScope(first, last, currency, team, cost_centre, cluster)


def _days(session: Session, text: str) -> tuple[date, date]:
    """Return the first and last billing day of a window."""
    zone = session.settings.zone
    window = parse_window(text, now=session.runtime.now(), zone=zone)
    return window.start.astimezone(zone).date(), (window.end - HOUR).astimezone(zone).date()
