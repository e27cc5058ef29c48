from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from support.cluster_objects import store_objects
from support.container_usage import GIB, Container, constant, observed
from support.life import advice, save

from ingest.kubernetes.history import ObjectHistory
from models.packing.removal import RemovalState
from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import (
    ExplanationRecord,
    ResourceEvidence,
    ResourceValues,
    Rollback,
    StatedSavings,
)
from models.vocabulary.windows import HOUR, HourWindow, day_start
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.advice_beside import add_bankable
from service.usecases.allocation import allocate
from service.usecases.bankable import PoolSaving, estimate_bankable
from service.usecases.bankable_oversell import NO_PLAN, estimate_with_oversell
from service.usecases.node_removals import list_removals
from service.usecases.pool_contents import read_pods
from warehouse.lake.derived_tables import OVERSELL_PLAN

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
START = day_start(date(2026, 9, 7))
NODES = ("node-1", "node-2", "node-3")
CREATED = (START - timedelta(days=1)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def three_nodes(tmp_path) -> Iterator[Runtime]:
    """Three nodes of 8 cores with one small pod each: by room alone two could go."""
    runtime = Runtime.for_test(tmp_path, now=START + timedelta(hours=3), reporting_currency="EUR")
    small = [
        Container(workload=f"w{n}", cpu=constant(0.1), cpu_request=1.0, memory_request=GIB, node=f"node-{n}")
        for n in (1, 2, 3)
    ]
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(small, list(NODES), START, 3), held.lease)
    runtime.warehouse.prices.replace([PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), START)])
    allocate(runtime)
    yield runtime
    runtime.warehouse.close()


def node(name: str, **spec: Any) -> dict[str, Any]:
    """Return a node whose key is its provider id."""
    return {
        "kind": "Node",
        "metadata": {"name": name, "uid": f"node-uid-{name}", "creationTimestamp": CREATED, "labels": {}},
        "spec": {"providerID": name, **spec},
        "status": {"capacity": {"cpu": "8"}, "allocatable": {"cpu": "8"}},
    }


def pod(number: int, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return the pod of workload ``w<number>``, of the uid that its usage rows have."""
    name = f"w{number}"
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": UIDS[number],
            "creationTimestamp": CREATED,
            "labels": {"app": "web"},
            "annotations": annotations or {},
        },
        "spec": {"nodeName": f"node-{number}", "containers": [{"name": "app"}], **spec},
        "status": {"phase": "Running"},
    }


UIDS: dict[int, str] = {}


def bank(runtime: Runtime, *objects: dict[str, Any]) -> PoolSaving:
    store_objects(runtime, START, *objects)
    (pool,) = estimate_bankable(runtime, PLATFORM)
    return pool


@pytest.fixture(autouse=True)
def _uids(three_nodes) -> None:
    for found in read_pods(three_nodes, "alpha", HourWindow(START, START + HOUR)):
        UIDS[int(found.workload.name[1:])] = found.uid


def test_room_alone_frees_two_nodes_and_says_what_is_not_known(three_nodes):
    (pool,) = estimate_bankable(three_nodes, PLATFORM)
    assert (pool.removable_then, len(pool.removable_nodes)) == (2, 2)
    assert pool.note.startswith("taints, affinity")
    assert pool.removable_saving_per_month_now == pool.bankable_saving_per_month == 2 * Decimal("0.40") * 720


def test_a_suggestion_is_not_credited_with_nodes_that_could_go_without_it(three_nodes):
    smaller = ResourceValues(0.5, None, GIB, GIB)
    bare = advice("w1", advised=smaller)
    kept = ResourceEvidence("cpu", "p95", 0.4, None, 0.5, 0.5)
    record = ExplanationRecord(
        *(kept, kept, bare.window_start, bare.window_end, 7.0, 2016, 1.0, (), None),
        savings=StatedSavings(Decimal(10), "EUR", "per pool", "not measured yet"),
        rollback=Rollback(bare.current, "runbook"),
        sentence="In words.",
    )
    (answer,) = add_bankable(three_nodes, "alpha", [replace(bare, record=record)], three_nodes.now())
    savings = answer.record.savings
    assert (savings.bankable_pool_saving_per_month, savings.share_of_pool_ratio) == (0, 1.0)
    assert "2 of 3 nodes could go with all suggestions applied, 2 without any" in savings.bankable


def test_with_the_api_the_same_pods_without_rules_free_the_same_nodes(three_nodes):
    pool = bank(three_nodes, *map(node, NODES), *map(pod, (1, 2, 3)))
    assert (pool.removable_then, pool.pinned_pod_count, pool.note) == (2, 0, "")


def test_a_taint_that_only_one_pod_tolerates_keeps_the_others_off(three_nodes):
    taints = [{"key": "team", "value": "ml", "effect": "NoSchedule"}]
    tolerant = pod(1, tolerations=[{"key": "team", "operator": "Exists"}])
    bound = {**tolerant, "spec": {**tolerant["spec"], "nodeSelector": {"only": "here"}}}
    first = node("node-1", taints=taints)
    first["metadata"]["labels"] = {"only": "here"}
    pool = bank(three_nodes, first, node("node-2"), node("node-3"), bound, pod(2), pod(3))
    assert pool.removable_then == 1
    assert set(pool.removable_nodes) <= {"node-2", "node-3"}


def test_pods_that_must_stay_apart_free_nothing(three_nodes):
    apart = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {
                    "topologyKey": "kubernetes.io/hostname",
                    "labelSelector": {"matchLabels": {"app": "web"}},
                }
            ]
        }
    }
    pods = [pod(n, affinity=apart) for n in (1, 2, 3)]
    assert bank(three_nodes, *map(node, NODES), *pods).removable_then == 0


@pytest.mark.parametrize("why", ["annotation", "host path", "budget"])
def test_pods_that_cannot_be_moved_keep_their_nodes(three_nodes, why):
    changes: dict[str, Any] = {}
    extra = []
    if why == "annotation":
        changes = {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}}
    if why == "host path":
        changes = {"volumes": [{"name": "data", "hostPath": {"path": "/data"}}]}
    if why == "budget":
        extra = [
            {
                "kind": "PodDisruptionBudget",
                "metadata": {"name": "web", "namespace": "shop", "uid": "p", "creationTimestamp": CREATED},
                "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
            }
        ]
    pods = [pod(1, **changes), pod(2, **changes), pod(3, **(changes if why == "budget" else {}))]
    pool = bank(three_nodes, *map(node, NODES), *pods, *extra)
    pinned = 3 if why == "budget" else 2
    assert (pool.pinned_pod_count, pool.removable_then) == (pinned, 3 - pinned)


def test_a_budget_that_was_deleted_pins_nothing_any_more(three_nodes):
    budget = {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "shop", "uid": "p", "creationTimestamp": CREATED},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
    }
    objects = [*map(node, NODES), *map(pod, (1, 2, 3))]
    history = ObjectHistory("alpha")
    for one in (*objects, budget):
        history.see(one["kind"], one, START)
    history.see_gone("PodDisruptionBudget", budget, START + HOUR)
    three_nodes.warehouse.lake.add_absent("object_history", history.take().object_history)
    (pool,) = estimate_bankable(three_nodes, PLATFORM)
    assert (pool.pinned_pod_count, pool.removable_then) == (0, 2)


def test_a_node_that_goes_is_locked_then_emptied_and_each_state_names_the_next_step(three_nodes):
    first, second = (one.node for one in list_removals(three_nodes, PLATFORM))
    history = ObjectHistory("alpha")
    for one in (*map(node, NODES), *map(pod, (1, 2, 3))):
        history.see(one["kind"], one, START)
    history.see("Node", node(first, unschedulable=True), START + HOUR)
    three_nodes.warehouse.lake.add_absent("object_history", history.take().object_history)
    by_node = {one.node: one for one in list_removals(three_nodes, PLATFORM)}
    assert (by_node[first].state, by_node[first].movable_pod_count) == (RemovalState.LOCKED, 1)
    assert by_node[first].next_step.startswith(f"kubectl drain {first}")
    assert by_node[second].state is RemovalState.ADVISED
    assert by_node[second].next_step == f"kubectl cordon {second}"


def test_a_locked_node_that_went_is_offline_and_an_owner_sees_no_nodes(three_nodes):
    store_objects(three_nodes, START, *map(node, NODES), node("node-4", unschedulable=True))
    gone = Container(workload="w4", cpu=constant(0.1), cpu_request=1.0, node="node-4")
    later = three_nodes.at(START + timedelta(hours=5))
    with holding(later, "alpha") as held:
        for hour, pods, nodes in ((3, [gone], [*NODES, "node-4"]), (4, [], list(NODES))):
            later.warehouse.record(observed(pods, nodes, START + hour * HOUR, 1), held.lease)
    removals = list_removals(later, PLATFORM)
    assert ("node-4", 0, RemovalState.OFFLINE) in [(one.node, one.position, one.state) for one in removals]
    assert list_removals(later, Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))) == []


def test_suggestions_and_oversell_together_save_less_than_their_sum(three_nodes):
    day = {"cluster": "alpha", "day": START.date()}
    (pool,) = estimate_bankable(three_nodes, PLATFORM)
    assert estimate_with_oversell(three_nodes, PLATFORM)[0].note == NO_PLAN
    row = {
        **day,
        "computed_at": START + HOUR,
        "scope": "pool",
        "name": pool.node_pool,
        "node_pool": pool.node_pool,
        "resource": "cpu",
        "predicted_peak": 6.0,
        "safe_oversell_ratio": 2.0,
    }
    plan = pa.Table.from_pylist([row], schema=OVERSELL_PLAN.schema)
    three_nodes.warehouse.lake.replace_rows("oversell_plan", day, plan)
    large = [
        Container(workload=f"l{n}", cpu=constant(0.1), cpu_request=6.0, memory_request=GIB, node=f"node-{n}")
        for n in (1, 2, 3)
    ]
    later = three_nodes.at(START + timedelta(hours=4))
    with holding(later, "alpha") as held:
        later.warehouse.record(observed(large, list(NODES), START + 3 * HOUR, 1), held.lease)
    halved = [
        advice(
            f"l{n}",
            old=ResourceValues(6.0, None, GIB, None),
            advised=ResourceValues(3.0, None, GIB, None),
            as_of=later.now(),
        )
        for n in (1, 2, 3)
    ]
    save(later, *halved, at=later.now())
    (joint,) = estimate_with_oversell(later, PLATFORM)
    assert (joint.node_count, joint.note) == (3, "")
    assert (joint.saved_by_suggestions, joint.saved_by_oversell, joint.saved_by_both) == (1, 2, 2)
    assert estimate_with_oversell(later, Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))) == []
