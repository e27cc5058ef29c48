"""What an autoscaler achieved, on replicas counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from support.scaled_workloads import START, bins_of, utilisation, web_hpa

from recommender.hpa_audit import AuditFinding, HpaAudit, ScalerVersion, audit_scaler
from recommender.replicas import ReplicaPrice
from recommender.workload_bins import WorkloadBins

EURO = ReplicaPrice(Decimal("0.12"), "EUR")
DAY = 24 * 12


def audit(bins: WorkloadBins, *versions: ScalerVersion, price: ReplicaPrice = EURO) -> HpaAudit:
    found = audit_scaler(bins, versions or (ScalerVersion(START, web_hpa()),), price)
    assert found is not None
    return found


def test_money_beyond_need_is_replica_hours_times_price() -> None:
    # a day of 4 replicas at 0.25 cores: 1 core in all, trigger 0.5 -> 2 needed, 2 too many
    found = audit(bins_of([4.0] * DAY, [0.25] * DAY))
    assert found.excess_replica_hours == pytest.approx(48.0)
    assert found.excess_by_minimum_hours == 0.0
    assert found.excess_cost == Decimal("5.76")
    assert found.currency == "EUR"
    (metric,) = found.metrics
    assert (metric.target, metric.achieved) == (0.5, pytest.approx(0.25))
    assert found.findings == (AuditFinding.BELOW_TARGET,)


def test_a_minimum_that_is_too_high_is_named_with_its_part_of_the_money() -> None:
    found = audit(bins_of([2.0] * DAY, [0.1] * DAY))
    assert found.time_at_minimum_ratio == 1.0
    assert (found.excess_replica_hours, found.excess_by_minimum_hours) == (24.0, 24.0)
    assert AuditFinding.HELD_BY_MINIMUM in found.findings


def test_use_is_weighted_by_request_not_by_time() -> None:
    half = DAY // 2
    found = audit(bins_of([6.0] * half + [2.0] * half, [0.6] * half + [0.1] * half))
    # (6 x 0.6 + 2 x 0.1) / (6 + 2)
    assert found.metrics[0].achieved == pytest.approx(0.475)
    assert found.time_at_maximum_ratio == 0.5
    assert AuditFinding.AT_MAXIMUM in found.findings


def test_the_bounds_and_targets_of_their_time_count() -> None:
    change = START + timedelta(hours=12)
    versions = (
        ScalerVersion(START, web_hpa(4, 8, utilisation(25))),
        ScalerVersion(change, web_hpa(2, 6, utilisation(50))),
    )
    found = audit(bins_of([4.0] * DAY, [0.25] * DAY), *versions)
    # 12 h with trigger 0.25: 4 needed; 12 h with trigger 0.5: 2 needed
    assert found.excess_replica_hours == pytest.approx(24.0)
    assert found.time_at_minimum_ratio == 0.5
    assert found.metrics[0].target == 0.5


def test_time_after_the_end_of_the_object_does_not_count() -> None:
    ended = ScalerVersion(START, web_hpa(), START + timedelta(hours=6))
    assert audit(bins_of([4.0] * DAY, [0.25] * DAY), ended).counted_hours == 6.0


def test_events_are_left_out() -> None:
    quiet, sale = [0.25] * (DAY - 24), [0.9] * 24
    bins = bins_of([4.0] * DAY, quiet + sale)
    excluded = np.zeros(DAY, dtype=bool)
    excluded[-24:] = True
    with_sale = audit(bins)
    without = audit_scaler(bins, (ScalerVersion(START, web_hpa()),), EURO, excluded)
    assert without is not None
    assert without.metrics[0].achieved == pytest.approx(0.25)
    assert with_sale.metrics[0].achieved > 0.29
    assert (without.counted_hours, without.excluded_hours) == (22.0, 2.0)
    assert audit_scaler(bins, (ScalerVersion(START, web_hpa()),), EURO, np.ones(DAY, dtype=bool)) is None


def test_a_change_of_direction_within_half_an_hour_is_a_flap() -> None:
    replicas = np.full(DAY, 3.0)
    replicas[20:23] = 5.0  # up and down within 15 minutes
    replicas[60:72] = 5.0  # up and down after an hour
    assert audit(bins_of(replicas.tolist(), [0.4] * DAY)).flaps_per_day == 1.0


def test_replicas_of_a_release_are_no_flaps() -> None:
    replicas = np.full(DAY, 3.0)
    replicas[24:27] = 4.0
    bins = bins_of(replicas.tolist(), [0.4] * DAY)
    app = bins.containers["app"]
    rollout = np.zeros(DAY, dtype=bool)
    rollout[24:36] = True
    released = replace(bins, containers={"app": replace(app, is_rollout=rollout)})
    assert audit(released).flaps_per_day == 0.0


def test_where_another_metric_may_need_the_replicas_nothing_is_said_about_money() -> None:
    queue = {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"averageValue": "5"}}}
    found = audit(
        bins_of([4.0] * DAY, [0.25] * DAY), ScalerVersion(START, web_hpa(2, 6, utilisation(50), queue))
    )
    assert found.excess_replica_hours is None
    assert found.excess_cost is None
    assert [metric.achieved for metric in found.metrics] == [pytest.approx(0.25), None]


def test_without_a_price_money_is_unknown_and_hours_are_told() -> None:
    found = audit(bins_of([4.0] * DAY, [0.25] * DAY), price=ReplicaPrice())
    assert found.excess_replica_hours == pytest.approx(48.0)
    assert (found.excess_cost, found.currency) == (None, None)


def test_hours_without_pods_are_not_counted_as_nothing() -> None:
    half = DAY // 2
    found = audit(bins_of([0.0] * half + [4.0] * half, [0.25] * DAY))
    assert found.counted_hours == 12.0
    assert found.replica_count_mean == 4.0


def test_pods_without_metrics_count_as_the_others() -> None:
    found = audit(bins_of([4.0] * DAY, [0.25] * DAY, seen=[2.0] * DAY))
    assert found.replica_count_mean == pytest.approx(4.0)
    assert found.metrics[0].achieved == pytest.approx(0.25)
