import numpy as np
import pytest

from models.anomaly.detect import MINIMUM_HISTORY_DAYS, Threshold, expected_costs, find_runs

THRESHOLD = Threshold(sigmas=4.0, excess_ratio=0.2, excess=20.0)
WEEK = np.array([1.0, 1.05, 1.0, 1.1, 1.0, 0.4, 0.3])


def weekly(days, level=1000.0, noise=0.02, seed=1, growth=0.0):
    chance = np.random.default_rng(seed)
    values = level * WEEK[np.arange(days) % 7] * (1 + growth) ** np.arange(days)
    return values * (1 + noise * chance.standard_normal(days))


def test_a_quiet_weekend_is_no_anomaly():
    assert find_runs(weekly(90), THRESHOLD) == []


def test_steady_growth_is_no_anomaly():
    assert find_runs(weekly(120, growth=0.01), THRESHOLD) == []


def test_a_jump_is_one_run_from_its_first_day():
    series = weekly(90)
    series[70:75] *= 1.6
    (run,) = find_runs(series, THRESHOLD)
    assert (run.first, run.last, run.day_count) == (70, 74, 5)
    assert run.excess == pytest.approx(0.6 / 1.6 * series[70:75].sum(), rel=0.1)


def test_a_drop_is_found_as_readily_as_a_jump():
    series = weekly(90)
    series[80:82] *= 0.3
    (run,) = find_runs(series, THRESHOLD)
    assert (run.first, run.last) == (80, 81)
    assert run.excess < 0


def test_a_jump_followed_by_a_drop_is_told_twice():
    series = weekly(90)
    series[80] *= 2
    series[81] *= 0.2
    assert [np.sign(run.excess) for run in find_runs(series, THRESHOLD)] == [1, -1]


def test_days_that_are_not_final_neither_alarm_nor_end_a_run():
    series = weekly(90)
    series[70:75] *= 1.6
    series[72] = np.nan
    (run,) = find_runs(series, THRESHOLD)
    assert (run.first, run.last, run.day_count) == (70, 74, 4)


def test_a_new_level_stops_being_an_anomaly_within_three_weeks():
    series = weekly(150)
    series[80:] *= 1.5
    runs = find_runs(series, THRESHOLD)
    assert runs[0].first == 80
    assert runs[-1].last < 80 + 21


def test_small_money_is_not_worth_an_alert():
    series = weekly(90, level=10.0)
    series[80] *= 2
    assert find_runs(series, THRESHOLD) == []


def test_without_five_weeks_of_history_nothing_is_judged():
    series = weekly(MINIMUM_HISTORY_DAYS)
    series[-1] *= 10
    expected, _ = expected_costs(series)
    assert np.isnan(expected).all()
    assert find_runs(series, THRESHOLD) == []


def test_what_was_expected_looks_only_at_the_days_before():
    series = weekly(90)
    later = series.copy()
    later[60:] *= 5
    assert np.array_equal(expected_costs(series)[0][:61], expected_costs(later)[0][:61], equal_nan=True)


def test_ordinary_noise_rarely_alarms():
    days = np.concatenate([weekly(120, noise=0.08, seed=seed)[None, :] for seed in range(60)])
    judged = 60 * (120 - MINIMUM_HISTORY_DAYS)
    alarms = sum(run.day_count for row in days for run in find_runs(row, THRESHOLD))
    assert alarms / judged < 0.01
