"""``millicore serve``: boards and API on the address of the settings, with a one-time link for people."""

from __future__ import annotations

import sys

from service.boards.texts import say
from service.http.application import serve as serve_application
from service.runtime import Runtime


def serve(runtime: Runtime, host: str | None = None, port: int | None = None) -> None:
    """Serve until interrupted; the one-time link is written to stderr.

    Parameters
    ----------
    runtime : Runtime
    host, port : str, int, optional
        Those of the settings by default.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    """
    settings = runtime.settings
    serve_application(
        runtime,
        settings.http_host if host is None else host,
        settings.http_port if port is None else port,
        on_started=_announce,
    )


def _announce(link: str) -> None:
    sys.stderr.write(say("serve.link", link=link) + "\n")
    sys.stderr.flush()
