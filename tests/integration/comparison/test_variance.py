from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from models.vocabulary.identity import Principal, Role
from service.usecases.unit_costs import business_unit_cost, resource_unit_costs
from service.usecases.variance import explain_change
from warehouse.database.plans import BusinessMetric
from warehouse.reads.variance import CostScope

LEADER = Principal("leader", frozenset({Role.LEADERSHIP}))
DATA_OWNER = Principal("owner", frozenset({Role.OWNER}), frozenset({"data"}))
SEPTEMBER = CostScope(date(2026, 9, 1), date(2026, 9, 30), "EUR")
OCTOBER = CostScope(date(2026, 10, 1), date(2026, 10, 31), "EUR")


def test_the_causes_add_up_to_the_change_of_the_node_bill(runtime):
    found = explain_change(runtime, LEADER, SEPTEMBER, OCTOBER)
    assert found.base_cost == 4 * 24 * 30 * Decimal("0.2")
    assert found.current_cost == 4 * 24 * 31 * Decimal("0.22")
    assert found.causes.total == found.change
    # every core-hour is a tenth dearer: 4 nodes x 744 h x 0.02 EUR, but for the batch, which is new
    batch = 3 * 24 * Decimal("0.22")
    assert found.causes.new == batch
    assert found.causes.price == pytest.approx((found.current_cost - batch) / 11, abs=Decimal("1e-6"))
    assert (found.base_final_days, found.current_final_days) == (30, 31)


def test_the_workload_that_came_is_named(runtime):
    (mover, *_) = explain_change(runtime, DATA_OWNER, SEPTEMBER, OCTOBER).movers
    assert (mover.name, mover.cause, mover.base_cost) == ("data/Deployment/batch", "new", Decimal(0))


def test_an_owner_sees_the_change_of_the_own_team_only(runtime):
    own = explain_change(runtime, DATA_OWNER, SEPTEMBER, OCTOBER)
    asked = explain_change(runtime, LEADER, replace(SEPTEMBER, team="data"), replace(OCTOBER, team="data"))
    assert own.change == asked.change == asked.causes.total
    assert not any("idle" in mover.name for mover in own.movers)


def test_two_teams_are_compared_without_a_remainder(runtime):
    shop, data = replace(OCTOBER, team="shop"), replace(OCTOBER, team="data")
    found = explain_change(runtime, LEADER, shop, data)
    assert found.causes.total == found.current_cost - found.base_cost
    assert (found.causes.new, found.causes.gone, found.movers) == (Decimal(0), Decimal(0), ())


def test_a_core_hour_costs_what_the_price_list_and_weights_say(runtime):
    found = {one.unit: one for one in resource_unit_costs(runtime, LEADER, OCTOBER)}
    # 0.22 EUR over 9 x 4 cores and 1 x 16 GiB
    assert found["core-hour"].unit_cost == (Decimal("0.22") * 9 / 52).quantize(Decimal("1e-9"))
    assert found["GiB-hour"].unit_cost == (Decimal("0.22") / 52).quantize(Decimal("1e-9"))
    core_hours = 744 * 3 + 72 * 4
    assert found["core-hour"].quantity == core_hours
    assert found["used core-hour"].quantity == pytest.approx(744 * 2 + 72 * 4)
    cpu_bill = 4 * 744 * Decimal("0.22") * 36 / 52
    assert found["used core-hour"].cost == pytest.approx(cpu_bill)


def test_a_unit_of_the_business_is_divided_over_the_days_that_both_sides_know(runtime):
    runtime.warehouse.business_metrics.save(
        [BusinessMetric("orders", "*", date(2026, 10, day), 1000.0, "order") for day in range(1, 11)]
    )
    (found,) = business_unit_cost(runtime, LEADER, OCTOBER, "orders")
    assert (found.quantity, found.day_count, found.missing_days) == (Decimal(10_000), 10, 21)
    assert found.cost == 10 * 24 * 4 * Decimal("0.22")
    assert found.unit_cost == found.cost / 10_000
