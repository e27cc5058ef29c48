"""Commands that bring hours into the warehouse, and say what is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.vocabulary.errors import SourceError, UsageError
from models.vocabulary.windows import parse_instant, parse_window
from service.cli.commands import command
from service.cli.output import Column, as_ratio, number
from service.cli.session import Session

if TYPE_CHECKING:
    from service.usecases.ingest_files import InputFiles

group = typer.Typer(help="Bring hours into the warehouse, and say what is there.", no_args_is_help=True)

ClusterNames = Annotated[
    list[str] | None, typer.Option("--cluster", help="Only this cluster; may be repeated.", metavar="NAME")
]

_OUTCOME_COLUMNS = (
    Column("cluster"),
    Column("source"),
    number("complete"),
    number("partial"),
    number("failed"),
    number("unchanged"),
    number("rows"),
    Column("problem"),
)
_STATUS_COLUMNS = (
    Column("cluster"),
    Column("source"),
    Column("first_hour"),
    Column("last_hour"),
    number("complete"),
    number("partial"),
    number("failed"),
    number("unrecoverable"),
    number("before_history"),
    number("pending"),
    number("owed"),
    number("coverage_ratio", "coverage", as_ratio),
    Column("oldest_owed", is_in_table=False),
    Column("reasons", is_in_table=False),
)

_RETIRED_COLUMNS = (Column("cluster"), Column("expected_until"))


def register(app: typer.Typer) -> None:
    """Add the group ``ingest``."""
    app.add_typer(group, name="ingest")


@command(group, "run", example="millicore ingest run --cluster prod-eu", columns=_OUTCOME_COLUMNS)
def run(session: Session, cluster: ClusterNames = None) -> None:
    """Read every hour that is owed up to now, and the newest hours again for late samples."""
    from service.usecases.ingest_prometheus import IngestOptions, run_ingest

    options = IngestOptions(tuple(cluster or ()), session.progress)
    _show(session, run_ingest(session.create_warehouse(), options))


@command(group, "backfill", example="millicore ingest backfill --since 14d", columns=_OUTCOME_COLUMNS)
def backfill(
    session: Session,
    since: Annotated[str, typer.Option("--since", help="How far back: 14d, 48h, or a time.", metavar="WHEN")],
    cluster: ClusterNames = None,
) -> None:
    """Read history from Prometheus, as far back as asked and as far as it remembers."""
    from service.usecases.ingest_prometheus import IngestOptions
    from service.usecases.ingest_prometheus import backfill as run_backfill

    runtime = session.create_warehouse()
    text = since if "," in since or since[-1:] in "mhdw" else f"{since},{runtime.now().isoformat()}"
    start = parse_window(text, now=runtime.now()).start
    _show(session, run_backfill(runtime, start, IngestOptions(tuple(cluster or ()), session.progress)))


@command(
    group,
    "repair",
    example="millicore ingest repair --window 2026-10-03,2026-10-05",
    columns=_OUTCOME_COLUMNS,
)
def repair(
    session: Session,
    window: Annotated[str, typer.Option("--window", help="7d, yesterday, 2026-10, or start,end.")],
    cluster: ClusterNames = None,
    *,
    correct: Annotated[
        bool, typer.Option("--correct", help="Also into closed months; `chargeback correct` must follow.")
    ] = False,
) -> None:
    """Read the hours of a window again; what did not change stays as it is."""
    from service.usecases.ingest_prometheus import IngestOptions
    from service.usecases.ingest_prometheus import repair as run_repair
    from service.usecases.period_correct import let_late_hours_in

    runtime = session.runtime
    parsed = parse_window(window, now=runtime.now(), zone=session.settings.zone)
    for month in let_late_hours_in(runtime, session.principal, parsed) if correct else ():
        session.say(f"{month} takes late hours until `millicore chargeback correct --month {month}`.")
    _show(session, run_repair(runtime, parsed, IngestOptions(tuple(cluster or ()), session.progress)))


@command(
    group,
    "files",
    example="millicore ingest files --usage usage.csv --nodes nodes.csv --prices prices.csv",
    columns=_OUTCOME_COLUMNS,
)
def files(  # noqa: PLR0913 - one option per kind of file
    session: Session,
    usage: Annotated[Path | None, typer.Option("--usage", help="Usage by container and interval.")] = None,
    nodes: Annotated[Path | None, typer.Option("--nodes", help="Nodes and how long they ran.")] = None,
    volumes: Annotated[Path | None, typer.Option("--volumes", help="Volumes and how long they were.")] = None,
    mounts: Annotated[Path | None, typer.Option("--mounts", help="Which pod held which volume.")] = None,
    load_balancers: Annotated[
        Path | None, typer.Option("--load-balancers", help="Load balancers and how long they were.")
    ] = None,
    network: Annotated[
        Path | None, typer.Option("--network", help="Bytes that pods sent, by class and interval.")
    ] = None,
    prices: Annotated[Path | None, typer.Option("--prices", help="Price list.")] = None,
    ownership: Annotated[Path | None, typer.Option("--ownership", help="Who owns which namespace.")] = None,
    budgets: Annotated[Path | None, typer.Option("--budgets", help="Budgets by month and team.")] = None,
    initiatives: Annotated[Path | None, typer.Option("--initiatives", help="Optimisation stages.")] = None,
) -> None:
    """Read files, CSV or Parquet, in any combination. Either a file is stored whole or nothing of it."""
    from service.usecases.ingest_files import InputFiles, ingest_files

    given = InputFiles(
        usage, nodes, prices, ownership, budgets, initiatives, volumes, mounts, load_balancers, network
    )
    _check_companions(given)
    if given.is_empty:
        raise UsageError(
            "nothing to read: give at least one of --usage, --prices, --ownership, --budgets, --initiatives"
        )
    result = ingest_files(session.create_warehouse(), given, session.progress)
    for line in result.loaded:
        session.say(line)
    _show(session, result.outcomes)


def _check_companions(given: InputFiles) -> None:
    """Refuse files that say nothing without others: hours are stored whole."""
    of_usage = {
        "--nodes": given.nodes,
        "--volumes": given.volumes,
        "--mounts": given.mounts,
        "--load-balancers": given.load_balancers,
        "--network": given.network,
    }
    for option, path in of_usage.items():
        if path is not None and given.usage is None:
            raise UsageError(f"{option} describes the hours of --usage: give both")
    if given.mounts is not None and given.volumes is None:
        raise UsageError("--mounts says who held the volumes of --volumes: give both")


@command(group, "status", example="millicore ingest status --output json", columns=_STATUS_COLUMNS)
def status(
    session: Session,
    window: Annotated[
        str | None, typer.Option("--window", help="7d, yesterday, 2026-10, or start,end; default everything.")
    ] = None,
) -> None:
    """Show which hours are stored, thin, failed and owed, per cluster."""
    from service.usecases.ingest_status import ingest_status

    runtime = session.runtime
    parsed = parse_window(window, now=runtime.now(), zone=session.settings.zone) if window else None
    statuses = ingest_status(runtime, parsed)
    session.rows([asdict(item) for item in statuses], _STATUS_COLUMNS, empty="No cluster is known yet.")
    for item in statuses:
        if item.owed:
            session.doubt(
                f"{item.cluster}: {item.owed} hours are owed, the oldest {item.oldest_owed:%Y-%m-%d %H:%M}Z"
            )
        if item.unrecoverable:
            session.doubt(f"{item.cluster}: {item.unrecoverable} hours are lost: the source forgot them")


@command(
    group,
    "retire",
    example="millicore ingest retire test-eu --at 2026-10-12T09:30:00Z --reason 'moved to prod-eu'",
    columns=_RETIRED_COLUMNS,
)
def retire(
    session: Session,
    cluster: Annotated[str, typer.Argument(help="Name of the cluster that is gone.", metavar="CLUSTER")],
    at: Annotated[str, typer.Option("--at", help="When it was shut down.", metavar="WHEN")],
    reason: Annotated[str, typer.Option("--reason", help="Kept in the audit log.", metavar="TEXT")],
) -> None:
    """Say that a cluster was shut down: closing a month misses no later hours of it."""
    from service.usecases.cluster_life import retire_cluster

    end = retire_cluster(session.runtime, session.principal, cluster, parse_instant(at), reason)
    session.rows([{"cluster": cluster, "expected_until": end}], _RETIRED_COLUMNS)


def _show(session: Session, outcomes: Iterable[object]) -> None:
    """Write one row per cluster. Every cluster failing is an error, some is a doubt."""
    from service.usecases.ingest import IngestOutcome
    from warehouse.observed import WindowState

    done = sorted(
        (outcome for outcome in outcomes if isinstance(outcome, IngestOutcome)), key=lambda item: item.cluster
    )
    rows = [
        {
            "cluster": outcome.cluster,
            "source": outcome.source,
            "complete": outcome.hours.get(WindowState.COMPLETE, 0),
            "partial": outcome.hours.get(WindowState.PARTIAL, 0),
            "failed": outcome.hours.get(WindowState.FAILED, 0),
            "unchanged": outcome.unchanged_count,
            "rows": outcome.row_count,
            "problem": outcome.problem,
        }
        for outcome in done
    ]
    if rows:
        session.rows(rows, _OUTCOME_COLUMNS)
    problems = [f"{outcome.cluster}: {outcome.problem}" for outcome in done if outcome.problem]
    if problems and len(problems) == len(done):
        raise SourceError("; ".join(problems))
    for outcome in done:
        for reason in (outcome.problem, *outcome.notes):
            session.doubt(f"{outcome.cluster}: {reason}" if reason else "")
