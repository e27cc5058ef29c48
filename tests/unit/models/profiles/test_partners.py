"""Workloads that peak at different times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.profiles.partners import find_partners
from models.vocabulary.errors import InputError

HOURS = np.arange(14 * 24)


def wave(phase: float, swing: float = 1.0, level: float = 1.0) -> np.ndarray:
    return level + swing * np.cos(HOURS / 24 * 2 * np.pi + phase)


def test_a_pair_shifted_by_half_a_day_ranks_first_for_both() -> None:
    random = np.random.default_rng(4)
    names = ["day", "night", *(f"other-{number}" for number in range(20))]
    use = [wave(0.0), wave(np.pi)]
    use += [wave(random.uniform(-1.5, 1.5), 0.8, random.uniform(1, 3)) for _ in range(20)]
    found = find_partners(names, np.stack(use), per_workload=2)
    assert {found[0].workload, found[0].partner} == {"day", "night"}
    best = {pair.workload: pair.partner for pair in reversed(found)}
    assert (best["day"], best["night"]) == ("night", "day")
    assert found[0].gain_ratio == pytest.approx(0.5)


def test_the_gain_is_exact() -> None:
    one, other = wave(0.3, 0.7), wave(2.1, 0.4, 2.0)
    found = find_partners(["a", "b"], np.stack([one, other]))
    assert [(pair.workload, pair.partner) for pair in found] == [("a", "b"), ("b", "a")]
    pooled = (one + other).max()
    assert found[0].pooled_peak_cores == pytest.approx(pooled, rel=1e-12)
    assert found[0].gain_ratio == pytest.approx(1 - pooled / (one.max() + other.max()), rel=1e-12)


def test_workloads_of_a_few_millicores_and_lonely_ones_have_no_partner() -> None:
    assert find_partners(["a", "b"], np.stack([wave(0, 0.01, 0.02), wave(np.pi)])) == []
    assert find_partners([], np.zeros((0, 24))) == []


def test_only_the_largest_swings_are_paired() -> None:
    use = np.stack([wave(0.1 * number, 1 + number) for number in range(30)])
    found = find_partners(list(range(30)), np.maximum(use, 0), per_workload=1, most=10)
    assert {pair.workload for pair in found} == set(range(20, 30))


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="one series each"):
        find_partners(["a"], np.zeros((2, 24)))
    with pytest.raises(InputError, match="at least 1"):
        find_partners(["a"], np.zeros((1, 24)), per_workload=0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.floats(0.0, 50.0), min_size=24, max_size=24), min_size=2, max_size=6))
def test_a_gain_is_never_negative_nor_above_half_and_pairs_are_mutual(series: list[list[float]]) -> None:
    use = np.array(series)
    found = find_partners(list(range(len(use))), use, per_workload=len(use))
    gains = {(pair.workload, pair.partner): pair.gain_ratio for pair in found}
    for (one, other), gain in gains.items():
        assert -1e-9 <= gain <= 0.5 + 1e-9
        assert gains[other, one] == gain
