"""How closely the simulation follows recorded data: the figures of docs/simulator.md, and when they fail."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.simulation import distributions as fitted
from models.simulation.company import Draw
from models.simulation.life import build_timeline
from models.simulation.presets import build_scenario
from models.simulation.scenario import ContainerPlan, Shape
from models.simulation.shapes import SHAPE_LOG_SD, demand_level
from models.simulation.timeline import ClusterTimeline
from models.simulation.usage import iterate_usage, usage_between

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@pytest.fixture(scope="module")
def fleet() -> ClusterTimeline:
    scenario = build_scenario("fleet", seed=7, pods=3000)
    return build_timeline(scenario, scenario.clusters[0])


@pytest.fixture(scope="module")
def drawn(fleet: ClusterTimeline) -> np.ndarray:
    """Return the containers whose size was drawn, not written by hand: no agents, no init containers."""
    names = np.array([plan.name for plan in fleet.container_plans])[fleet.containers.plan]
    return np.flatnonzero(np.isin(names, ("app", "proxy")))


def log_distance(left: np.ndarray, right: np.ndarray) -> float:
    """Return the mean distance of the logarithms of the quantiles."""
    pairs = np.log(np.quantile(left, LEVELS)), np.log(np.quantile(right, LEVELS))
    return float(np.mean(np.abs(pairs[0] - pairs[1])))


def recorded_ratio(shared_data: Path, used: str, requested: str) -> np.ndarray:
    frame = pd.read_parquet(shared_data / "usage" / "openshift_cluster_3h.parquet")
    ratio = (frame[used] / frame[requested]).to_numpy()
    return ratio[np.isfinite(ratio) & (ratio > 0)]


def ratios(containers: list[ContainerPlan], used: str, requested: str) -> np.ndarray:
    values = [(getattr(one, used), getattr(one, requested)) for one in containers]
    return np.array([use / request for use, request in values if request])


@pytest.mark.parametrize(
    ("used", "requested", "recorded_used", "recorded_requested"),
    [
        ("cpu_usage_cores_mean", "cpu_request_cores", "cpu_usage_cores", "cpu_request_cores"),
        ("memory_usage_bytes_mean", "memory_request_bytes", "mem_usage_bytes", "mem_request_bytes"),
    ],
)
def test_platform_services_follow_the_recorded_cluster(
    shared_data: Path, used: str, requested: str, recorded_used: str, recorded_requested: str
) -> None:
    draw = Draw(seed=7)
    containers = [draw.platform_service("operator", ("general",)).containers[0] for _ in range(3000)]
    recorded = recorded_ratio(shared_data, recorded_used, recorded_requested)
    assert log_distance(ratios(containers, used, requested), recorded) < 0.15


def test_cpu_of_applications_lies_between_recorded_pods_of_larger_and_largest_requests(
    shared_data: Path, fleet: ClusterTimeline, drawn: np.ndarray
) -> None:
    frame = pd.read_parquet(shared_data / "usage" / "openshift_cluster_3h.parquet")
    ratio = (fleet.containers.cpu_usage_cores_mean / fleet.containers.cpu_request_cores)[drawn]
    ratio = ratio[np.isfinite(ratio)]
    bounds = []
    for smallest in (0.1, 0.2):
        larger = frame[(frame.cpu_request_cores >= smallest) & (frame.cpu_usage_cores > 0)]
        recorded = (larger.cpu_usage_cores / larger.cpu_request_cores).to_numpy()
        assert recorded.max() < 1
        bounds.append(np.quantile(recorded, LEVELS))
    middle = np.sqrt(bounds[0] * bounds[1])
    np.testing.assert_allclose(np.log(np.quantile(ratio, LEVELS)), np.log(middle), atol=0.15)
    assert 0.005 < np.mean(ratio > 1) < 0.05


def test_memory_of_applications_lies_where_the_recorded_applications_do(
    shared_data: Path, fleet: ClusterTimeline, drawn: np.ndarray
) -> None:
    frame = pd.read_parquet(shared_data / "usage" / "openshift_containers_15min.parquet")
    means = frame.groupby("series")[["memory_usage_container_avg", "memory_request_container_avg"]].mean()
    recorded = (means.memory_usage_container_avg / means.memory_request_container_avg).dropna()
    applications = recorded[~recorded.index.str.contains("operator")]
    assert len(applications) == 5
    ratio = (fleet.containers.memory_usage_bytes_mean / fleet.containers.memory_request_bytes)[drawn]
    ratio = ratio[np.isfinite(ratio)]
    assert np.median(ratio) == pytest.approx(applications.median(), abs=0.06)
    assert np.quantile(ratio, 0.2) < applications.min()
    assert applications.max() < np.quantile(ratio, 0.85)


def test_most_applications_use_clearly_less_memory_than_they_request(
    fleet: ClusterTimeline, drawn: np.ndarray
) -> None:
    ratio = (fleet.containers.memory_usage_bytes_mean / fleet.containers.memory_request_bytes)[drawn]
    ratio = ratio[np.isfinite(ratio)]
    assert np.mean(ratio < 0.7) == pytest.approx(0.79, abs=0.04)
    assert np.mean(ratio > 0.95) == pytest.approx(0.07, abs=0.03)


def test_as_many_containers_have_no_limit_as_recorded(
    shared_data: Path, fleet: ClusterTimeline, drawn: np.ndarray
) -> None:
    frame = pd.read_parquet(shared_data / "usage" / "openshift_cluster_3h.parquet")
    for ours, theirs in (
        (fleet.containers.cpu_limit_cores, "cpu_limit_cores"),
        (fleet.containers.memory_limit_bytes, "mem_limit_bytes"),
    ):
        assert abs(np.isnan(ours[drawn]).mean() - frame[theirs].isna().mean()) < 0.06


def test_five_minute_maxima_stand_above_means_as_recorded(shared_data: Path, fleet: ClusterTimeline) -> None:
    usage = shared_data / "usage"
    mean = pd.read_parquet(usage / "azure_v1_avg_vm00_49.parquet").to_numpy()
    highest = pd.read_parquet(usage / "azure_v1_max_vm00_49.parquet").to_numpy()
    recorded = (highest / mean)[np.isfinite(highest / mean)]
    rows = usage_between(fleet, fleet.start, fleet.start + 4 * 3600)
    free = np.isnan(fleet.containers.cpu_limit_cores[rows.container])
    ratio = (rows.cpu_usage_cores_max / rows.cpu_usage_cores)[free]
    for level in (0.25, 0.5, 0.75, 0.9):
        assert np.quantile(ratio, level) == pytest.approx(np.quantile(recorded, level), rel=0.15)


def test_noise_of_single_series_is_as_wide_as_recorded(shared_data: Path) -> None:
    frame = pd.read_parquet(shared_data / "usage" / "azure_v1_avg_vm00_49.parquet")
    recorded = np.log(frame.clip(lower=0.01)).std().to_numpy()
    for level in (0.25, 0.5, 0.75, 0.9):
        assert float(fitted.CPU_NOISE_LOG_SD.at(level)) == pytest.approx(
            np.quantile(recorded, level), rel=0.1
        )


def test_whole_series_with_shape_and_noise_are_about_as_wide_as_recorded(shared_data: Path) -> None:
    frame = pd.read_parquet(shared_data / "usage" / "azure_v1_avg_vm00_49.parquet")
    recorded = np.log(frame.clip(lower=0.01)).std().to_numpy()
    scenario = build_scenario("fleet", seed=7, pods=150, days=14)
    timeline = build_timeline(scenario, scenario.clusters[0])
    parts = list(iterate_usage(timeline, timeline.start, timeline.end))
    rows = pd.DataFrame(
        {
            "container": np.concatenate([part.container for part in parts]),
            "log": np.log(np.maximum(np.concatenate([part.cpu_usage_cores for part in parts]), 1e-6)),
        }
    )
    spread = rows.groupby("container").log.agg(["std", "count"])
    simulated = spread["std"][spread["count"] > 2000].to_numpy()
    for level in (0.25, 0.5, 0.75, 0.9):
        assert np.quantile(simulated, level) == pytest.approx(np.quantile(recorded, level), abs=0.25)


@pytest.mark.parametrize("shape", [s for s in Shape if s is not Shape.FLASH_SALE])
def test_the_spread_of_each_shape_is_known(fleet: ClusterTimeline, shape: Shape) -> None:
    plan = replace(fleet.plan.workloads[0], shape=shape, phase_hours=0)
    times = np.arange(fleet.start, fleet.start + 14 * 86_400, 300)
    level = demand_level(plan, times, (int(times[0]), int(times[-1])), 1)
    assert np.log(level).std() == pytest.approx(SHAPE_LOG_SD[shape], abs=0.06)


def test_days_and_hours_of_a_weekly_workload_follow_the_recorded_pools(
    shared_data: Path, fleet: ClusterTimeline
) -> None:
    pools = pd.read_parquet(shared_data / "usage" / "pools_dev_aug01_23.parquet")
    day = pools.assign(day=pools.ts.dt.day_of_week).pivot_table("cpu", "cluster", "day")
    recorded = day.div(day.mean(axis="columns"), axis="index").median().to_numpy()
    np.testing.assert_allclose(fitted.WEEKDAY_LEVEL, recorded, rtol=0.01)
    working = pools[pools.ts.dt.day_of_week < 5]
    hour = working.assign(hour=working.ts.dt.hour).pivot_table("cpu", "cluster", "hour")
    recorded = hour.div(hour.mean(axis="columns"), axis="index").median().to_numpy()
    assert np.corrcoef(fitted.HOUR_LEVEL, recorded)[0, 1] > 0.99
    weekly = next(plan for plan in fleet.plan.workloads if plan.shape == "weekly" and plan.phase_hours == 0)
    times = np.arange(fleet.start, fleet.start + 7 * 86_400, 300)
    level = demand_level(weekly, times, (fleet.start, fleet.end), 1)
    by_day = level.reshape(7, 288).mean(axis=1)
    assert by_day[6] / by_day[:5].mean() < 0.6
    assert level.mean() == pytest.approx(1.0, abs=0.05)
