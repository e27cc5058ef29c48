"""Storing observed windows, on a folder with SQLite and on S3 with PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from support.warehouse import (
    NOON,
    container_rows,
    ingest_lease,
    lake_digest,
    observed_window,
    store_window,
)

from models.vocabulary.errors import Conflict, InputError, LeaseLost
from models.vocabulary.windows import HourWindow
from warehouse.gateway import Warehouse
from warehouse.observed import HourReport, WindowState
from warehouse.reconcile import reconcile

EVENING = datetime(2026, 10, 1, 22, tzinfo=UTC)
WINDOW = HourWindow(EVENING, EVENING + timedelta(hours=4))
FIRST_HOUR = HourWindow.of_hour(EVENING)


class Killed(Exception):
    """Stands for the death of the process."""


def dying_at(step: str) -> Callable[[str], None]:
    def on_step(name: str) -> None:
        if name == step:
            raise Killed(step)

    return on_step


def test_a_recorded_window_is_no_longer_owed(any_warehouse: Warehouse) -> None:
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == [WINDOW]
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == []
    assert any_warehouse.ledger.source_of_record("alpha", WINDOW) == "files"
    assert any_warehouse.ledger.span("alpha") == WINDOW


def test_recording_twice_changes_no_row(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    once = lake_digest(any_warehouse)
    day_hash = any_warehouse.derived.observed_hash("alpha", EVENING.date())
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    assert lake_digest(any_warehouse) == once
    assert any_warehouse.derived.observed_hash("alpha", EVENING.date()) == day_hash


@pytest.mark.parametrize("step", ["pending", "written container_hour", "before commit of ledger"])
def test_an_interrupted_window_is_owed_and_heals(any_warehouse: Warehouse, step: str) -> None:
    observed = observed_window("alpha", WINDOW)
    with pytest.raises(Killed):
        any_warehouse.record(observed, ingest_lease(any_warehouse, "alpha"), on_step=dying_at(step))
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == [WINDOW]
    store_window(any_warehouse, observed)
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == []
    assert any_warehouse.lake.scan("container_hour").num_rows == 8
    assert reconcile(any_warehouse, "alpha", WINDOW) == []


def test_a_complete_hour_that_is_written_again_is_owed_until_it_is_done(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    with pytest.raises(Killed):
        any_warehouse.record(
            observed_window("alpha", FIRST_HOUR),
            ingest_lease(any_warehouse, "alpha"),
            on_step=dying_at("pending"),
        )
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == [FIRST_HOUR]


def test_an_older_holder_of_the_lease_is_refused(any_warehouse: Warehouse) -> None:
    old = ingest_lease(any_warehouse, "alpha")
    any_warehouse.leases.acquire("ingest", "alpha", "other", timedelta(hours=1), NOON + timedelta(hours=1))
    with pytest.raises(LeaseLost, match="to other"):
        any_warehouse.record(observed_window("alpha", WINDOW), old)
    assert any_warehouse.lake.scan("container_hour").num_rows == 0


def test_a_writer_that_loses_its_lease_midway_does_not_complete_the_hours(any_warehouse: Warehouse) -> None:
    late = NOON + timedelta(hours=1)

    def take_over(step: str) -> None:
        if step == "pending":
            any_warehouse.leases.acquire("ingest", "alpha", "other", timedelta(hours=1), late)

    with pytest.raises(LeaseLost):
        any_warehouse.record(
            observed_window("alpha", WINDOW), ingest_lease(any_warehouse, "alpha"), on_step=take_over
        )
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == [WINDOW]


def test_the_lease_of_another_job_or_cluster_is_refused(any_warehouse: Warehouse) -> None:
    lease = any_warehouse.leases.acquire("allocate", "alpha", "test", timedelta(hours=1), NOON)
    with pytest.raises(LeaseLost, match="ingest/alpha"):
        any_warehouse.record(observed_window("alpha", WINDOW), lease)


def test_a_second_source_is_refused_and_both_are_named(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW, source="files"))
    with pytest.raises(Conflict, match=r"'files'.*'prometheus'"):
        store_window(any_warehouse, observed_window("alpha", FIRST_HOUR, source="prometheus"))
    assert any_warehouse.ledger.owed("prometheus", "alpha", WINDOW) == []


def test_states_without_rows_are_marked(any_warehouse: Warehouse) -> None:
    lease = ingest_lease(any_warehouse, "alpha")
    states = (
        WindowState.BEFORE_HISTORY,
        WindowState.UNRECOVERABLE,
        WindowState.FAILED,
        WindowState.FAILED,
    )
    reports = [
        HourReport(hour, state, None, 0, "", "why")
        for hour, state in zip(WINDOW.hours(), states, strict=True)
    ]
    any_warehouse.ledger.mark("files", "alpha", reports, lease)
    owed = any_warehouse.ledger.owed("files", "alpha", WINDOW)
    assert owed == [HourWindow(EVENING + timedelta(hours=2), WINDOW.end)]
    assert [row.note for row in any_warehouse.ledger.rows("alpha", WINDOW)] == ["why"] * 4


def test_a_partial_hour_is_stored_and_still_owed(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW, state=WindowState.PARTIAL))
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == [WINDOW]
    assert any_warehouse.lake.scan("container_hour").num_rows == 8


def test_an_hour_table_that_is_empty_now_is_emptied(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    store_window(any_warehouse, observed_window("alpha", FIRST_HOUR, {}))
    assert any_warehouse.lake.scan("container_hour").num_rows == 6
    assert reconcile(any_warehouse, "alpha", WINDOW) == []


def test_a_window_that_does_not_conform_leaves_nothing(any_warehouse: Warehouse) -> None:
    rows = container_rows("alpha", WINDOW)
    wrong = rows.set_column(
        rows.column_names.index("running_seconds"), "running_seconds", pa.array([float("nan")] * 8)
    )
    with pytest.raises(InputError, match=r"container_hour\.running_seconds"):
        store_window(any_warehouse, observed_window("alpha", WINDOW, {"container_hour": wrong}))
    assert any_warehouse.ledger.rows("alpha", WINDOW) == []


def test_an_hour_that_the_lake_lost_is_owed_again(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    empty = container_rows("alpha", FIRST_HOUR).slice(0, 0)
    any_warehouse.lake.replace("container_hour", "alpha", FIRST_HOUR, empty)
    (mismatch,) = reconcile(any_warehouse, "alpha", WINDOW)
    assert mismatch.is_owed_now
    assert "container_hour has 0 rows instead of 2" in mismatch.detail
    assert any_warehouse.ledger.owed("files", "alpha", WINDOW) == [FIRST_HOUR]


def test_a_value_changed_behind_the_ledger_is_found(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    changed = container_rows("alpha", FIRST_HOUR, usage=0.26)
    any_warehouse.lake.replace("container_hour", "alpha", FIRST_HOUR, changed)
    (mismatch,) = reconcile(any_warehouse, "alpha", WINDOW)
    assert "other values" in mismatch.detail


def test_compaction_does_not_change_what_the_ledger_promises(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    any_warehouse.lake.compact("container_hour", "alpha", EVENING.date())
    assert reconcile(any_warehouse, "alpha", WINDOW) == []


def test_a_day_is_dirty_until_it_is_built_from_its_present_input(any_warehouse: Warehouse) -> None:
    derived, day = any_warehouse.derived, EVENING.date()
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    inputs = {day: derived.observed_hash("alpha", day)}
    assert derived.dirty("cost_day", "alpha", inputs, "1") == [day]
    derived.register("cost_day", "alpha", inputs, "1", 5)
    assert derived.dirty("cost_day", "alpha", inputs, "1") == []
    assert derived.dirty("cost_day", "alpha", inputs, "2") == [day]
    store_window(any_warehouse, observed_window("alpha", FIRST_HOUR, input_hash="late sample"))
    inputs = derived.observed_hashes("alpha", FIRST_HOUR)
    assert derived.dirty("cost_day", "alpha", inputs, "1") == [day]
