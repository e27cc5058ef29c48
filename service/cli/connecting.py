"""The conversation of ``millicore connect``: what was found, what it costs, what is read, what it shows."""

from __future__ import annotations

from datetime import datetime

from ingest.prometheus.probe import ProbeReport
from models.vocabulary.windows import parse_window
from service.boards.leadership import read_leadership
from service.cli.first_steps_texts import figure_rows, show_board
from service.cli.output import OutputFormat
from service.cli.session import Session
from service.runtime import Runtime
from service.setting_sources import load_settings
from service.usecases.connect import (
    ConnectRequest,
    Contact,
    config_path,
    known_prices,
    make_contact,
    price_states,
    write_cluster,
)
from service.usecases.ingest_prometheus import IngestOptions, backfill
from service.usecases.pipeline import run_models


def take_up(session: Session, request: ConnectRequest, since: str | None, *, is_dry_run: bool) -> None:
    """Make contact, report, and unless it is a dry run: write settings, backfill, model, show the board.

    Raises
    ------
    MetricsMissing
        If metrics are missing without which no hour can be stored; nothing is written then.
    """
    contact = make_contact(request, session.settings.clock())
    tell_report(session, contact.report)
    contact.report.require()
    for state in price_states(contact.report.node_types, known_prices(session.settings), session.settings):
        session.report(f"  {state}")
    if is_dry_run:
        session.document(
            {"cluster": contact.cluster.name, "report": contact.report}, "Dry run: nothing was written."
        )
        return
    path = config_path(session.settings)
    if write_cluster(path, contact.entry):
        session.report(f"wrote {path}")
    session.settings = load_settings(path, home=session.home, workers=session.workers)
    runtime = session.create_warehouse()
    _read_history(session, runtime, contact, since)
    run_models(runtime, session.progress)
    _show(session, runtime, contact)


def tell_report(session: Session, report: ProbeReport) -> None:
    """Say what the server is and holds, what is missing with its remedy, and what a backfill costs it."""
    every = f", scraped every {report.intervals.cadvisor_seconds:.0f} s" if report.intervals else ""
    history = (
        f"{report.oldest:%Y-%m-%d %H:%M}Z to {report.newest:%Y-%m-%d %H:%M}Z"
        if report.oldest and report.newest
        else "none of kube-state-metrics"
    )
    session.report(f"{report.dialect} {report.version} at {report.url}{every}; history {history}")
    session.report(
        f"  {report.node_count} nodes, {report.pod_count} pods, {report.container_count} containers; "
        f"{len(report.found)} of {len(report.found) + len(report.missing)} metrics found"
    )
    for need in report.missing:
        kind = "required" if need.is_required else "optional"
        session.report(f"  missing ({kind}): {need.name}: {need.without}; {need.remedy}")
    for remark in report.remarks:
        session.report(f"  {remark}")
    if report.backfill is not None:
        cost = report.backfill
        session.report(
            f"  reading {cost.hours:,} hours will ask {cost.query_count:,} queries for about "
            f"{cost.sample_count:,} samples ({cost.answer_bytes / 1e6:,.0f} MB)"
        )


def _read_history(session: Session, runtime: Runtime, contact: Contact, since: str | None) -> None:
    oldest = contact.report.oldest
    start: datetime = oldest or runtime.now()
    if since is not None:
        start = max(start, parse_window(since, now=runtime.now()).start)
    options = IngestOptions((contact.cluster.name,), session.progress)
    for outcome in backfill(runtime, start, options):
        stored = sum(outcome.hours.values())
        session.report(f"read {stored:,} hours, {outcome.row_count:,} rows")
        if outcome.problem:
            session.doubt(f"{outcome.cluster}: {outcome.problem}")
        for note in outcome.notes:
            session.doubt(f"{outcome.cluster}: {note}")


def _show(session: Session, runtime: Runtime, contact: Contact) -> None:
    board = read_leadership(runtime, session.principal)
    if session.output is OutputFormat.TABLE:
        show_board(board)
    else:
        session.document({"figures": figure_rows(board.figures), "marks": board.header.marks}, "")
    for mark in board.header.marks:
        session.doubt(mark.text)
    for need in contact.report.missing_optional:
        session.doubt(f"without {need.name}: {need.without}")
