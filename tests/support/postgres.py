"""A real PostgreSQL on a free loopback port, one per test session, one database per test."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from support.ports import free_port

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@dataclass
class PostgresServer:
    """A running server. `new_database` returns the URL of a fresh database."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_database(self, *, template: str = "template1") -> str:
        """Create a database, empty or a copy of another, and return its SQLAlchemy URL."""
        name = f"millicore_{next(self._numbers)}"
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return f"postgresql+psycopg://postgres:secret-word@127.0.0.1:{self.port}/{name}"


def _as_postgres(*command: str) -> list[str]:
    # initdb and postgres refuse to run as root
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start PostgreSQL for the session, or skip with the reason."""
    if not _BINARIES:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    binaries, port = _BINARIES[0], free_port()
    folder = Path(tempfile.mkdtemp(prefix="millicore-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = str(folder / "data")
    subprocess.run(
        _as_postgres(str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"),
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -F"
    control = str(binaries / "pg_ctl")
    subprocess.run(
        _as_postgres(control, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start"),
        check=True,
        capture_output=True,
        cwd="/",
    )
    try:
        yield PostgresServer(port)
    finally:
        subprocess.run(
            _as_postgres(control, "-D", data, "-m", "immediate", "-w", "stop"),
            check=True,
            capture_output=True,
            cwd="/",
        )
        shutil.rmtree(folder, ignore_errors=True)
