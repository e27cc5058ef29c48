from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from support.container_usage import Container, constant, observed

from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import SilenceReason
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import day_start
from recommender.fleet_reductions import has_reduction
from service.boards.health import read_health
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.fleet_guard import find_fault
from service.usecases.recommendations import list_recommendations, list_silences, recommend_all

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
START = day_start(date(2026, 9, 7))
DAYS = 10
WORKLOADS = 12


def build(folder, cpu_of, **settings) -> Runtime:
    """Twelve oversized workloads on two nodes, priced and allocated; the clock stands at the end."""
    end = START + timedelta(days=DAYS)
    runtime = Runtime.for_test(folder, now=end, reporting_currency="EUR", **settings)
    containers = [
        Container(workload=f"w{n}", cpu=cpu_of(n), cpu_request=0.5, node=f"node-{1 + n % 2}")
        for n in range(WORKLOADS)
    ]
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        table = observed(containers, ["node-1", "node-2"], START, DAYS * 24)
        runtime.warehouse.record(table, held.lease)
    runtime.warehouse.prices.replace([PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), START)])
    allocate(runtime)
    return runtime


def proposed(runtime: Runtime) -> list[str]:
    found = list_recommendations(runtime, PLATFORM, states={RecommendationState.PROPOSED})
    return sorted(s.recommendation.key.workload.name for s in found if has_reduction(s.recommendation))


def reasons(runtime: Runtime) -> set[SilenceReason]:
    return {stored.silence.reason for stored in list_silences(runtime, PLATFORM)}


@pytest.fixture
def limited(tmp_path) -> Iterator[Runtime]:
    """A cluster where a day may change a quarter of the workloads."""
    runtime = build(
        tmp_path,
        lambda n: constant(0.1),
        fleet_guard_free_workloads=0,
        fleet_guard_workload_ratio_per_day=0.25,
        fleet_guard_cpu_ratio_per_day=1.0,
        fleet_guard_memory_ratio_per_day=1.0,
    )
    yield runtime
    runtime.warehouse.close()


def test_each_day_proposes_its_share_and_the_same_day_twice_no_more(limited):
    recommend_all(limited)
    first = proposed(limited)
    assert len(first) == WORKLOADS // 4
    assert SilenceReason.FLEET_GUARD in reasons(limited)
    recommend_all(limited)
    assert proposed(limited) == first
    later = limited.now() - timedelta(days=1)
    recommend_all(limited, later)
    assert len(proposed(limited)) == 2 * (WORKLOADS // 4)


def half_at_zero(number: int):
    """Return the CPU use of a workload: every other one shows exactly zero on the last day."""

    def use(hours: np.ndarray) -> np.ndarray:
        is_broken = (hours >= (DAYS - 1) * 24) & (number % 2 == 0)
        return np.where(is_broken, 0.0, 0.1)

    return use


@pytest.fixture
def broken(tmp_path) -> Iterator[Runtime]:
    """A cluster whose source returns zeros for half of the pods on the newest day."""
    runtime = build(tmp_path, half_at_zero)
    yield runtime
    runtime.warehouse.close()


def test_zeros_for_half_of_the_pods_stop_every_reduction_of_that_day(broken):
    recommend_all(broken)
    assert proposed(broken) == []
    held = [s.silence for s in list_silences(broken, PLATFORM)]
    assert SilenceReason.DATA_BREAKER in {silence.reason for silence in held}
    told = next(silence for silence in held if silence.reason is SilenceReason.DATA_BREAKER)
    assert "50% of the containers show a CPU use of exactly zero" in told.sentence
    recommend_all(broken, broken.now() - timedelta(days=1))
    assert len(proposed(broken)) == WORKLOADS


def test_the_board_of_data_health_says_why_nothing_is_lowered(broken):
    recommend_all(broken)
    marks = {mark.key: mark.text for mark in read_health(broken, PLATFORM).header.marks}
    assert marks["data_breaker"].startswith("alpha, 17 Sep: no request is lowered, data look wrong: 50%")
    recommend_all(broken, broken.now() - timedelta(days=1))
    assert find_fault(broken, "alpha", broken.now() - timedelta(days=1)) is None


def test_zeros_of_the_newest_hours_are_seen_though_the_day_began_well(tmp_path):
    def cpu_of(number: int):
        return lambda hours: np.where((hours >= DAYS * 24 - 3) & (number % 2 == 0), 0.0, 0.1)

    runtime = build(tmp_path, cpu_of)
    try:
        cause = find_fault(runtime, "alpha", runtime.now())
        assert cause is not None
        assert "50% of the containers" in cause
    finally:
        runtime.warehouse.close()
