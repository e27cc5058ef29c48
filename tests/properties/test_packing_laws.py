"""Packing: near the lower bound, exact for a dozen pods, never against a rule, no slack counted twice."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.packing.first_fit import count_nodes, find_removable, lower_bound, pack
from models.packing.joint import JointPlan, OversellLimits, plan_jointly
from models.packing.placement import NodeRules, PodRules, build_placement, may_run

NODE = np.array([16.0, 64.0, 110.0])


@pytest.mark.parametrize("seed", range(12))
def test_the_heuristic_stays_within_a_tenth_of_the_lower_bound(seed):
    random = np.random.default_rng(seed)
    cores = random.choice([0.1, 0.25, 0.5, 1.0, 2.0, 3.0], 600)
    memory = cores * random.uniform(1.0, 6.0, 600)
    pods = np.column_stack([cores, memory, np.ones(600)])
    assert count_nodes(pods, NODE) <= 1.10 * lower_bound(pods, NODE)


def fewest_nodes(pods: np.ndarray, node: np.ndarray) -> int:
    """The optimum by trying every assignment."""
    count = len(pods)
    for nodes in range(1, count + 1):
        for assignment in product(range(nodes), repeat=count):
            loads = np.zeros((nodes, pods.shape[1]))
            np.add.at(loads, list(assignment), pods)
            if (loads <= node + 1e-9).all():
                return nodes
    return 0


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_handful_of_pods_is_packed_as_tightly_as_possible(sizes):
    pods, node = np.array(sizes, dtype=np.float64), np.array([10.0, 10.0])
    assert count_nodes(pods, node) == fewest_nodes(pods, node)


def test_twelve_pods_are_packed_exactly_where_first_fit_decreasing_is_not():
    # three 6 + 2 + 2 and two 5 + 5 fill five nodes; largest first pairs them less well
    pods = np.array([[4.0], [4.0], [3.0], [3.0], [3.0], [3.0], [2.0], [2.0], [2.0], [2.0], [1.0], [1.0]])
    assert count_nodes(pods, np.array([10.0])) == 3
    assert lower_bound(pods, np.array([10.0])) == 3


sizes = st.lists(st.tuples(st.floats(0.1, 4), st.floats(0.1, 16)), min_size=1, max_size=30)


@given(sizes, st.integers(1, 12), st.data())
@settings(max_examples=60, deadline=None)
def test_no_rule_is_ever_broken_and_no_node_overfilled(drawn, node_count, data):
    pods = np.column_stack([np.array(drawn), np.ones(len(drawn))])
    nodes = np.tile(NODE, (node_count, 1))
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    node_rules = [
        NodeRules(str(n), {}, [taint] if data.draw(st.booleans()) else ()) for n in range(node_count)
    ]
    pod_rules = [
        PodRules(
            tolerations=[{"key": "gpu", "operator": "Exists"}] if data.draw(st.booleans()) else (),
            spread_group=data.draw(st.sampled_from([None, "a", "b"])),
            pinned_because="held" if data.draw(st.integers(0, 9)) == 0 else "",
        )
        for _ in drawn
    ]
    homes = [data.draw(st.integers(0, node_count - 1)) for _ in drawn]
    placement = build_placement(pod_rules, node_rules, homes)
    packing = pack(pods, nodes, np.arange(node_count), placement)
    for pod, node in enumerate(packing.node):
        if pod_rules[pod].pinned_because:
            assert node == homes[pod]
        elif node >= 0:
            assert may_run(pod_rules[pod], node_rules[node])
    movable = [p for p in range(len(drawn)) if not pod_rules[p].pinned_because and packing.node[p] >= 0]
    pairs = [(pod_rules[p].spread_group, packing.node[p]) for p in movable if pod_rules[p].spread_group]
    assert len(pairs) == len(set(pairs))
    loads = np.zeros_like(nodes)
    np.add.at(loads, packing.node[movable], pods[movable])
    assert (loads <= nodes * (1 + 1e-6)).all()


def test_pods_that_must_stay_apart_keep_their_nodes():
    pods = np.array([[0.1, 0.1, 1.0]] * 3)
    nodes, order = np.tile(NODE, (3, 1)), np.arange(3)
    assert find_removable(pods, nodes, order).sum() == 2
    apart = build_placement([PodRules(spread_group="db")] * 3, [NodeRules()] * 3, [0, 1, 2])
    assert find_removable(pods, nodes, order, apart).sum() == 0


def test_a_taint_that_nobody_tolerates_keeps_pods_off_and_pins_keep_nodes():
    pods = np.array([[1.0, 1.0, 1.0]] * 2)
    nodes, order = np.tile(NODE, (3, 1)), np.arange(3)
    tainted = NodeRules("n0", {}, [{"key": "team", "value": "ml", "effect": "NoSchedule"}])
    placement = build_placement([PodRules()] * 2, [tainted, NodeRules(), NodeRules()], [1, 2])
    assert list(find_removable(pods, nodes, order, placement)) == [True, False, True]
    pinned = build_placement([PodRules(), PodRules(pinned_because="budget")], [NodeRules()] * 3, [1, 2])
    assert list(find_removable(pods, nodes, order, pinned)) == [True, True, False]


def added_saving(plan: JointPlan) -> int:
    """Nodes saved if the two levers were added, which counts slack twice."""
    return 2 * plan.nodes_now - plan.nodes_with_compression - plan.nodes_with_oversell


@given(
    st.lists(st.tuples(st.floats(0.2, 4), st.floats(0.2, 1), st.floats(0.02, 1)), min_size=2, max_size=40),
    st.floats(0.5, 1),
)
@settings(max_examples=60, deadline=None)
def test_both_levers_together_save_no_more_than_their_sum(drawn, theta):
    rows = np.array(drawn)
    requests = np.column_stack([rows[:, 0], rows[:, 0] * 2])
    compressed = requests * rows[:, [1]]
    peak = np.array([float((requests[:, 0] * rows[:, 2]).sum()), np.nan])
    plan = plan_jointly(requests, compressed, np.array([8.0, 32.0]), OversellLimits(peak, theta))
    assert plan.joint_saving <= added_saving(plan)
    assert plan.nodes_with_both <= min(plan.nodes_with_compression, plan.nodes_with_oversell)
    assert plan.nodes_with_both <= plan.nodes_now


def test_adding_the_savings_of_both_levers_would_count_slack_twice():
    # 32 pods request 4 cores and use 1: each lever alone halves the pool, together there is only one slack
    requests = np.tile([4.0], (32, 1))
    plan = plan_jointly(requests, requests / 2, np.array([16.0]), OversellLimits(np.array([52.0])))
    assert (plan.nodes_now, plan.nodes_with_compression, plan.nodes_with_oversell) == (8, 4, 5)
    assert added_saving(plan) == 7
    assert plan.joint_saving == 4
