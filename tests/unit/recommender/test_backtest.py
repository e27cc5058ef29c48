import numpy as np
import pytest

from models.profiles.buckets import CPU_BUCKETS
from recommender.backtest import DailyUse, list_policies, score_policies
from recommender.presets import PRESETS, PolicySettings


def daily_use(cpu: np.ndarray, memory: np.ndarray, request: float = 2.0) -> DailyUse:
    """One value per day for every 5 minutes."""
    counts = np.zeros((*cpu.shape, CPU_BUCKETS.count))
    rows, days = np.indices(cpu.shape)
    counts[rows, days, CPU_BUCKETS.find(cpu)] = 288.0
    full = np.full(cpu.shape, request)
    return DailyUse(counts, memory, full, full * 1e9, np.ones(cpu.shape))


def scores_of(use: DailyUse):
    policies = list_policies(PRESETS["balanced"], PolicySettings())
    ours, vpa, krr = score_policies(use, policies)
    return ours, vpa, krr


def test_constant_use_is_saved_without_risk():
    use = daily_use(np.full((3, 14), 0.5), np.full((3, 14), 4e8))
    for score in scores_of(use):
        assert 0.6 < score.cpu_saved_ratio < 0.75
        assert score.cpu_samples_over_ratio == 0
        assert score.oom_day_ratio == 0
        assert score.changes_per_day == 0
        assert score.container_days == 21


def test_growing_memory_is_an_oom_day_when_the_headroom_is_gone():
    memory = 4e8 * 1.2 ** np.arange(14)[None, :]
    ours, _, krr = scores_of(daily_use(np.full((1, 14), 0.5), memory))
    assert ours.oom_day_ratio == 1.0
    assert krr.oom_day_ratio == 1.0


def test_a_policy_sees_only_earlier_days():
    memory = np.full((1, 14), 4e8)
    memory[0, 10] = 9e8
    ours, _, _ = scores_of(daily_use(np.full((1, 14), 0.5), memory))
    assert ours.oom_day_ratio == pytest.approx(1 / 7)


def test_a_week_is_needed_before_the_first_decision():
    ours, _, _ = scores_of(daily_use(np.full((1, 7), 0.5), np.full((1, 7), 4e8)))
    assert ours.container_days == 0
    assert ours.cpu_saved_ratio is None
    assert ours.oom_day_ratio is None
