"""A process that records a window and kills itself at a named step: `python kill_writer.py FOLDER STEP`."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(repository), str(repository / "tests")]

from support.warehouse import NOON, container_rows, folder_location, ingest_lease, observed_window

from models.vocabulary.windows import HourWindow
from warehouse.gateway import open_warehouse
from warehouse.observed import ObservedWindow

MIDNIGHT = datetime(2026, 10, 1, tzinfo=UTC)
WINDOW = HourWindow(MIDNIGHT + timedelta(hours=22), MIDNIGHT + timedelta(hours=26))
STEPS = (
    "pending",
    "written label_set",
    "written container_hour",
    "written node_hour",
    "before commit of ledger",
    "complete",
)


def observed() -> ObservedWindow:
    """Return the window that is written: three tables, over midnight."""
    import pyarrow as pa

    hours = list(WINDOW.hours())
    nodes = pa.table(
        {
            "cluster": ["alpha"] * 4,
            "day": pa.array([hour.date() for hour in hours]),
            "hour": pa.array(hours, pa.timestamp("us", tz="UTC")),
            "node_key": ["node-1"] * 4,
        }
    )
    label_sets = pa.table(
        {
            "cluster": ["alpha"],
            "month": ["2026-10"],
            "label_set_id": ["one"],
            "first_seen_at": pa.array(hours[:1], pa.timestamp("us", tz="UTC")),
        }
    )
    tables = {"container_hour": container_rows("alpha", WINDOW), "node_hour": nodes, "label_set": label_sets}
    return observed_window("alpha", WINDOW, tables)


def main(folder: str, step: str) -> None:
    """Record the window; die by SIGKILL when the step is reached."""

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    warehouse = open_warehouse(folder_location(Path(folder)), now=lambda: NOON)
    warehouse.record(observed(), ingest_lease(warehouse, "alpha"), on_step=on_step)
    warehouse.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
