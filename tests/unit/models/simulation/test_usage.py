import numpy as np
import pytest

from models.simulation.life import build_timeline
from models.simulation.presets import build_scenario
from models.simulation.timeline import ClusterTimeline
from models.simulation.usage import UsageRows, iterate_usage, minute_levels, usage_between


@pytest.fixture(scope="module")
def timeline() -> ClusterTimeline:
    scenario = build_scenario("fortnight", seed=7)
    return build_timeline(scenario, scenario.clusters[0])


def test_any_split_of_the_time_gives_the_same_use(timeline: ClusterTimeline) -> None:
    day = (timeline.start, timeline.start + 86_400)
    whole = usage_between(timeline, *day)
    parts = [usage_between(timeline, begin, begin + 7200) for begin in range(*day, 7200)]
    for name in UsageRows.__dataclass_fields__:
        joined = np.concatenate([getattr(part, name) for part in parts])
        order = np.lexsort(
            (np.concatenate([p.start for p in parts]), np.concatenate([p.container for p in parts]))
        )
        np.testing.assert_array_equal(joined[order], getattr(whole, name))


def test_use_stays_below_limits_and_maxima_above_means(timeline: ClusterTimeline) -> None:
    for rows in iterate_usage(timeline, timeline.start, timeline.end):
        limits = timeline.containers.cpu_limit_cores[rows.container]
        memory_limits = timeline.containers.memory_limit_bytes[rows.container]
        assert np.all(np.isnan(limits) | (rows.cpu_usage_cores_max <= limits * (1 + 1e-6)))
        assert np.all(np.isnan(memory_limits) | (rows.memory_usage_bytes_max <= memory_limits * (1 + 1e-6)))
        assert np.all(rows.cpu_usage_cores <= rows.cpu_usage_cores_max)
        assert np.all(rows.memory_usage_bytes <= rows.memory_usage_bytes_max)
        assert np.all(rows.cpu_usage_cores >= 0)
        assert np.all((rows.seconds > 0) & (rows.seconds <= 300))


def test_every_second_of_every_container_is_there_once(timeline: ClusterTimeline) -> None:
    seconds = np.zeros(len(timeline.containers), dtype=np.int64)
    for rows in iterate_usage(timeline, timeline.start, timeline.end):
        seconds += np.bincount(rows.container, rows.seconds, minlength=len(seconds)).astype(np.int64)
    np.testing.assert_array_equal(seconds, timeline.containers.end - timeline.containers.start)


def test_a_leaking_container_is_killed_and_begins_again(timeline: ClusterTimeline) -> None:
    leaking = np.flatnonzero(timeline.containers.restart_period_seconds > 0)
    rows = usage_between(timeline, timeline.start, timeline.start + 3 * 86_400)
    first = leaking[0]
    mine = rows.container == first
    kills = np.flatnonzero(rows.oom_killed_count[mine])
    assert len(kills) == 3
    memory = rows.memory_usage_bytes[mine]
    assert memory[kills[0] - 1] > 1.8 * memory[kills[0] + 2]


def test_the_squeezed_service_is_throttled_and_others_without_limit_are_not(
    timeline: ClusterTimeline,
) -> None:
    rows = usage_between(timeline, timeline.start, timeline.start + 86_400)
    has_limit = ~np.isnan(timeline.containers.cpu_limit_cores[rows.container])
    assert np.isnan(rows.cpu_throttled_ratio[~has_limit]).all()
    assert rows.cpu_throttled_ratio[has_limit].max() > 0.3


def test_a_gap_hides_what_ran(timeline: ClusterTimeline) -> None:
    gap = timeline.plan.gaps[0]
    rows = usage_between(timeline, gap.start, gap.end)
    assert len(rows) > 0
    assert not rows.is_scraped.any()


def test_minutes_have_the_mean_and_the_maximum_of_their_bin() -> None:
    mean, highest = np.array([1.0, 2.0, 0.0]), np.array([3.0, 2.0, 0.0])
    levels = minute_levels(mean, highest, np.array([0, 4, 2]))
    np.testing.assert_allclose(levels.mean(axis=1), mean)
    np.testing.assert_allclose(levels.max(axis=1), highest)
