import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.simulation.life import build_timeline
from models.simulation.noise import hash_steps, normal, uniform
from models.simulation.presets import build_scenario
from models.simulation.usage import iterate_usage, minute_levels


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_seed_gives_a_cluster_that_obeys_its_own_limits(seed: int) -> None:
    scenario = build_scenario("fortnight", seed=seed, days=2)
    timeline = build_timeline(scenario, scenario.clusters[0])
    assert timeline.pods
    for pod in timeline.pods:
        node = timeline.nodes[pod.node]
        assert node.created_at <= pod.started_at < pod.ended_at <= node.deleted_at
        assert pod.listed_until >= pod.ended_at or not pod.is_completed
    seconds = 0
    for rows in iterate_usage(timeline, timeline.start, timeline.end):
        limit = timeline.containers.cpu_limit_cores[rows.container]
        assert np.all(np.isnan(limit) | (rows.cpu_usage_cores_max <= limit * (1 + 1e-6)))
        assert np.isfinite(rows.cpu_usage_cores).all()
        assert np.isfinite(rows.memory_usage_bytes).all()
        seconds += int(rows.seconds.sum())
    assert seconds == int((timeline.containers.end - timeline.containers.start).sum())


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**7))
def test_noise_of_a_place_does_not_depend_on_its_neighbours(seed: int, step: int) -> None:
    seeds = np.full(5, seed, dtype=np.uint64)
    steps = np.arange(step, step + 5)
    many = hash_steps(seeds, steps)
    assert many[3] == hash_steps(seeds[:1], steps[3:4])[0]
    assert np.all((uniform(many) >= 0) & (uniform(many) < 1))
    assert np.all(np.abs(normal(many)) <= 3.47)


@given(st.lists(st.tuples(st.floats(0, 64), st.floats(1, 5), st.integers(0, 4)), min_size=1, max_size=20))
def test_five_minutes_keep_mean_and_maximum(bins: list[tuple[float, float, int]]) -> None:
    mean = np.array([value for value, _, _ in bins])
    highest = mean * np.array([ratio for _, ratio, _ in bins])
    levels = minute_levels(mean, highest, np.array([minute for _, _, minute in bins]))
    np.testing.assert_allclose(levels.mean(axis=1), mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(levels.max(axis=1), highest, rtol=1e-9, atol=1e-12)
    assert np.all(levels >= -1e-9)
