"""What holds for every load, request and autoscaler."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from models.kubernetes.autoscalers import read_hpa
from models.vocabulary.recommendation import ResourceValues
from recommender.hpa import TOLERANCE, rescale_hpa
from recommender.replicas import Demand, MissingRule, ReplicaRules, advise_replicas, count_replicas
from recommender.schedules import ScheduleRules, join_hours

values = st.lists(st.floats(0, 1e4), min_size=1, max_size=20)
targets = st.floats(0.1, 1e3)
START = datetime(2026, 11, 22, tzinfo=UTC)


@given(values, targets)
def test_the_needed_replicas_carry_the_load_and_one_less_would_not(load: list[float], target: float) -> None:
    needed = count_replicas(load, ReplicaRules(target)).needed
    assert needed * target >= sum(load) * (1 - 1e-6) - 1e-6
    assert (needed - 1) * target <= sum(load) + 1e-6


@given(values, targets, st.floats(1, 3))
def test_more_load_never_needs_fewer_replicas(load: list[float], target: float, factor: float) -> None:
    rules = ReplicaRules(target)
    more = [value * factor for value in load]
    assert count_replicas(more, rules).needed >= count_replicas(load, rules).needed


@given(values, targets)
def test_floor_is_never_more_than_ceil_and_at_most_one_below(load: list[float], target: float) -> None:
    up = count_replicas(load, ReplicaRules(target)).needed
    down = count_replicas(load, ReplicaRules(target, is_floor=True)).needed
    assert up - 1 <= down <= up


@given(values, targets, st.integers(1, 5))
def test_a_gap_in_the_metrics_never_makes_a_plan_smaller(load: list[float], target: float, gaps: int) -> None:
    rules = ReplicaRules(target, missing=MissingRule.AS_SEEN)
    assert count_replicas([*load, *[None] * gaps], rules).needed >= count_replicas(load, rules).needed


@given(values, targets, st.integers(0, 5), st.integers(5, 12))
def test_bounds_always_hold(load: list[float], target: float, low: int, high: int) -> None:
    rules = ReplicaRules(target, low, high)
    assert low <= count_replicas(load, rules).advised <= high
    assert low <= advise_replicas(Demand("cpu", "cores", sum(load)), rules, 1).replica_count_advised <= high


@given(
    st.integers(1, 300),
    st.floats(0.05, 16),
    st.floats(0.05, 16),
    st.one_of(st.none(), st.floats(0.05, 32)),
)
def test_a_possible_target_keeps_the_trigger_and_stays_in_its_bounds(
    target: int, old: float, new: float, limit: float | None
) -> None:
    metric = {"averageUtilization": target, "type": "Utilization"}
    spec = {"minReplicas": 1, "maxReplicas": 9}
    scaler = read_hpa(
        "shop",
        "web",
        {**spec, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": metric}}]},
    )
    bound = None if limit is None else max(limit, new)
    found = rescale_hpa(scaler, "app", ResourceValues(old, bound), ResourceValues(new, bound))
    if found is None:
        assert abs(old - new) <= 1e-9 * max(old, new)
        return
    (change,) = found.targets
    assert change.target_after >= 1
    if bound is not None:
        assert change.target_after <= max(bound / new * 100 + 1e-6, 1)
    if found.is_possible and change.trigger_before and change.trigger_after:
        assert abs(change.trigger_after / change.trigger_before - 1) <= TOLERANCE + 1e-9
    assert bool(found.json_patch) == found.is_possible
    assert found.reason


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=26),
    st.integers(1, 6),
    st.floats(0, 0.5),
)
def test_a_schedule_covers_every_hour_within_its_steps(needed: list[int], steps: int, slack: float) -> None:
    found = join_hours(START, needed, ScheduleRules(most_steps=steps, slack_ratio=slack))
    assert len(found.steps) <= steps
    assert found.steps[0].start == START
    assert sum(one.start >= two.end for one, two in zip(found.steps[1:], found.steps, strict=False)) in {
        sum(one.replicas < two.replicas for one, two in zip(found.steps[1:], found.steps, strict=False))
    }
    assert max(step.replicas for step in found.steps) == max(needed)
    assert found.added_replica_hours >= 0
