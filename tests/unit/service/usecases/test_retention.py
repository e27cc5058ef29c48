from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.sources import START, SteadySource, hours_from

from models.vocabulary.windows import DAY, HOUR, HourWindow
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.ingest import IngestPlan, ingest_owed
from service.usecases.profiles import build_histograms, build_profiles
from service.usecases.retention import Retained, apply_retention
from service.usecases.upkeep import keep_up
from warehouse.database.periods import BillingPeriod, PeriodState
from warehouse.reconcile import reconcile

DAYS = 3
WINDOW = hours_from(START, DAYS * 24)
LISTS = ("cpu_usage_cores_by_5m", "memory_usage_bytes_max_by_5m")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime.for_test(tmp_path, retention_bins_days=10, retention_container_hour_days=35)
    made.warehouse.clusters.register("east")
    young = made.at(START + DAYS * DAY + HOUR)
    ingest_owed(young, IngestPlan(SteadySource(), "east", WINDOW))
    allocate(young)
    build_histograms(young)
    yield made
    made.warehouse.close()


def lists_of(runtime: Runtime, day: int) -> int:
    window = HourWindow.of_day((START + day * DAY).date())
    rows = runtime.warehouse.lake.scan("container_hour", cluster="east", window=window)
    return sum(len(rows) - rows[name].null_count for name in LISTS)


def count(runtime: Runtime, table: str) -> int:
    return runtime.warehouse.lake.scan(table, cluster="east").num_rows


def after(days: float) -> datetime:
    return START + timedelta(days=days)


def close_october(runtime: Runtime) -> None:
    closed = BillingPeriod(
        period="2026-10",
        revision=1,
        state=PeriodState.CLOSED,
        totals=[],
        input_hash="hash",
        manifest_hash="manifest",
        folder="closed/2026-10/1",
        prepared_by="ana",
        principal="ana",
        reason=None,
        recorded_at=after(40),
    )
    lease = runtime.warehouse.leases.acquire(
        "chargeback", "(all clusters)", "test", timedelta(minutes=15), after(40)
    )
    runtime.warehouse.periods.record_close(closed, zone="UTC", corrections=(), lease=lease)


def test_lists_become_null_when_they_are_older_than_the_setting_and_sums_stay(runtime: Runtime) -> None:
    before = runtime.warehouse.lake.scan("container_hour", cluster="east").drop_columns(list(LISTS))
    (done,) = apply_retention(runtime.at(after(11.5)))
    assert done == Retained("east", 1, 0, 0)
    assert (lists_of(runtime, 0), lists_of(runtime, 1) > 0) == (0, True)
    left = runtime.warehouse.lake.scan("container_hour", cluster="east").drop_columns(list(LISTS))
    order = [(name, "ascending") for name in ("hour", "pod_uid", "container")]
    assert left.sort_by(order).equals(before.sort_by(order))


def test_a_second_run_writes_nothing_and_the_first_makes_few_commits(runtime: Runtime) -> None:
    versions = runtime.warehouse.lake.versions()
    apply_retention(runtime.at(after(20)))
    once = runtime.warehouse.lake.versions()
    assert once["container_hour"] == versions["container_hour"] + 1
    assert apply_retention(runtime.at(after(20))) == [Retained("east", 0, 0, 0)]
    assert runtime.warehouse.lake.versions() == once


def test_lists_wait_for_their_histograms_but_not_for_ever(tmp_path: Path) -> None:
    made = Runtime.for_test(tmp_path, retention_bins_days=10)
    ingest_owed(made.at(after(4)), IngestPlan(SteadySource(), "east", WINDOW))
    assert apply_retention(made.at(after(12))) == [Retained("east", 0, 0, 0)]
    assert apply_retention(made.at(after(18.5)))[0].list_days == 1
    made.warehouse.close()


def test_ledger_and_lake_agree_and_nothing_is_built_again_after_lists_are_gone(runtime: Runtime) -> None:
    later = runtime.at(after(20))
    histograms = count(runtime, "container_histogram_day")
    report = keep_up(later)
    assert report.mismatches == ()
    assert reconcile(runtime.warehouse, "east", WINDOW) == []
    assert build_histograms(later).day_count == 0
    assert not any(allocate(later).days.values())
    assert count(runtime, "container_histogram_day") == histograms > 0


def test_profiles_can_still_be_built_from_what_is_left(runtime: Runtime) -> None:
    before = build_profiles(runtime.at(after(4)), as_of=after(3))
    apply_retention(runtime.at(after(20)))
    left = build_profiles(runtime.at(after(20)), as_of=after(20))
    assert [profile.key for profile in left] == [profile.key for profile in before] != []


def test_container_hours_stay_until_their_month_is_closed(runtime: Runtime) -> None:
    later = runtime.at(after(60))
    assert apply_retention(later)[0].container_days == 0
    close_october(runtime)
    assert apply_retention(later)[0].container_days == DAYS
    assert count(runtime, "container_hour") == 0
    assert apply_retention(later)[0].container_days == 0
    assert reconcile(runtime.warehouse, "east", WINDOW) == []


def test_young_container_hours_stay_although_their_month_is_closed(runtime: Runtime) -> None:
    close_october(runtime)
    assert apply_retention(runtime.at(after(36.5)))[0].container_days == 1
    assert count(runtime, "container_hour") == 2 * 24 * (DAYS - 1)


def test_costs_outlive_the_container_hours_they_were_built_from_even_when_code_changes(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = count(runtime, "allocation_hour")
    close_october(runtime)
    apply_retention(runtime.at(after(60)))
    monkeypatch.setattr("service.usecases.allocation.CODE_VERSION", "of another release")
    allocate(runtime.at(after(60)))
    assert count(runtime, "allocation_hour") == costs > 0


def test_histograms_go_after_their_own_time(runtime: Runtime) -> None:
    assert apply_retention(runtime.at(after(401.5)))[0].histogram_days == 1
    days = runtime.warehouse.lake.scan("container_histogram_day", cluster="east")["day"].unique().to_pylist()
    assert sorted(days) == [(START + day * DAY).date() for day in (1, 2)]
