"""Whatever surrounds a container: it gets an answer with risk and reason, and one that the cluster takes."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.random_subjects import NOW, cpu_use, memory_use, subject_of, subjects, surroundings

from models.vocabulary.recommendation import NoRecommendation, Recommendation, ResourceValues
from recommender.compression import next_ratio
from recommender.constraints import Constraints
from recommender.constraints_limit_range import find_refusals
from recommender.policy import recommend
from recommender.presets import PRESETS, PolicySettings
from recommender.subject import UnitPrices

presets = st.sampled_from(list(PRESETS.values()))
prices = st.sampled_from([UnitPrices(), UnitPrices(Decimal("0.03"), Decimal("0.004"), "EUR")])
slow = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def answer_of(subject, preset):
    return recommend(subject, preset, PolicySettings(), NOW)


@slow
@given(subjects(), surroundings(), presets, prices, st.integers(0, 2))
def test_each_container_gets_an_answer_with_risk_and_saving_or_a_reason(
    subject, around, preset, price, kills
):
    profile = replace(subject.profile, oom_killed_count=kills)
    answer = answer_of(replace(subject, profile=profile, constraints=around, prices=price), preset)
    if isinstance(answer, NoRecommendation):
        assert answer.sentence.endswith(".")
        return
    assert answer.risk.sentence
    assert answer.advised != answer.current
    record = answer.record
    assert record is not None
    assert (answer.requested_saving_per_month is None) == (record.savings.unpriced_because is not None)
    assert record.rollback.values == answer.current
    assert record.rollback.runbook
    assert record.sentence == answer.explanation
    assert record.guard_rails == answer.guard_rails
    assert record.savings.realised == "not measured yet"


@slow
@given(subjects(), surroundings(), presets)
def test_no_answer_is_one_that_the_api_server_would_refuse(subject, around, preset):
    answer = answer_of(replace(subject, constraints=around), preset)
    if isinstance(answer, Recommendation):
        assert find_refusals(answer.advised, around.limit_rules, around.siblings) == []
        for request, limit in (
            (answer.advised.cpu_request_cores, answer.advised.cpu_limit_cores),
            (answer.advised.memory_request_bytes, answer.advised.memory_limit_bytes),
        ):
            assert request is None or limit is None or request <= limit * (1 + 1e-9)


def is_guaranteed(values: ResourceValues) -> bool:
    return (
        None not in (values.cpu_request_cores, values.memory_request_bytes)
        and values.cpu_request_cores == values.cpu_limit_cores
        and values.memory_request_bytes == values.memory_limit_bytes
    )


@slow
@given(subjects(), surroundings(), presets)
def test_the_class_of_the_pod_stays_unless_its_owner_allows_a_change(subject, around, preset):
    around = replace(around, allows_qos_change=False)
    answer = answer_of(replace(subject, constraints=around), preset)
    if isinstance(answer, Recommendation):
        assert is_guaranteed(answer.advised) == is_guaranteed(answer.current)


@slow
@given(subjects(), surroundings(), presets)
def test_an_increase_stays_within_quota_node_and_bounds(subject, around, preset):
    answer = answer_of(replace(subject, constraints=around), preset)
    if not isinstance(answer, Recommendation):
        return
    now, then = answer.current.cpu_request_cores or 0.0, answer.advised.cpu_request_cores or 0.0
    # a floor that the namespace or the owner sets goes before a ceiling
    floors = [one.minimum or 0.0 for one in around.limit_rules if one.resource == "cpu"]
    least = max([0.01, around.cpu_minimum_cores or 0.0, *floors])
    rails = {rail.name for rail in answer.guard_rails}
    if then > now and then > least + 1e-9 and "limit_range_ratio" not in rails:
        for ceiling in (around.node_cpu_cores, around.cpu_maximum_cores):
            assert ceiling is None or then <= max(ceiling, now) + 1e-9
        if around.quota is not None:
            pods = max(answer.replica_count_mean, 1.0)
            used = then * (pods + around.surge_replicas) - now * pods
            assert used <= around.quota.room["cpu_request_cores"] + 1e-6 or then <= now + 1e-9


@settings(deadline=None)
@given(cpu_use, memory_use, st.floats(1.0, 3.0), presets)
def test_more_use_never_asks_for_less(cpu, memory, factor, preset):
    now = ResourceValues(2.0, None, 2.0**33, None)

    def values(scale):
        answer = answer_of(subject_of([c * scale for c in cpu], [m * scale for m in memory], now), preset)
        return answer.advised if isinstance(answer, Recommendation) else now

    few, many = values(1.0), values(factor)
    hysteresis = 1.1 + 1e-9
    assert many.cpu_request_cores * hysteresis >= few.cpu_request_cores
    assert many.memory_request_bytes * hysteresis >= few.memory_request_bytes


@settings(deadline=None)
@given(subjects(), surroundings(), presets)
def test_a_suggestion_reads_back_as_it_was_written(subject, around, preset):
    answer = answer_of(replace(subject, constraints=around), preset)
    if isinstance(answer, Recommendation):
        assert msgspec.convert(msgspec.to_builtins(answer), Recommendation) == answer


@settings(deadline=None)
@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=20),
    st.floats(0.01, 50),
    st.floats(0.01, 50),
    st.floats(0.1, 16),
)
def test_compression_never_goes_below_what_was_seen_and_steps_are_small(ratios, window, last_day, limit):
    now = np.array(ratios)
    count = len(now)
    after = next_ratio(now, np.full(count, window), np.full(count, last_day), np.full(count, limit))
    seen = max(window, last_day)
    assert (after <= 1.0).all()
    assert (after * limit >= min(seen, limit) - 1e-9).all()
    down = np.maximum(now - after, 0.0)
    assert (down <= 0.05 + 1e-12).all()
    calm = now * limit >= seen
    assert (np.abs(after - now)[calm] <= 0.05 + 1e-12).all()


@settings(deadline=None)
@given(subjects(), presets)
def test_constraints_that_say_nothing_change_nothing(subject, preset):
    assert answer_of(subject, preset) == answer_of(replace(subject, constraints=Constraints()), preset)
