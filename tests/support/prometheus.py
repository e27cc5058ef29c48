"""A real Prometheus over blocks that promtool makes from OpenMetrics."""

from __future__ import annotations

import fcntl
import hashlib
import pickle
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.simulated.openmetrics import MetricsOptions
from ingest.simulated.write import SimulationOptions, SimulationSummary, write_simulation

_STARTUP_SECONDS = 30.0


def find_tools() -> tuple[str, str]:
    """Return the paths of prometheus and promtool, or skip with the reason."""
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if prometheus is None or promtool is None:
        pytest.skip("prometheus and promtool are not installed (Debian package prometheus)")
    return prometheus, promtool


def load_blocks(files: Sequence[Path], data: Path) -> Path:
    """Fill a data folder with the blocks of OpenMetrics files."""
    _, promtool = find_tools()
    data.mkdir(parents=True, exist_ok=True)
    for file in files:
        subprocess.run(
            # promtool reads the whole file once per block, so blocks as long as the file are the fastest
            [
                promtool,
                "tsdb",
                "create-blocks-from",
                "--max-block-duration=2000h",
                "openmetrics",
                str(file),
                str(data),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    return data


@contextmanager
def run_prometheus(data: Path, *flags: str) -> Iterator[str]:
    """Serve a data folder on a free loopback port; yields the URL."""
    prometheus, _ = find_tools()
    config = data.parent / f"{data.name}.yml"
    config.write_text("global: {}\n")
    port = _free_port()
    log = (data.parent / f"{data.name}.log").open("w")
    process = subprocess.Popen(
        [
            prometheus,
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.retention.time=10y",
            "--storage.tsdb.wal-compression",
            *flags,
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)
        log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"prometheus ended at once with {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("prometheus did not become ready")


@dataclass(frozen=True)
class Fortnight:
    """The simulated scenario ``fortnight``, served by a Prometheus, and the same as files.

    Parameters
    ----------
    url : str
    cluster : str
    summary : SimulationSummary
    """

    url: str
    cluster: str
    summary: SimulationSummary


@pytest.fixture(scope="session")
def prometheus_fortnight(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fortnight]:
    """Serve 14 simulated days of one cluster with all metrics, scraped every two minutes.

    Writing them takes about a minute, so the blocks stay in pytest's cache until the simulator changes.
    """
    find_tools()
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir(f"prometheus_fortnight_{_simulator_version()}")
    summary_file = folder / "summary.pickle"
    with (folder / "lock").open("w") as lock:
        # another worker may be writing the same blocks: the second one waits and finds them
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not summary_file.exists():
            summary_file.write_bytes(pickle.dumps(_write_fortnight(folder)))
    summary = pickle.loads(summary_file.read_bytes())
    data = tmp_path_factory.mktemp("fortnight") / "data"
    shutil.copytree(folder / "data", data)
    with run_prometheus(data) as url:
        yield Fortnight(url, summary.clusters[0], summary)


def _write_fortnight(folder: Path) -> SimulationSummary:
    options = SimulationOptions(metrics=MetricsOptions(interval_seconds=120, state_interval_seconds=240))
    summary = write_simulation("fortnight", folder, seed=7, formats=("files", "openmetrics"), options=options)
    shutil.rmtree(folder / "data", ignore_errors=True)
    load_blocks(summary.metrics_files, folder / "data")
    for file in summary.metrics_files:
        file.unlink()
    return summary


def _simulator_version() -> str:
    """Return a hash of everything that the simulation is made of."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[2]
    for room in ("models/simulation", "ingest/simulated"):
        for source in sorted((root / room).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
