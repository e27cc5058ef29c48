"""Commands that compute: allocation, profiles, forecasts, oversell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from models.vocabulary.windows import parse_instant, parse_window
from service.cli.commands import command
from service.cli.output import Column, amount, as_ratio, number
from service.cli.session import Session

oversell_group = typer.Typer(
    help="How far nodes can be oversold, and how far they are.", no_args_is_help=True
)
backtest_group = typer.Typer(help="Policies replayed on your own past.", no_args_is_help=True)

AsOf = Annotated[str | None, typer.Option("--as-of", help="Use only data before this time.", metavar="WHEN")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="Only this cluster.", metavar="NAME")]

_ALLOCATION_COLUMNS = (Column("cluster"), number("days"), number("cost_days"))
_PROFILE_COLUMNS = (
    Column("workload"),
    Column("container"),
    Column("workload_class", "class"),
    number("history_days", "days"),
    number("pod_count", "pods"),
    number("cpu_request_cores", "CPU request"),
    number("cpu_usage_cores_p95_decayed", "CPU p95"),
    number("cpu_usage_cores_max_5m", "CPU max"),
    number("memory_request_gib", "mem request GiB"),
    number("memory_max_gib", "mem max GiB"),
    number("confidence", text=as_ratio),
)
_FORECAST_COLUMNS = (
    Column("month", text=lambda month: f"{month:%Y-%m}"),
    Column("team", text=lambda team: str(team or "(all)")),
    Column("currency"),
    amount("to_date"),
    amount("value", "month"),
    amount("lower_80", "from"),
    amount("upper_80", "to (80 %)"),
    Column("model"),
    number("backtest_wape", "past error", as_ratio),
    Column("reason", "why none"),
)
_SCORE_COLUMNS = (
    Column("cluster"),
    Column("policy"),
    number("cpu_saved_ratio", "CPU saved", as_ratio),
    number("memory_saved_ratio", "memory saved", as_ratio),
    number("cpu_samples_over_ratio", "CPU samples over", as_ratio),
    number("oom_day_ratio", "OOM days", as_ratio),
    number("changes_per_day", "changes/day"),
    number("container_days"),
)
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
    command(app, "profile", example="millicore profile --cluster prod-eu --output json")(profile)
    command(app, "forecast", example="millicore forecast", columns=_FORECAST_COLUMNS)(forecast)
    app.add_typer(oversell_group, name="oversell")
    app.add_typer(backtest_group, name="backtest")


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


def profile(session: Session, cluster: ClusterName = None, as_of: AsOf = None) -> None:
    """Show what the past use of every container looks like."""
    from service.usecases.profiles import build_profiles

    runtime = session.runtime
    moment = parse_instant(as_of) if as_of else runtime.now()
    profiles = build_profiles(runtime, as_of=moment, cluster=cluster, progress=session.progress)
    rows = [
        {
            **asdict(item),
            "workload": str(item.key.workload),
            "container": item.key.container,
            "memory_request_gib": _gib(item.memory_request_bytes),
            "memory_max_gib": _gib(item.memory_usage_bytes_max),
        }
        for item in profiles
    ]
    names = [column.name for column in _PROFILE_COLUMNS]
    extra = [
        Column(name, is_in_table=False) for name in (rows[0] if rows else ()) if name not in (*names, "key")
    ]
    session.rows(rows, (*_PROFILE_COLUMNS, *extra), empty="No container has any history yet.")


def forecast(session: Session, as_of: AsOf = None) -> None:
    """Forecast cost to the end of the month, with an interval and the error of the past."""
    from service.usecases.forecasts import forecast_costs

    moment = parse_instant(as_of) if as_of else None
    run = forecast_costs(session.runtime, moment, progress=session.progress)
    rows = [asdict(item) for item in run.forecasts]
    session.rows(rows, _FORECAST_COLUMNS, empty="No day is final yet, so nothing can be forecast.")


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


@command(
    backtest_group,
    "rightsizing",
    example="millicore backtest rightsizing --cluster prod-eu",
    columns=_SCORE_COLUMNS,
)
def backtest_policies(
    session: Session,
    cluster: ClusterName = None,
    as_of: AsOf = None,
    risk_class: Annotated[
        str | None,
        typer.Option("--risk-class", help="Preset of our policy: cost, balanced, safe, batch, jvm."),
    ] = None,
) -> None:
    """Replay right-sizing policies, ours and well-known ones, day by day over the stored past."""
    from service.usecases.policy_backtest import backtest_rightsizing

    moment = parse_instant(as_of) if as_of else None
    scores = backtest_rightsizing(
        session.runtime, as_of=moment, cluster=cluster, risk_class=risk_class, progress=session.progress
    )
    rows = [{"cluster": name, **asdict(score)} for name, found in scores.items() for score in found]
    session.rows(rows, _SCORE_COLUMNS, empty="No cluster has enough history to replay.")


def _show_oversell(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.rows(rows, OVERSELL_COLUMNS, empty="No plan yet: run millicore oversell run.")


def _gib(size_bytes: float | None) -> float | None:
    return None if size_bytes is None else size_bytes / 2**30
