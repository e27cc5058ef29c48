"""How a function becomes a command: common options, help with an example, and errors as exit codes."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from models.vocabulary.errors import DegradedData, MillicoreError
from service.cli.output import Column, OutputFormat
from service.cli.session import Session
from service.logs import redact

EXIT_INTERRUPTED = 130
_PANEL = "Common options"
_log = logging.getLogger(__name__)

_COMMON: tuple[tuple[str, Any, Any], ...] = (
    (
        "home",
        Annotated[
            Path | None,
            typer.Option(
                "--home", help="Folder of lake and database.", rich_help_panel=_PANEL, metavar="DIR"
            ),
        ],
        None,
    ),
    (
        "config",
        Annotated[
            Path | None,
            typer.Option("--config", help="YAML file of settings.", rich_help_panel=_PANEL, metavar="FILE"),
        ],
        None,
    ),
    (
        "output",
        Annotated[
            OutputFormat, typer.Option("--output", "-o", help="Format on stdout.", rich_help_panel=_PANEL)
        ],
        OutputFormat.TABLE,
    ),
    (
        "is_debug",
        Annotated[
            bool,
            typer.Option("--debug", help="Debug logs, and tracebacks of errors.", rich_help_panel=_PANEL),
        ],
        False,
    ),
    (
        "workers",
        Annotated[
            int | None,
            typer.Option("--workers", help="Worker processes; 0 uses none.", rich_help_panel=_PANEL, min=0),
        ],
        None,
    ),
)

CommandFunction = Callable[..., None]


def command(
    app: typer.Typer, name: str, *, example: str, columns: Sequence[Column] = ()
) -> Callable[[CommandFunction], CommandFunction]:
    """Register a function ``f(session, ...)`` as a command with the common options.

    Parameters
    ----------
    app : typer.Typer
    name : str
    example : str
        One command line, shown below the help.
    columns : sequence of Column
        What its rows hold; named below the help as the fields of its JSON and CSV.
    """
    fields = f"\n\nFields: {', '.join(column.name for column in columns)}" if columns else ""

    def register(function: CommandFunction) -> CommandFunction:
        @functools.wraps(function)
        def run(**values: Any) -> None:
            session = Session(**{option: values.pop(option) for option, _, _ in _COMMON})
            code = run_to_exit_code(session, functools.partial(function, session, **values))
            raise typer.Exit(code)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        parameters = [*keyword_only, *_common_parameters()]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(name, help=inspect.getdoc(function), epilog=f"Example: {example}{fields}")(run)
        return function

    return register


def _common_parameters() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for option, kind, default in _COMMON
    ]


def run_to_exit_code(session: Session, work: Callable[[], None]) -> int:
    """Run a command and return its exit code: the one place where errors become codes.

    0 done, 1 error, 2 usage, 3 done but on data that is missing or assumed, 130 interrupted.
    """
    try:
        work()
    except MillicoreError as problem:
        if session.is_debug:
            _log.debug("traceback of the error", exc_info=True)
        session.say(f"millicore: {redact(str(problem))}")
        return problem.exit_code
    except KeyboardInterrupt:
        session.say("millicore: interrupted; what was finished is stored, run the command again for the rest")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough. Keep the interpreter from flushing into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        session.close()
    for doubt in session.doubts:
        session.say(f"note: {doubt}")
    return DegradedData.exit_code if session.doubts else 0
