"""What may be accepted in bulk, and how regret is counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.life import OLD, RAISED, WANTED, advice

from models.vocabulary.suggestion_life import RecommendationState
from recommender.bulk import BulkBounds, why_not_in_bulk
from recommender.regret import AppliedCase, count_regret, wilson_interval

BOUNDS = BulkBounds(0.02, 0.0)
AT = datetime(2026, 10, 1, tzinfo=UTC)


def with_risk(**fields):
    return replace(advice(), risk=replace(advice().risk, **fields))


@pytest.mark.parametrize(
    ("suggestion", "words"),
    [
        (with_risk(cpu_over_request_ratio=0.021), "CPU was over"),
        (with_risk(memory_over_limit_day_ratio=0.001), "memory was over"),
        (with_risk(sample_count=0), "could not be measured"),
        (with_risk(day_count=0), "could not be measured"),
        (replace(advice(), confidence=0.49), "confidence"),
        (replace(advice(), is_injected=True), "webhook"),
    ],
)
def test_what_is_not_low_risk_is_left_out_with_its_reason(suggestion, words):
    assert words in why_not_in_bulk(suggestion, BOUNDS)


def test_low_risk_is_taken_up_to_the_bound():
    assert why_not_in_bulk(with_risk(cpu_over_request_ratio=0.02), BOUNDS) is None


def test_a_pure_raise_is_always_low_risk_and_a_mixed_change_is_not():
    risky = replace(with_risk(cpu_over_request_ratio=0.5), advised=RAISED)
    assert why_not_in_bulk(risky, BOUNDS) is None
    mixed = replace(risky, advised=replace(RAISED, memory_limit_bytes=WANTED.memory_limit_bytes))
    assert why_not_in_bulk(mixed, BOUNDS) is not None


def test_filters_leave_out_the_rest():
    assert "small" in why_not_in_bulk(advice(), replace(BOUNDS, is_small_only=True))
    assert "raise" in why_not_in_bulk(advice(), replace(BOUNDS, is_increase_only=True))


def case(state=RecommendationState.VERIFIED, wanted=WANTED, later=()):
    return AppliedCase("millicore-1", "balanced", state, OLD, wanted, AT, later)


def test_nothing_applied_has_no_rate():
    (row,) = count_regret([])
    assert (row.applied_count, row.regret_ratio, row.low_ratio) == (0, None, None)


def test_each_suggestion_is_regretted_once_and_counted_for_each_resource_it_changed():
    soon = (AT + timedelta(days=3), RAISED)
    cpu_only = replace(OLD, cpu_request_cores=0.5)
    rows = {
        (row.dimension, row.value): row
        for row in count_regret(
            [
                case(),
                case(RecommendationState.ROLLED_BACK, later=(soon,)),
                case(RecommendationState.OVERWRITTEN, cpu_only),
            ]
        )
    }
    every = rows["all", "all"]
    assert (every.applied_count, every.regretted_count, every.raised_again_count) == (3, 2, 1)
    assert rows["resource", "cpu"].applied_count == 3
    assert rows["resource", "memory"].applied_count == 2
    assert rows["resource", "memory"].regret_ratio == 0.5


@pytest.mark.parametrize(("days", "is_regretted"), [(14, True), (14.01, False)])
def test_a_raise_counts_as_regret_within_fourteen_days(days, is_regretted):
    later = ((AT + timedelta(days=days), replace(WANTED, memory_limit_bytes=OLD.memory_limit_bytes)),)
    assert case(later=later).is_regretted is is_regretted


def test_a_further_raise_after_a_raise_is_no_regret():
    later = ((AT + timedelta(days=1), replace(RAISED, cpu_request_cores=9.0)),)
    assert not case(wanted=RAISED, later=later).is_regretted


def test_the_wilson_interval_is_that_of_the_literature():
    low, high = wilson_interval(1, 10)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert wilson_interval(0, 10)[0] == 0.0
    assert round(wilson_interval(0, 10)[1], 4) == 0.2775
    assert wilson_interval(10, 10)[1] == 1.0
    assert wilson_interval(0, 0) is None
