"""One lane of the kill test: ingest children that are killed at random moments, round after round.

Run as ``python -m support.kill_lane FILES WORK KILLS SEED``; prints one JSON document. This process imports
what it can without starting a thread and then only forks, so that a child begins its work within a quarter
of a second. Lake and query engine start threads when they are imported: only children import them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
for variable in ("MALLOC_CONF", "JE_ARROW_MALLOC_CONF"):
    os.environ[variable] = "background_thread:false"

LONGEST_DELAY = 0.5
"""Seconds after the child's first write begins: about two windows of a day each."""
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def ingest(files: Path, home: Path, tell: Callable[[], None]) -> None:
    """Store the files day by day; ``tell`` is called when everything is ready to be written."""
    from models.vocabulary.windows import HourWindow, floor_hour
    from service.runtime import Runtime
    from service.setting_sources import load_settings
    from service.usecases.ingest_files import FileSource, IngestPlan, ingest_owed

    runtime = Runtime.wire(load_settings(environment={}, home=home, fixed_now=NOW))
    with FileSource([files / "usage"], [files / "nodes.csv"]) as source:
        (cluster,) = source.clusters()
        oldest, newest = source.oldest(cluster), source.newest(cluster)
        assert oldest is not None
        assert newest is not None
        runtime.warehouse.clusters.register(cluster, is_simulated=True)
        tell()
        for day in HourWindow(floor_hour(oldest), floor_hour(newest)).split(timedelta(days=1)):
            ingest_owed(runtime, IngestPlan(source, cluster, day))
    runtime.warehouse.close()


def create(home: Path) -> None:
    """Create an empty warehouse."""
    from service.runtime import Runtime

    Runtime.for_test(home, now=NOW).warehouse.close()


def describe(home: Path, answer: Path) -> None:
    """Write the digest of every observed table, and of the ledger, into a file."""
    from support.digests import digest_ledger, digest_tables

    from service.runtime import Runtime
    from service.setting_sources import load_settings

    runtime = Runtime.wire(load_settings(environment={}, home=home, fixed_now=NOW))
    found = {**digest_tables(runtime), "ledger": digest_ledger(runtime)}
    runtime.warehouse.close()
    answer.write_text(json.dumps(found), encoding="utf-8")


def fork(work: Callable[[], None]) -> int:
    """Run work in a child and return its process id."""
    process_id = os.fork()
    if process_id:
        return process_id
    try:
        work()
    except BaseException as problem:  # noqa: BLE001 - the child must never return into the parent's code
        sys.stderr.write(f"child: {problem!r}\n")
        os._exit(1)
    os._exit(0)


def run(work: Callable[[], None]) -> None:
    """Run work in a child to its end."""
    _, status = os.waitpid(fork(work), 0)
    if status != 0:
        raise SystemExit(f"a child that nobody killed ended with {status}")


def ingest_and_kill(files: Path, home: Path, delay: float) -> bool:
    """Start an ingest, kill it ``delay`` seconds after it begins to write; return whether it was killed."""
    reading, writing = os.pipe()

    def child() -> None:
        os.close(reading)
        ingest(files, home, lambda: bool(os.write(writing, b"1")) or None)

    process_id = fork(child)
    os.close(writing)
    began = os.read(reading, 1)
    os.close(reading)
    if began:
        time.sleep(delay)
        os.kill(process_id, signal.SIGKILL)
    _, status = os.waitpid(process_id, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status) != 0:
        raise SystemExit("an ingest that nobody killed failed")
    return False


def main(files: Path, work: Path, wanted: int, seed: int) -> dict[str, object]:
    """Kill ``wanted`` times; whenever everything is stored, note the digests and begin anew."""
    assert len(os.listdir("/proc/self/task")) == 1, "a thread runs: forking is not safe"
    chance = random.Random(seed)
    empty, home, answer = work / "empty", work / "home", work / "answer.json"
    run(lambda: create(empty))
    kills, digests = 0, []
    shutil.copytree(empty, home)
    while kills < wanted or not digests:
        was_killed = ingest_and_kill(files, home, chance.uniform(0, LONGEST_DELAY))
        kills += was_killed
        if not was_killed:
            run(lambda: describe(home, answer))
            digests.append(json.loads(answer.read_text(encoding="utf-8")))
            shutil.rmtree(home)
            shutil.copytree(empty, home)
    run(lambda: ingest(files, home, lambda: None))
    run(lambda: describe(home, answer))
    digests.append(json.loads(answer.read_text(encoding="utf-8")))
    shutil.rmtree(home)
    shutil.copytree(empty, home)
    run(lambda: ingest(files, home, lambda: None))
    run(lambda: describe(home, answer))
    return {"kills": kills, "digests": digests, "undisturbed": json.loads(answer.read_text(encoding="utf-8"))}


def import_without_threads() -> None:
    """Import the slow modules that start no thread."""
    import alembic.command  # noqa: F401
    import pandas  # noqa: F401, ICN001
    import pyarrow.dataset
    import pyarrow.parquet  # noqa: F401
    import sqlalchemy  # noqa: F401

    import ingest.files.usage_files  # noqa: F401
    import service.setting_sources  # noqa: F401


if __name__ == "__main__":
    import_without_threads()
    report = main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    sys.stdout.write(json.dumps(report))
