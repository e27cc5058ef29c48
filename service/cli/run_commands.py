"""Commands that run Millicore as a service and look after it."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from models.vocabulary.errors import MillicoreError
from models.vocabulary.identity import Role
from models.vocabulary.windows import parse_window
from service.cli.commands import command
from service.cli.output import Column
from service.cli.session import Session

token_group = typer.Typer(help="Tokens with which programs read the HTTP API.", no_args_is_help=True)

_CHECK_COLUMNS = (Column("check"), Column("state"), Column("detail"), Column("remedy"))
_UPKEEP_COLUMNS = tuple(map(Column, ("cluster", "list_days", "container_days", "histogram_days")))
_TOKEN_COLUMNS = tuple(
    map(Column, ("id", "principal", "description", "created_at", "expires_at", "revoked_at"))
)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "serve", example="millicore serve --home .millicore/demo")(serve)
    command(app, "scheduler", example="millicore scheduler")(scheduler)
    command(app, "doctor", example="millicore doctor", columns=_CHECK_COLUMNS)(doctor)
    command(app, "upkeep", example="millicore upkeep", columns=_UPKEEP_COLUMNS)(upkeep)
    command(app, "migrate", example="millicore migrate")(migrate)
    command(app, "export", example="millicore export cost_day --window 2026-10 --output-file cost.parquet")(
        export
    )
    app.add_typer(token_group, name="token")


def serve(
    session: Session,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on.", min=0, max=65_535)] = None,
) -> None:
    """Serve the boards and the HTTP API until interrupted."""
    from service.http.application import serve as run

    session.is_service = True
    session.flags.update(http_host=host, http_port=port)
    settings = session.settings
    run(
        session.runtime,
        settings.http_host,
        settings.http_port,
        on_started=lambda link: session.say(f"Boards: {link}\nStop with Ctrl-C."),
    )


def scheduler(
    session: Session,
    *,
    health: Annotated[
        bool, typer.Option("--health", help="Only check that the scheduler of this host is alive.")
    ] = False,
) -> None:
    """Ingest every hour, model every night and watch the clusters, until interrupted."""
    from service.scheduler.heartbeat import check_heartbeat
    from service.scheduler.service import is_work_hanging, run_scheduler

    if health:
        age = check_heartbeat(session.settings)
        session.document({"age_seconds": age.total_seconds()}, f"alive {age.total_seconds():.0f} s ago")
        return
    session.is_service = True
    run_scheduler(session.create_warehouse())
    if is_work_hanging():
        # the interpreter would wait for a hanging read; what it was about stays owed, so nothing is lost
        logging.shutdown()
        os._exit(0)


def doctor(
    session: Session,
    *,
    heal: Annotated[
        bool,
        typer.Option("--heal", help="Set broken files of the lake aside; their hours are then owed again."),
    ] = False,
) -> None:
    """Check settings, database, lake, sources and prices, and say how to mend what is wrong."""
    from service.usecases.doctor import CheckState, examine

    checks = examine(session.settings, heal=heal)
    session.rows([asdict(check) for check in checks], _CHECK_COLUMNS)
    failed = [check for check in checks if check.state is CheckState.FAILED]
    if failed:
        raise MillicoreError(f"{len(failed)} of {len(checks)} checks failed; the first is {failed[0].check}")
    for check in checks:
        if check.state is CheckState.DOUBTFUL:
            session.doubt(f"{check.check}: {check.detail}")


def upkeep(session: Session) -> None:
    """Compare ledger and lake, remove what retention no longer keeps, compact the lake.

    The scheduler does it every night; running it again does only what is left. Columns count days.
    """
    from service.usecases.upkeep import keep_up

    report = keep_up(session.runtime, session.progress)
    session.rows([asdict(one) for one in report.retained], _UPKEEP_COLUMNS, empty="No cluster is stored.")
    for mismatch in report.mismatches:
        session.doubt(f"{mismatch.cluster} {mismatch.hour:%Y-%m-%d %H:%M}Z: {mismatch.detail}")


def migrate(session: Session) -> None:
    """Create or upgrade database and lake; running it again does nothing."""
    from service.runtime import location_of
    from warehouse.gateway import migrate_warehouse

    done = migrate_warehouse(location_of(session.settings))
    session.document({"done": done}, "\n".join(done) or "Nothing to do: the warehouse is up to date.")


def export(
    session: Session,
    table: Annotated[str, typer.Argument(help="A table of the lake, such as cost_day or container_hour.")],
    output_file: Annotated[Path, typer.Option("--output-file", help="File that ends in .parquet or .csv.")],
    cluster: Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")] = None,
    window: Annotated[str | None, typer.Option("--window", help="7d, 2026-10, or start,end.")] = None,
) -> None:
    """Write the rows of a lake table to a file, as they are stored."""
    from service.usecases.export_table import export_table
    from service.usecases.profiles import cluster_names

    if cluster is not None:
        cluster_names(session.runtime, cluster)  # refuses a name that nobody knows
    parsed = parse_window(window, now=session.runtime.now(), zone=session.settings.zone) if window else None
    count = export_table(
        session.runtime, session.principal, table, output_file, cluster=cluster, window=parsed
    )
    session.document({"file": output_file, "rows": count}, f"{count:,} rows of {table} in {output_file}")


@command(token_group, "create", example="millicore token create grafana --role leadership --days 90")
def token_create(
    session: Session,
    principal: Annotated[str, typer.Argument(help="Who the token stands for.")],
    role: Annotated[
        list[str], typer.Option("--role", help="leadership, finance, owner, platform or admin; repeatable.")
    ],
    team: Annotated[list[str] | None, typer.Option("--team", help="Team of an owner; repeatable.")] = None,
    days: Annotated[int, typer.Option("--days", help="Days until it expires.", min=1)] = 90,
) -> None:
    """Issue a token and print it once; only its hash is stored."""
    from service.usecases.tokens import issue_token

    issued = issue_token(session.runtime, session.principal, principal, tuple(role), tuple(team or ()), days)
    session.document({"principal": principal, "token": issued}, issued)


@command(token_group, "revoke", example="millicore token revoke 3f2a91")
def token_revoke(
    session: Session, token_id: Annotated[str, typer.Argument(help="As millicore token list shows it.")]
) -> None:
    """Make a token useless at once."""
    from service.usecases.tokens import revoke_token

    revoke_token(session.runtime, session.principal, token_id)
    session.document({"revoked": token_id}, f"revoked {token_id}")


@command(token_group, "list", example="millicore token list", columns=_TOKEN_COLUMNS)
def token_list(session: Session) -> None:
    """List tokens, without the tokens themselves."""
    session.principal.require(Role.ADMIN)
    tokens = session.runtime.warehouse.access.tokens()
    session.rows([asdict(token) for token in tokens], _TOKEN_COLUMNS, empty="No token has been issued.")
