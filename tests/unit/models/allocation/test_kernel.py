from dataclasses import replace

import numpy as np
import pytest
from support.node_hours import HOUR, container_columns, container_total, node_columns

from models.allocation.columns import CPU, GPU, MEMORY
from models.allocation.kernel import allocate_node_hours, clip_requests, split_cost_over_resources

DOLLAR = 1_000_000_000


def published_aws_example():
    """m5.xlarge at $1 an hour with four pods (AWS split cost allocation data, vector V11)."""
    nodes = node_columns([DOLLAR], {CPU: [4], MEMORY: [16]})
    containers = container_columns(
        [0, 0, 0, 0],
        {CPU: [(1, 0.1), (1, 1.9), (1, 0.5), (1, 0.5)], MEMORY: [(4, 3), (4, 6), (2, 2), (2, 2)]},
    )
    return allocate_node_hours(containers, nodes)


def test_splits_are_those_of_the_published_aws_example():
    allocation = published_aws_example()
    split = (container_total(allocation, CPU) + container_total(allocation, MEMORY)) / DOLLAR
    assert split == pytest.approx([0.218210, 0.383830, 0.179749, 0.179749], abs=5e-7)


def test_sharing_idle_by_what_is_billed_gives_the_aws_totals():
    allocation = published_aws_example()
    total = np.zeros(4)
    for resource in (CPU, MEMORY):
        own = container_total(allocation, resource)
        total += own / own.sum() * allocation.nodes[resource].cost[0]
    assert total / DOLLAR == pytest.approx([0.229199, 0.400314, 0.185243, 0.185243], abs=5e-7)
    assert [round(value, 2) for value in total / DOLLAR] == [0.23, 0.40, 0.19, 0.19]


def test_an_oversold_resource_has_no_idle_and_no_negative_line():
    allocation = published_aws_example()
    cpu = allocation.nodes[CPU]
    assert cpu.idle[0] == 0
    assert container_total(allocation, CPU).sum() + cpu.overhead[0] == cpu.cost[0]


@pytest.mark.parametrize(
    ("cost", "capacity", "weights", "expected"),
    [
        (35, {GPU: [1], CPU: [1], MEMORY: [1]}, {GPU: 30, CPU: 30, MEMORY: 10}, (15, 15, 5)),
        (
            0.192,
            {CPU: [4], MEMORY: [16]},
            {CPU: 0.031611, MEMORY: 0.004237},
            (4 * 0.0312471, 16 * 0.00418822),
        ),
    ],
)
def test_a_node_price_is_split_by_weight_times_capacity(cost, capacity, weights, expected):
    nodes = node_columns([round(cost * DOLLAR)], capacity, weights=weights)
    parts, is_split = split_cost_over_resources(nodes)
    assert is_split.all()
    assert sum(part[0] for part in parts.values()) == round(cost * DOLLAR)
    assert [part[0] / DOLLAR for part in parts.values()] == pytest.approx(expected, rel=2e-5)


def test_the_larger_of_request_and_usage_is_billed_and_unset_counts_nothing():
    nodes = node_columns([8 * DOLLAR], {CPU: [8]})
    pairs = [(1, 0.01), (1, 2.2), (0, 0.01), (1, 0), (0, 0), (None, 0.5), (1, None), (None, None)]
    allocation = allocate_node_hours(container_columns([0] * 8, {CPU: pairs}), nodes)
    billed = container_total(allocation, CPU) / DOLLAR
    assert billed == pytest.approx([1, 2.2, 0.01, 1, 0, 0.5, 1, 0])


def test_a_resource_that_nobody_uses_is_idle():
    nodes = node_columns(
        [31 * DOLLAR], {CPU: [12], GPU: [1], MEMORY: [7]}, weights={CPU: 1, GPU: 12, MEMORY: 1}
    )
    containers = container_columns([0], {CPU: [(2, 2)], MEMORY: [(1, 1)]})
    allocation = allocate_node_hours(containers, nodes)
    assert allocation.nodes[GPU].idle[0] == 12 * DOLLAR
    assert allocation.nodes[CPU].idle[0] == 10 * DOLLAR
    assert allocation.nodes[MEMORY].idle[0] == 6 * DOLLAR


def test_what_was_not_measured_is_a_cost_of_its_own():
    nodes = node_columns([4 * DOLLAR], {CPU: [4]})
    terms = allocate_node_hours(container_columns([0, 0], {CPU: [(1, None), (1, 0.25)]}), nodes).containers[
        CPU
    ]
    assert terms.unmeasured.tolist() == [DOLLAR, 0]
    assert terms.used.tolist() == [0, DOLLAR // 4]
    assert terms.unused_request.tolist() == [0, 3 * DOLLAR // 4]


def test_overhead_is_what_the_node_keeps_for_itself():
    nodes = node_columns([4 * DOLLAR], {CPU: [4]}, allocatable={CPU: [3.5]})
    node = allocate_node_hours(container_columns([0], {CPU: [(1, 1)]}), nodes).nodes[CPU]
    assert (node.overhead[0], node.idle[0]) == (DOLLAR // 2, 5 * DOLLAR // 2)
    assert node.idle_seconds[0] == 2.5 * HOUR


def test_allocatable_above_capacity_is_taken_as_capacity():
    nodes = node_columns([4 * DOLLAR], {CPU: [4]}, allocatable={CPU: [5]})
    node = allocate_node_hours(container_columns([0], {CPU: [(1, 1)]}), nodes).nodes[CPU]
    assert (node.overhead[0], node.idle[0]) == (0, 3 * DOLLAR)


def test_selling_more_than_allocatable_is_explained_and_not_added():
    nodes = node_columns([4 * DOLLAR], {CPU: [4]})
    oversold = allocate_node_hours(container_columns([0, 0], {CPU: [(4, 1), (1, 1)]}), nodes).nodes[CPU]
    burst = allocate_node_hours(container_columns([0, 0], {CPU: [(3, 1), (1, 2)]}), nodes).nodes[CPU]
    assert (oversold.oversell_gain[0], oversold.burst_gain[0]) == (DOLLAR, 0)
    assert (burst.oversell_gain[0], burst.burst_gain[0]) == (0, DOLLAR)


def test_containers_of_unknown_and_unpriced_nodes_have_no_cost():
    nodes = node_columns([4 * DOLLAR, 0], {CPU: [4, 4]}, priced=[True, False])
    allocation = allocate_node_hours(container_columns([0, 1, -1], {CPU: [(1, 1)] * 3}), nodes)
    assert allocation.containers[CPU].is_costed.tolist() == [True, False, False]
    assert allocation.nodes[CPU].is_costed.tolist() == [True, False]


def test_devices_on_a_node_that_reports_none_have_no_cost():
    nodes = node_columns([DOLLAR, DOLLAR], {CPU: [4, 4], GPU: [0, 1]})
    allocation = allocate_node_hours(
        container_columns([0, 1], {CPU: [(1, 1)] * 2, GPU: [(1, None)] * 2}), nodes
    )
    assert allocation.containers[GPU].is_costed.tolist() == [False, True]


def test_a_node_that_costs_nothing_gives_costs_of_nothing():
    allocation = allocate_node_hours(container_columns([0], {CPU: [(1, 1)]}), node_columns([0], {CPU: [4]}))
    assert allocation.containers[CPU].is_costed.all()
    assert container_total(allocation, CPU).tolist() == [0]


def test_the_residual_goes_to_the_largest_line():
    nodes = node_columns([100], {CPU: [3]})
    terms = allocate_node_hours(container_columns([0] * 3, {CPU: [(1, 1)] * 3}), nodes).containers[CPU]
    assert sorted(terms.used.tolist()) == [33, 33, 34]


def test_of_equal_lines_the_lowest_rank_takes_the_residual_in_any_order():
    nodes = node_columns([100], {CPU: [3]})
    for rank in ([2, 0, 1], [0, 1, 2], [1, 2, 0]):
        containers = container_columns([0] * 3, {CPU: [(1, 1)] * 3})
        ranked = replace(containers, identity_rank=np.array(rank).__getitem__)
        terms = allocate_node_hours(ranked, nodes).containers[CPU]
        assert terms.used[rank.index(0)] == 34


def test_requests_are_cut_to_the_time_the_node_ran():
    clipped = clip_requests(
        np.array([3600.0, 1800.0, np.nan]), np.array([3600.0, 900.0, 3600.0]), np.array([1800.0] * 3)
    )
    assert clipped[:2].tolist() == [1800.0, 1800.0]
    assert np.isnan(clipped[2])


def test_what_open_cost_shows_as_negative_idle_is_a_named_gain():
    # reference/allocation.md, V11c: at list unit cost, cpu idle would be -0.155769 and ram idle 0.038462
    nodes = published_aws_example().nodes
    assert (nodes[CPU].idle[0], nodes[CPU].burst_gain[0] / DOLLAR) == (0, pytest.approx(0.155769, abs=5e-7))
    assert nodes[MEMORY].idle[0] / DOLLAR == pytest.approx(0.038462, abs=5e-7)


def test_idle_devices_stay_with_the_devices():
    # V10: allocated cpu 2, gpu 0, ram 1; idle 10, 12, 6; shared: 12, 0, 7 and 12 of gpu idle stay
    nodes = node_columns(
        [31 * DOLLAR], {CPU: [12], GPU: [1], MEMORY: [7]}, weights={CPU: 1, GPU: 12, MEMORY: 1}
    )
    pods = container_columns([0], {CPU: [(2, 2)], MEMORY: [(1, 1)], GPU: [(None, None)]})
    allocation = allocate_node_hours(pods, nodes)
    own = {name: container_total(allocation, name)[0] for name in (CPU, MEMORY, GPU)}
    idle = {name: allocation.nodes[name].idle[0] for name in own}
    shared = {name: own[name] + (idle[name] if own[name] else 0) for name in own}
    assert {name: part / DOLLAR for name, part in own.items()} == {CPU: 2, MEMORY: 1, GPU: 0}
    assert {name: part / DOLLAR for name, part in shared.items()} == {CPU: 12, MEMORY: 7, GPU: 0}
    assert idle[GPU] == 12 * DOLLAR


def test_idle_is_known_by_node_so_that_it_can_be_shared_by_node_or_by_cluster():
    # V20: node A w1 to w4 and 2 idle, node B w5 and 5 idle: by node 1.5 x 4 and 6, by cluster 2.4 x 5
    nodes = node_columns([6 * DOLLAR, 6 * DOLLAR], {CPU: [6, 6]})
    pods = container_columns([0, 0, 0, 0, 1], {CPU: [(1, 1)] * 5})
    allocation = allocate_node_hours(pods, nodes)
    own, idle = container_total(allocation, CPU), allocation.nodes[CPU].idle
    assert (idle / DOLLAR).tolist() == [2, 5]
    by_node = own + idle[pods.node_hour] * own / np.bincount(pods.node_hour, weights=own)[pods.node_hour]
    assert (by_node / DOLLAR).tolist() == [1.5, 1.5, 1.5, 1.5, 6]
    assert ((own + idle.sum() * own / own.sum()) / DOLLAR).tolist() == pytest.approx([2.4] * 5)


def test_parts_of_a_device_are_charged_as_parts():
    nodes = node_columns([9_180_000_000], {GPU: [2], CPU: [10]}, weights={GPU: 9, CPU: 0.9 / 5})
    pods = container_columns([0, 0, 0], {GPU: [(0.25, None), (0.5, None), (1, None)]})
    allocation = allocate_node_hours(pods, nodes)
    gpu = allocation.nodes[GPU]
    per_device = gpu.cost[0] / 2
    assert container_total(allocation, GPU) == pytest.approx([per_device / 4, per_device / 2, per_device])
    assert gpu.idle[0] == pytest.approx(per_device / 4)


def test_a_node_replaced_within_the_hour_charges_each_machine_for_its_own_time():
    hour = node_columns([DOLLAR // 3, 2 * DOLLAR // 3], {CPU: [4, 4]})
    resources = {CPU: hour.resources[CPU]}
    scaled = replace(
        hour,
        resources={
            CPU: replace(
                resources[CPU],
                capacity_seconds=resources[CPU].capacity_seconds * np.array([1 / 3, 2 / 3]),
                allocatable_seconds=resources[CPU].allocatable_seconds * np.array([1 / 3, 2 / 3]),
            )
        },
    )
    pods = container_columns([0, 1], {CPU: [(2 / 3, 2 / 3), (4 / 3, 4 / 3)]})
    allocation = allocate_node_hours(pods, scaled)
    assert container_total(allocation, CPU) == pytest.approx([DOLLAR / 6, DOLLAR / 3], abs=1)
    assert allocation.nodes[CPU].idle == pytest.approx([DOLLAR / 6, DOLLAR / 3], abs=1)


def test_the_time_of_a_node_before_and_after_its_pods_is_idle():
    nodes = node_columns([6 * DOLLAR], {CPU: [4]})
    ten_minutes = container_columns([0], {CPU: [(4 / 6, 4 / 6)]})
    allocation = allocate_node_hours(ten_minutes, nodes)
    assert container_total(allocation, CPU)[0] == DOLLAR
    assert allocation.nodes[CPU].idle[0] == 5 * DOLLAR
