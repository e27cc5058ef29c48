"""Whatever a policy says: the bill stays the bill, and no figure depends on who looks or in what order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from models.chargeback.corrections import difference, lines_table, table_lines
from models.chargeback.lines import (
    ChargeLine,
    LineKind,
    closing_lines,
    round_lines,
    summarise,
)
from models.chargeback.policy import policy_document
from models.chargeback.policy_reading import read_policy
from models.chargeback.sharing import apply_policy

_TEAMS = ("a", "b", "ops", "net")
_money = st.integers(0, 10**12)


def _line(kind, cluster, day, resource, team, cost, weight, namespace, pool) -> ChargeLine:
    return ChargeLine(
        kind=kind,
        cluster=cluster,
        currency="USD",
        effective=cost,
        list_units=2 * cost + 1,
        contracted=cost,
        day=day,
        team=team,
        cost_centre=None if team is None else f"cc-{team}",
        namespace=namespace,
        node_pool=pool,
        resource=resource,
        used=cost if kind in (LineKind.TEAM, LineKind.UNOWNED) else 0,
        idle_share_weight=weight,
        overhead_share_weight=weight // 3,
        oversell_share_weight=weight // 7 if kind in (LineKind.TEAM, LineKind.UNOWNED) else 0,
    )


_places = {
    "cluster": st.sampled_from(["c1", "c2"]),
    "day": st.sampled_from([date(2026, 10, 1), date(2026, 10, 2)]),
    "resource": st.sampled_from(["cpu", "memory", "gpu", "storage"]),
    "pool": st.sampled_from(["p", "q"]),
}
_workloads = st.builds(
    lambda team, **rest: _line(LineKind.TEAM if team else LineKind.UNOWNED, team=team, **rest),
    team=st.sampled_from([*_TEAMS, None]),
    cost=_money,
    weight=_money,
    namespace=st.sampled_from(["web", "kube-system"]),
    **_places,
)
_remainders = st.builds(
    _line,
    kind=st.sampled_from([LineKind.IDLE, LineKind.OVERHEAD]),
    team=st.none(),
    cost=_money,
    weight=_money,
    namespace=st.sampled_from([None, "web"]),
    **_places,
)
_bill = st.builds(
    lambda kind, cluster, cost: replace(
        _line(kind, cluster, None, None, None, cost, 0, None, None), list_units=cost
    ),
    kind=st.sampled_from([LineKind.TAX, LineKind.CREDIT, LineKind.TRUE_UP]),
    cluster=st.sampled_from(["c1", "(out of cluster)"]),
    cost=st.integers(-(10**12), 10**12),
)
_lines = st.lists(st.one_of(_workloads, _remainders, _bill), max_size=14)

_ratios = {"a": "0.25", "b": "0.75"}
_rules = st.one_of(
    st.just("own_line"),
    st.fixed_dictionaries(
        {
            "to": st.just("share"),
            "scope": st.sampled_from(["node", "pool", "cluster", "all"]),
            "key": st.sampled_from(["proportional", "even"]),
        }
    ),
    st.just({"to": "share", "key": "fixed", "ratios": _ratios}),
    st.just({"to": "platform", "team": "ops"}),
)
_plain = st.sampled_from(["own_line", "proportional", {"to": "platform", "team": "ops"}])
_services = st.lists(
    st.sampled_from(
        [
            {"team": "ops"},
            {"team": "net", "key": "even"},
            {"name": "dns", "namespaces": ["kube-*"], "scope": "all"},
            {"name": "loaded", "namespaces": ["web"], "measure": "loaded_cost"},
        ]
    ),
    unique_by=lambda service: service.get("name") or service["team"],
    max_size=3,
)
_policies = st.builds(
    lambda **parts: read_policy(parts),
    idle=_rules,
    overhead=_rules,
    unowned=_plain,
    shared=_services,
    bill=st.dictionaries(st.sampled_from(["tax", "credit", "true_up"]), _plain),
    oversell_gain=st.sampled_from(["tenants", {"to": "platform", "team": "ops"}]),
)


def _sums(lines, level="effective"):
    found: dict[tuple[object, ...], int] = {}
    for one in lines:
        key = (one.day, one.cluster, one.currency)
        found[key] = found.get(key, 0) + getattr(one, level)
    return {key: total for key, total in found.items() if total}


def _by_payer(lines):
    found: dict[tuple[object, ...], int] = {}
    for one in lines:
        key = (one.day, one.cluster, one.kind, one.team, one.cost_centre, one.counterpart, one.resource)
        found[key] = found.get(key, 0) + one.effective
    return found


@given(_policies, _lines)
@settings(max_examples=150, deadline=None)
def test_any_policy_keeps_the_bill_of_every_day_and_cluster(policy, lines):
    shared = apply_policy(policy, lines)
    for level in ("effective", "list_units", "contracted", "assumed"):
        assert _sums(shared, level) == _sums(lines, level)


@given(_policies, _lines, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_lines_changes_nothing(policy, lines, chance: random.Random):
    mixed = list(lines)
    chance.shuffle(mixed)
    assert _by_payer(apply_policy(policy, mixed)) == _by_payer(apply_policy(policy, lines))


@given(_policies, _lines, st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_payers_pay_the_same_by_workload_and_in_sums(policy, lines, parts):
    """A detail file names workloads, a summary does not: both hold the same shares."""
    finer = []
    for one in lines:
        if one.kind is not LineKind.TEAM:
            finer.append(one)
            continue
        names = ("effective", "list_units", "contracted", "used")
        weights = ("idle_share_weight", "overhead_share_weight", "oversell_share_weight")
        first = {name: getattr(one, name) // parts for name in (*names, *weights)}
        rest = {name: getattr(one, name) - first[name] for name in first}
        finer += [replace(one, workload_name="x", **first), replace(one, workload_name="y", **rest)]
    assert _by_payer(apply_policy(policy, finer)) == _by_payer(apply_policy(policy, lines))


@given(_policies, _lines)
@settings(max_examples=60, deadline=None)
def test_cents_of_the_statement_add_up_to_the_rounded_bill(policy, lines):
    payers = summarise(apply_policy(policy, lines))
    rounded = [*round_lines(payers), *closing_lines(payers)]
    exact = sum(one.effective for one in lines)
    cent = 10**7
    total = sum(one.effective for one in rounded)
    assert total % cent == 0
    assert abs(total - exact) <= cent // 2


@given(_policies, _lines)
@settings(max_examples=60, deadline=None)
def test_a_frozen_statement_reads_back_and_needs_no_correction(policy, lines):
    shared = apply_policy(policy, lines)
    read = table_lines(lines_table(shared))
    assert _by_payer(read) == _by_payer(shared)
    assert difference(shared, read, restates="r1", correction="r1-c1") == []


@given(st.lists(st.tuples(_money, _money), min_size=2, max_size=5), st.integers(0, 10**12), _money)
@settings(max_examples=80, deadline=None)
def test_who_uses_more_never_pays_less(tenants, more, idle):
    """On one node with idle shared by cost: the total of each is its part of the node's cost."""
    capacity = sum(cost for cost, _ in tenants) + idle + more

    def total(asked):
        rest = capacity - sum(asked)
        lines = [
            _line(
                LineKind.TEAM,
                "c1",
                date(2026, 10, 1),
                "cpu",
                f"t{n}",
                cost,
                _share(rest, cost, asked),
                "n",
                "p",
            )
            for n, cost in enumerate(asked)
        ]
        lines.append(_line(LineKind.IDLE, "c1", date(2026, 10, 1), "cpu", None, rest, rest, None, "p"))
        shared = apply_policy(read_policy({"idle": "share"}), lines)
        return sum(one.effective for one in shared if one.team == "t0")

    asked = [cost for cost, _ in tenants]
    assert total([asked[0] + more, *asked[1:]]) >= total(asked) - len(tenants)


def _share(rest, cost, asked):
    return round(rest * cost / sum(asked)) if sum(asked) else 0


@given(_policies)
@settings(max_examples=40, deadline=None)
def test_a_policy_is_what_its_document_says(policy):
    assert read_policy(policy_document(policy)) == policy
