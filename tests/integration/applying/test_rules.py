"""What keeps a change away from a cluster: owners of fields, windows, freezes, the day's budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.applying_world import METADATA, OWNER, ApplyingWorld, deployment, owned_by, workload
from support.kubernetes_api_store import BY_PATH, BY_PLURAL
from support.recommendations import suggestion
from support.warehouse import NOON

from models.applying.attempt import ApplyMethod, ApplyResult
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.replicas import HpaChange, ScalerKind, TargetChange
from service.setting_parts import ChangeFreeze
from service.usecases import applying
from service.usecases.applying import ApplyRequest
from warehouse.database.applying import ApplyAttempt

Open = Callable[..., ApplyingWorld]


def apply(world: ApplyingWorld, **options: Any) -> ApplyAttempt:
    return applying.apply(world.runtime, OWNER, ApplyRequest(world.id, **options))


MARKS = [
    ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "git", "Argo CD application shop"),
    (
        {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}},
        "git",
        "Argo CD application shop ",
    ),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "git", "Flux Kustomization apps"),
    ({"labels": {"helm.toolkit.fluxcd.io/name": "web"}}, "helm", "HelmRelease web"),
    (
        {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "web"},
        },
        "helm",
        "Helm release web",
    ),
    (
        {
            "ownerReferences": [
                {
                    "apiVersion": "monitoring.coreos.com/v1",
                    "kind": "Prometheus",
                    "name": "k8s",
                    "uid": "p",
                    "controller": True,
                }
            ]
        },
        "custom_resource",
        "Prometheus k8s",
    ),
]


@pytest.mark.parametrize(("marks", "channel", "reason"), MARKS)
def test_what_a_tool_writes_is_never_patched_live(
    opened: Open, marks: dict[str, Any], channel: str, reason: str
) -> None:
    world = opened(deployment(**marks))
    plan = applying.plan_apply(world.runtime, OWNER, world.id)
    assert (plan.channel, plan.method) == (channel, None)
    assert reason in plan.reason
    found = apply(world)
    assert found.result is ApplyResult.BLOCKED
    assert reason in found.message
    assert world.server.requests == []


@pytest.mark.parametrize(("marks", "channel", "reason"), [MARKS[0], MARKS[-1]])
def test_a_mark_that_came_after_the_last_inventory_is_seen_on_the_object(
    opened: Open, marks: dict[str, Any], channel: str, reason: str
) -> None:
    del channel
    world = opened()
    world.server.put(deployment(**marks))
    found = apply(world, method=ApplyMethod.STRATEGIC)
    assert found.result is ApplyResult.BLOCKED
    assert reason in found.message
    assert world.patches() == []


def test_a_field_manager_of_a_tool_counts_as_its_mark(opened: Open) -> None:
    plan = applying.plan_apply(*_asked(opened(owned_by("kustomize-controller"))))
    assert plan.channel == "git"
    assert "Flux (field manager kustomize-controller)" in plan.reason


def _asked(world: ApplyingWorld) -> tuple[Any, ...]:
    return world.runtime, OWNER, world.id


def test_an_injected_sidecar_goes_to_the_platform_team(opened: Open) -> None:
    key = ContainerKey(suggestion().key.workload, "istio-proxy")
    world = opened(advice=replace(suggestion(), key=key))
    plan = applying.plan_apply(*_asked(world))
    assert plan.channel == "platform_team"
    assert apply(world).result is ApplyResult.BLOCKED
    assert world.server.requests == []


def test_a_container_that_the_run_saw_injected_is_believed(opened: Open) -> None:
    world = opened(advice=replace(suggestion(), is_injected=True))
    assert applying.plan_apply(*_asked(world)).channel == "platform_team"


def test_the_plan_knows_the_last_attempt(opened: Open) -> None:
    world = opened()
    assert applying.plan_apply(*_asked(world)).last_attempt is None
    apply(world, is_dry_run=True)
    last = applying.plan_apply(*_asked(world)).last_attempt
    assert last is not None
    assert last.result is ApplyResult.PASSED


def test_pods_of_an_operator_are_changed_in_its_resource(opened: Open) -> None:
    key = ContainerKey(WorkloadKey("alpha", "shop", "StrimziPodSet", "kafka"), "kafka")
    world = opened(advice=replace(suggestion(), key=key))
    assert applying.plan_apply(*_asked(world)).channel == "custom_resource"
    assert apply(world).result is ApplyResult.BLOCKED


def test_a_workload_that_the_api_never_showed_has_no_channel(opened: Open) -> None:
    key = ContainerKey(WorkloadKey("alpha", "shop", "Deployment", "elsewhere"), "app")
    plan = applying.plan_apply(*_asked(opened(advice=replace(suggestion(), key=key))))
    assert plan.channel == "none"
    assert "not known" in plan.reason


def test_outside_a_window_it_is_refused_with_the_next_time(opened: Open) -> None:
    window = {
        "namespace": "sh*",
        "days": ("thu",),
        "opens": "22:00",
        "closes": "02:00",
        "zone": "Europe/Berlin",
    }
    world = opened(settings={"maintenance_windows": (window,)})
    found = apply(world)
    assert found.result is ApplyResult.BLOCKED
    assert found.message == "outside the maintenance windows; the next one is 2026-10-15 20:00Z"
    assert world.server.requests == []
    assert apply(world, is_dry_run=True).result is ApplyResult.PASSED, "asking is always allowed"


def test_inside_the_window_it_goes_through(opened: Open) -> None:
    window = {"days": ("wed",), "opens": "13:00", "closes": "15:00", "zone": "Europe/Berlin"}
    assert datetime(2026, 10, 14, 12, tzinfo=UTC) == NOON, "a Wednesday, 14:00 in Berlin"
    assert apply(opened(settings={"maintenance_windows": (window,)})).result is ApplyResult.APPLIED


def test_a_window_of_another_team_does_not_bind(opened: Open) -> None:
    window = {"team": "bank", "days": ("sun",), "opens": "13:00", "closes": "15:00"}
    assert apply(opened(settings={"maintenance_windows": (window,)})).result is ApplyResult.APPLIED


def test_a_freeze_is_told_with_its_reason_and_end(opened: Open) -> None:
    freeze = {
        "team": "shop",
        "start": NOON - timedelta(days=1),
        "end": NOON + timedelta(days=3),
        "reason": "autumn sale",
    }
    world = opened(settings={"change_freezes": (freeze,)})
    found = apply(world)
    assert found.result is ApplyResult.BLOCKED
    assert found.message == "changes are frozen until 2026-10-17 12:00Z: autumn sale"
    assert applying.plan_apply(*_asked(world)).blocks == (found.message,)


def test_the_way_back_is_open_in_a_freeze(opened: Open) -> None:
    world = opened()
    apply(world)
    freeze = ChangeFreeze(start=NOON, end=NOON + timedelta(days=3), reason="incident")
    settings = world.runtime.settings.model_copy(update={"change_freezes": (freeze,)})
    frozen = replace(world.runtime, settings=settings)
    found = applying.apply(frozen, OWNER, ApplyRequest(world.id, is_rollback=True))
    assert found.result is ApplyResult.APPLIED


def test_a_day_s_budget_of_changed_workloads_holds(opened: Open) -> None:
    world = opened(settings={"apply_max_workloads_per_day": 1})
    assert apply(world).result is ApplyResult.APPLIED
    assert apply(world, is_rollback=True).result is ApplyResult.APPLIED
    found = apply(world)
    assert found.result is ApplyResult.BLOCKED
    assert "apply_max_workloads_per_day" in found.message
    tomorrow = world.runtime.at(NOON + timedelta(days=1, minutes=1))
    assert applying.apply(tomorrow, OWNER, ApplyRequest(world.id)).result is ApplyResult.APPLIED


def test_one_replica_and_a_strict_disruption_budget_are_warned_of(opened: Open) -> None:
    lonely = workload("Deployment", "apps/v1")
    lonely["spec"]["replicas"] = 1
    budget = {
        "kind": "PodDisruptionBudget",
        "metadata": {**METADATA, "uid": "uid-budget"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    first, second = applying.plan_apply(*_asked(opened(lonely, budget))).warnings
    assert first == "it has 1 replica: pods that restart leave a gap in service"
    assert second == "disruption budget web needs all 1 pods"


PLACE = "/spec/metrics/0/resource/target/averageUtilization"
HPA = HpaChange(
    ScalerKind.HORIZONTAL_POD_AUTOSCALER,
    "shop",
    "web",
    (TargetChange("cpu", None, 0, 50, 100, 0.5, 0.5, True, "50 % of 1 core is 100 % of 0.5."),),
    2,
    10,
    (
        {"op": "test", "path": PLACE, "value": 50},
        {"op": "replace", "path": PLACE, "value": 100},
    ),
)


def autoscaler(target: int = 50, **metadata: Any) -> dict[str, Any]:
    use = {"type": "Utilization", "averageUtilization": target}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": use}}
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {**METADATA, "uid": "uid-hpa", **metadata},
        "spec": {"metrics": [metric]},
    }


def target_of(world: ApplyingWorld) -> int:
    found = world.server.store.get(BY_PLURAL["horizontalpodautoscalers"], "shop", "web")
    assert found is not None
    return int(found["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"])


def test_the_autoscaler_s_target_changes_with_the_request_and_goes_back_with_it(opened: Open) -> None:
    world = opened(deployment(), autoscaler(), advice=replace(suggestion(), hpa=HPA))
    assert apply(world).result is ApplyResult.APPLIED
    assert (target_of(world), world.resources()["requests"]["cpu"]) == (100, "500m")
    assert apply(world, is_rollback=True).result is ApplyResult.APPLIED
    assert (target_of(world), world.resources()["requests"]["cpu"]) == (50, "1")


def test_a_trigger_of_keda_changes_with_the_request(opened: Open) -> None:
    place = "/spec/triggers/0/metadata/value"
    operations = (
        {"op": "test", "path": place, "value": "50"},
        {"op": "replace", "path": place, "value": "100"},
    )
    change = replace(HPA, object_kind=ScalerKind.SCALED_OBJECT, json_patch=operations)
    scaled = {
        "kind": "ScaledObject",
        "apiVersion": "keda.sh/v1alpha1",
        "metadata": {**METADATA, "uid": "uid-keda"},
        "spec": {"triggers": [{"type": "cpu", "metadata": {"value": "50"}}]},
    }
    world = opened(deployment(), scaled, advice=replace(suggestion(), hpa=change))
    assert apply(world).result is ApplyResult.APPLIED
    found = world.server.store.get(BY_PATH["keda.sh", "scaledobjects"], "shop", "web")
    assert found is not None
    assert found["spec"]["triggers"][0]["metadata"]["value"] == "100"
    assert world.resources()["requests"]["cpu"] == "500m"


@pytest.mark.parametrize(
    "scaler",
    [autoscaler(70), autoscaler(labels={"argocd.argoproj.io/instance": "shop"})],
    ids=["another target", "owned by Argo CD"],
)
def test_if_the_autoscaler_cannot_follow_nothing_changes(opened: Open, scaler: dict[str, Any]) -> None:
    world = opened(deployment(), scaler, advice=replace(suggestion(), hpa=HPA))
    assert not apply(world).result.is_success
    assert world.resources()["requests"]["cpu"] == "1"


def test_a_scaler_that_refuses_at_the_last_moment_takes_the_workload_back(opened: Open) -> None:
    world = opened(deployment(), autoscaler(), advice=replace(suggestion(), hpa=HPA))
    patch = world.server.patch

    def patch_and_change_the_target(call: Any, *rest: Any) -> dict[str, Any]:
        if call.resource.kind == "HorizontalPodAutoscaler" and call.query.get("dryRun") != "All":
            world.server.put(autoscaler(70))
        return patch(call, *rest)

    world.server.patch = patch_and_change_the_target  # type: ignore[method-assign]
    found = apply(world)
    assert not found.result.is_success
    assert "the workload has its old values again" in found.message
    assert world.resources()["requests"]["cpu"] == "1"
