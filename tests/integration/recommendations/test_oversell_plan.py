from datetime import timedelta

import pytest

from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal, Role
from service.usecases.oversell import list_oversell, plan_oversell

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))


def plan_of(world, as_of=None):
    rows = plan_oversell(world, as_of).plans["alpha"].to_pylist()
    return {(row["scope"], row["name"], row["resource"]): row for row in rows}


def test_the_plan_sells_requests_up_to_the_predicted_peak(world):
    plan = plan_of(world)
    pool, node = plan["pool", "default", "cpu"], plan["node", "node-1", "cpu"]
    assert pool["allocatable"] == 16.0
    assert pool["node_count"] == 2
    assert node["oversell_ratio_requests"] == pytest.approx(node["requested"] / 8.0)
    assert node["safe_oversell_ratio"] == pytest.approx(0.8 * node["requested"] / node["predicted_peak"])
    assert node["safe_oversell_ratio"] > 1
    assert node["violation_ratio_stated"] == 0.01
    assert node["violation_ratio_backtest"] == 0.0
    assert node["history_days"] == pytest.approx(34.0)
    assert node["guard_rail"] is None


def test_a_node_that_uses_more_than_it_was_sold_stays_at_one(world):
    node = plan_of(world)["node", "node-2", "cpu"]
    assert node["safe_oversell_ratio"] <= 1.0 or node["guard_rail"] == "low_requests"


def test_memory_is_off_by_default(world):
    rows = [row for key, row in plan_of(world).items() if key[2] == "memory"]
    assert {row["safe_oversell_ratio"] for row in rows} == {1.0}
    assert {row["guard_rail"] for row in rows} == {"memory_off"}
    assert {row["predicted_peak"] for row in rows} == {None}


def test_stale_data_sells_nothing(world):
    plan = plan_of(world, world.now() + timedelta(hours=3))
    assert plan["node", "node-1", "cpu"]["guard_rail"] == "stale_data"
    assert plan["node", "node-1", "cpu"]["safe_oversell_ratio"] == 1.0


def test_less_than_a_week_of_history_sells_nothing(world):
    plan = plan_of(world, world.now() - timedelta(days=28))
    assert plan["pool", "default", "cpu"]["guard_rail"] == "too_little_history"


def test_the_ratio_grows_slowly_and_the_same_run_twice_stores_the_same(world):
    later, earlier = world.now(), world.now() - timedelta(days=1)
    low = plan_of(world.at(earlier), earlier)
    first = list_oversell(world, PLATFORM).to_pylist()
    grown = plan_of(world, later)
    for key, row in grown.items():
        assert row["safe_oversell_ratio"] <= max(low[key]["safe_oversell_ratio"], 1.0) + 0.05 + 1e-9
    second = list_oversell(world, PLATFORM)
    plan_of(world, later)
    assert list_oversell(world, PLATFORM).equals(second)
    assert second.num_rows == len(first)


def test_owners_of_teams_do_not_see_nodes(world):
    with pytest.raises(Forbidden):
        list_oversell(world, Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"})))
