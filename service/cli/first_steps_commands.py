"""The first commands: demo, simulate, connect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.commands import command
from service.cli.output import OutputFormat
from service.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "demo", example="millicore demo")(demo)
    command(app, "simulate", example="millicore simulate fortnight --out simulated --format files")(simulate)
    command(
        app, "connect", example="millicore connect --prometheus http://prometheus:9090 --cluster prod-eu"
    )(connect)


def simulate(  # noqa: PLR0913 - one flag per property of a simulation
    session: Session,
    scenario: Annotated[str, typer.Argument(help="demo, fortnight or fleet.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", metavar="DIR")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="files, openmetrics or api; may be repeated.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", help="Another length than its own.", min=1)] = None,
    pods: Annotated[int, typer.Option("--pods", help="Size of the scenario fleet.", min=1)] = 1000,
    file_format: Annotated[str, typer.Option("--file-format", help="parquet or csv.")] = "parquet",
    metrics: Annotated[
        str, typer.Option("--metrics", help="OpenMetrics: full, or stock (what a plain installation has).")
    ] = "full",
    interval: Annotated[
        int, typer.Option("--interval", help="OpenMetrics: seconds between scrapes, 1 to 299.")
    ] = 60,
) -> None:
    """Write a simulated company: usage and price files, OpenMetrics, Kubernetes objects."""
    from service.usecases.simulate import SimulationOptions, choose_metrics
    from service.usecases.simulate import simulate as run

    options = SimulationOptions(
        days=days, pods=pods, file_format=file_format, metrics=choose_metrics(metrics, interval)
    )
    chosen = tuple(formats or ("files",))
    summary = run(scenario, out, seed=seed, formats=chosen, options=options, progress=session.progress)
    session.document(
        summary,
        f"{summary.scenario}: {len(summary.clusters)} clusters ({', '.join(summary.clusters)}), "
        f"{summary.node_count} nodes, {summary.pod_count} pods, {summary.usage_row_count:,} usage rows, "
        f"{summary.start:%Y-%m-%d} to {summary.end:%Y-%m-%d}, below {out}",
    )


def demo(session: Session) -> None:
    """Simulate a company and take it the whole way to boards, suggestions and a chargeback file.

    Needs no cluster and no root; everything lies in .millicore/demo (or --home).
    """
    from service.cli.first_steps_texts import demo_document, show_demo
    from service.usecases.demo import DemoStep, demo_settings, run_demo

    session.settings = demo_settings(session.home, session.workers)

    def say(step: DemoStep) -> None:
        session.say(f"{step.name:<11}{step.text}  ({step.seconds:.1f} s)")

    result = run_demo(session.create_warehouse(), session.principal, session.progress, say)
    if session.output is OutputFormat.TABLE:
        show_demo(session, result)
    else:
        session.document(demo_document(result), "")


def connect(  # noqa: PLR0913 - one flag per property of a connection
    session: Session,
    prometheus: Annotated[str, typer.Option("--prometheus", help="Its URL, without /api/v1.", metavar="URL")],
    cluster: Annotated[str | None, typer.Option("--cluster", help="Name of the cluster.")] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option("--kubeconfig", help="For exact times and labels.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="How far back; default all there is.")] = None,
    token_file: Annotated[Path | None, typer.Option("--token-file", help="File with a bearer token.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="User for basic authentication.")] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file", help="Its password.")] = None,
    header: Annotated[list[str] | None, typer.Option("--header", help="NAME=VALUE; repeatable.")] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", help="Certificate authority to trust.")] = None,
    cluster_label: Annotated[
        str | None, typer.Option("--cluster-label", help="Label of the cluster.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look and report; write nothing.")] = False,
) -> None:
    """Connect a cluster: look at its Prometheus, read its history, show what it costs.

    Nothing is installed or written in the cluster. Without prices cost is assumed, without owners they are
    guessed, and every figure says so.
    """
    from service.cli.connecting import take_up
    from service.usecases.connect import ConnectRequest

    request = ConnectRequest(
        url=prometheus,
        cluster=cluster,
        cluster_label=cluster_label,
        bearer_token_file=token_file,
        username=user,
        password_file=password_file,
        headers=tuple(header or ()),
        tls_ca_file=ca_file,
        kubeconfig=kubeconfig,
    )
    take_up(session, request, since, is_dry_run=dry_run)
