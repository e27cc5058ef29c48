"""Requests weighted by what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from models.request_metrics.buckets import RequestRates, canonical_bound, split_buckets
from models.request_metrics.weights import RequestWeights, fit_weights, read_weights
from models.vocabulary.errors import InputError

COST = np.array([0.005, 0.03, 0.6])
WEIGHTS = COST / COST.mean()
BOUNDS = ("0.1", "1", "+Inf")


def traffic(days: int = 14, seed: int = 3) -> np.ndarray:
    """Three classes of requests whose mix turns over the day; the slow one is rare and dear."""
    rng = np.random.default_rng(seed)
    at = 2 * np.pi * np.arange(days * 288) / 288
    fast = 80 + 60 * np.sin(at) + rng.normal(0, 6, len(at))
    middling = 20 + 15 * np.sin(at + 2.1) + rng.normal(0, 2, len(at))
    slow = 3 + 2.5 * np.sin(at + 4.0) + rng.normal(0, 0.6, len(at))
    return np.clip(np.stack([fast, middling, slow]), 0, None)


def cpu_of(rates: np.ndarray, seed: int = 4) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.03, rates.shape[1])
    return (0.2 + COST @ rates) * (1 + noise)


def cumulative(rates: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(BOUNDS, np.cumsum(rates, axis=0), strict=True))


def fitted(rates: np.ndarray, cpu: np.ndarray) -> RequestWeights:
    found = fit_weights(RequestRates(BOUNDS, rates), cpu)
    assert isinstance(found, RequestWeights), found
    return found


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_hidden_costs_are_found_within_ten_percent_where_plain_requests_explain_nothing(seed: int) -> None:
    rates = traffic(seed=seed)
    found = fitted(rates, cpu_of(rates, seed + 10))
    assert np.mean(found.weights) == pytest.approx(1.0)
    np.testing.assert_allclose(found.weights, WEIGHTS, rtol=0.10)
    assert found.held_out_r2 is not None
    assert found.held_out_r2 >= 0.95
    assert found.plain_held_out_r2 is not None
    assert found.plain_held_out_r2 <= 0.7
    assert found.base_cpu_cores == pytest.approx(0.2, abs=0.08)


def test_weights_are_stable_from_week_to_week_on_stationary_traffic() -> None:
    rates = traffic(days=28)
    found = fitted(rates, cpu_of(rates))
    assert found.weekly_change_ratio is not None
    assert found.weekly_change_ratio < 0.15
    assert fitted(rates[:, : 13 * 288], cpu_of(rates)[: 13 * 288]).weekly_change_ratio is None


def test_cpu_is_base_plus_cost_of_weighted_requests() -> None:
    rates = traffic()
    cpu = cpu_of(rates)
    found = fitted(rates, cpu)
    weighted = found.weigh(RequestRates(BOUNDS, rates))
    expected = found.base_cpu_cores + found.cpu_seconds_per_weighted_request * weighted
    assert np.corrcoef(expected, cpu)[0, 1] ** 2 > 0.95
    assert expected.mean() == pytest.approx(cpu.mean(), rel=0.02)


def test_a_bucket_with_hardly_a_request_costs_about_the_mean() -> None:
    rates = np.vstack([traffic(), np.zeros(14 * 288)])
    rates[3, 100] = 0.01
    found = fit_weights(RequestRates((*BOUNDS[:2], "5", "+Inf"), rates), cpu_of(rates[:3]))
    assert isinstance(found, RequestWeights)
    assert found.sparse_bounds == ("+Inf",)
    mean_cost = cpu_of(rates[:3]).sum() / rates.sum()
    assert found.weights[3] * found.cpu_seconds_per_weighted_request == pytest.approx(mean_cost, rel=0.05)


def test_bins_without_cpu_or_requests_are_left_out_and_not_taken_as_nothing() -> None:
    rates = traffic()
    cpu = cpu_of(rates)
    gaps = rates.copy()
    gaps[:, 500:900] = np.nan
    cpu_gaps = cpu.copy()
    cpu_gaps[2000:2300] = np.nan
    found = fitted(gaps, cpu_gaps)
    assert found.sample_count == 14 * 288 - 700
    np.testing.assert_allclose(found.weights, WEIGHTS, rtol=0.10)
    assert np.isnan(found.weigh(RequestRates(BOUNDS, gaps))[500:900]).all()


def test_too_little_data_is_a_reason() -> None:
    rates = traffic(days=1)[:, :200]
    assert fit_weights(RequestRates(BOUNDS, rates), cpu_of(rates)) == (
        "200 five-minute values with CPU and requests; 288 are needed"
    )
    silent = np.zeros((3, 400))
    assert fit_weights(RequestRates(BOUNDS, silent), np.ones(400)) == "no request was counted"


def test_buckets_are_differences_of_cumulative_ones() -> None:
    rates = traffic(days=1)
    found = split_buckets(cumulative(rates))
    assert found.upper_bounds == BOUNDS
    np.testing.assert_allclose(found.rates, rates, atol=1e-9)
    np.testing.assert_allclose(found.total, rates.sum(axis=0))


def test_a_bucket_is_never_negative_and_a_gap_stays_a_gap() -> None:
    found = split_buckets({"+Inf": np.array([5.0, np.nan]), "0.1": np.array([5.2, 1.0])})
    assert found.rates[:, 0].tolist() == [5.2, 0.0]
    assert np.isnan(found.rates[:, 1]).all()


def test_what_is_no_histogram_is_refused() -> None:
    with pytest.raises(InputError, match=r"\+Inf"):
        split_buckets({"0.1": np.ones(2), "1": np.ones(2)})
    with pytest.raises(InputError, match="bound of a bucket"):
        split_buckets({"fast": np.ones(2), "+Inf": np.ones(2)})


def test_one_bound_has_one_spelling() -> None:
    assert {canonical_bound(text) for text in ("1", "1.0", "1e0")} == {"1"}
    assert canonical_bound("+Inf") == canonical_bound("Inf") == "+Inf"


def test_weights_of_other_buckets_are_refused() -> None:
    rates = traffic()
    found = fitted(rates, cpu_of(rates))
    assert read_weights(found.to_document()) == found
    with pytest.raises(InputError, match="fit again"):
        found.weigh(RequestRates(("0.1", "+Inf"), rates[:2]))
