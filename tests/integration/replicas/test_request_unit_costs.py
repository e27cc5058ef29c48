"""Cost per million requests, over stored cost and stored requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from support.fleet import Node, Pod, observe, store
from support.scaled_workloads import HISTOGRAM, START, WEB, request_rows

from models.pricing.price_list import PriceRow
from models.request_metrics.weights import RequestWeights
from models.vocabulary.identity import Principal, Role, WorkloadKey
from service.leasing import holding
from service.runtime import Runtime
from service.setting_parts import RequestMetricRule
from service.usecases.allocation import allocate
from service.usecases.request_unit_costs import NO_HISTOGRAM, NOT_FITTED, request_unit_costs
from warehouse.database.replicas import StoredFit
from warehouse.reads.variance import CostScope

LEADER = Principal("leader", frozenset({Role.LEADERSHIP}))
DAYS = 4
SCOPE = CostScope(date(2026, 11, 1), date(2026, 11, 4), "EUR")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """Store four days of two workloads on priced nodes; one has requests but for an hour of the last day."""
    found = Runtime.for_test(tmp_path_factory.mktemp("units"), now=START + timedelta(days=DAYS, hours=2))
    found.warehouse.prices.replace(
        [PriceRow("m5.xlarge", "EUR", Decimal("0.2"), datetime(2026, 1, 1, tzinfo=UTC))]
    )
    pods = [Pod("web", "n0", (2, 4), (1, 3)), Pod("etl", "n1", (1, 2), (1, 2))]
    store(found, observe("alpha", START, 24 * DAYS, [Node("n0"), Node("n1")], pods))
    allocate(found)
    count = DAYS * 288
    rates = {"0.1": np.full(count, 9.0), "+Inf": np.full(count, 1.0)}
    rows = request_rows(rates)
    rows = rows.filter(np.array([hour != START + timedelta(hours=80) for hour in rows["hour"].to_pylist()]))
    with holding(found, "alpha") as held:
        found.warehouse.lake.add_absent("request_bucket_hour", rows, fence=held.lease)
    yield found
    found.warehouse.close()


def test_without_weights_plain_requests_count_and_say_so(runtime: Runtime) -> None:
    (found,) = request_unit_costs(runtime, LEADER, SCOPE)
    assert (found.workload, found.flag, found.found.unit) == (WEB, NOT_FITTED, "million requests")
    # the day with an hour that nobody observed is left out on both sides
    assert (found.found.day_count, found.found.missing_days) == (3, 1)
    assert found.found.quantity == pytest.approx(Decimal("2.592"))


def test_weights_change_the_quantity_and_not_the_cost(runtime: Runtime) -> None:
    plain = request_unit_costs(runtime, LEADER, SCOPE)[0].found
    weights = RequestWeights(("0.1", "+Inf"), (0.5, 1.5), 0.0, 0.1, 0.97, 0.4, None, 1000)
    fit = StoredFit(WEB, HISTOGRAM, START, 0.97, 0.4, weights.to_document())
    runtime.warehouse.request_metric_fits.save(fit)
    (found,) = request_unit_costs(runtime, LEADER, SCOPE)
    assert (found.flag, found.found.unit) == ("", "million weighted requests")
    # 0.5 x 9 + 1.5 x 1 a second, over three days
    assert found.found.quantity == pytest.approx(Decimal("1.5552"))
    assert found.found.cost == plain.cost
    assert found.found.unit_cost == (found.found.cost / found.found.quantity).quantize(Decimal("1e-9"))


def test_without_a_histogram_core_hours_stand_in_with_a_flag(runtime: Runtime) -> None:
    etl = WorkloadKey("alpha", "shop", "Deployment", "etl")
    (found,) = request_unit_costs(runtime, LEADER, SCOPE, etl)
    assert (found.flag, found.found.unit) == (NO_HISTOGRAM, "used core-hour")
    assert found.found.quantity == pytest.approx(Decimal(24 * DAYS))


def test_a_workload_whose_histogram_was_named_but_never_came_is_not_left_out(runtime: Runtime) -> None:
    rule = RequestMetricRule(namespace="shop", workload="etl", metric=HISTOGRAM)
    named = replace(runtime, settings=runtime.settings.model_copy(update={"request_metrics": (rule,)}))
    flags = {one.workload.name: one.flag for one in request_unit_costs(named, LEADER, SCOPE)}
    assert flags["etl"] == NO_HISTOGRAM
    assert set(flags) == {"web", "etl"}


def test_an_owner_of_another_team_sees_no_figure(runtime: Runtime) -> None:
    stranger = Principal("bob", frozenset({Role.OWNER}), frozenset({"other"}))
    assert request_unit_costs(runtime, stranger, SCOPE) == []


def test_a_zone_that_cuts_days_elsewhere_leaves_out_the_days_it_does_not_know(tmp_path: Path) -> None:
    found = Runtime.for_test(tmp_path, now=START + timedelta(days=2), billing_zone="Asia/Kolkata")
    assert request_unit_costs(found, LEADER, SCOPE) == []
    found.warehouse.close()
