"""What ingest asks of a source is on record, and a source that misbehaves leaves a ledger that tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.sources import START, SteadySource

from ingest.prometheus.pacing import QueryLoad
from models.vocabulary.errors import LeaseLost, SourceUnreachable
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HOUR, HourWindow
from service.leasing import holder_name, holding, is_holder_dead
from service.runtime import Runtime
from service.setting_parts import ClusterSettings
from service.usecases.connect import write_cluster
from service.usecases.ingest_prometheus import IngestOptions, run_ingest
from service.usecases.ingest_status import ingest_status
from warehouse.fencing import INGEST_JOB
from warehouse.observed import ObservedWindow
from warehouse.reads.load import LoadReads, SourceLoad

PLATFORM = Principal("ana", frozenset({Role.PLATFORM}))
CLUSTERS = [{"name": "east", "prometheus": {"url": "http://127.0.0.1:9"}}]


@dataclass
class CountingSource(SteadySource):
    """Counts one query of 100 samples per window."""

    load: QueryLoad = field(default_factory=QueryLoad)

    def observe(self, cluster: str, window: HourWindow) -> ObservedWindow:
        self.load = self.load + QueryLoad(1, 100, 2_800)
        return super().observe(cluster, window)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime.for_test(tmp_path, clusters=CLUSTERS, late_reread_hours=2, first_backfill_days=1)
    yield made
    made.warehouse.close()


def ingest(runtime: Runtime, source: SteadySource, hours: float) -> None:
    def make(cluster: ClusterSettings) -> SteadySource:
        return source

    list(run_ingest(runtime.at(START + timedelta(hours=hours)), IngestOptions(make_source=make)))


def load_since(runtime: Runtime, moment: datetime) -> list[SourceLoad]:
    return LoadReads(runtime.warehouse.database).since(PLATFORM, moment)


def test_every_run_records_what_it_asked_of_the_source(runtime: Runtime) -> None:
    ingest(runtime, CountingSource(), 5.5)
    assert load_since(runtime, START) == [SourceLoad("east", "prometheus", 5, 1, 100, 2_800)]
    ingest(runtime, CountingSource(), 6.5)
    assert load_since(runtime, START) == [SourceLoad("east", "prometheus", 5 + 2, 2, 200, 5_600)]
    assert load_since(runtime, START + 6 * HOUR) == [SourceLoad("east", "prometheus", 2, 1, 100, 2_800)]


def test_a_source_that_asks_no_server_records_no_load(runtime: Runtime) -> None:
    ingest(runtime, SteadySource(), 5.5)
    assert load_since(runtime, START) == []


def test_hours_that_failed_or_came_thin_are_read_again_by_later_runs_until_they_are_whole(
    runtime: Runtime,
) -> None:
    busy = CountingSource(errors={START + 2 * HOUR: SourceUnreachable("503")})
    ingest(runtime, busy, 5.5)
    (status,) = ingest_status(runtime.at(START + 5.5 * HOUR))
    assert (status.complete, status.failed) == (0, 5)
    ingest(runtime, CountingSource(partial={START + HOUR}), 5.6)
    (status,) = ingest_status(runtime.at(START + 5.6 * HOUR))
    assert (status.complete, status.partial, status.failed, status.owed) == (4, 1, 0, 1)
    ingest(runtime, CountingSource(), 9.5)
    (status,) = ingest_status(runtime.at(START + 9.5 * HOUR))
    assert (status.complete, status.partial, status.failed, status.owed) == (9, 0, 0, 0)


def test_two_holders_of_one_process_never_share_a_lease(runtime: Runtime) -> None:
    with holding(runtime, "east") as first:
        with pytest.raises(LeaseLost, match="is running"), holding(runtime, "east", INGEST_JOB):
            pass
        assert first.renew().fence == first.lease.fence
    assert holder_name() != holder_name()
    assert not is_holder_dead(holder_name())


def test_connecting_a_cluster_again_leaves_the_settings_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "millicore.yaml"
    east = {"name": "east", "prometheus": {"url": "http://east"}}
    assert write_cluster(path, east)
    assert write_cluster(path, {"name": "west", "prometheus": {"url": "http://west"}})
    before = path.read_bytes()
    assert not write_cluster(path, east)
    assert path.read_bytes() == before
