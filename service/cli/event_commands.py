"""Commands about the calendar of times that are not like others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.errors import UsageError
from models.vocabulary.windows import parse_instant, parse_window
from service.cli.commands import command
from service.cli.output import Column, number
from service.cli.session import Session

event_group = typer.Typer(
    help="Sales, holidays, load tests: left out of what forecasts learn, put into what they tell.",
    no_args_is_help=True,
)

_COLUMNS = (
    Column("id"),
    Column("name"),
    Column("kind"),
    Column("start"),
    Column("end"),
    Column("cluster"),
    Column("namespace"),
    Column("workload"),
    number("expected_factor", "factor"),
    Column("include_in_baseline", "in baseline"),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(event_group, name="event")
    command(
        event_group,
        "add",
        example="millicore event add 'flash sale' --start 2026-11-11 --end 2026-11-12 --factor 3",
        columns=_COLUMNS,
    )(add)
    command(event_group, "list", example="millicore event list --window 2026-11", columns=_COLUMNS)(show)
    command(event_group, "remove", example="millicore event remove 0f3a9c1d2b4e", columns=_COLUMNS)(remove)


def add(  # noqa: PLR0913 - one option per property of an event
    session: Session,
    name: Annotated[str | None, typer.Argument(help="Events of one name are alike.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="First moment.", metavar="WHEN")] = None,
    end: Annotated[str | None, typer.Option("--end", help="First moment after it.", metavar="WHEN")] = None,
    kind: Annotated[EventKind, typer.Option("--kind", help="What kind of time it is.")] = EventKind.SALE,
    cluster: Annotated[str, typer.Option("--cluster", help="Pattern of clusters.")] = "*",
    namespace: Annotated[str, typer.Option("--namespace", help="Pattern of namespaces.")] = "*",
    workload: Annotated[str, typer.Option("--workload", help="Pattern: name or kind/name.")] = "*",
    factor: Annotated[
        float | None, typer.Option("--factor", help="Times an ordinary day; default: as past ones were.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="CSV or YAML with many events.")] = None,
    *,
    in_baseline: Annotated[
        bool, typer.Option("--in-baseline", help="Its hours count as ordinary history.")
    ] = False,
) -> None:
    """Declare an event, or all events of a file."""
    from service.usecases.events import add_events, import_events

    runtime = session.create_warehouse()
    if file is not None:
        if name is not None:
            raise UsageError("give either a name or --file, not both")
        _show(session, import_events(runtime, session.principal, file))
        return
    if name is None or start is None or end is None:
        raise UsageError("an event needs a name, --start and --end; or give --file")
    event = CalendarEvent(
        name,
        EventScope(cluster, namespace, workload),
        parse_instant(start),
        parse_instant(end),
        kind,
        include_in_baseline=in_baseline,
        expected_factor=factor,
    )
    add_events(runtime, session.principal, [event])
    _show(session, [event])


def show(
    session: Session,
    window: Annotated[
        str | None, typer.Option("--window", help="7d, 2026-11, or start,end; default all.")
    ] = None,
) -> None:
    """List the events of the calendar, oldest first."""
    from service.usecases.events import list_events

    runtime = session.runtime
    parsed = parse_window(window, now=runtime.now(), zone=session.settings.zone) if window else None
    _show(session, list_events(runtime, parsed))


def remove(
    session: Session, event_id: Annotated[str, typer.Argument(help="As `millicore event list` shows.")]
) -> None:
    """Take an event out of the calendar."""
    from service.usecases.events import remove_event

    _show(session, [remove_event(session.runtime, session.principal, event_id)])


def _show(session: Session, events: Sequence[CalendarEvent]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": event.id,
            "name": event.name,
            "kind": event.kind.value,
            "start": event.start,
            "end": event.end,
            "cluster": event.scope.cluster,
            "namespace": event.scope.namespace,
            "workload": event.scope.workload,
            "expected_factor": event.expected_factor,
            "include_in_baseline": event.include_in_baseline,
        }
        for event in events
    ]
    session.rows(rows, _COLUMNS, empty="The calendar is empty: `millicore event add`.")
