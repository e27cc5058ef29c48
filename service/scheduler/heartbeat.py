"""A file that a living scheduler touches, for container health checks: it answers no requests."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.vocabulary.errors import MillicoreError
from service.settings import Settings


def heartbeat_file(settings: Settings) -> Path:
    """Return the file of this host's scheduler; several may share a home folder."""
    return settings.home / f"scheduler-{socket.gethostname()}.heartbeat"


def beat(settings: Settings) -> None:
    """Say that the scheduler is alive, leading or standing by."""
    heartbeat_file(settings).touch()


def stop_beating(settings: Settings) -> None:
    """Say that the scheduler has ended."""
    heartbeat_file(settings).unlink(missing_ok=True)


def check_heartbeat(settings: Settings, now: datetime | None = None) -> timedelta:
    """Return how long ago the scheduler of this host was last seen alive.

    It beats every third of ``lease_ttl_seconds``.

    Raises
    ------
    MillicoreError
        If none runs here, or it has been silent for longer than ``lease_ttl_seconds``.
    """
    file = heartbeat_file(settings)
    try:
        last = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError as problem:
        raise MillicoreError(f"no scheduler runs on this host: {file} is not there") from problem
    age = (now or datetime.now(UTC)) - last
    if age > timedelta(seconds=settings.lease_ttl_seconds):
        raise MillicoreError(
            f"the scheduler has been silent for {age.total_seconds():.0f} s; restart it (nothing is lost)"
        )
    return age
