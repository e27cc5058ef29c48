"""Profiles through the warehouse: stored days serve, events are left out, twice gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.container_usage import MIB, Container, constant, observed

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.identity import Principal, Role
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.windows import HOUR, HourWindow
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.events import add_events, remove_event
from service.usecases.histories import read_history
from service.usecases.profile_reads import list_partners, list_profiles
from service.usecases.profiles import build_histograms, build_profiles

START = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 15 * 24
END = START + HOURS * HOUR
PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))


def spiking(level: float, first: int, last: int) -> object:
    return lambda h: np.where((h >= first) & (h < last), 8 * level, level)


CONTAINERS = (
    Container(cpu=lambda h: 0.5 + 0.4 * np.sin(h / 24 * 2 * np.pi), pods=2),
    Container(workload="night", cpu=lambda h: 0.5 - 0.4 * np.sin(h / 24 * 2 * np.pi), pods=2),
    Container(workload="flat", cpu=constant(0.6)),
    Container(workload="tested", cpu=spiking(0.2, 200, 206), memory=spiking(100 * MIB, 200, 206)),  # type: ignore[arg-type]
    *(
        Container(workload="odd", cpu=constant(0.3 if number else 3.0), pod_offset=number)
        for number in range(10)
    ),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    home: Path = tmp_path_factory.mktemp("profiles")
    runtime = Runtime.for_test(home, now=END)
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(CONTAINERS, ["node-1"], START, HOURS), held.lease)
    build_histograms(runtime)
    yield runtime
    runtime.warehouse.close()


def by_name(profiles: list[ResourceProfile]) -> dict[str, ResourceProfile]:
    return {profile.key.workload.name: profile for profile in profiles}


def digest(profiles: list[ResourceProfile]) -> str:
    text = json.dumps([asdict(profile) for profile in profiles], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def test_profiles_come_from_stored_days_alone(world: Runtime) -> None:
    stored = digest(build_profiles(world, as_of=END))
    hours = world.warehouse.lake.scan("container_hour", cluster="alpha", columns=["hour"]).num_rows
    history = read_history(world, "alpha", END)
    assert history is not None
    days = len(list(history.window.days()))
    assert history.summaries.num_rows == days * 5 < hours
    assert digest(build_profiles(world, as_of=END)) == stored


def test_days_that_were_never_summarised_are_summarised_from_their_hours(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path, now=END)
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(CONTAINERS[:3], ["node-1"], START, 48), held.lease)
    anew = read_history(runtime, "alpha", START + 48 * HOUR)
    build_histograms(runtime)
    stored = read_history(runtime, "alpha", START + 48 * HOUR)
    assert anew is not None
    assert stored is not None
    names = sorted(anew.summaries.column_names)
    assert anew.summaries.select(names).to_pylist() == stored.summaries.select(names).to_pylist()
    assert anew.histograms.num_rows == 0 < stored.histograms.num_rows
    runtime.warehouse.close()


def test_a_frozen_day_keeps_its_histograms_although_it_was_never_summarised(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path, now=START + 72 * HOUR)
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(CONTAINERS[:3], ["node-1"], START, 48), held.lease)
    build_histograms(runtime)
    day = START.date()
    runtime.warehouse.derived.freeze(("container_histogram_day",), "alpha", [day])
    runtime.warehouse.derived.register("container_day", "alpha", {day: "older"}, "older", 0)
    assert build_histograms(runtime).day_count == 0
    runtime.warehouse.close()


def test_a_cut_day_reads_nothing_later(world: Runtime) -> None:
    cut = by_name(build_profiles(world, as_of=START + 205 * HOUR))["tested"]
    early = by_name(build_profiles(world, as_of=START + 200 * HOUR))["tested"]
    assert early.cpu_usage_cores_max_5m == pytest.approx(0.2)
    assert cut.cpu_usage_cores_max_5m == pytest.approx(1.6)
    assert cut.cpu_sample_count == early.cpu_sample_count + 5 * 12


def test_the_odd_replica_is_named_and_left_out(world: Runtime) -> None:
    odd = by_name(build_profiles(world, as_of=END))["odd"]
    assert [pod.pod_uid for pod in odd.outlier_pods] == ["uid-shop-odd-0-0"]
    assert odd.cpu_usage_cores_max_5m == pytest.approx(0.3)
    assert odd.cpu_usage_cores_mean == pytest.approx(0.3)


def test_workloads_in_opposite_phase_are_the_best_partners(world: Runtime) -> None:
    first = list_partners(world, PLATFORM, as_of=END)[0]
    assert {first.workload.name, first.partner.name} == {"web", "night"}
    assert first.pooled_peak_cores == pytest.approx(2.0, rel=0.01)
    assert first.gain_ratio == pytest.approx(1 - 2.0 / (2 * first.peak_cores), rel=1e-3)


def test_owners_see_the_profiles_of_their_teams_only(world: Runtime) -> None:
    assert len(list_profiles(world, PLATFORM, as_of=END)) == 5
    owner = Principal("olga", frozenset({Role.OWNER}), frozenset({"nobody"}))
    assert list_profiles(world, owner, as_of=END) == []
    assert list_partners(world, owner, as_of=END) == []


def test_hours_of_a_load_test_are_left_out_of_the_profile(world: Runtime) -> None:
    start = START + 200 * HOUR
    event = CalendarEvent(
        "load test", EventScope("alpha", "shop", "tested"), start, start + 6 * HOUR, EventKind.LOAD_TEST
    )
    before = by_name(build_profiles(world, as_of=END))
    assert before["tested"].memory_usage_bytes_max == pytest.approx(800 * MIB)
    add_events(world, PLATFORM, [event])
    try:
        after = by_name(build_profiles(world, as_of=END))
        add_events(world, PLATFORM, [replace(event, include_in_baseline=True)])
        included = by_name(build_profiles(world, as_of=END))
    finally:
        remove_event(world, PLATFORM, event.id)
    assert after["tested"].memory_usage_bytes_max == pytest.approx(100 * MIB)
    assert after["tested"].cpu_usage_cores_max_5m == pytest.approx(0.2)
    assert after["tested"].cpu_sample_count == before["tested"].cpu_sample_count - 6 * 12
    assert after["tested"].last_seen_hours_ago == 0
    assert after["web"] == before["web"]
    assert included["tested"] == before["tested"]


def test_an_event_elsewhere_changes_nothing(world: Runtime) -> None:
    window = HourWindow(START, START + timedelta(days=15))
    before = digest(build_profiles(world, as_of=END))
    event = CalendarEvent("sale", EventScope("beta"), window.start, window.end)
    add_events(world, PLATFORM, [event])
    assert digest(build_profiles(world, as_of=END)) == before
