"""Ingest of owed hours, with a source written by hand and a real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.sources import START, SteadySource, hours_from

from models.vocabulary.errors import LeaseLost, SourceUnreachable
from models.vocabulary.windows import HOUR, HourWindow
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.ingest import IngestOutcome, IngestPlan, each_cluster, ingest_owed
from service.usecases.ingest_status import ingest_status
from warehouse.observed import WindowState

WINDOW = hours_from(START, 30)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime.for_test(tmp_path, now=datetime(2026, 10, 2, 6, 20, tzinfo=UTC))
    yield made
    made.warehouse.close()


def states(runtime: Runtime, window: HourWindow = WINDOW) -> dict[datetime, WindowState]:
    return {row.hour: row.state for row in runtime.warehouse.ledger.rows("prod", window)}


def versions(runtime: Runtime) -> dict[str, int]:
    return runtime.warehouse.lake.versions()


def test_owed_hours_are_stored_in_few_commits(runtime: Runtime) -> None:
    source = SteadySource()
    outcome = ingest_owed(runtime, IngestPlan(source, "prod", WINDOW))
    assert outcome.hours == {WindowState.COMPLETE: 30}
    assert outcome.row_count == 90
    assert [window.hour_count for window in source.asked] == [6, 18, 6]
    assert runtime.warehouse.lake.scan("container_hour", cluster="prod").num_rows == 60


def test_a_second_run_asks_nothing_and_writes_nothing(runtime: Runtime) -> None:
    ingest_owed(runtime, IngestPlan(SteadySource(), "prod", WINDOW))
    before, source = versions(runtime), SteadySource()
    outcome = ingest_owed(runtime, IngestPlan(source, "prod", WINDOW))
    assert source.asked == []
    assert outcome == IngestOutcome("prod", "prometheus")
    assert versions(runtime) == before


def test_reading_again_writes_only_what_changed(runtime: Runtime) -> None:
    ingest_owed(runtime, IngestPlan(SteadySource(), "prod", WINDOW))
    before = versions(runtime)
    same = ingest_owed(runtime, IngestPlan(SteadySource(), "prod", WINDOW, reread=WINDOW))
    assert (same.unchanged_count, same.row_count) == (30, 0)
    assert versions(runtime) == before
    late = hours_from(START + 27 * HOUR, 3)
    changed = ingest_owed(runtime, IngestPlan(SteadySource(usage_cores=0.5), "prod", WINDOW, reread=late))
    assert (changed.unchanged_count, changed.row_count) == (0, 9)
    assert runtime.warehouse.lake.scan("container_hour", cluster="prod").num_rows == 60


def test_hours_before_the_first_sample_are_no_gap(runtime: Runtime) -> None:
    first = START + timedelta(hours=10, minutes=20)
    ingest_owed(runtime, IngestPlan(SteadySource(first=first), "prod", WINDOW))
    found = states(runtime)
    assert all(found[START + n * HOUR] is WindowState.BEFORE_HISTORY for n in range(10))
    assert all(found[START + n * HOUR] is WindowState.COMPLETE for n in range(10, 30))


def test_a_gap_that_the_source_has_forgotten_is_unrecoverable(runtime: Runtime) -> None:
    ingest_owed(runtime, IngestPlan(SteadySource(), "prod", hours_from(START, 5)))
    forgetful = SteadySource(first=START + 20 * HOUR)
    ingest_owed(runtime, IngestPlan(forgetful, "prod", WINDOW))
    found = states(runtime)
    assert {found[START + n * HOUR] for n in range(5, 20)} == {WindowState.UNRECOVERABLE}
    assert {found[START + n * HOUR] for n in (*range(5), *range(20, 30))} == {WindowState.COMPLETE}


def test_an_hour_that_cannot_be_read_is_recorded_with_its_reason_and_stays_owed(runtime: Runtime) -> None:
    broken = SteadySource(errors={START + 3 * HOUR: SourceUnreachable("no answer from http://p")})
    outcome = ingest_owed(runtime, IngestPlan(broken, "prod", WINDOW))
    assert outcome.problem == "no answer from http://p"
    assert outcome.hours == {WindowState.FAILED: 6}
    (status,) = ingest_status(runtime)
    assert status.cluster == "prod"
    rows = runtime.warehouse.ledger.rows("prod", WINDOW)
    assert {row.note for row in rows} == {"no answer from http://p"}
    ingest_owed(runtime, IngestPlan(SteadySource(), "prod", WINDOW))
    assert set(states(runtime).values()) == {WindowState.COMPLETE}


def test_a_partial_hour_stays_owed_until_it_is_whole(runtime: Runtime) -> None:
    hour = START + 2 * HOUR
    outcome = ingest_owed(runtime, IngestPlan(SteadySource(partial={hour}), "prod", WINDOW))
    assert outcome.is_degraded
    assert outcome.notes == ("a scrape was missing",)
    whole = SteadySource()
    ingest_owed(runtime, IngestPlan(whole, "prod", WINDOW))
    assert whole.asked == [HourWindow.of_hour(hour)]
    assert states(runtime)[hour] is WindowState.COMPLETE


def test_two_writers_of_one_cluster_are_never_at_work_together(runtime: Runtime) -> None:
    leases = runtime.warehouse.leases
    leases.acquire("ingest", "prod", "elsewhere/1/1", timedelta(minutes=5), datetime.now(UTC))
    with pytest.raises(LeaseLost, match="elsewhere"):
        ingest_owed(runtime, IngestPlan(SteadySource(), "prod", WINDOW))


def test_the_lease_of_a_process_that_died_here_is_taken_at_once(runtime: Runtime) -> None:
    import socket

    dead = f"{socket.gethostname()}/{2**22 - 3}/1"
    runtime.warehouse.leases.acquire("ingest", "prod", dead, timedelta(hours=1), datetime.now(UTC))
    with holding(runtime, "prod") as held:
        assert held.renew().fence == 2


def test_stopping_between_windows_leaves_the_rest_to_the_next_run(runtime: Runtime) -> None:
    source = SteadySource()
    outcome = ingest_owed(runtime, IngestPlan(source, "prod", WINDOW), is_stopping=lambda: True)
    assert outcome.hours == {WindowState.COMPLETE: 6}
    assert "next run" in (outcome.problem or "")


def test_one_cluster_that_fails_holds_no_other_up() -> None:
    def work(cluster: str) -> IngestOutcome:
        if cluster == "bad":
            raise SourceUnreachable("no answer")
        return IngestOutcome(cluster, "prometheus")

    outcomes = {outcome.cluster: outcome.problem for outcome in each_cluster(["bad", "good"], work)}
    assert outcomes == {"bad": "no answer", "good": None}


def test_status_counts_what_is_owed_since_the_first_stored_hour(runtime: Runtime) -> None:
    ingest_owed(runtime, IngestPlan(SteadySource(), "prod", hours_from(START, 12)))
    (status,) = ingest_status(runtime)
    assert (status.complete, status.owed) == (12, 18)
    assert status.oldest_owed == START + 12 * HOUR
    assert status.is_degraded
