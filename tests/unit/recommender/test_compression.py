import numpy as np
import pytest

from recommender.compression import MEMORY_RATIO, CompressionRules, next_ratio

RULES = CompressionRules()


HALF_LIFE_DAYS = 7.0


def replay_each(start, usage, limit):
    """Return the ratio after each day, recomputed daily from the decayed mean of the days so far."""
    ratio, found = start, []
    for day in range(usage.shape[1]):
        weight = np.exp2(-np.arange(day + 1)[::-1] / HALF_LIFE_DAYS)
        window = (usage[:, : day + 1] * weight).sum(axis=1) / weight.sum()
        ratio = next_ratio(ratio, window, usage[:, day], limit)
        found.append(ratio)
    return np.stack(found, axis=1)


def replay(usage, limit=4.0, start=0.5):
    return replay_each(np.array([start]), np.array([usage]), np.array([limit]))[0]


def test_the_ratio_is_use_with_its_margin_over_the_limit():
    ratio = next_ratio([1.0 * 1.15 / 4], [1.0], [1.0], [4.0])
    assert ratio[0] == pytest.approx(1.15 / 4)


def test_it_moves_by_at_most_a_twentieth_a_day():
    found = replay([0.2] * 14, start=1.0)
    steps = -np.diff(np.concatenate([[1.0], found]))
    assert steps.max() <= 0.05 + 1e-12
    assert found[-1] < 0.5


def test_stationary_use_changes_it_at_most_once_in_a_fortnight():
    rng = np.random.default_rng(3)
    for _ in range(50):
        usage = rng.normal(1.0, 0.04, 28)
        settled = replay(usage[:14], start=1.15 / 4)[-1]
        after = replay(usage[14:], start=settled)
        changes = (np.diff(np.concatenate([[settled], after])) != 0).sum()
        assert changes <= 1


def test_half_as_much_again_is_picked_up_within_two_days():
    usage = [1.0] * 10 + [1.5] * 4
    found = replay(usage, start=1.15 / 4)
    assert found[9] * 4 == pytest.approx(1.15)
    assert found[11] * 4 >= 1.5 * 1.0, "the request covers the new use"
    assert found[11] >= 1.4 * found[9]


def test_the_request_is_never_below_what_was_observed():
    rng = np.random.default_rng(4)
    usage = rng.uniform(0.1, 3.9, (40, 20))
    found = replay_each(np.full(40, 0.3), usage, np.full(40, 4.0))
    assert (found * 4.0 >= usage - 1e-9).all()


def test_a_request_never_exceeds_the_limit():
    assert replay([9.0] * 3)[-1] == 1.0


def test_days_without_data_change_nothing():
    assert next_ratio([0.4], [np.nan], [np.nan], [4.0])[0] == 0.4


def test_memory_is_not_compressed():
    assert MEMORY_RATIO == 1.0
