"""Resizing running pods in place: which pods, what the API refuses, what kubelets say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.applying_world import (
    OWNER,
    ApplyingWorld,
    deployment,
    owned_by,
    pods_of_web,
    running_pod,
)
from support.kubernetes_api_store import BY_PLURAL
from support.kubernetes_objects import replicaset
from support.recommendations import suggestion

from models.applying.attempt import ApplyMethod, ApplyResult
from models.vocabulary.errors import UsageError
from models.vocabulary.recommendation import ResourceValues
from service.usecases import applying
from service.usecases.applying import ApplyRequest
from warehouse.database.applying import ApplyAttempt

Open = Callable[..., ApplyingWorld]
OLD = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
NEW = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}


def resize(world: ApplyingWorld, **options: Any) -> ApplyAttempt:
    request = ApplyRequest(world.id, method=ApplyMethod.RESIZE, **options)
    return applying.apply(world.runtime, OWNER, request)


def in_pod(world: ApplyingWorld, name: str) -> dict[str, Any]:
    found = world.server.store.get(BY_PLURAL["pods"], "shop", name)
    assert found is not None
    return dict(found["spec"]["containers"][0]["resources"])


def kubelet(condition: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a kubelet that sets one condition on every pod that is resized."""

    def answer(item: dict[str, Any]) -> dict[str, Any]:
        status = {**item["status"], "conditions": [*item["status"]["conditions"], condition]}
        return {**item, "status": status}

    return answer


def test_running_pods_change_and_the_template_does_not(opened: Open) -> None:
    world = opened(deployment(), *pods_of_web(2))
    found = resize(world)
    assert found.result is ApplyResult.APPLIED
    assert [in_pod(world, name) for name in ("web-6c9-0", "web-6c9-1")] == [NEW, NEW]
    assert world.resources() == OLD
    assert found.answer["details"] == ["web-6c9-0: taken by the API", "web-6c9-1: taken by the API"]


def test_a_dry_run_asks_for_every_pod_and_changes_none(opened: Open) -> None:
    world = opened(deployment(), *pods_of_web(2))
    assert resize(world, is_dry_run=True).result is ApplyResult.PASSED
    assert in_pod(world, "web-6c9-0") == OLD
    assert len(world.patches()) == 2
    assert all("/resize?" in path and "dryRun=All" in path for path in world.patches())


def test_pods_of_another_workload_with_the_same_labels_are_left_alone(opened: Open) -> None:
    stranger = running_pod("other-1")
    stranger["metadata"]["ownerReferences"][0] |= {"name": "other-7d8", "uid": "uid-other-7d8"}
    other = replicaset("other-7d8", deployment="other")
    world = opened(deployment(), other, stranger, *pods_of_web(1))
    assert resize(world).answer["details"] == ["web-6c9-0: taken by the API"]
    assert in_pod(world, "other-1") == OLD


def test_a_change_of_the_quality_of_service_is_refused_in_the_api_s_words(opened: Open) -> None:
    guaranteed = ResourceValues(1.0, 1.0, 2.0**31, 2.0**31)
    advice = replace(suggestion(), advised=guaranteed)
    world = opened(deployment(), *pods_of_web(2), advice=advice)
    found = resize(world)
    assert found.result is ApplyResult.REFUSED
    assert "Pod QOS Class may not change as a result of resizing" in found.message
    assert found.answer["details"][-1] == "1 more pods were not asked"


def test_a_node_whose_kubelet_cannot_resize_is_said_so(opened: Open) -> None:
    old = running_pod("web-6c9-0")
    del old["status"]["containerStatuses"][0]["resources"]
    world = opened(deployment(), replicaset(), old)
    assert "Pod running on node without support for resize" in resize(world).message


def test_an_older_api_server_is_asked_what_it_serves(opened: Open) -> None:
    world = opened(deployment(), *pods_of_web(1))
    world.server.serves_resize = False
    found = resize(world)
    assert found.result is ApplyResult.REFUSED
    assert "1.33" in found.message
    assert world.patches() == []


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            {
                "type": "PodResizePending",
                "status": "True",
                "reason": "Infeasible",
                "message": "Node didn't have enough capacity: cpu, requested: 1500, capacity: 1000",
            },
            "PodResizePending Infeasible (Node didn't have enough capacity",
        ),
        ({"type": "PodResizePending", "status": "True", "reason": "Deferred"}, "PodResizePending Deferred"),
        ({"type": "PodResizeInProgress", "status": "True"}, "PodResizeInProgress"),
    ],
)
def test_what_the_kubelet_says_is_shown(opened: Open, condition: dict[str, Any], said: str) -> None:
    world = opened(deployment(), *pods_of_web(1))
    world.server.kubelet = kubelet(condition)
    (detail,) = resize(world).answer["details"]
    assert said in detail


def test_a_limit_range_is_found_before_pods_are_resized(opened: Open) -> None:
    limits = [{"type": "Container", "maxLimitRequestRatio": {"memory": "1.5"}}]
    metadata = {"name": "ratio", "namespace": "shop"}
    world = opened(deployment(), *pods_of_web(1))
    world.server.put({"kind": "LimitRange", "metadata": metadata, "spec": {"limits": limits}})
    found = resize(world)
    assert found.result is ApplyResult.REFUSED
    assert "more than 1.5 times the request" in found.message


def test_pods_that_run_with_other_values_are_left_alone(opened: Open) -> None:
    world = opened(deployment(), *pods_of_web(2))
    item = world.server.store.get(BY_PLURAL["pods"], "shop", "web-6c9-1")
    assert item is not None
    item["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "900m"
    world.server.put({"kind": "Pod", **item})
    found = resize(world)
    assert found.answer["details"] == [
        "web-6c9-0: taken by the API",
        "1 pods run with other values and are left alone",
    ]


def test_a_resize_is_taken_back_by_a_resize(opened: Open) -> None:
    world = opened(deployment(), *pods_of_web(1))
    resize(world)
    assert resize(world, is_rollback=True).result is ApplyResult.APPLIED
    assert in_pod(world, "web-6c9-0") == OLD


def test_without_a_running_pod_there_is_nothing_to_resize(opened: Open) -> None:
    assert resize(opened()).result is ApplyResult.CHANGED


def test_a_workload_of_argo_cd_is_not_resized_either(opened: Open) -> None:
    world = opened(owned_by("argocd-controller"), *pods_of_web(1))
    found = resize(world)
    assert found.result is ApplyResult.BLOCKED
    assert "Argo CD" in found.message
    assert world.patches() == []


def test_a_value_cannot_be_taken_away_by_a_resize(opened: Open) -> None:
    advice = replace(suggestion(), advised=ResourceValues(1.0, None, 2.0**31, None))
    world = opened(deployment(), *pods_of_web(1), advice=advice)
    with pytest.raises(UsageError, match="cannot take a request or limit away"):
        resize(world)
