"""Whatever a node-hour holds, its lines add up to its cost, exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.node_hours import container_total

from models.allocation.columns import (
    CPU,
    GPU,
    MEMORY,
    ContainerColumns,
    ContainerResource,
    NodeColumns,
    NodeResource,
)
from models.allocation.kernel import allocate_node_hours

GIB = float(1 << 30)
amounts = st.one_of(st.none(), st.just(0.0), st.floats(1e-3, 200.0))


@st.composite
def clusters(draw):
    """Node-hours (resized, oversold, short, free, unpriced) and container-hours on them or on none."""
    node_count = draw(st.integers(1, 4))
    seconds = np.array(
        draw(st.lists(st.sampled_from([3600.0, 1800.0, 17.5]), min_size=node_count, max_size=node_count))
    )
    resources = {}
    for name, unit, weight in ((CPU, 1.0, 9.0), (MEMORY, GIB, 1.0), (GPU, 1.0, 9.0)):
        sizes = st.floats(0.5, 128.0) if name != GPU else st.sampled_from([0.0, 1.0, 8.0])
        capacity = np.array(draw(st.lists(sizes, min_size=node_count, max_size=node_count))) * unit * seconds
        ratio = np.array(draw(st.lists(st.floats(0.5, 1.1), min_size=node_count, max_size=node_count)))
        resources[name] = NodeResource(capacity, capacity * ratio, np.full(node_count, weight))
    nodes = NodeColumns(
        np.array(draw(st.lists(st.integers(0, 50 * 10**9), min_size=node_count, max_size=node_count))),
        np.array(
            draw(
                st.lists(st.sampled_from([True, True, True, False]), min_size=node_count, max_size=node_count)
            )
        ),
        resources,
    )
    rows = draw(st.lists(st.tuples(st.integers(-1, node_count - 1), *[amounts] * 6), max_size=25))
    columns = np.array([[np.nan if value is None else value for value in row[1:]] for row in rows]).reshape(
        -1, 6
    )
    units = {CPU: 3600.0, MEMORY: 3600.0 * GIB, GPU: 3600.0}
    demands = {
        name: ContainerResource(columns[:, 2 * index] * unit, columns[:, 2 * index + 1] * unit)
        for index, (name, unit) in enumerate(units.items())
    }
    return ContainerColumns(np.array([row[0] for row in rows], dtype=np.int64), demands), nodes


def sums_by_node(allocation, containers, nodes):
    """Cost of all lines per node-hour."""
    sums = np.zeros(len(nodes.cost_units), dtype=np.int64)
    for name, terms in allocation.nodes.items():
        own = container_total(allocation, name)
        known = containers.node_hour >= 0
        np.add.at(sums, containers.node_hour[known], own[known])
        sums += np.where(terms.is_costed, terms.idle + terms.overhead, 0)
    return sums


@given(clusters())
@settings(max_examples=300, deadline=None)
def test_lines_of_a_node_hour_add_up_to_its_cost(cluster):
    containers, nodes = cluster
    allocation = allocate_node_hours(containers, nodes)
    sums = sums_by_node(allocation, containers, nodes)
    assert (sums[nodes.is_priced] == nodes.cost_units[nodes.is_priced]).all()
    assert (sums[~nodes.is_priced] == 0).all()


@given(clusters())
@settings(max_examples=150, deadline=None)
def test_every_resource_adds_up_to_its_share(cluster):
    containers, nodes = cluster
    allocation = allocate_node_hours(containers, nodes)
    for name, terms in allocation.nodes.items():
        own = np.zeros(len(nodes.cost_units), dtype=np.int64)
        known = containers.node_hour >= 0
        np.add.at(own, containers.node_hour[known], container_total(allocation, name)[known])
        total = own + np.where(terms.is_costed, terms.idle + terms.overhead, 0)
        assert (total == np.where(nodes.is_priced, terms.cost, 0)).all()


@given(clusters())
@settings(max_examples=150, deadline=None)
def test_no_line_is_below_half_a_unit_per_container_under_0(cluster):
    containers, nodes = cluster
    allocation = allocate_node_hours(containers, nodes)
    slack = -(len(containers.node_hour) + 2)
    for terms in allocation.containers.values():
        for part in (terms.used, terms.unused_request, terms.unmeasured):
            assert (part >= slack).all()
    for terms in allocation.nodes.values():
        assert (terms.idle >= slack).all()
        assert (terms.overhead >= slack).all()


@given(clusters(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_containers_changes_nothing(cluster, random):
    containers, nodes = cluster
    count = len(containers.node_hour)
    order = list(range(count))
    random.shuffle(order)
    ranked = ContainerColumns(containers.node_hour, containers.resources, np.arange(count).__getitem__)
    shuffled = ContainerColumns(
        containers.node_hour[order],
        {
            name: ContainerResource(part.request_seconds[order], part.usage_seconds[order])
            for name, part in containers.resources.items()
        },
        np.arange(count)[order].__getitem__,
    )
    first, second = allocate_node_hours(ranked, nodes), allocate_node_hours(shuffled, nodes)
    for name in nodes.resources:
        difference = container_total(first, name)[order] - container_total(second, name)
        # float sums in another order may move a unit of 10^-9 between lines, never the total
        assert (np.abs(difference) <= 1).all()
        assert container_total(first, name).sum() == pytest.approx(container_total(second, name).sum(), abs=2)


@given(clusters())
@settings(max_examples=100, deadline=None)
def test_idle_shared_by_what_is_billed_gives_each_its_part_of_the_node(cluster):
    containers, nodes = cluster
    allocation = allocate_node_hours(containers, nodes)
    for name, terms in allocation.nodes.items():
        demand = containers.resources[name]
        billed = np.nan_to_num(np.fmax(demand.request_seconds, demand.usage_seconds))
        own = container_total(allocation, name)
        for node in np.flatnonzero(terms.is_costed & (terms.sold_seconds > 0)):
            mine = containers.node_hour == node
            rest = terms.idle[node] + terms.overhead[node]
            shared = own[mine] + rest * billed[mine] / terms.sold_seconds[node]
            expected = terms.cost[node] * billed[mine] / terms.sold_seconds[node]
            assert shared == pytest.approx(expected, rel=1e-9, abs=len(billed) + 2)


@given(clusters())
@settings(max_examples=50, deadline=None)
def test_allocating_twice_gives_the_same(cluster):
    first, second = allocate_node_hours(*cluster), allocate_node_hours(*cluster)
    for name in first.nodes:
        assert (container_total(first, name) == container_total(second, name)).all()
        assert (first.nodes[name].idle == second.nodes[name].idle).all()
