import numpy as np
import pytest
from support.node_hours import GIB, HOUR, container_columns, container_total, node_columns

from models.allocation.columns import CPU, MEMORY
from models.allocation.kernel import allocate_node_hours
from models.allocation.serverless import PodRates, bill_by_pods

DOLLAR = 1_000_000_000


def rates(is_by_pod, cpu, memory):
    """Rates of node-hours from prices per core-hour and GiB-hour."""
    count = len(is_by_pod)
    return PodRates(
        np.array(is_by_pod),
        {
            CPU: np.full(count, cpu * DOLLAR / HOUR),
            MEMORY: np.full(count, memory * DOLLAR / HOUR / GIB),
        },
    )


def allocate(containers, nodes, prices):
    containers, nodes = bill_by_pods(containers, nodes, prices)
    return allocate_node_hours(containers, nodes), nodes


def test_each_pod_costs_what_it_requests_and_the_node_what_its_pods_cost():
    containers = container_columns([0, 0], {CPU: [(1, 0.5), (2, None)], MEMORY: [(4, 4), (2, 1)]})
    virtual = node_columns([0], {CPU: [10_000], MEMORY: [80_000]})
    allocation, nodes = allocate(containers, virtual, rates([True], 0.04, 0.005))
    assert nodes.cost_units.tolist() == [150_000_000]
    assert container_total(allocation, CPU).tolist() == [40_000_000, 80_000_000]
    assert container_total(allocation, MEMORY).tolist() == [20_000_000, 10_000_000]
    cpu = allocation.containers[CPU]
    assert cpu.used.tolist() == [20_000_000, 0]
    assert cpu.unmeasured.tolist() == [0, 80_000_000]
    for terms in allocation.nodes.values():
        assert (terms.idle[0], terms.overhead[0], terms.oversell_gain[0], terms.burst_gain[0]) == (0, 0, 0, 0)


def test_use_beyond_the_request_and_pods_without_a_request_are_not_billed():
    containers = container_columns([0, 0], {CPU: [(1, 1.4), (None, 0.3)]})
    allocation, nodes = allocate(containers, node_columns([0], {CPU: [10_000]}), rates([True], 0.04, 0))
    assert nodes.cost_units.tolist() == [40_000_000]
    assert container_total(allocation, CPU).tolist() == [40_000_000, 0]
    assert allocation.containers[CPU].used.tolist() == [40_000_000, 0]


def test_a_virtual_node_without_pods_costs_nothing():
    empty = container_columns([], {CPU: []})
    allocation, nodes = allocate(empty, node_columns([0], {CPU: [10_000]}), rates([True], 0.04, 0))
    assert nodes.cost_units.tolist() == [0]
    assert allocation.nodes[CPU].idle.tolist() == [0]


def test_other_nodes_and_pods_on_unknown_nodes_are_as_they_were():
    pairs = {CPU: [(1, 2), (1, 2), (1, 2)]}
    plain = node_columns([8 * DOLLAR, 0], {CPU: [8, 10_000]})
    mixed, nodes = allocate(container_columns([0, 1, -1], pairs), plain, rates([False, True], 0.04, 0))
    alone = allocate_node_hours(
        container_columns([0], {CPU: [(1, 2)]}), node_columns([8 * DOLLAR], {CPU: [8]})
    )
    assert nodes.cost_units.tolist() == [8 * DOLLAR, 40_000_000]
    assert container_total(mixed, CPU).tolist() == [container_total(alone, CPU)[0], 40_000_000, 0]
    assert mixed.containers[CPU].is_costed.tolist() == [True, True, False]
    assert mixed.nodes[CPU].idle[0] == alone.nodes[CPU].idle[0] == pytest.approx(6 * DOLLAR)
