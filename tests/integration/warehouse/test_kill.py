"""A process that is killed while it stores a window loses nothing and doubles nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import kill_writer
from support.warehouse import lake_digest, store_window

from warehouse.gateway import Warehouse
from warehouse.observed import WindowState
from warehouse.reconcile import reconcile


def _write_in_a_process(folder: Path, step: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, kill_writer.__file__, str(folder), step])


@pytest.mark.kill
@pytest.mark.parametrize("step", kill_writer.STEPS)
def test_a_kill_at_any_step_loses_and_doubles_nothing(
    fresh_warehouse: Warehouse, tmp_path: Path, step: str
) -> None:
    process = _write_in_a_process(tmp_path, step)
    assert process.wait(timeout=60) == -signal.SIGKILL
    owed = fresh_warehouse.ledger.owed("files", "alpha", kill_writer.WINDOW)
    assert owed == ([] if step == "complete" else [kill_writer.WINDOW])
    store_window(fresh_warehouse, kill_writer.observed())
    healed = lake_digest(fresh_warehouse)
    store_window(fresh_warehouse, kill_writer.observed())
    assert lake_digest(fresh_warehouse) == healed
    assert fresh_warehouse.lake.scan("container_hour").num_rows == 8
    assert fresh_warehouse.lake.scan("node_hour").num_rows == 4
    assert fresh_warehouse.lake.scan("label_set").num_rows == 1
    assert reconcile(fresh_warehouse, "alpha", kill_writer.WINDOW) == []


@pytest.mark.kill
def test_a_reader_never_sees_a_complete_hour_without_its_rows(
    fresh_warehouse: Warehouse, tmp_path: Path
) -> None:
    process = _write_in_a_process(tmp_path, "never")
    seen_complete = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (process.poll() is None or not seen_complete):
        pin = fresh_warehouse.pin(cluster="alpha", window=kill_writer.WINDOW)
        complete = [row for row in pin.ledger if row.state is WindowState.COMPLETE and not row.is_pending]
        rows = fresh_warehouse.lake.scan("container_hour", pin=pin).num_rows
        assert rows == 8 or not complete
        seen_complete += len(complete)
    assert process.wait(timeout=60) == 0
    assert seen_complete
