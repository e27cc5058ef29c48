"""How many replicas a load needs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.vocabulary.errors import InputError
from models.vocabulary.replicas import ReplicaBasis, read_replica_advice
from recommender.replicas import (
    Demand,
    MissingRule,
    ReplicaPrice,
    ReplicaRules,
    advise_replicas,
    count_replicas,
)


def rules(**given: object) -> ReplicaRules:
    return ReplicaRules(**{"target_per_replica": 50.0, **given})  # type: ignore[arg-type]


def test_four_replicas_at_80_with_target_50_become_seven() -> None:
    found = count_replicas([80.0] * 4, rules())
    assert (found.needed, found.advised, found.total) == (7, 7, 320.0)


def test_floor_gives_six_only_when_asked_and_says_that_each_is_overloaded() -> None:
    assert count_replicas([80.0] * 4, rules(is_floor=True)).advised == 6
    advice = advise_replicas(Demand("cpu", "%", 320.0), rules(is_floor=True), 4)
    assert advice.replica_count_advised == 6
    assert advice.load_per_replica_ratio == pytest.approx(53.333 / 50, rel=1e-4)
    assert "rounded down" in advice.sentence
    assert "107%" in advice.sentence.replace(" %", "%")


def test_the_present_number_stays_within_ten_percent_of_the_target() -> None:
    found = count_replicas([54.0] * 10, rules())
    assert (found.needed, found.advised, found.bound) == (11, 10, "tolerance")
    assert count_replicas([56.0] * 10, rules()).advised == 12


def test_bounds_hold() -> None:
    assert count_replicas([80.0] * 4, rules(maximum=5)).bound == "maximum"
    assert count_replicas([80.0] * 4, rules(maximum=5)).advised == 5
    low = count_replicas([1.0] * 4, rules(minimum=3))
    assert (low.advised, low.bound) == (3, "minimum")


def test_replicas_go_only_when_the_whole_window_allows_it() -> None:
    found = count_replicas([10.0] * 8, rules(), recent=[3, 6, 2])
    assert (found.needed, found.advised, found.bound) == (2, 6, "scale_down_window")
    assert count_replicas([80.0] * 4, rules(), recent=[9]).advised == 7


def test_missing_pods_count_as_their_target_when_scaling_down() -> None:
    # seen: 40 of 100; as 0 the answer were 1
    found = count_replicas([20.0, 20.0, None, None], rules())
    assert found.total == 140.0
    assert (found.advised, found.missing_count) == (3, 2)


def test_missing_pods_count_as_nothing_when_scaling_up() -> None:
    found = count_replicas([80.0, 80.0, 80.0, None], rules())
    assert found.advised == 5


def test_a_gap_that_turns_the_direction_changes_nothing() -> None:
    found = count_replicas([60.0, None, None], rules())
    assert found.advised == 3


def test_planning_takes_missing_pods_as_the_others_and_never_as_0() -> None:
    found = count_replicas([80.0, 80.0, 80.0, None], rules(missing=MissingRule.AS_SEEN))
    assert (found.total, found.advised) == (320.0, 7)


def test_without_any_metric_nothing_changes() -> None:
    found = count_replicas([None, None], rules())
    assert (found.advised, found.total, found.bound) == (2, None, "no_metrics")


def test_what_if_cost_has_a_currency_or_is_unknown() -> None:
    price = ReplicaPrice(Decimal("0.10"), "EUR")
    advice = advise_replicas(Demand("cpu", "cores", 3.2), rules(target_per_replica=0.5), 4, price)
    assert advice.replica_count_advised == 7
    assert (advice.monthly_cost_now, advice.monthly_cost_advised) == (Decimal(288), Decimal(504))
    assert advice.currency == "EUR"
    unknown = advise_replicas(Demand("cpu", "cores", 3.2), rules(target_per_replica=0.5), None, price)
    assert (unknown.monthly_cost_now, unknown.monthly_cost_advised) == (None, Decimal(504))
    unpriced = advise_replicas(Demand("cpu", "cores", 3.2), rules(target_per_replica=0.5), 4)
    assert unpriced.monthly_cost_advised is None
    assert unpriced.currency is None


def test_advice_survives_storing() -> None:
    price = ReplicaPrice(Decimal("0.1"), "EUR")
    demand = Demand("rps", "requests/s", 950.0, ("no_forecast",))
    advice = advise_replicas(demand, rules(target_per_replica=100.0), 4, price, ReplicaBasis.LOAD_TEST)
    assert advice.replica_count_advised == 10
    assert read_replica_advice(advice.to_document()) == advice


def test_a_maximum_below_need_says_how_overloaded_each_will_be() -> None:
    advice = advise_replicas(Demand("cpu", "cores", 10.0), rules(target_per_replica=1.0, maximum=8), 8)
    assert (advice.replica_count_needed, advice.replica_count_advised) == (10, 8)
    assert advice.bound == "maximum"
    assert advice.load_per_replica_ratio == pytest.approx(1.25)


@pytest.mark.parametrize("target", [0.0, -1.0, float("nan"), float("inf")])
def test_a_target_that_is_no_load_is_refused(target: float) -> None:
    with pytest.raises(InputError, match="target per replica"):
        rules(target_per_replica=target)


def test_bounds_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="above the maximum"):
        rules(minimum=5, maximum=2)
