"""Other systems' rules on daily histograms, each against its definition on the samples themselves."""

from dataclasses import replace

import numpy as np
import pytest
from support.daily_use import from_samples, made_up, one_value_a_day

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS
from models.profiles.histogram import DecayingHistogram, Histogram
from models.vocabulary.windows import parse_instant
from recommender.rivals_fleet import (
    RIVAL_RULES,
    advise_as_ack,
    advise_as_autopilot,
    advise_as_crane,
    advise_as_krr,
    advise_as_krr_limit,
    advise_as_vpa,
    crane_bucket_end,
)


def test_vpa_reads_the_decaying_histogram_that_its_own_code_keeps():
    from datetime import timedelta

    use = made_up(8, 10)
    cpu, memory = advise_as_vpa(use)
    start = parse_instant("2026-10-01")
    for row in range(use.size):
        decaying = DecayingHistogram(CPU_BUCKETS, timedelta(days=1))
        peaks = DecayingHistogram(MEMORY_BUCKETS, timedelta(days=1))
        for day in range(use.day_count):
            at = start + timedelta(days=day)
            for bucket in np.flatnonzero(use.cpu_counts[row, day]):
                decaying.add_at(CPU_BUCKETS.start(int(bucket)), float(use.cpu_counts[row, day, bucket]), at)
            peaks.add_at(float(use.memory_maxima[row, day]), 1.0, at)
        assert cpu[row] == pytest.approx(decaying.percentile(0.9) * 1.15)
        assert memory[row] == pytest.approx(peaks.percentile(0.9) * 1.15)


def test_krr_takes_p95_and_the_maximum_of_fourteen_days():
    use = made_up(5, 20)
    cpu, memory = advise_as_krr(use)
    limit_cpu, limit_memory = advise_as_krr_limit(use)
    for row in range(use.size):
        counted = Histogram(CPU_BUCKETS)
        counted.weights = use.cpu_counts[row, -14:].sum(axis=0).astype(np.float64)
        assert cpu[row] == counted.percentile(0.95)
        assert limit_cpu[row] == counted.percentile(0.66)
        assert memory[row] == limit_memory[row] == use.memory_maxima[row, -14:].max() * 1.15


def test_krr_says_nothing_on_fewer_than_a_hundred_samples():
    cpu, _ = advise_as_krr(from_samples(np.full((1, 1, 99), 0.5), np.full((1, 1), 4e8)))
    assert np.isnan(cpu[0])


def test_crane_weighs_samples_by_their_value():
    cpu = np.full((1, 7, 100), 0.05)
    cpu[0, :, :2] = 5.0  # 2 % of the samples, two thirds of the value
    advised, memory = advise_as_crane(from_samples(cpu, np.full((1, 7), 4e8)))
    assert advised[0] == pytest.approx(crane_bucket_end(np.array([5.1]), 0.1)[0] * 1.15, rel=0.06)
    assert memory[0] % (100 * 2**20 * 1.15) == pytest.approx(0, abs=1.0)


@pytest.mark.parametrize(("value", "end"), [(0.0, 0.1), (0.05, 0.1), (0.1, 0.1), (0.11, 0.2)])
def test_a_linear_bucket_answers_its_end(value, end):
    assert crane_bucket_end(np.array([value]), 0.1)[0] == pytest.approx(end)


def test_ack_and_autopilot_read_memory_percentiles_where_samples_are_known():
    use = one_value_a_day(np.full((1, 14), 0.5), np.full((1, 14), 8e8))
    counts = np.zeros((1, 14, MEMORY_BUCKETS.count), dtype=np.float32)
    counts[:, :, MEMORY_BUCKETS.find([2e8])[0]] = 285
    counts[:, :, MEMORY_BUCKETS.find([8e8])[0]] = 1
    with_samples = replace(use, memory_counts=counts)
    low = MEMORY_BUCKETS.upper_edges[MEMORY_BUCKETS.find([2e8])[0]]
    assert advise_as_ack(with_samples)[1][0] == pytest.approx(low * 1.15)
    assert advise_as_autopilot(with_samples)[1][0] == pytest.approx(low * 1.10)
    assert advise_as_ack(use)[1][0] > 8e8


@pytest.mark.parametrize("name", RIVAL_RULES)
def test_no_measurement_gives_no_answer(name):
    nothing = one_value_a_day(np.full((2, 14), np.nan), np.full((2, 14), np.nan))
    for answer in RIVAL_RULES[name](nothing):
        assert np.isnan(answer).all()
