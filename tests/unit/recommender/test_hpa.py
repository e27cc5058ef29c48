"""Targets of autoscalers that follow a changed request."""

from __future__ import annotations

from typing import Any

import pytest

from models.kubernetes.autoscalers import other_requests, read_hpa, read_scaled_object, read_scalers
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.replicas import (
    HpaChange,
    PodRequests,
    Scaler,
    ScalerKind,
    TargetKind,
    read_hpa_change,
)
from recommender.hpa import rescale_hpa

GIB = float(1 << 30)


def resource(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def hpa(*metrics: dict[str, Any], low: int | None = 2, high: int = 10) -> Scaler:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": low, "maxReplicas": high, "metrics": list(metrics)}
    return read_hpa("shop", "web", spec)


def scaled_object(*triggers: dict[str, Any]) -> Scaler:
    return read_scaled_object("shop", "web", {"scaleTargetRef": {"name": "web"}, "triggers": list(triggers)})


def cpu(request: float, limit: float | None = None) -> ResourceValues:
    return ResourceValues(request, limit, GIB, None)


def change(scaler: Scaler, old: ResourceValues, new: ResourceValues, **others: float | None) -> HpaChange:
    found = rescale_hpa(scaler, "app", old, new, PodRequests(**others))
    assert found is not None
    return found


def test_half_the_request_doubles_the_target_so_that_the_trigger_per_pod_stays() -> None:
    found = change(hpa(resource("cpu", 40)), cpu(1.0, 2.0), cpu(0.5, 2.0))
    (target,) = found.targets
    assert (target.target_before, target.target_after) == (40, 80)
    assert target.trigger_before == target.trigger_after == pytest.approx(0.4)
    assert found.is_possible
    assert "40 % becomes 80 %" in found.reason
    assert "0.40 cores per pod" in found.reason


def test_the_patch_tests_what_it_replaces() -> None:
    found = change(hpa(resource("memory", 70), resource("cpu", 40)), cpu(1.0, 2.0), cpu(0.5, 2.0))
    path = "/spec/metrics/1/resource/target/averageUtilization"
    assert found.json_patch == (
        {"op": "test", "path": path, "value": 40},
        {"op": "replace", "path": path, "value": 80},
    )
    assert read_hpa_change(found.to_document()) == found


def test_a_container_metric_counts_its_own_container_only() -> None:
    part = {"name": "cpu", "container": "app", "target": {"type": "Utilization", "averageUtilization": 50}}
    scaler = hpa({"type": "ContainerResource", "containerResource": part})
    found = change(scaler, cpu(1.0, 4.0), cpu(0.5, 4.0), cpu_request_cores=1.0)
    assert found.target_after == 100
    assert rescale_hpa(scaler, "sidecar", cpu(1.0), cpu(0.5)) is None
    assert found.json_patch[0]["path"] == "/spec/metrics/0/containerResource/target/averageUtilization"


def test_a_pod_metric_is_a_share_of_the_requests_of_all_containers() -> None:
    found = change(
        hpa(resource("cpu", 50)), cpu(1.0, 4.0), cpu(0.5, 4.0), cpu_request_cores=1.0, cpu_limit_cores=2.0
    )
    # (1 + 1) / (0.5 + 1)
    assert found.target_after == 66
    assert found.targets[0].trigger_before == pytest.approx(1.0)


def test_amounts_per_pod_and_other_metrics_are_no_obstacle() -> None:
    amount = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageValue": "500m"}}}
    queue = {"type": "External", "external": {"metric": {"name": "cpu"}, "target": {"averageValue": "30"}}}
    assert rescale_hpa(hpa(amount, queue), "app", cpu(1.0), cpu(0.5)) is None


def test_only_the_metric_of_the_changed_resource_moves() -> None:
    scaler = hpa(resource("cpu", 50), resource("memory", 60))
    old = ResourceValues(1.0, 4.0, 2 * GIB, 4 * GIB)
    found = change(scaler, old, ResourceValues(1.0, 4.0, GIB, 4 * GIB))
    assert [(target.metric, target.target_after) for target in found.targets] == [("memory", 120)]
    both = change(scaler, old, ResourceValues(0.5, 4.0, GIB, 4 * GIB))
    assert [target.target_after for target in both.targets] == [100, 120]


def test_request_equal_to_limit_allows_no_target_above_a_hundred() -> None:
    found = change(hpa(resource("cpu", 60)), cpu(1.0, 1.0), cpu(0.5, 0.5))
    assert not found.is_possible
    assert found.target_after == 100
    assert found.blocked_resources == {"cpu"}
    assert found.json_patch == ()
    assert "120 %" in found.reason
    assert "never scale out" in found.reason


def test_a_burstable_target_ends_at_limit_over_request() -> None:
    found = change(hpa(resource("cpu", 80)), cpu(2.0, 3.3), cpu(0.5, 1.65))
    assert found.target_after == 320
    assert change(hpa(resource("cpu", 80)), cpu(2.0, 3.0), cpu(0.5, 1.0)).target_after == 200


def test_a_target_that_the_tolerance_puts_out_of_reach_is_impossible() -> None:
    found = change(hpa(resource("cpu", 48)), cpu(1.0, 1.0), cpu(0.5, 0.5))
    assert found.target_after == 96
    assert not found.is_possible
    assert "acts only 10% above its target" in found.reason.replace("10 %", "10%")


def test_raising_a_request_is_possible_however_high_the_target_was() -> None:
    found = change(hpa(resource("cpu", 95)), cpu(1.0, 1.0), cpu(1.25, 1.25))
    assert found.target_after == 76
    assert found.is_possible


def test_whole_percents_that_are_too_coarse_make_it_impossible() -> None:
    found = change(hpa(resource("cpu", 5)), cpu(0.1), cpu(0.35))
    assert not found.is_possible
    assert "whole percents" in found.reason
    assert change(hpa(resource("cpu", 5)), cpu(0.1), cpu(10.0)).target_after == 1


def test_without_metrics_the_default_of_the_api_is_written_out() -> None:
    found = change(hpa(), cpu(1.0, 4.0), cpu(0.5, 4.0))
    assert (found.target_before, found.target_after) == (80, 160)
    (operation,) = found.json_patch
    assert operation["op"] == "add"
    assert operation["value"][0]["resource"]["target"]["averageUtilization"] == 160


def test_a_missing_request_in_the_pod_is_named() -> None:
    found = change(hpa(resource("cpu", 50)), cpu(1.0), cpu(0.5), cpu_request_cores=None)
    assert not found.is_possible
    assert "one of the pod's containers has none" in found.reason
    unset = change(hpa(resource("cpu", 50)), ResourceValues(), cpu(0.5))
    assert not unset.is_possible


def test_bounds_that_exclude_each_other_are_named() -> None:
    found = change(hpa(resource("cpu", 50), low=8, high=4), cpu(1.0, 4.0), cpu(0.5, 4.0))
    assert not found.is_possible
    assert "8 to 4" in found.reason


def test_unreadable_numbers_are_no_numbers() -> None:
    bad = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": "many"}}}
    found = change(hpa(bad), cpu(1.0), cpu(0.5))
    assert not found.is_possible
    assert "no cpu target that can be read" in found.reason
    scaler = read_hpa("shop", "web", {"maxReplicas": "x", "metrics": [resource("cpu", 50)]})
    assert scaler.maximum_replicas == 0


def test_keda_triggers_of_utilisation_follow_and_others_stay() -> None:
    scaler = scaled_object(
        {"type": "kafka", "metadata": {"lagThreshold": "5"}},
        {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60", "containerName": "app"}},
        {"type": "memory", "metricType": "AverageValue", "metadata": {"value": "1Gi"}},
    )
    assert (scaler.minimum_replicas, scaler.maximum_replicas) == (0, 100)
    assert scaler.metrics[2].target == GIB
    found = change(scaler, cpu(1.0, 4.0), ResourceValues(0.5, 4.0, GIB / 2, None))
    assert found.object_kind is ScalerKind.SCALED_OBJECT
    assert [target.metric for target in found.targets] == ["cpu"]
    path = "/spec/triggers/1/metadata/value"
    assert found.json_patch == (
        {"op": "test", "path": path, "value": "60"},
        {"op": "replace", "path": path, "value": "120"},
    )


def test_an_old_keda_trigger_names_its_type_in_the_metadata() -> None:
    scaler = scaled_object({"type": "cpu", "metadata": {"type": "Utilization", "value": "50"}})
    assert scaler.metrics[0].target_kind is TargetKind.UTILIZATION


def test_the_autoscaler_that_keda_owns_is_left_to_keda() -> None:
    owned = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "owner": {"kind": "ScaledObject"}}
    found = read_scalers(
        [
            ("HorizontalPodAutoscaler", "shop", "keda-hpa-web", owned),
            ("ScaledObject", "shop", "web", {"scaleTargetRef": {"name": "web"}, "triggers": []}),
        ]
    )
    assert [scaler.kind for scaler in found] == [ScalerKind.SCALED_OBJECT]
    assert found[0].workload_kind == "Deployment"


def test_the_rest_of_the_pod_counts_sidecars_but_no_init_containers() -> None:
    containers = [
        {"name": "app", "kind": "main", "requests": {"cpu": 1.0}},
        {"name": "proxy", "kind": "sidecar", "requests": {"cpu": 0.25}, "limits": {"memory": 64.0}},
        {"name": "setup", "kind": "init", "requests": {"cpu": 4.0}},
    ]
    found = other_requests(containers, "app")
    assert found == PodRequests(0.25, None, 64.0, 64.0)
