"""Unowned spend as a figure: what, how much, since when, and whose it may be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from support.fleet import Node, Pod, observe, store

from models.ownership.rules import OwnershipRow
from models.vocabulary.errors import Forbidden, InputError
from models.vocabulary.identity import Principal, Role
from service.access import local_principal
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.unowned import unowned_spend

ADMIN = local_principal()
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
THIRD = datetime(2026, 10, 3, tzinfo=UTC)


def of_workload(spend, name):
    (found,) = [one for one in spend.workloads if one.workload_name == name]
    return found


def workload_cost(runtime, *namespaces):
    return sum(
        row["total_cost"]
        for row in runtime.warehouse.lake.scan("cost_day").to_pylist()
        if row["line_kind"] == "workload" and (not namespaces or row["namespace"] in namespaces)
    )


def test_every_amount_is_that_of_the_daily_costs(runtime: Runtime) -> None:
    half = Decimal("0.25")
    runtime.warehouse.ownership.replace([OwnershipRow("*", "shop", "red", LONG_AGO, share_ratio=half)])
    allocate(runtime)
    spend = unowned_spend(runtime, ADMIN, "2026-10")
    (total,) = spend.totals
    shop, tools = workload_cost(runtime, "shop"), workload_cost(runtime, "tools")
    assert (total.currency, total.workload_cost) == ("USD", workload_cost(runtime))
    assert total.unowned_cost == shop * 3 / 4
    assert total.guessed_cost == tools
    assert total.unowned_ratio == pytest.approx(float((shop * 3 / 4 + tools) / total.workload_cost))
    assert [one.workload_name for one in spend.workloads] == ["web", "agent"]
    assert [one.cost for one in spend.workloads] == [total.unowned_cost, total.guessed_cost]
    assert sum(one.share_ratio for one in spend.workloads) == pytest.approx(total.unowned_ratio)


def test_the_alarm_rings_above_the_setting(tmp_path) -> None:
    for most, rings in ((0.02, True), (1.0, False)):
        runtime = Runtime.for_test(
            tmp_path / str(most), now=datetime(2026, 11, 20, tzinfo=UTC), unowned_alarm_ratio=most
        )
        store(runtime, observe("c1", THIRD, 24, [Node("n1")], [Pod("web", "n1", (1, 4), (1, 1))]))
        allocate(runtime)
        spend = unowned_spend(runtime, ADMIN, "2026-10")
        assert spend.totals[0].unowned_ratio == 1.0
        assert spend.is_alarming is rings


def test_since_when_is_the_start_of_the_latest_stretch_without_an_owner(runtime: Runtime) -> None:
    runtime.warehouse.ownership.replace(
        [OwnershipRow("*", "shop", "red", LONG_AGO, THIRD), OwnershipRow("*", "tools", "red", THIRD)]
    )
    allocate(runtime)
    spend = unowned_spend(runtime, ADMIN, "2026-10")
    assert of_workload(spend, "web").since == date(2026, 10, 3)
    assert of_workload(spend, "agent").since == date(2026, 10, 1)


def test_neighbours_and_namesakes_are_proposed(runtime: Runtime) -> None:
    store(
        runtime,
        observe(
            "c2",
            THIRD,
            24,
            [Node("m1")],
            [Pod("x", "m1", (1, 1), (1, 1), "tools", "agent", labels={"team": "platform"})],
        ),
    )
    allocate(runtime)
    found = of_workload(unowned_spend(runtime, ADMIN, "2026-10"), "agent")
    assert [(one.team, one.evidence) for one in found.candidates] == [
        ("platform", "pays 100% of the owned cost in tools")
    ]


def test_unpriced_workloads_are_listed_without_an_amount(tmp_path) -> None:
    runtime = Runtime.for_test(
        tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC), prices_mode="strict"
    )
    store(runtime, observe("c1", THIRD, 24, [Node("n1")], [Pod("web", "n1", (1, 4), (1, 1))]))
    allocate(runtime)
    spend = unowned_spend(runtime, ADMIN, "2026-10")
    assert spend.totals == ()
    assert [(one.cost, one.share_ratio) for one in spend.workloads] == [(None, None)]


def test_owners_see_only_what_is_guessed_to_be_theirs(runtime: Runtime) -> None:
    allocate(runtime)
    ann = Principal("ann", frozenset({Role.OWNER}), frozenset({"tools"}))
    assert [one.workload_name for one in unowned_spend(runtime, ann, "2026-10").workloads] == ["agent"]
    with pytest.raises(Forbidden):
        unowned_spend(runtime, Principal("nobody"), "2026-10")
    with pytest.raises(InputError):
        unowned_spend(runtime, ADMIN, "October")
