"""Whatever a cluster-day holds, the lines of every asset-hour add up to what it cost, exactly."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.assets import Flow, LoadBalancer, Mount, Volume, with_assets
from support.fleet import Node, Pod, observe
from support.node_hours import container_total, node_columns

from models.allocation.columns import CPU, MEMORY, ContainerColumns, ContainerResource, NodeColumns
from models.allocation.kernel import allocate_node_hours
from models.allocation.mounts import Mounts, share_by_mount_time, split_by_share
from models.allocation.network import share_by_bytes
from models.pricing.asset_book import charged_kinds
from models.pricing.price_list import PriceRow
from service.jobs.allocation import AllocationTask, allocate_partition
from service.jobs.asset_tables import AssetInputs, ChargedSpan
from warehouse.lake.partition_files import StagedFile, read_partition, write_partition
from warehouse.lake.tables import TABLES
from warehouse.observed import ObservedWindow

DAY = date(2026, 10, 1)
START = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")
ASSET_TABLES = ("volume_hour", "volume_mount_hour", "load_balancer_hour", "network_flow_hour")
KIND_OF = {"storage": "volume", "load_balancer": "load_balancer", "network": "network"} | {
    "control_plane": "control_plane"
}
seconds = st.one_of(st.just(np.nan), st.floats(-400.0, 4000.0), st.sampled_from([0.0, 900.0, 3600.0]))


@st.composite
def mounted_volumes(draw):
    """Volume-hours with their cost, and mounts with or without known times, some beyond the hour."""
    count = draw(st.integers(1, 4))
    costs = np.array(draw(st.lists(st.integers(0, 10**11), min_size=count, max_size=count)), np.int64)
    running = np.array(draw(st.lists(st.sampled_from([3600.0, 1200.0, 0.0]), min_size=count, max_size=count)))
    rows = draw(
        st.lists(st.tuples(st.integers(0, count - 1), seconds, seconds, st.floats(0, 4000.0)), max_size=12)
    )
    columns = np.array([row[1:] for row in rows]).reshape(-1, 3)
    volume = np.array([row[0] for row in rows], np.int64)
    return Mounts(volume, columns[:, 0], columns[:, 1], columns[:, 2]), costs, running


def divided(mounts, costs, running):
    return split_by_share(costs, mounts.volume, share_by_mount_time(mounts, running))


def some(mounts, rows):
    return Mounts(
        mounts.volume[rows], mounts.start_second[rows], mounts.end_second[rows], mounts.mounted_seconds[rows]
    )


@given(mounted_volumes())
@settings(max_examples=300, deadline=None)
def test_mounts_and_remainder_add_up_to_the_volume(case):
    mounts, costs, running = case
    parts, rest = divided(mounts, costs, running)
    sums = np.zeros(len(costs), np.int64)
    np.add.at(sums, mounts.volume, parts)
    assert (sums + rest == costs).all()
    assert (parts >= -len(parts) - 1).all()
    assert (rest >= -len(parts) - 1).all()


@given(mounted_volumes(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_a_volume_s_shares_depend_on_nothing_beside_it(case, random):
    mounts, costs, running = case
    whole = share_by_mount_time(mounts, running)
    order = list(range(len(mounts.volume)))
    random.shuffle(order)
    shuffled = share_by_mount_time(some(mounts, order), running)
    assert shuffled.pod == pytest.approx(whole.pod[order], rel=1e-12)
    for volume in range(len(costs)):
        own = np.flatnonzero(mounts.volume == volume)
        alone = some(mounts, own)
        alone = replace(alone, volume=np.zeros(len(own), np.int64))
        found = share_by_mount_time(alone, running[[volume]])
        assert (found.pod == whole.pod[own]).all()
        parts, rest = split_by_share(costs[[volume]], alone.volume, found)
        together, left = divided(mounts, costs, running)
        assert (parts == together[own]).all()
        assert rest[0] == left[volume]


@given(st.integers(-(10**15), 10**15), st.lists(st.floats(0, 1e14), max_size=30))
@settings(max_examples=200, deadline=None)
def test_shares_by_bytes_add_up(cost, counts):
    shared = share_by_bytes(cost, np.array(counts))
    assert int(shared.parts.sum()) + shared.rest == cost


demands = st.lists(
    st.tuples(*[st.one_of(st.none(), st.just(0.0), st.floats(0.01, 40.0))] * 4), min_size=1, max_size=12
)


def on_nodes(rows, node_of, factor=1.0):
    """Container-hours of rows (cpu request, cpu usage, memory request, memory usage) on given nodes."""
    table = np.array([[np.nan if value is None else value for value in row] for row in rows]) * 3600 * factor
    gib = float(1 << 30)
    return ContainerColumns(
        np.array(node_of),
        {
            CPU: ContainerResource(table[:, 0], table[:, 1]),
            MEMORY: ContainerResource(table[:, 2] * gib, table[:, 3] * gib),
        },
    )


@given(demands, st.integers(1, 10**11))
@settings(max_examples=150, deadline=None)
def test_splitting_a_node_into_two_equal_ones_changes_nothing(rows, cost):
    count = len(rows)
    one = allocate_node_hours(
        on_nodes(rows, [0] * count), node_columns([2 * cost], {CPU: [16], MEMORY: [64]})
    )
    halves = on_nodes([*rows, *rows], [0] * count + [1] * count, 0.5)
    two = allocate_node_hours(halves, node_columns([cost, cost], {CPU: [8, 8], MEMORY: [32, 32]}))
    for name in (CPU, MEMORY):
        split = container_total(two, name)
        assert np.abs(split[:count] + split[count:] - container_total(one, name)).max() <= 2 * count + 4
        assert abs(int(two.nodes[name].idle.sum()) - int(one.nodes[name].idle[0])) <= 2 * count + 4


@given(demands, st.data())
@settings(max_examples=100, deadline=None)
def test_what_a_node_s_pods_pay_depends_on_no_other_node(rows, data):
    node_of = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows))))
    nodes = node_columns([10**9, 7 * 10**8, 3], {CPU: [8, 4, 2], MEMORY: [32, 8, 8]})
    containers = on_nodes(rows, node_of)
    whole = allocate_node_hours(containers, nodes)
    for node in range(3):
        own = np.flatnonzero(node_of == node)
        mine = ContainerColumns(
            np.zeros(len(own), np.int64),
            {
                name: ContainerResource(part.request_seconds[own], part.usage_seconds[own])
                for name, part in containers.resources.items()
            },
        )
        alone = allocate_node_hours(mine, _only(nodes, node))
        for name in (CPU, MEMORY):
            assert (container_total(alone, name) == container_total(whole, name)[own]).all()
            assert alone.nodes[name].idle[0] == whole.nodes[name].idle[node]


def _only(nodes: NodeColumns, node: int) -> NodeColumns:
    chosen = np.array([node])
    return NodeColumns(
        nodes.cost_units[chosen],
        nodes.is_priced[chosen],
        {
            name: replace(
                part,
                capacity_seconds=part.capacity_seconds[chosen],
                allocatable_seconds=part.allocatable_seconds[chosen],
                weight=part.weight[chosen],
            )
            for name, part in nodes.resources.items()
        },
    )


def row(kind, amount, unit, name=None, **fields):
    return PriceRow(
        name, "USD", Decimal(amount), **{"valid_from": LONG_AGO, **fields}, asset_kind=kind, unit=unit
    )


PRICES = (
    row("node", "0.233", "hour", "m5.xlarge", valid_to=START.replace(hour=1, minute=20)),
    row("node", "0.301", "hour", "m5.xlarge", valid_from=START.replace(hour=1, minute=20)),
    row("node", "12.24", "hour", "p3.8xlarge"),
    PriceRow(
        "virtual",
        "USD",
        Decimal(0),
        LONG_AGO,
        purchase_option="serverless",
        cpu_core_hourly_price=Decimal("0.04048"),
        memory_gib_hourly_price=Decimal("0.004445"),
    ),
    row("volume", "0.000109589", "gib_hour", "gp3"),
    row("load_balancer", "0.0225", "hour"),
    row("network", "0.09", "gib", "internet"),
    row("network", "0.01", "gib", "region"),
    row("control_plane", "0.10", "hour"),
)
NODES = (
    Node("n1", cpu_allocatable=3.9, memory_gib_allocatable=14.5),
    Node("n2", seconds=1700.0, hours=(0, 1)),
    Node("n3", seconds=1900.0, hours=(1, 2)),
    Node("g1", "p3.8xlarge", cpu=32, memory_gib=244, gpu=4),
    Node("g2", "p3.8xlarge", cpu=32, memory_gib=244, gpu=4, cpu_allocatable=31),
    Node("vk", "virtual", cpu=10_000, memory_gib=80_000, option="serverless"),
    Node("odd", "x9.unknown"),
)
amounts = st.one_of(st.none(), st.just(0.0), st.floats(0.01, 12.0))
pod_hours = st.builds(
    Pod,
    name=st.sampled_from([f"p{index}" for index in range(6)]),
    node=st.sampled_from([*(node.name for node in NODES), "gone"]),
    request=st.tuples(amounts, amounts),
    usage=st.tuples(amounts, amounts),
    namespace=st.sampled_from(["shop", "data"]),
    seconds=st.sampled_from([3600.0, 3600.0, 600.0, 13.7, 3655.0]),
    hours=st.integers(0, 2).map(lambda hour: (hour,)),
    gpu=st.sampled_from([None, None, 1.0, 0.25, 4.0]),
)
fleets = st.lists(pod_hours, max_size=14, unique_by=lambda pod: (pod.name, pod.hours))
volumes = st.lists(
    st.builds(
        Volume,
        name=st.sampled_from(["v1", "v2", "v3"]),
        gib=st.sampled_from([None, 8.0, 100.0, 9e9]),
        used_gib=st.sampled_from([None, 3.0, 200.0]),
        storage_class=st.sampled_from(["gp3", "gp3", "io2", None]),
        claim=st.sampled_from([None, ("shop", "data")]),
        seconds=st.sampled_from([3600.0, 1000.0]),
    ),
    max_size=3,
    unique_by=lambda volume: volume.name,
)
mounts = st.lists(
    st.builds(
        Mount,
        volume=st.sampled_from(["v1", "v2", "v3"]),
        pod=st.sampled_from([f"p{index}" for index in range(8)]),
        first=st.sampled_from([-3.0, 0.0, 20.0]),
        last=st.sampled_from([20.0, 41.5, 60.0, 63.0]),
        is_timed=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda mount: (mount.volume, mount.pod),
)
flows = st.lists(
    st.builds(
        Flow,
        pod=st.sampled_from(["p0", "p1", "p2", ""]),
        traffic_class=st.sampled_from(["internet", "region", "zone"]),
        gib=st.floats(0, 900.0),
        namespace=st.just("shop"),
    ),
    max_size=8,
    unique_by=lambda flow: (flow.pod, flow.traffic_class),
)


def allocated(
    observed: ObservedWindow, folder: str, *, times: int = 1
) -> dict[str, list[Mapping[str, object]]]:
    """Run the job over an observed day, every asset row written ``times``; return the rows of both tables."""
    files: dict[str, tuple[str, ...]] = {}
    for name, rows in observed.tables.items():
        if "hour" in rows.column_names:
            repeated = pa.concat_tables([rows] * (times if name in ASSET_TABLES else 1))
            staged = write_partition(name, {"cluster": "c1", "day": DAY}, repeated, folder)
            files[name] = _paths(staged, folder)
    kinds = charged_kinds(PRICES, START, START.replace(month=11))
    task = AllocationTask(
        "c1",
        DAY,
        files.get("container_hour", ()),
        files.get("pod_hour", ()),
        files["node_hour"],
        PRICES,
        None,
        folder,
        assets=AssetInputs(
            files.get("volume_hour", ()),
            files.get("volume_mount_hour", ()),
            files.get("load_balancer_hour", ()),
            files.get("network_flow_hour", ()),
            (ChargedSpan(START, START.replace(month=11), kinds),),
        ),
    )
    result = allocate_partition(task)
    return {
        staged.table: [
            line
            for part in read_partition(_paths(staged, folder), list(TABLES[staged.table].columns))
            for line in part.to_pylist()
        ]
        for staged in (result.asset_prices, result.allocation)
    }


def _paths(staged: StagedFile, folder: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{staged.table}/{part.path}" for part in staged.parts)


def cost(line):
    return sum((line[name] for name in CAUSES if line[name] is not None), Decimal(0))


@given(fleets, volumes, mounts, flows)
@settings(max_examples=40, deadline=None)
def test_the_lines_of_every_asset_hour_add_up_to_its_cost(pods, some_volumes, some_mounts, some_flows):
    observed = with_assets(
        observe("c1", START, 3, NODES, pods), some_volumes, some_mounts, [LoadBalancer("front")], some_flows
    )
    with tempfile.TemporaryDirectory() as folder:
        tables = allocated(observed, folder)
    paid: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for line in tables["allocation_hour"]:
        kind = KIND_OF.get(str(line["resource"]), "node")
        paid[line["hour"], kind, line["asset"] or line["node_key"]] += cost(line)
    prices = {(one["hour"], one["asset_kind"], one["asset"]): one for one in tables["asset_price_hour"]}
    assert len(prices) == len(tables["asset_price_hour"])
    for key, price in prices.items():
        assert paid.pop(key, Decimal(0)) == (price["effective_cost"] or 0)
    assert not any(paid.values())
    keys = [
        tuple(line[name] for name in (*TABLES["allocation_hour"].key[1:], "asset"))
        for line in tables["allocation_hour"]
    ]
    assert len(set(keys)) == len(keys)


@given(fleets, volumes, mounts, flows)
@settings(max_examples=10, deadline=None)
def test_a_duplicated_scrape_of_assets_changes_nothing(pods, some_volumes, some_mounts, some_flows):
    observed = with_assets(
        observe("c1", START, 3, NODES, pods), some_volumes, some_mounts, [LoadBalancer("front")], some_flows
    )
    with tempfile.TemporaryDirectory() as once, tempfile.TemporaryDirectory() as twice:
        first, second = allocated(observed, once), allocated(observed, twice, times=2)
    for table, rows in first.items():
        assert sorted(map(repr, rows)) == sorted(map(repr, second[table]))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_the_order_of_rows_in_files_changes_nothing(order, tmp_path):
    pods = [Pod(f"p{index}", "n1", (1, 1), (1, 1)) for index in order]
    held = [Mount("v1", f"p{index}") for index in order]
    sent = [Flow(f"p{index}", "internet", 1.0) for index in order]
    observed = with_assets(observe("c1", START, 1, NODES, pods), [Volume("v1")], held, (), sent)
    rows = allocated(observed, str(tmp_path))["allocation_hour"]
    largest = [
        row for row in rows if row["pod_uid"] == "uid-p0" and row["resource"] in ("storage", "network")
    ]
    assert [cost(row) for row in largest] == [Decimal("0.003652966"), Decimal("0.09")]
