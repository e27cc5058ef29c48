import numpy as np
import pytest

from models.events.spans import EventSpan
from models.forecast.many import forecast_many

HOURS = np.arange(28 * 24)
DAILY = 10 + 4 * np.sin(2 * np.pi * HOURS / 24)
WEEKLY = np.where((HOURS // 24) % 7 < 5, 10.0, 2.0)


def noisy(shape: np.ndarray, share: float, count: int = 6) -> np.ndarray:
    return shape * np.random.default_rng(4).normal(1, share, (count, len(shape)))


def test_a_daily_and_a_weekly_shape_are_continued() -> None:
    found = forecast_many(np.stack([DAILY, WEEKLY]), 7 * 24)
    ahead = np.arange(len(HOURS), len(HOURS) + 7 * 24)
    assert found.value[0] == pytest.approx(10 + 4 * np.sin(2 * np.pi * ahead / 24), abs=0.05)
    assert found.value[1] == pytest.approx(np.where((ahead // 24) % 7 < 5, 10.0, 2.0), abs=0.2)


def test_noise_is_averaged_out_and_the_error_stands_beside_that_of_the_best_naive() -> None:
    found = forecast_many(noisy(DAILY, 0.2), 24)
    assert (found.wape < 0.9 * found.naive_wape).all()
    assert found.wape == pytest.approx(np.full(6, 0.16), abs=0.03)


def test_a_flat_series_is_forecast_exactly_with_no_width() -> None:
    found = forecast_many(np.full((1, 500), 3.5), 48)
    assert found.value == pytest.approx(np.full((1, 48), 3.5))
    assert found.lower[0.95] == pytest.approx(found.upper[0.95])


def test_a_series_of_nothing_stays_nothing_and_has_no_error() -> None:
    found = forecast_many(np.zeros((1, 500)), 24)
    assert not found.value.any()
    assert np.isnan(found.wape[0])
    assert found.reason == [None]


def test_intervals_are_wider_further_ahead() -> None:
    walk = np.abs(100 + np.cumsum(np.random.default_rng(2).normal(0, 1, (20, 672)), axis=1))
    found = forecast_many(walk, 30 * 24)
    width = found.upper[0.8] - found.lower[0.8]
    assert (width[:, 23] > 1.5 * width[:, 0]).mean() > 0.9
    assert (width[:, -1] > width[:, 167]).all()


def test_missing_hours_are_missing_and_not_zero() -> None:
    series = noisy(DAILY, 0.05, 4)
    holed = series.copy()
    holed[0, 600:630] = np.nan
    holed[0, 300] = np.nan
    found = forecast_many(holed, 24).value[0]
    assert found == pytest.approx(forecast_many(series, 24).value[0], rel=0.1)
    assert found.min() > 5


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        (np.full(672, np.nan), "0 hours are known; a forecast needs 72"),
        (np.where(HOURS < 672 - 40, np.nan, 1.0), "40 hours are known; a forecast needs 72"),
        (np.where(HOURS > 600, np.nan, 1.0), "nothing was seen in the last two days"),
    ],
)
def test_what_cannot_be_forecast_says_why(series: np.ndarray, reason: str) -> None:
    found = forecast_many(np.stack([series, DAILY]), 24)
    assert found.reason == [reason, None]
    assert np.isnan(found.value[0]).all()
    assert found.model[0] == ""
    assert np.isfinite(found.value[1]).all()


@pytest.mark.parametrize("hours", [72, 100, 170, 252, 400])
@pytest.mark.parametrize("horizon", [1, 24, 720])
def test_short_histories_have_forecasts_and_intervals(hours: int, horizon: int) -> None:
    found = forecast_many(noisy(DAILY, 0.1)[:, :hours], horizon)
    assert found.reason == [None] * 6
    for bound in (found.value, *found.lower.values(), *found.upper.values()):
        assert np.isfinite(bound).all()


def test_a_young_series_is_forecast_among_old_ones() -> None:
    series = noisy(DAILY, 0.05, 5)
    series[2, : 672 - 6 * 24] = np.nan
    found = forecast_many(series, 24)
    assert found.value[2] == pytest.approx(found.value[0], rel=0.15)


def test_nothing_to_forecast_is_refused() -> None:
    with pytest.raises(ValueError, match="horizon"):
        forecast_many(np.ones((1, 100)), 0)
    assert forecast_many(np.ones((0, 100)), 5).value.shape == (0, 5)


def test_a_past_sale_does_not_distort_the_forecast() -> None:
    ordinary = noisy(DAILY, 0.02)
    sold = ordinary.copy()
    sold[:, 672 - 24 : 672 - 6] *= 5
    plain = forecast_many(ordinary, 48).value
    told = forecast_many(sold, 48, events=[EventSpan("sale", 672 - 24, 672 - 6)]).value
    untold = forecast_many(sold, 48).value
    assert told == pytest.approx(plain, rel=0.08)
    assert np.abs(untold - plain).max() > 2 * np.abs(told - plain).max()


def test_a_coming_sale_is_expected_to_be_as_the_past_one_was() -> None:
    series = noisy(DAILY, 0.02)
    series[:, 400:412] *= 3
    events = [EventSpan("sale", 400, 412), EventSpan("sale", 680, 690)]
    found = forecast_many(series, 48, events=events)
    plain = forecast_many(series, 48, events=events[:1])
    assert found.value[:, 8:18] == pytest.approx(3 * plain.value[:, 8:18], rel=0.05)
    assert found.upper[0.8][:, 8:18] == pytest.approx(3 * plain.upper[0.8][:, 8:18], rel=0.05)
    assert found.value[:, 18:] == pytest.approx(plain.value[:, 18:])
