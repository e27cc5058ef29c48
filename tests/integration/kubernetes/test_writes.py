"""What the test server must do as a real one does beyond the recordings: kinds, resize, patch options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from support.applying_world import deployment, running_pod, workload
from support.kubernetes_api import TOKEN, ApiServer, api_server

STRATEGIC = "application/strategic-merge-patch+json"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web"
RESIZE = "/api/v1/namespaces/shop/pods/web-6c9-a/resize"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    kruise = workload("StatefulSet", "apps.kruise.io/v1beta1")
    with api_server(deployment(), running_pod(), workload("StatefulSet", "apps/v1"), kruise) as server:
        yield server


def send(
    server: ApiServer, method: str, path: str, body: Any = None, content_type: str = STRATEGIC
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type, "User-Agent": "tester/1"}
    raw = None if body is None else json.dumps(body)
    with urllib3.PoolManager() as pool:
        answer = pool.request(method, f"{server.url}{path}", body=raw, headers=headers)
        return answer.status, answer.json()


def resources(cpu: str, **limits: str) -> dict[str, Any]:
    container = {"name": "app", "resources": {"requests": {"cpu": cpu}, "limits": limits}}
    return {"spec": {"containers": [container]}}


def in_template(cpu: str) -> dict[str, Any]:
    return {"spec": {"template": resources(cpu)}}


def test_two_groups_serve_stateful_sets_and_each_answers_with_its_own(server: ApiServer) -> None:
    for group in ("apps/v1", "apps.kruise.io/v1beta1"):
        status, body = send(server, "GET", f"/apis/{group}/namespaces/shop/statefulsets/web")
        assert (status, body["apiVersion"]) == (200, group)


def test_a_group_that_is_not_installed_is_not_found_but_rights_come_first(server: ApiServer) -> None:
    path = "/apis/argoproj.io/v1alpha1/rollouts"
    assert send(server, "GET", path)[0] == 404
    server.rules["tester"] = set()
    assert send(server, "GET", path)[0] == 403


def test_custom_resources_take_no_strategic_merge(server: ApiServer) -> None:
    path = "/apis/apps.kruise.io/v1beta1/namespaces/shop/statefulsets/web"
    status, body = send(server, "PATCH", path, in_template("2"))
    assert (status, body["reason"]) == (415, "UnsupportedMediaType")
    assert "strategic-merge" not in body["message"]


def test_templates_are_not_asked_against_limit_ranges_but_pods_are(server: ApiServer) -> None:
    limits = [{"type": "Container", "min": {"cpu": "250m"}, "maxLimitRequestRatio": {"memory": "4"}}]
    metadata = {"name": "bounds", "namespace": "shop"}
    server.put({"kind": "LimitRange", "metadata": metadata, "spec": {"limits": limits}})
    assert send(server, "PATCH", f"{DEPLOYMENT}?dryRun=All", in_template("100m"))[0] == 200
    status, body = send(server, "PATCH", f"{RESIZE}?dryRun=All", resources("100m", memory="2Gi"))
    assert (status, body["reason"]) == (403, "Forbidden")
    assert body["message"] == (
        'pods "web-6c9-a" is forbidden: minimum cpu usage per Container is 250m, but request is 100m'
    )


def test_a_quota_refuses_the_growth_of_a_resize(server: ApiServer) -> None:
    quota = {
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "shop"},
        "spec": {"hard": {"requests.cpu": "2"}},
        "status": {"used": {"requests.cpu": "1500m"}},
    }
    server.put(quota)
    status, body = send(server, "PATCH", RESIZE, resources("2", memory="2Gi"))
    assert status == 403
    assert body["message"] == (
        'pods "web-6c9-a" is forbidden: exceeded quota: team, requested: requests.cpu=1, '
        "used: requests.cpu=1500m, limited: requests.cpu=2"
    )


def test_a_resize_touches_resources_only_and_pods_change_no_other_way(server: ApiServer) -> None:
    image = {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}
    assert send(server, "PATCH", RESIZE, image)[0] == 422
    status, body = send(server, "PATCH", RESIZE.removesuffix("/resize"), resources("2", memory="2Gi"))
    assert status == 422
    assert "pod updates may not change fields" in body["message"]


@pytest.mark.parametrize(
    ("query", "content_type", "field"),
    [
        ("?dryRun=true", STRATEGIC, "dryRun"),
        ("?force=true&fieldManager=x", STRATEGIC, "force"),
        ("", "application/apply-patch+yaml", "fieldManager"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    server: ApiServer, query: str, content_type: str, field: str
) -> None:
    status, body = send(server, "PATCH", DEPLOYMENT + query, in_template("2"), content_type)
    assert status == 422
    assert body["details"]["causes"][0]["field"] == field


def test_a_failed_test_of_a_json_patch_is_not_explained(server: ApiServer) -> None:
    patch = [{"op": "test", "path": "/metadata/name", "value": "other"}]
    status, body = send(server, "PATCH", DEPLOYMENT, patch, "application/json-patch+json")
    assert (status, body["message"]) == (
        422,
        "the server rejected our request due to an error in our request",
    )


def test_apply_with_another_version_than_the_object_s_is_a_conflict(server: ApiServer) -> None:
    metadata = {"name": "web", "namespace": "shop", "resourceVersion": "1"}
    wanted = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **in_template("2")}
    status, body = send(
        server, "PATCH", f"{DEPLOYMENT}?fieldManager=x", wanted, "application/apply-patch+yaml"
    )
    assert (status, body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in body["message"]


def test_labels_select_what_is_listed(server: ApiServer) -> None:
    path = "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"
    assert len(send(server, "GET", path)[1]["items"]) == 1
    assert send(server, "GET", path.replace("web", "api"))[1]["items"] == []
