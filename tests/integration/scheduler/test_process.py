"""``millicore scheduler`` as a process beside a source that never answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

PATIENCE = 40.0
CALL = [sys.executable, "-c", "from service.cli.app import main; main()", "scheduler"]


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Return the address of a server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)


def test_a_source_that_hangs_keeps_no_scheduler_from_ending_when_asked(
    tmp_path: Path, repository: Path, silent_url: str
) -> None:
    clusters = [{"name": "east", "prometheus": {"url": silent_url}}]
    config = tmp_path / "millicore.yaml"
    config.write_text(yaml.safe_dump({"clusters": clusters, "lease_ttl_seconds": 6}))
    call = [*CALL, "--home", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(call, stderr=log, stdout=log, env=environment, cwd=tmp_path)
    try:
        wait_for(lambda: "leads" in (tmp_path / "log").read_text())
        healthy = subprocess.run([*call, "--health"], env=environment, cwd=tmp_path, check=False)
        assert healthy.returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
    assert "did not end in time" in (tmp_path / "log").read_text()
    silent = subprocess.run([*call, "--health"], env=environment, cwd=tmp_path, check=False)
    assert silent.returncode == 1
