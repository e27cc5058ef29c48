from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.container_usage import GIB, Container, constant, observed

from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import HOUR, day_start
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.bankable import estimate_bankable
from service.usecases.decisions import accept, explain
from service.usecases.policy_backtest import backtest_rightsizing
from service.usecases.recommendations import list_recommendations, recommend_all

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
NODES = ["node-1", "node-2"]
START = day_start(date(2026, 9, 7))
DAYS = 10


def record(runtime: Runtime, containers: list[Container], start, hours: int) -> None:
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(containers, NODES, start, hours), held.lease)


@pytest.fixture
def oversized(tmp_path):
    """Two nodes, each with a workload that asks for far more than it uses."""
    end = START + timedelta(days=DAYS)
    runtime = Runtime.for_test(tmp_path, now=end, reporting_currency="EUR")
    containers = [
        Container(
            workload="a",
            cpu=constant(1.0),
            memory=constant(GIB),
            cpu_request=5.0,
            memory_request=4 * GIB,
            memory_limit=4 * GIB,
            node="node-1",
        ),
        Container(
            workload="b",
            cpu=constant(1.0),
            memory=constant(GIB),
            cpu_request=5.0,
            memory_request=4 * GIB,
            memory_limit=4 * GIB,
            node="node-2",
        ),
    ]
    record(runtime, containers, START, DAYS * 24)
    runtime.warehouse.prices.replace([PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), START)])
    allocate(runtime)
    yield runtime
    runtime.warehouse.close()


def test_a_node_that_could_go_is_bankable_at_its_effective_price(oversized):
    before = estimate_bankable(oversized, PLATFORM)
    assert [(pool.removable_now, pool.removable_then) for pool in before] == [(0, 0)]
    recommend_all(oversized)
    (pool,) = estimate_bankable(oversized, PLATFORM)
    assert (pool.node_count, pool.removable_now, pool.removable_then) == (2, 0, 1)
    assert pool.bankable_saving_per_month == Decimal("0.40") * 720
    assert pool.currency == "EUR"
    assert pool.removable_saving_per_month_now == 0
    assert pool.bankable_by_suggestions_per_month == Decimal("0.40") * 720


def test_owners_of_teams_learn_nothing_about_nodes(oversized):
    assert estimate_bankable(oversized, Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))) == []


def test_applied_is_seen_in_the_cluster_and_not_asserted_by_a_click(oversized):
    recommend_all(oversized)
    stored = next(
        s for s in list_recommendations(oversized, PLATFORM) if s.recommendation.key.workload.name == "a"
    )
    accept(oversized, PLATFORM, stored.id, stored.etag)
    assert recommend_all(oversized).applied_count == 0
    advised = stored.recommendation.advised
    changed = Container(
        workload="a",
        cpu=constant(1.0),
        memory=constant(GIB),
        cpu_request=advised.cpu_request_cores,
        memory_request=advised.memory_request_bytes,
        memory_limit=advised.memory_limit_bytes,
    )
    end = oversized.now()
    record(oversized, [changed], end, 2)
    later = oversized.at(end + 2 * HOUR)
    assert recommend_all(later).applied_count == 1
    life = explain(later, PLATFORM, stored.id)
    assert [event.state for event in life.events] == ["proposed", "accepted", "applied"]
    assert life.stored.state is RecommendationState.APPLIED
    assert recommend_all(later).applied_count == 0


def test_policies_are_compared_on_the_stored_past(oversized):
    found = backtest_rightsizing(oversized)["alpha"]
    assert (found.warm_up_days, found.scored_days, found.missing_days) == (5, 5, 0)
    advised = [score for score in found.scores if score.policy.split()[0] in {"millicore", "VPA", "KRR"}]
    assert len(advised) == 6
    for score in advised:
        assert score.container_days == 2 * 5
        assert 0.7 < score.cpu_saved_ratio < 0.8
        assert score.oom_day_ratio == 0
