"""A process that closes or corrects October and dies at a step: `python kill_closer.py FOLDER ACT STEP`."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(repository), str(repository / "tests")]

from support.closing import FINANCE, MONTH

from service.runtime import Runtime
from service.usecases.period_close import close_period
from service.usecases.period_correct import correct_period

CLOSE_STEPS = (
    "allocated",
    "checked",
    "emptied",
    "written asset_price_day",
    "written exchange_rate",
    "written journal_mapping",
    "written price",
    "written statement_line",
    "written manifest",
    "recorded",
)
CORRECT_STEPS = ("allocated", "compared", "emptied", "written correction", "written manifest", "recorded")


def main(folder: str, act: str, step: str) -> None:
    """Close or correct; die by SIGKILL when the step is reached."""

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    now = datetime(2026, 11, 20, tzinfo=UTC)
    runtime = Runtime.for_test(Path(folder), now=now, reporting_currency="EUR")
    if act == "close":
        close_period(runtime, FINANCE, MONTH, on_step=on_step)
    else:
        correct_period(runtime, FINANCE, MONTH, "late", on_step=on_step)
    runtime.warehouse.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
