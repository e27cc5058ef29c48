"""200 kills at random moments of ingest lose nothing and double nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.usecases.simulate import SimulationOptions, simulate

KILLS = 200
LANES = 2
HUNG_AFTER = 900.0
"""Seconds; on two free cores it takes about 100."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate("fortnight", folder, seed=3, options=SimulationOptions(days=4))
    return folder


@pytest.mark.kill
@pytest.mark.skipif(sys.platform != "linux", reason="forks a process without threads, as /proc shows it")
def test_200_kills_at_random_moments_of_ingest_lose_and_double_nothing(files: Path, tmp_path: Path) -> None:
    repository = Path(__file__).parents[3]
    lanes = []
    for number in range(LANES):
        work = tmp_path / f"lane{number}"
        work.mkdir()
        arguments = (files, work, KILLS // LANES, number)
        command = [sys.executable, "-m", "support.kill_lane", *map(str, arguments)]
        lanes.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=repository,
                env={"PYTHONPATH": f"{repository}:{repository / 'tests'}", "PATH": "/usr/bin:/bin"},
            )
        )
    reports = []
    try:
        for lane in lanes:
            out, err = lane.communicate(timeout=HUNG_AFTER)
            assert lane.returncode == 0, err
            reports.append(json.loads(out))
    finally:
        for lane in lanes:
            lane.kill()
    expected = reports[0]["undisturbed"]
    assert sum(report["kills"] for report in reports) >= KILLS
    assert int(expected["container_hour"].split()[0]) > 1000
    for report in reports:
        assert report["undisturbed"] == expected
        for found in report["digests"]:
            assert found == expected
