from datetime import timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS
from models.profiles.histogram import Histogram, count_above, decay_weight, merge_lists, read_percentiles

cores = st.floats(0.0, 900.0)
samples = st.lists(cores, min_size=1, max_size=60)
probabilities = st.floats(0.0, 1.0)


def filled(values: list[float]) -> Histogram:
    histogram = Histogram(CPU_BUCKETS)
    for value in values:
        histogram.add(value, 1.0)
    return histogram


def sparse(histogram: Histogram) -> tuple[list[int], list[int]]:
    index = np.flatnonzero(histogram.weights)
    return index.tolist(), histogram.weights[index].astype(int).tolist()


@settings(deadline=None)
@given(samples, samples, probabilities)
def test_merging_is_the_histogram_of_the_union(one, other, probability):
    merged = filled(one)
    merged.merge(filled(other))
    assert merged.percentile(probability) == filled(one + other).percentile(probability)


@settings(deadline=None)
@given(st.lists(samples, min_size=1, max_size=6), st.integers(1, 3))
def test_stored_lists_merge_into_the_same_counts(parts, group_count):
    histograms = [filled(part) for part in parts]
    group = np.arange(len(parts)) % group_count
    lists = [sparse(histogram) for histogram in histograms]
    merged = merge_lists(
        pa.array([index for index, _ in lists], pa.list_(pa.int16())),
        pa.array([count for _, count in lists], pa.list_(pa.int32())),
        group,
        (group_count, CPU_BUCKETS.count),
    )
    for number in range(group_count):
        expected = sum(
            (h.weights for h, g in zip(histograms, group, strict=True) if g == number), np.zeros(176)
        )
        assert np.array_equal(merged[number], expected)


@settings(deadline=None)
@given(samples, st.permutations(range(8)))
def test_the_order_of_samples_does_not_matter(values, order):
    shuffled = [values[index % len(values)] for index in order] + values
    assert filled(shuffled).percentile(0.9) == filled(shuffled[::-1]).percentile(0.9)


@settings(deadline=None)
@given(samples, probabilities, probabilities)
def test_percentiles_rise_with_the_probability(values, low, high):
    histogram = filled(values)
    assert histogram.percentile(min(low, high)) <= histogram.percentile(max(low, high))


@settings(deadline=None)
@given(samples, probabilities)
def test_a_percentile_is_never_below_the_true_one(values, probability):
    ordered = sorted(values)
    rank = max(int(np.ceil(probability * len(ordered))) - 1, 0)
    assert filled(values).percentile(probability) >= ordered[rank]


@settings(deadline=None)
@given(st.lists(st.floats(0.05, 50.0), min_size=1, max_size=40), st.floats(1.0, 10.0))
def test_scaling_use_scales_the_percentile_within_a_bucket(values, factor):
    plain = filled(values).percentile(0.9)
    scaled = filled([value * factor for value in values]).percentile(0.9)
    # From 0.05 cores on a bucket is at most 22 % of its value wide, later 5 %.
    assert abs(scaled / (plain * factor) - 1) < 0.22


@settings(deadline=None)
@given(samples, cores)
def test_counting_above_is_never_too_low(values, threshold):
    counted = count_above(filled(values).weights[None, :], np.array([threshold]), CPU_BUCKETS)[0]
    assert counted >= sum(value > threshold * (1 + 1e-9) for value in values)


@settings(deadline=None)
@given(st.floats(0, 1e7), st.floats(3600, 1e6))
def test_decay_halves_with_every_half_life(age, half_life):
    ages = np.array([age, age + half_life])
    weights = decay_weight(ages, timedelta(seconds=half_life))
    assert 0 <= weights[1] <= weights[0] <= 1
    assert np.isclose(weights[1], weights[0] / 2, rtol=1e-9, atol=1e-300)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 9e11), min_size=1, max_size=50))
def test_every_value_lies_in_the_bucket_that_is_found(values):
    found = MEMORY_BUCKETS.find(values)
    starts = MEMORY_BUCKETS.starts
    for value, bucket in zip(values, found, strict=True):
        assert starts[bucket] <= value
        assert bucket == MEMORY_BUCKETS.count - 1 or value < starts[bucket + 1]


def test_an_empty_histogram_has_no_percentile():
    assert np.isnan(read_percentiles(np.zeros((1, 176)), [0.5], CPU_BUCKETS)).all()
