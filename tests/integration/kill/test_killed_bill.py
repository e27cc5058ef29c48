"""An import that is killed at any step leaves the old bill or the new one; running it again finishes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import kill_importer
from support.bills import focus_line, write_bill
from support.closing import FINANCE, MONTH

from service.runtime import Runtime
from service.usecases.bill_report import bucket_rows
from service.usecases.bills import import_bills

pytestmark = pytest.mark.kill


def billed(runtime: Runtime) -> int:
    rows = bucket_rows(runtime, FINANCE, MONTH)
    return int(next(row["billed_cost"] for row in rows if row["bucket"] == "total"))


@pytest.mark.parametrize("step", kill_importer.STEPS)
def test_a_killed_import_leaves_the_old_bill_or_the_new(tmp_path: Path, step: str) -> None:
    old = write_bill(tmp_path / "old.csv", [focus_line("10")])
    new = write_bill(tmp_path / "new.csv", [focus_line("12"), focus_line("1")])
    runtime = Runtime.for_test(tmp_path / "home")
    import_bills(runtime, FINANCE, [old])
    command = [sys.executable, kill_importer.__file__, str(tmp_path / "home"), str(new), step]
    done = subprocess.run(command, check=False, timeout=120, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert billed(runtime) == (13 if step == "recorded" else 10)
    import_bills(runtime, FINANCE, [new])
    assert billed(runtime) == 13
    assert len(runtime.warehouse.lake.scan("bill_line")) == 2
