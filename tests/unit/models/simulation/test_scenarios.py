from collections import Counter

import numpy as np
import pytest

from models.simulation.instance_types import INSTANCE_TYPES
from models.simulation.life import build_timeline
from models.simulation.presets import PRESET_NAMES, build_scenario
from models.simulation.scenario import Shape
from models.simulation.timeline import ClusterTimeline, effective_request
from models.simulation.truth import cost_between, prices_of
from models.vocabulary.errors import UsageError


@pytest.fixture(scope="module")
def demo() -> dict[str, ClusterTimeline]:
    scenario = build_scenario("demo", seed=7)
    return {plan.name: build_timeline(scenario, plan) for plan in scenario.clusters}


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_the_same_seed_gives_the_same_objects_and_another_seed_others(name: str) -> None:
    def build(seed: int) -> ClusterTimeline:
        scenario = build_scenario(name, seed=seed, pods=60, days=3)
        return build_timeline(scenario, scenario.clusters[0])

    first, again, other = build(1), build(1), build(2)
    assert first.pods == again.pods
    assert first.nodes == again.nodes
    np.testing.assert_array_equal(
        first.containers.cpu_usage_cores_mean, again.containers.cpu_usage_cores_mean
    )
    assert [pod.uid for pod in first.pods] != [pod.uid for pod in other.pods]


def test_the_demo_has_every_kind_of_workload_and_shape(demo: dict[str, ClusterTimeline]) -> None:
    workloads = [workload for timeline in demo.values() for workload in timeline.plan.workloads]
    assert {w.kind for w in workloads} == {"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Pod"}
    assert {w.shape for w in workloads} == set(Shape)
    assert len({w.team for w in workloads}) >= 10
    assert any(len(w.containers) > 1 for w in workloads)
    assert {node.pool.purchase_option for t in demo.values() for node in t.nodes} == {"on_demand", "spot"}


def test_pods_end_at_rollouts_and_new_ones_have_another_template_hash(
    demo: dict[str, ClusterTimeline],
) -> None:
    timeline = demo["prod-eu"]
    index = next(i for i, w in enumerate(timeline.plan.workloads) if w.kind == "Deployment" and w.rollouts)
    pods = [pod for pod in timeline.pods if pod.workload == index]
    hashes = {timeline.revision_of(pod).template_hash for pod in pods}
    assert len(hashes) == len(timeline.plan.workloads[index].rollouts) + 1


def test_jobs_run_for_seconds_or_minutes_and_complete(demo: dict[str, ClusterTimeline]) -> None:
    lengths = [pod.ended_at - pod.started_at for t in demo.values() for pod in t.pods if pod.is_completed]
    assert min(lengths) <= 10
    assert max(lengths) >= 1200


def test_a_node_that_goes_takes_its_pods_and_others_take_over(demo: dict[str, ClusterTimeline]) -> None:
    timeline = demo["prod-us"]
    lost = next(node for node in timeline.nodes if node.is_deleted)
    on_it = [pod for pod in timeline.pods if pod.node == lost.position]
    assert max(pod.ended_at for pod in on_it) <= lost.deleted_at
    slots = Counter((pod.workload, pod.slot) for pod in timeline.pods if pod.started_at > lost.deleted_at)
    moved = [pod for pod in on_it if pod.ended_at == lost.deleted_at and pod.owner_kind == "ReplicaSet"]
    assert moved
    assert all(slots[pod.workload, pod.slot] for pod in moved)


def test_the_optimisation_stage_halves_requests_and_removes_nodes(demo: dict[str, ClusterTimeline]) -> None:
    timeline = demo["prod-eu"]
    stage = build_scenario("demo", seed=7).initiatives[0]
    general = [node for node in timeline.nodes if node.pool.name == stage.node_pool]

    def nodes_at(moment: int) -> int:
        return sum(node.created_at <= moment < node.deleted_at for node in general)

    assert nodes_at(stage.finished_at) <= nodes_at(stage.started_at) - 2
    assert timeline.pending_pod_count < 10


@pytest.mark.parametrize("cluster", ["prod-eu", "prod-us", "dev"])
def test_requests_fit_into_what_is_allocatable_at_any_time(
    demo: dict[str, ClusterTimeline], cluster: str
) -> None:
    timeline = demo[cluster]
    for moment in range(timeline.start + 3600, timeline.end, 86_400 * 5 + 3500):
        cpu, memory = np.zeros(len(timeline.nodes)), np.zeros(len(timeline.nodes))
        for pod in timeline.pods:
            if pod.started_at <= moment < pod.ended_at:
                workload = timeline.workload_of(pod)
                ratio = workload.rollouts[pod.revision - 1].request_ratio if pod.revision else 1.0
                request = effective_request(workload.containers, ratio)
                cpu[pod.node] += request[0]
                memory[pod.node] += request[1]
        for node in timeline.nodes:
            kind = INSTANCE_TYPES[node.pool.instance_type]
            assert cpu[node.position] <= kind.cpu_allocatable_cores + 1e-6
            assert memory[node.position] <= kind.memory_allocatable_bytes


def test_a_price_change_splits_the_cost_of_a_node_by_seconds(demo: dict[str, ClusterTimeline]) -> None:
    scenario = build_scenario("demo", seed=7)
    pool = demo["prod-eu"].plan.pools[0]
    before, after = prices_of(scenario, "eu-central-1", pool)
    change = after.start
    list_cost, _, effective = cost_between((before, after), change - 1800, change + 1800)
    assert list_cost == (before.list_price + after.list_price) / 2
    assert effective < list_cost


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="choose one of demo, fortnight, fleet"):
        build_scenario("nothing", seed=1)
    with pytest.raises(UsageError, match="at least one"):
        build_scenario("fleet", seed=1, pods=0)
