"""Policies against the vectors of OpenCost, AWS and sums made by hand."""

from __future__ import annotations

import pytest
from support.charge_lines import by_kind, by_team, line

from models.chargeback.policy_reading import read_policy
from models.chargeback.sharing import apply_policy, leftovers

_RESOURCES = ("cpu", "memory", "gpu", "storage", "network", "load_balancer")


def _apply(document, lines):
    return apply_policy(read_policy(document), lines)


def _opencost_mock_set():
    """Every container costs 1 per resource for a day; the first one's memory 11. By namespace = team."""
    lines = []
    for team, cluster, count in (("ns1", "c1", 3), ("ns2", "c1", 3), ("ns2", "c2", 3), ("ns3", "c2", 3)):
        for resource in _RESOURCES:
            cost = count + (10 if (team, resource) == ("ns1", "memory") else 0)
            lines.append(line("team", cost, cluster=cluster, resource=resource, team=team, namespace=team))
    idle = (("c1", "cpu", 5), ("c1", "memory", 15), ("c2", "cpu", 5), ("c2", "memory", 5))
    return [*lines, *(line("idle", cost, cluster=name, resource=of) for name, of, cost in idle)]


def test_the_default_leaves_every_cause_a_line_of_its_own():
    lines = _opencost_mock_set()
    assert apply_policy(read_policy({}), lines) == lines
    assert by_team(lines) == {"ns1": 28, "ns2": 36, "ns3": 18, None: 30}  # V3


def test_idle_shared_by_cluster_is_opencosts_weighted_share():
    shared = _apply({"idle": {"to": "share", "scope": "cluster"}}, _opencost_mock_set())
    assert by_team(shared) == {"ns1": 42.6875, "ns2": 46.3125, "ns3": 23}  # V4


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("even", {"ns1": 37, "ns2": 45, "ns3": 0, None: 30}),
        ("proportional", {"ns1": 35.875, "ns2": 46.125, "ns3": 0, None: 30}),
    ],
)
def test_a_shared_namespace_is_opencosts_shared_namespace(key, expected):  # V5
    service = {"name": "ns3", "namespaces": ["ns3"], "scope": "all", "key": key}
    assert by_team(_apply({"shared": [service]}, _opencost_mock_set())) == expected


def test_overhead_for_all_is_opencosts_weighted_overhead():
    lines = [one for one in _opencost_mock_set() if one.team] + [line("overhead", 168, cluster="c1")]
    shared = by_team(_apply({"overhead": {"to": "share", "scope": "all"}}, lines))
    assert {team: round(cost, 3) for team, cost in shared.items()} == {
        "ns1": 85.366,
        "ns2": 109.756,
        "ns3": 54.878,
    }  # V7


def test_idle_of_a_resource_that_nobody_uses_stays_and_is_named():
    lines = [
        line("team", 2, team="a"),
        line("team", 1, team="a", resource="memory"),
        line("idle", 10),
        line("idle", 12, resource="gpu"),
        line("idle", 6, resource="memory"),
    ]
    document = {"idle": {"to": "share", "scope": "cluster"}}
    shared = _apply(document, lines)
    assert by_team(shared) == {"a": 19, None: 12}  # V10
    assert leftovers(read_policy(document), shared) == [("idle gpu", "c", "USD", 12 * 10**9)]


def _two_nodes():
    """Node A holds w1 to w4 and 2 idle, node B w5 and 5 idle, in one pool: V20."""
    own = [line("team", 1, team=f"w{n}", node_pool="p", idle_share_weight=5 * 10**8) for n in range(1, 5)]
    other = line("team", 1, team="w5", node_pool="p", idle_share_weight=5 * 10**9)
    return [*own, other, line("idle", 7, node_pool="p", idle_share_weight=7 * 10**9)]


def test_the_scope_says_whose_idle_a_tenant_shares():
    by_node = _apply({"idle": {"to": "share", "scope": "node"}}, _two_nodes())
    by_cluster = _apply({"idle": {"to": "share", "scope": "cluster"}}, _two_nodes())
    assert by_team(by_node) == {"w1": 1.5, "w2": 1.5, "w3": 1.5, "w4": 1.5, "w5": 6}
    assert by_team(by_cluster) == {f"w{n}": 2.4 for n in range(1, 6)}


def test_idle_of_a_node_without_tenants_stays_when_nodes_share():
    lines = [
        line("team", 1, team="a", node_pool="p", idle_share_weight=3 * 10**9),
        line("idle", 5, node_pool="p", idle_share_weight=3 * 10**9, billed_seconds=50.0),
    ]
    shared = _apply({"idle": "share"}, lines)
    assert by_team(shared) == {"a": 4, None: 2}
    assert {one.kind.value: one.billed_seconds for one in shared} == {
        "team": None,
        "idle": 20.0,
        "idle_share": 30.0,
    }


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"to": "share", "scope": "pool", "key": "even"}, {"a": 4, "b": 6, None: 1}),
        (
            {"to": "share", "scope": "pool", "key": "fixed", "ratios": {"a": 0.25, "new": 0.75}},
            {"a": 2.5, "b": 3, "new": 4.5, None: 1},
        ),
        ({"to": "platform", "team": "ops"}, {"a": 1, "b": 3, "ops": 6, None: 1}),
        ({"to": "share", "scope": "pool"}, {"a": 2.2, "b": 6.6, None: 2.2}),
    ],
)
def test_idle_goes_evenly_by_ratios_to_one_team_or_by_cost(rule, expected):
    lines = [
        line("team", 1, team="a", node_pool="p"),
        line("team", 3, team="b", node_pool="p"),
        line("unowned", 1, node_pool="p"),
        line("idle", 6, node_pool="p"),
    ]
    assert by_team(_apply({"idle": rule}, lines)) == pytest.approx(expected)


def test_an_unmounted_volume_is_shared_by_those_who_live_in_its_namespace():
    lines = [
        line("team", 1, team="a", namespace="shop"),
        line("team", 9, team="b", namespace="web"),
        line("idle", 4, resource="storage", namespace="shop"),
        line("overhead", 10, resource="control_plane"),
    ]
    shared = _apply({"idle": "share", "overhead": "share"}, lines)
    assert by_kind(shared, "a") == {"team": 1, "idle_share": 4, "overhead_share": 1}
    assert by_kind(shared, "b") == {"team": 9, "overhead_share": 9}


def test_step_down_passes_on_what_was_passed_on_before():
    lines = [
        line("team", 100, team="network"),
        line("team", 50, team="monitoring"),
        line("team", 30, team="shop"),
        line("team", 20, team="web"),
    ]
    shared = _apply({"shared": [{"team": "network"}, {"team": "monitoring"}]}, lines)
    # network: 100 over 50:30:20 = 50, 30, 20; then monitoring: 50 + 50 over 30:20 = 60, 40
    assert by_team(shared) == {"network": 0, "monitoring": 0, "shop": 120, "web": 80}
    assert by_kind(shared, "monitoring") == {"team": 50, "shared_in": 50, "shared_out": -100}
    assert {one.counterpart for one in shared if one.team == "web"} == {None, "network", "monitoring"}


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({"key": "even", "receivers": ["a", "b"]}, {"ops": 0, "a": 10, "b": 35, "z": 40}),
        ({"key": "fixed", "ratios": {"a": 0.9, "z": 0.1}}, {"ops": 0, "a": 14, "b": 30, "z": 41}),
        ({"measure": "memory_cost"}, {"ops": 0, "a": 5, "b": 30, "z": 50}),
        ({"receivers": ["nobody"]}, {"ops": 10, "a": 5, "b": 30, "z": 40}),
    ],
)
def test_shared_teams_are_spread_evenly_by_ratios_or_by_a_measure(service, expected):
    lines = [
        line("team", 10, team="ops"),
        line("team", 5, team="a"),
        line("team", 30, team="b"),
        line("team", 40, team="z", resource="memory"),
    ]
    document = {"shared": [{"team": "ops", **service}]}
    shared = _apply(document, lines)
    assert by_team(shared) == pytest.approx(expected)
    stayed = leftovers(read_policy(document), shared)
    assert stayed == ([("shared ops", "c", "USD", 10 * 10**9)] if expected["ops"] else [])


def test_the_loaded_cost_counts_what_was_shared_before():
    lines = [line("team", 1, team="a"), line("team", 1, team="b"), line("team", 4, team="ops")]
    lines.append(line("idle", 2, resource="storage", namespace="ns"))
    lines[0] = line("team", 1, team="a", namespace="ns")
    service = {"team": "ops", "measure": "loaded_cost"}
    shared = _apply({"idle": "share", "shared": [service]}, lines)
    assert by_team(shared) == {"a": 6, "b": 2, "ops": 0}


def test_unowned_cost_goes_to_the_teams_with_its_share_of_idle():
    lines = [
        line("team", 3, team="a"),
        line("team", 1, team="b"),
        line("unowned", 4, namespace="x"),
        line("idle", 8),
    ]
    shared = _apply({"unowned": "proportional", "idle": {"to": "share", "scope": "cluster"}}, lines)
    assert by_team(shared) == {"a": 12, "b": 4, None: 0}
    assert by_kind(shared, None) == {"unowned": 4, "idle_share": 4, "shared_out": -8}
    platform = _apply({"unowned": {"to": "platform", "team": "ops", "cost_centre": "CC-9"}}, lines)
    assert by_team(platform) == {"a": 3, "b": 1, "ops": 4, None: 8}


def test_bill_lines_go_where_each_kind_says():
    lines = [
        line("team", 3, team="a"),
        line("team", 1, team="b"),
        line("tax", 8, day=None, resource=None, reference="INV-1"),
        line("credit", -4, day=None, resource=None),
        line("support", 2, day=None, resource=None, cluster="(out of cluster)"),
        line("out_of_cluster", 5, team="b", day=None, resource=None),
    ]
    document = {"bill": {"tax": "proportional", "credit": {"to": "platform", "team": "ops"}}}
    shared = _apply({**document}, lines)
    assert by_team(shared) == {"a": 9, "b": 8, "ops": -4, None: 2}
    assert {one.reference for one in shared if one.kind == "tax"} == {"INV-1"}
    everywhere = _apply({"bill": {"support": "proportional"}}, lines)
    assert by_kind(everywhere, "a") == {"team": 3, "support": 1.5}


def test_the_oversell_gain_is_earned_by_tenants_or_by_a_team():
    lines = [
        line("team", 6, team="a", node_pool="p", oversell_share_weight=2 * 10**9),
        line("team", 3, team="b", node_pool="p", oversell_share_weight=10**9),
    ]
    assert by_team(_apply({"oversell_gain": "tenants"}, lines)) == {"a": 6, "b": 3}
    earned = _apply({"oversell_gain": {"to": "platform", "team": "ops"}}, lines)
    assert by_team(earned) == {"a": 8, "b": 4, "ops": -3}
    assert {one.counterpart for one in earned if one.kind == "oversell_gain"} == {"ops", None}


def test_awss_worked_example_is_idle_shared_by_node():
    """SCAD, m5.xlarge at 1 USD per hour: total = node cost x a_i / sum of a, per resource (V11)."""
    cpu = [(1, 0.1), (1, 1.9), (1, 0.5), (1, 0.5)]
    memory = [(4, 3), (4, 6), (2, 2), (2, 2)]
    lines = []
    for resource, pods, capacity, weight in (("cpu", cpu, 4, 9), ("memory", memory, 16, 1)):
        cost = weight * capacity / (9 * 4 + 16)
        asked = [max(pair) for pair in pods]
        unit = cost / max(capacity, sum(asked))
        idle = cost - unit * sum(asked)
        for number, amount in enumerate(asked):
            share = round(idle * amount / sum(asked) * 10**9)
            lines.append(
                line("team", unit * amount, team=f"pod{number}", resource=resource, idle_share_weight=share)
            )
        lines.append(line("idle", idle, resource=resource, idle_share_weight=round(idle * 10**9)))
    shared = by_team(_apply({"idle": "share"}, lines))
    expected = {"pod0": 0.229199, "pod1": 0.400314, "pod2": 0.185243, "pod3": 0.185243}
    assert {team: cost for team, cost in shared.items() if team} == pytest.approx(expected, abs=1e-6)
    assert sum(shared.values()) == pytest.approx(1)
