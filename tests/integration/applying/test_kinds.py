"""Kinds beyond Deployments: custom resources, OpenShift, Rollouts that refer elsewhere, what is fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.applying_world import METADATA, OWNER, ApplyingWorld, deployment, workload
from support.recommendations import suggestion

from models.applying.attempt import ApplyMethod, ApplyResult
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import ContainerKey, WorkloadKey
from service.usecases import applying
from service.usecases.applying import ApplyRequest
from warehouse.database.applying import ApplyAttempt

NEW = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
Open = Callable[..., ApplyingWorld]


def apply(world: ApplyingWorld, **options: Any) -> ApplyAttempt:
    return applying.apply(world.runtime, OWNER, ApplyRequest(world.id, **options))


def of_kind(kind: str, **changes: Any) -> Any:
    key = ContainerKey(WorkloadKey("alpha", "shop", kind, "web"), "app")
    return replace(suggestion(), key=key, **changes)


@pytest.mark.parametrize(
    ("kind", "api_kind", "api_version", "plural"),
    [
        ("Rollout", "Rollout", "argoproj.io/v1alpha1", "rollouts"),
        ("CloneSet", "CloneSet", "apps.kruise.io/v1alpha1", "clonesets"),
        ("AdvancedStatefulSet", "StatefulSet", "apps.kruise.io/v1beta1", "statefulsets"),
        ("StatefulSet", "StatefulSet", "apps.kruise.io/v1beta1", "statefulsets"),
    ],
)
def test_custom_resources_get_a_json_patch(
    opened: Open, kind: str, api_kind: str, api_version: str, plural: str
) -> None:
    world = opened(workload(api_kind, api_version), advice=of_kind(kind))
    found = apply(world)
    assert (found.result, found.method) == (ApplyResult.APPLIED, ApplyMethod.JSON)
    assert world.resources(plural=plural, group=api_version.partition("/")[0]) == NEW
    with pytest.raises(UsageError, match="--method json"):
        apply(world, method=ApplyMethod.SERVER_SIDE)


def test_a_deployment_config_takes_the_same_patches_as_a_deployment(opened: Open) -> None:
    version = "apps.openshift.io/v1"
    world = opened(workload("DeploymentConfig", version), advice=of_kind("DeploymentConfig"))
    assert apply(world, method=ApplyMethod.STRATEGIC).result is ApplyResult.APPLIED
    assert world.resources(plural="deploymentconfigs", group="apps.openshift.io") == NEW


def test_a_rollout_that_refers_to_a_deployment_is_changed_there(opened: Open) -> None:
    rollout = {
        "kind": "Rollout",
        "apiVersion": "argoproj.io/v1alpha1",
        "metadata": {**METADATA, "uid": "uid-rollout"},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    world = opened(deployment(), rollout, advice=of_kind("Rollout"))
    assert apply(world).result is ApplyResult.APPLIED
    assert world.resources() == NEW


@pytest.mark.parametrize("kind", ["Job", "Pod"])
def test_what_cannot_be_patched_says_so(opened: Open, kind: str) -> None:
    world = opened(advice=of_kind(kind))
    assert applying.plan_apply(world.runtime, OWNER, world.id).channel == "none"
    with pytest.raises(UsageError, match="cannot be patched"):
        apply(world)
