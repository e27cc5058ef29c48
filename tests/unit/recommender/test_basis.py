from dataclasses import replace

import numpy as np
import pytest
from support.daily_use import from_samples, made_up, one_value_a_day

from models.profiles.buckets import CPU_BUCKETS
from recommender.basis import find_bases, fit_risk
from recommender.basis_cpu import LARGEST_MULTIPLE as CPU_MULTIPLE
from recommender.basis_hold import CPU_STIFFNESS, MEMORY_STIFFNESS, Hold
from recommender.basis_memory import LARGEST_MULTIPLE as MEMORY_MULTIPLE
from recommender.presets import PRESETS, PolicySettings

SETTINGS = PolicySettings()


def bases_of(use, name="balanced"):
    return find_bases(use, [PRESETS[name]] * use.size, SETTINGS)


def test_constant_cpu_gets_the_end_of_its_bucket_and_no_flat_margin():
    bases = bases_of(one_value_a_day(np.full((5, 14), 0.5), np.full((5, 14), 4e8)))
    end = CPU_BUCKETS.upper_edges[CPU_BUCKETS.find([0.5])[0]]
    assert bases.cpu_request_cores == pytest.approx(np.full(5, end))
    assert (bases.cpu_over_request_ratios_seen == 0).all()
    assert bases.cpu_statistics[0] == "maximum of 14 days"
    assert (bases.replayed_days == 11).all()


def test_quiet_memory_gets_a_small_margin_and_jumpy_memory_a_large_one():
    rng = np.random.default_rng(0)
    quiet = 1e9 * np.exp(rng.normal(0, 0.002, (60, 28)))
    jumpy = 1e9 * np.exp(np.abs(rng.normal(0, 0.2, (60, 28))))
    use = one_value_a_day(np.full((120, 28), 0.5), np.concatenate([quiet, jumpy]))
    margin = bases_of(use, "safe").memory_request_bytes / use.memory_maxima.max(axis=1)
    assert np.median(margin[:60]) < 1.03
    assert np.median(margin[60:]) > 1.05


def test_the_last_days_memory_is_always_covered():
    use = made_up(80, 28, seed=4)
    memory = use.memory_maxima.copy()
    memory[:, :20] *= 3.0
    for name in PRESETS:
        bases = bases_of(replace(use, memory_maxima=memory), name)
        assert (bases.memory_request_bytes >= memory[:, -1] * 0.999).all()


def test_a_recent_peak_is_covered_by_every_class():
    memory = np.full((1, 28), 4e8)
    memory[0, 26] = 1.2e9
    use = one_value_a_day(np.full((1, 28), 0.5), memory)
    for name in PRESETS:
        assert bases_of(use, name).memory_request_bytes[0] >= 1.2e9


def test_the_risk_is_spent_where_it_saves_most_and_never_beyond_the_cap():
    rng = np.random.default_rng(1)
    shape = rng.lognormal(0, 0.6, (20, 28, 96))
    use = from_samples(shape * np.where(np.arange(20) < 10, 0.05, 5.0)[:, None, None], np.full((20, 28), 4e8))
    bases = bases_of(use)
    stated = bases.cpu_over_request_ratios_stated
    target = PRESETS["balanced"].cpu_over_request_ratio_target
    assert stated[:10].max() < stated[10:].min(), "cover is cheap for the small"
    assert stated.max() <= target * CPU_MULTIPLE * (1 + 1e-6)
    assert stated.mean() <= target * 1.1
    assert bases.memory_over_day_ratios_stated.max() <= (
        PRESETS["balanced"].memory_over_day_ratio_target * MEMORY_MULTIPLE * (1 + 1e-6)
    )


def test_a_young_container_gets_its_percentile_and_maximum_with_headroom():
    preset = PRESETS["balanced"]
    bases = bases_of(one_value_a_day(np.full((1, 2), 0.5), np.full((1, 2), 4e8)))
    end = CPU_BUCKETS.upper_edges[CPU_BUCKETS.find([0.5])[0]]
    assert bases.cpu_request_cores[0] == pytest.approx(end * 1.15)
    assert bases.memory_request_bytes[0] == pytest.approx(4e8 * 1.15)
    assert bases.cpu_statistics == ("p95 +15 % of 2 days",)
    assert bases.memory_statistics == ("maximum of 2 days +15.0 %",)
    assert bases.cpu_over_request_ratios_stated[0] == preset.cpu_over_request_ratio_target
    assert np.isnan(bases.cpu_over_request_ratios_seen[0])
    assert bases.replayed_days[0] == 0


def test_nothing_measured_gives_no_value_and_no_words():
    use = one_value_a_day(np.full((2, 14), np.nan), np.full((2, 14), np.nan))
    bases = bases_of(use)
    assert np.isnan(bases.cpu_request_cores).all()
    assert np.isnan(bases.memory_request_bytes).all()
    assert bases.cpu_statistics == ("", "")
    assert bases.memory_statistics == ("", "")


def test_no_containers_give_no_rows():
    use = made_up(3, 14).rows(np.zeros(0, dtype=np.int64))
    assert bases_of(use).cpu_statistics == ()


def test_what_was_seen_is_what_the_same_rule_missed_day_by_day():
    use = made_up(30, 16, seed=3)
    fitted = fit_risk(use, SETTINGS)
    bases = fitted.advise([PRESETS["cost"]] * use.size)
    assert bases.memory_over_day_ratios_seen.mean() <= 0.1
    assert (bases.replayed_days == 13).all()
    shown = bases.cpu_over_request_ratios_seen
    assert ((shown >= 0) & (shown <= 1)).all()


def test_fleets_are_the_same_however_large_the_chunks(monkeypatch):
    use = made_up(50, 14)
    whole = bases_of(use)
    monkeypatch.setattr("recommender.basis._CHUNK_ROWS", 7)
    chunked = bases_of(use)
    assert np.array_equal(whole.cpu_request_cores, chunked.cpu_request_cores)
    assert np.array_equal(whole.memory_request_bytes, chunked.memory_request_bytes)
    assert whole.cpu_statistics == chunked.cpu_statistics


def test_a_hold_raises_at_once_and_lowers_after_a_week():
    hold = Hold(0.1, MEMORY_STIFFNESS, np.array([1e9]))
    assert hold.settle(np.array([1.5e9])) == 1.5e9
    wanted = (0.8e9, 0.7e9, 0.9e9, 0.7e9, 0.7e9, 0.7e9, 0.7e9)
    lowered = [float(hold.settle(np.array([each]))[0]) for each in wanted]
    assert lowered == [1.5e9] * 6 + [0.9e9], "down to the largest wanted in the week"


def test_a_hold_does_not_move_by_a_little():
    hold = Hold(0.1, CPU_STIFFNESS, np.array([1.0]))
    for _ in range(20):
        assert hold.settle(np.array([0.93])) == 1.0
    assert hold.settle(np.array([1.01])) == pytest.approx(1.08), "and when it is raised, then not by a hair"
    tiny = Hold(0.1, CPU_STIFFNESS, np.array([0.024]))
    for _ in range(20):
        assert tiny.settle(np.array([0.01])) == 0.024


def test_a_missing_day_keeps_what_is_set():
    hold = Hold(0.1, CPU_STIFFNESS, np.array([np.nan]))
    assert hold.settle(np.array([0.5])) == 0.5
    assert hold.settle(np.array([np.nan])) == 0.5
