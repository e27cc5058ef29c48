"""The scheduler as a whole, on sources written by hand: what is owed comes from the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.sources import START, SteadySource

from models.vocabulary.errors import SourceUnreachable, UsageError
from models.vocabulary.windows import HOUR, HourWindow
from service.runtime import Runtime
from service.scheduler.service import SchedulerWorker, run_scheduler
from service.setting_parts import ClusterSettings
from service.usecases.ingest_prometheus import IngestOptions, run_ingest
from warehouse.observed import WindowState

PATIENCE = 30.0
CLUSTERS = [
    {"name": name, "prometheus": {"url": "http://127.0.0.1:9", "retry_limit": 0}} for name in ("east", "west")
]


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime.for_test(tmp_path, clusters=CLUSTERS, late_reread_hours=2, lease_ttl_seconds=60)
    yield made
    made.warehouse.close()


def moment(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def options(source: SteadySource, *clusters: str) -> IngestOptions:
    def make(cluster: ClusterSettings) -> SteadySource:
        return source

    return IngestOptions(clusters, make_source=make)


def stored(runtime: Runtime, cluster: str) -> list[datetime]:
    rows = runtime.warehouse.ledger.rows(cluster, HourWindow(START - 48 * HOUR, START + 480 * HOUR))
    return [row.hour for row in rows if row.state is WindowState.COMPLETE]


def test_after_three_days_down_the_next_run_reads_every_missed_hour_oldest_first(runtime: Runtime) -> None:
    list(run_ingest(runtime.at(moment(5.5)), options(SteadySource(), "east")))
    assert stored(runtime, "east") == [START + n * HOUR for n in range(5)]
    source = SteadySource()
    (outcome,) = run_ingest(runtime.at(moment(77.5)), options(source, "east"))
    assert stored(runtime, "east") == [START + n * HOUR for n in range(77)]
    assert [window.start for window in source.asked] == sorted(window.start for window in source.asked)
    assert outcome.problem is None


def test_every_run_reads_the_newest_hours_again_for_late_samples(runtime: Runtime) -> None:
    list(run_ingest(runtime.at(moment(10.5)), options(SteadySource(), "east")))
    late = SteadySource(usage_cores=0.75)
    (outcome,) = run_ingest(runtime.at(moment(11.5)), options(late, "east"))
    assert [(w.start, w.end) for w in late.asked] == [(moment(9), moment(11))]
    assert outcome.row_count == 6


def test_an_hour_is_not_read_before_its_samples_have_settled(runtime: Runtime) -> None:
    source = SteadySource()
    list(run_ingest(runtime.at(moment(5) + timedelta(minutes=9)), options(source, "east")))
    assert stored(runtime, "east")[-1] == moment(3)
    list(run_ingest(runtime.at(moment(5) + timedelta(minutes=10)), options(source, "east")))
    assert stored(runtime, "east")[-1] == moment(4)


def test_a_cluster_that_does_not_answer_holds_no_other_up_and_is_read_later(runtime: Runtime) -> None:
    good, bad = SteadySource(), SteadySource(errors={START: SourceUnreachable("no answer")})

    def make(cluster: ClusterSettings) -> SteadySource:
        return bad if cluster.name == "east" else good

    outcomes = {o.cluster: o for o in run_ingest(runtime.at(moment(5.5)), IngestOptions(make_source=make))}
    assert outcomes["east"].problem == "no answer"
    assert len(stored(runtime, "west")) == 5
    list(run_ingest(runtime.at(moment(6.5)), options(SteadySource(), "east")))
    assert len(stored(runtime, "east")) == 6


def test_jobs_are_one_ingest_per_cluster_and_the_nightly_ones_after_them(runtime: Runtime) -> None:
    worker = SchedulerWorker(runtime)
    assert set(worker.clock.records) == {"ingest east", "ingest west", "models", "upkeep"}
    assert worker.watches == []


def test_a_scheduler_whose_sources_are_down_lives_records_the_failure_and_stops_when_asked(
    runtime: Runtime,
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=run_scheduler, args=(runtime, stop))
    thread.start()
    try:
        wait_for(lambda: failed_hours(runtime, "east") and failed_hours(runtime, "west"))
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def failed_hours(runtime: Runtime, cluster: str) -> int:
    now = runtime.now().replace(minute=0, second=0, microsecond=0)
    rows = runtime.warehouse.ledger.rows(cluster, HourWindow(now - timedelta(days=15), now))
    return sum(row.state is WindowState.FAILED and "127.0.0.1" in row.note for row in rows)


def wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def test_a_demonstration_with_a_fixed_clock_is_not_scheduled(tmp_path: Path) -> None:
    fixed = Runtime.for_test(tmp_path, now=START, clusters=CLUSTERS)
    try:
        with pytest.raises(UsageError, match="fixed_now"):
            run_scheduler(fixed)
    finally:
        fixed.warehouse.close()
