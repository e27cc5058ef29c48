import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecast.backtest import absolute_errors, choose_models, list_origins
from models.forecast.month_end import forecast_remaining
from models.forecast.seasonal_naive import is_naive, list_models

costs = st.lists(st.floats(0.0, 1000.0), min_size=35, max_size=35)


@settings(deadline=None)
@given(st.lists(costs, min_size=1, max_size=4))
def test_the_choice_is_never_worse_than_the_best_naive_on_held_out_days(rows):
    series = np.array(rows)
    models = list_models({"week": 7}, 35)
    origins = list_origins(35, 7, 14)
    choice = choose_models(series, models, 7, origins)
    held_out = origins[max(len(origins) // 2, 1) :]
    chosen = sum(
        absolute_errors(series[row : row + 1], models[name], 7, held_out).sum()
        for row, name in enumerate(choice.model)
    )
    naive = min(
        absolute_errors(series, model, 7, held_out).sum() for name, model in models.items() if is_naive(name)
    )
    assert chosen <= naive * (1 + 1e-9)


@settings(deadline=None)
@given(costs, st.floats(0.1, 50.0), st.integers(0, 31))
def test_scaling_money_scales_the_forecast(row, factor, remaining):
    series = np.array([row])
    (plain,), (scaled,) = (
        forecast_remaining(series, remaining),
        forecast_remaining(series * factor, remaining),
    )
    if plain.model == scaled.model:
        assert np.allclose(scaled.daily, plain.daily * factor, rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(costs, st.integers(1, 31))
def test_a_forecast_of_costs_is_never_negative(row, remaining):
    (found,) = forecast_remaining(np.array([row]), remaining)
    assert (found.daily >= 0).all()
    assert found.half_width_ratio is None or found.half_width_ratio >= 0
