"""VPA's own unit tests, from the reference vectors."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, exponential_buckets, linear_buckets
from models.profiles.histogram import DecayingHistogram, Histogram
from models.vocabulary.errors import InputError

START = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def vectors(shared_folder: Path) -> dict:
    return json.loads((shared_folder / "vectors" / "rightsizing.json").read_text())


def test_bucket_options_equal_vpas(vectors):
    for case in vectors["vpa_histogram_options"]:
        if case["kind"] == "linear":
            buckets = linear_buckets(case["max"], case["bucket"])
        else:
            buckets = exponential_buckets(case["max"], case["first"], case["ratio"])
        assert buckets.count == case["num_buckets"]
        for bucket, start in case.get("start", {}).items():
            assert buckets.start(int(bucket)) == pytest.approx(start)
        for value, bucket in case.get("find", {}).items():
            assert buckets.find([float(value)])[0] == bucket


def test_percentiles_are_ends_of_buckets(vectors):
    case = vectors["vpa_percentile_linear_10_1"]
    histogram = Histogram(linear_buckets(10, 1))
    for value, weight in case["samples"]:
        histogram.add(value, weight)
    assert {p: histogram.percentile(float(p)) for p in case["expect"]} == case["expect"]


def test_percentiles_outside_zero_and_one_are_the_ends(vectors):
    case = vectors["vpa_percentile_out_of_bounds_linear_1_0.1"]
    histogram = Histogram(linear_buckets(1, 0.1))
    for samples, expected in (("samples", "expect"), ("then_samples", "then_expect")):
        for value, weight in case[samples]:
            histogram.add(value, weight)
        for probability, answer in case[expected].items():
            assert histogram.percentile(float(probability)) == pytest.approx(answer)


@pytest.mark.parametrize("name", ["vpa_decaying_halflife_1h_linear_10_1", "vpa_decay_simple"])
def test_decay_halves_weights_every_half_life(vectors, name):
    case = vectors[name]
    histogram = DecayingHistogram(linear_buckets(10, 1), timedelta(hours=1))
    for value, weight, hour in case["samples_value_weight_hour"]:
        histogram.add_at(value, weight, START + timedelta(hours=hour))
    assert {p: histogram.percentile(float(p)) for p in case["expect"]} == case["expect"]


def test_the_reference_of_decay_moves_before_weights_overflow():
    histogram = DecayingHistogram(linear_buckets(10, 1), timedelta(hours=1))
    for day in range(100):
        histogram.add_at(day % 10, 1.0, START + timedelta(days=day))
    assert histogram.percentile(1.0) == 10
    assert histogram.weights.max() < 1e40


def test_an_empty_histogram_answers_zero():
    assert Histogram(CPU_BUCKETS).is_empty()
    assert Histogram(CPU_BUCKETS).percentile(0.5) == 0.0


def test_the_default_schemes_have_176_buckets():
    assert (CPU_BUCKETS.count, MEMORY_BUCKETS.count) == (176, 176)


def test_histograms_on_other_buckets_are_not_merged():
    with pytest.raises(InputError, match="other buckets"):
        Histogram(CPU_BUCKETS).merge(Histogram(MEMORY_BUCKETS))


def test_buckets_without_size_are_refused():
    with pytest.raises(InputError, match="must be positive"):
        linear_buckets(1, 0)
    with pytest.raises(InputError, match="ratio above 1"):
        exponential_buckets(1, 0.1, 1.0)
