"""Commands that compute: allocation, oversell."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from models.vocabulary.windows import parse_instant, parse_window
from service.cli.commands import command
from service.cli.output import Column, as_ratio, number
from service.cli.session import Session

oversell_group = typer.Typer(
    help="How far nodes can be oversold, and how far they are.", no_args_is_help=True
)

AsOf = Annotated[str | None, typer.Option("--as-of", help="Use only data before this time.", metavar="WHEN")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="Only this cluster.", metavar="NAME")]

_ALLOCATION_COLUMNS = (Column("cluster"), number("days"), number("cost_days"))
OVERSELL_COLUMNS = (
    Column("cluster"),
    Column("scope"),
    Column("name"),
    Column("node_pool", is_in_table=False),
    Column("resource"),
    number("node_count", "nodes"),
    Column("allocatable", is_in_table=False),
    Column("requested", is_in_table=False),
    Column("predicted_peak", is_in_table=False),
    number("oversell_ratio_requests", "requests/allocatable"),
    number("oversell_ratio_limits", "limits/allocatable"),
    number("safe_oversell_ratio", "safe ratio"),
    number("violation_ratio_stated", "stated risk", as_ratio),
    number("violation_ratio_backtest", "seen risk", as_ratio),
    number("history_days", "days"),
    Column("actuator", is_in_table=False),
    Column("guard_rail", "bound by"),
)


class PricesMode(StrEnum):
    """What becomes of a node type without a price."""

    ASSUMED = "assumed"
    STRICT = "strict"


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "allocate", example="millicore allocate --window 2026-10", columns=_ALLOCATION_COLUMNS)(
        allocate
    )
    app.add_typer(oversell_group, name="oversell")


def allocate(
    session: Session,
    cluster: ClusterName = None,
    window: Annotated[
        str | None, typer.Option("--window", help="7d, 2026-10, or start,end; default everything.")
    ] = None,
    prices: Annotated[
        PricesMode | None,
        typer.Option("--prices", help="What an unknown type costs: assumed, or nothing known (strict)."),
    ] = None,
) -> None:
    """Give every node-hour's cost to whoever caused it; does only what changed since the last time."""
    from service.usecases.allocation import allocate as run
    from service.usecases.profiles import cluster_names

    session.flags.update(prices_mode=None if prices is None else prices.value)
    runtime = session.runtime
    if cluster is not None:
        cluster_names(runtime, cluster)  # refuses a name that nobody knows
    parsed = parse_window(window, now=runtime.now(), zone=session.settings.zone) if window else None
    report = run(runtime, cluster=cluster, window=parsed, progress=session.progress)
    rows = [
        {"cluster": name, "days": len(days), "cost_days": len(report.cost_dates.get(name, ()))}
        for name, days in report.days.items()
    ]
    session.rows(rows, _ALLOCATION_COLUMNS, empty="No cluster is known yet.")
    for (provenance, instance_type), hours in sorted(report.node_hours_by_type.items()):
        session.doubt(
            f"{hours} node-hours of type {instance_type or 'unknown'} have a price that is {provenance}"
        )
    for (provenance, asset_type), hours in sorted(report.asset_hours_by_type.items()):
        session.doubt(f"{hours} hours of {asset_type} have a price that is {provenance}")
    for note in report.notes:
        session.say(note)
    for name, nodes in report.unknown_nodes.items():
        if nodes:
            session.doubt(f"{name}: {len(nodes)} nodes are unknown, the cost of their pods is not known")


@command(oversell_group, "run", example="millicore oversell run", columns=OVERSELL_COLUMNS)
def oversell_run(session: Session, cluster: ClusterName = None, as_of: AsOf = None) -> None:
    """Predict the peaks of the next day and plan oversell ratios per node and pool."""
    from service.usecases.oversell import plan_oversell

    moment = parse_instant(as_of) if as_of else None
    planned = plan_oversell(session.runtime, moment, cluster=cluster, progress=session.progress)
    rows = [row for table in planned.plans.values() for row in table.to_pylist()]
    _show_oversell(session, rows)


@command(oversell_group, "show", example="millicore oversell show --nodes", columns=OVERSELL_COLUMNS)
def oversell_show(
    session: Session,
    cluster: ClusterName = None,
    *,
    nodes: Annotated[bool, typer.Option("--nodes", help="Show every node too.")] = False,
) -> None:
    """Show the newest plan."""
    from service.usecases.oversell import list_oversell

    rows = list_oversell(session.runtime, session.principal, cluster=cluster).to_pylist()
    _show_oversell(session, rows if nodes else [row for row in rows if row["scope"] == "pool"])


def _show_oversell(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.rows(rows, OVERSELL_COLUMNS, empty="No plan yet: run millicore oversell run.")
