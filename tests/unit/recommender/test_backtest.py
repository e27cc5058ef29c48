from dataclasses import replace

import numpy as np
import pytest
from support.daily_use import from_samples, made_up, one_value_a_day

from recommender.backtest import MINIMUM_DAYS, WARM_UP_DAYS, plan_replay, replay
from recommender.backtest_policies import AS_PROVISIONED, ORACLE, Policy, orientation, ours, rivals
from recommender.presets import PRESETS, PolicySettings

SETTINGS = PolicySettings()


def scores_of(use, *presets):
    policies = [*orientation(use), *(ours(PRESETS[name]) for name in presets), *rivals()]
    return {done.policy: done.score() for done in replay(use, policies, SETTINGS)}


def fixed(cpu, memory):
    """A policy that always answers the same."""
    return Policy(
        "fixed", lambda morning: (np.full(morning.use.size, cpu), np.full(morning.use.size, memory))
    )


def score_fixed(use, cpu, memory):
    return replay(use, [fixed(cpu, memory)], SETTINGS)[0].score()


@pytest.mark.parametrize(("days", "scored"), [(3, None), (4, 1), (8, 4), (20, 10), (28, 14), (60, 46)])
def test_warm_up_is_fourteen_days_or_half_of_what_is_stored(days, scored):
    plan = plan_replay(days)
    assert (plan.scored_days if plan else None) == scored
    assert MINIMUM_DAYS == 4
    assert WARM_UP_DAYS == 14


def test_constant_use_is_saved_without_risk():
    use = one_value_a_day(np.full((3, 28), 0.5), np.full((3, 28), 4e8))
    for name, score in scores_of(use, "balanced").items():
        if name != AS_PROVISIONED:
            assert 0.6 < score.cpu_saved_ratio < 0.76
            assert 0.85 < score.memory_saved_ratio <= 0.9
        assert score.cpu_samples_over_ratio == 0
        assert score.cpu_excess_ratio == 0
        assert score.oom_day_ratio == 0
        assert score.changes_per_day == 0
        assert score.container_days == 42
        assert score.cpu_days_to_safe is None


def test_what_was_in_force_saves_nothing_and_the_oracle_violates_nothing():
    scores = scores_of(made_up(40, 28), "balanced")
    assert scores[AS_PROVISIONED].cpu_saved_ratio == 0
    assert scores[AS_PROVISIONED].memory_saved_ratio == 0
    assert scores[ORACLE].cpu_samples_over_ratio == 0
    assert scores[ORACLE].oom_day_ratio == 0
    assert scores[ORACLE].memory_saved_ratio > scores["KRR style (simple)"].memory_saved_ratio


def test_an_oom_day_is_a_day_with_more_memory_than_requested():
    memory = np.full((1, 28), 4e8)
    memory[0, 20:25] = 9e8
    score = score_fixed(one_value_a_day(np.full((1, 28), 0.5), memory), 1.0, 5e8)
    assert score.oom_day_ratio == pytest.approx(5 / 14)
    assert score.severe_oom_count == 1
    assert score.memory_days_to_safe == 8, "never covered: counted to the end"


def test_days_to_safe_ends_when_the_request_covers_what_hurt():
    memory = np.full((1, 28), 4e8)
    memory[0, 20:] = 9e8
    use = one_value_a_day(np.full((1, 28), 0.5), memory)
    assert scores_of(use)["KRR style (simple)"].memory_days_to_safe == 1


def test_samples_over_and_excess_are_counted_on_the_histogram():
    cpu = np.full((1, 28, 100), 0.5)
    cpu[0, :, :10] = 2.0
    score = score_fixed(from_samples(cpu, np.full((1, 28), 4e8)), 1.0, 5e8)
    assert score.cpu_samples_over_ratio == pytest.approx(0.10)
    assert score.cpu_excess_ratio == pytest.approx(10 * 1.0 / (90 * 0.5 + 10 * 2.0), rel=0.05)
    assert score.cpu_slack_ratio == pytest.approx(1 - (90 * 0.5 + 10 * 1.0) / 100, rel=0.05)


def test_replicas_count_in_the_footprint():
    use = one_value_a_day(np.array([[0.1] * 28, [1.0] * 28]), np.full((2, 28), 4e8))
    many = replace(use, replicas=np.array([[9.0] * 28, [1.0] * 28]))
    policy = Policy("by size", lambda morning: (np.array([0.2, 1.1]), np.full(2, 5e8)))
    saved = [replay(each, [policy], SETTINGS)[0].score().cpu_saved_ratio for each in (use, many)]
    assert saved == [pytest.approx(1 - 1.3 / 4), pytest.approx(1 - (9 * 0.2 + 1.1) / 20)]


def test_without_requests_nothing_is_said_to_be_saved():
    use = one_value_a_day(
        np.full((2, 28), 0.5), np.full((2, 28), 4e8), cpu_request=np.nan, memory_request=np.nan
    )
    score = scores_of(use, "balanced")["millicore balanced"]
    assert score.cpu_saved_ratio is None
    assert score.memory_saved_ratio is None
    assert score.cpu_samples_over_ratio == 0
    assert score.cpu_advised_core_days > 0


def test_a_container_that_appears_late_is_covered_from_the_next_day():
    cpu, memory = np.full((2, 28), 0.5), np.full((2, 28), 4e8)
    cpu[1, :20], memory[1, :20] = np.nan, np.nan
    score = scores_of(one_value_a_day(cpu, memory), "balanced")["millicore balanced"]
    assert score.container_days == 14 + 8
    assert score.coverage_ratio == pytest.approx(21 / 22)


def test_after_an_oom_kill_the_request_does_not_fall_below_the_floor():
    use = one_value_a_day(np.full((1, 28), 0.5), np.full((1, 28), 4e8))
    killed = np.full((1, 28), np.nan)
    killed[0, 15] = 6e8
    done = replay(replace(use, memory_oom_bytes=killed), [ours(PRESETS["cost"])], SETTINGS)[0]
    assert done.requests[0, 1, 0] < 5e8
    assert (done.requests[2:, 1, 0] >= 6e8 * 1.2).all()


def test_java_memory_is_never_lowered():
    use = one_value_a_day(np.full((1, 28), 0.5), np.full((1, 28), 4e8))
    score = scores_of(use, "jvm")["millicore jvm"]
    assert score.memory_saved_ratio == 0
    assert score.cpu_saved_ratio > 0.7


def test_the_future_changes_no_earlier_decision():
    use = made_up(30, 28)
    shuffled = use.cpu_counts.copy()
    shuffled[:, 20:] = shuffled[::-1, 20:]
    memory = use.memory_maxima.copy()
    memory[:, 20:] *= 3
    later = replace(use, cpu_counts=shuffled, memory_maxima=memory)
    policies = [[ours(PRESETS["balanced"]), *rivals()] for _ in range(2)]
    before = replay(use, policies[0], SETTINGS)
    after = replay(later, policies[1], SETTINGS)
    for one, other in zip(before, after, strict=True):
        scored_before = 20 - WARM_UP_DAYS
        assert np.array_equal(one.requests[: scored_before + 1], other.requests[: scored_before + 1])
        assert not np.array_equal(one.requests, other.requests)


def test_twice_gives_the_same_numbers():
    use = made_up(25, 24)
    first, second = (scores_of(use, "cost", "safe") for _ in range(2))
    assert first == second


def test_intervals_hold_their_point_and_shrink_with_the_fleet():
    widths = []
    for size in (20, 200):
        score = scores_of(made_up(size, 20), "balanced")["millicore balanced"]
        for name, (lower, upper) in score.intervals.items():
            assert lower <= getattr(score, name) <= upper
        lower, upper = score.intervals["cpu_saved_ratio"]
        widths.append(upper - lower)
    assert widths[1] < widths[0]


def test_the_score_of_one_container_is_that_of_a_fleet_of_it():
    use = made_up(6, 24)
    everyone = replay(use, rivals(), SETTINGS)
    for row in (0, 5):
        alone = replay(use.rows(np.array([row])), rivals(), SETTINGS)
        for of_many, of_one in zip(everyone, alone, strict=True):
            assert replace(of_one.score(), intervals={}) == of_many.score_container(row)


def test_too_few_days_give_no_ratios():
    score = scores_of(made_up(3, 3), "balanced")["millicore balanced"]
    assert score.container_days == 0
    assert score.cpu_saved_ratio is None
    assert score.oom_day_ratio is None
