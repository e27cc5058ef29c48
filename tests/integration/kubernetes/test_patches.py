"""Patches that the recordings do not cover: the test server's strategic, merge, JSON and apply patches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from support.kubernetes_api import TOKEN, ApiServer, api_server

PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
STRATEGIC, MERGE, JSON_PATCH, APPLY = (
    "application/strategic-merge-patch+json",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    containers = [
        {"name": name, "image": f"{name}:1", "resources": {"requests": {"cpu": "1"}}}
        for name in ("app", "proxy")
    ]
    metadata = {"name": "web", "namespace": "shop", "generation": 1, "labels": {"a": "1"}}
    deployment = {
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    with api_server(deployment) as server:
        yield server


def patch(server: ApiServer, content_type: str, body: Any, query: str = "") -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type, "User-Agent": "tester/1"}
    with urllib3.PoolManager() as pool:
        answer = pool.request("PATCH", f"{server.url}{PATH}{query}", body=json.dumps(body), headers=headers)
        return answer.status, answer.json()


def template(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}}}


def cpu_requests(body: dict[str, Any]) -> dict[str, str | None]:
    containers = body["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("resources", {}).get("requests", {}).get("cpu") for one in containers}


def requests(cpu: str) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}}


def test_a_strategic_merge_changes_one_container_and_leaves_the_other(server: ApiServer) -> None:
    status, body = patch(server, STRATEGIC, template({"name": "app", **requests("2")}))
    assert (status, cpu_requests(body)) == (200, {"app": "2", "proxy": "1"})
    assert body["metadata"]["generation"] == 2


def test_a_strategic_merge_can_delete_a_container(server: ApiServer) -> None:
    _, body = patch(server, STRATEGIC, template({"name": "proxy", "$patch": "delete"}))
    assert cpu_requests(body) == {"app": "1"}


def test_a_merge_patch_replaces_lists_and_null_removes(server: ApiServer) -> None:
    change = {**template({"name": "app"}), "metadata": {"labels": {"a": None, "b": "2"}}}
    _, body = patch(server, MERGE, change)
    assert cpu_requests(body) == {"app": None}
    assert body["metadata"]["labels"] == {"b": "2"}


def test_a_json_patch_tests_before_it_changes(server: ApiServer) -> None:
    place = "/spec/template/spec/containers/0/resources/requests/cpu"
    good = [{"op": "test", "path": place, "value": "1"}, {"op": "replace", "path": place, "value": "3"}]
    assert cpu_requests(patch(server, JSON_PATCH, good)[1])["app"] == "3"
    status, body = patch(server, JSON_PATCH, good)
    assert (status, body["reason"]) == (422, "Invalid")


def test_a_dry_run_changes_nothing_and_nobody_hears_of_it(server: ApiServer) -> None:
    before = server.store.version
    patch(server, STRATEGIC, template({"name": "app", **requests("2")}), "?dryRun=All")
    assert server.store.version == before


def test_apply_refuses_another_manager_s_field_until_it_is_forced(server: ApiServer) -> None:
    patch(server, STRATEGIC, template({"name": "app", **requests("2")}), "?fieldManager=helm")
    wanted = {"apiVersion": "apps/v1", "kind": "Deployment", **template({"name": "app", **requests("4")})}
    status, body = patch(server, APPLY, wanted, "?fieldManager=millicore")
    assert status == 409
    assert body["message"].startswith(
        'Apply failed with 1 conflict: conflict with "helm" using apps/v1: .spec'
    )
    status, body = patch(server, APPLY, wanted, "?fieldManager=millicore&force=true")
    assert (status, cpu_requests(body)["app"]) == (200, "4")
    status, _ = patch(server, APPLY, wanted, "?fieldManager=millicore")
    assert status == 200, "what one owns one may apply again"


def test_what_is_no_longer_applied_is_removed(server: ApiServer) -> None:
    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
    patch(server, APPLY, {**kind, "metadata": {"labels": {"mine": "1"}}}, "?fieldManager=millicore")
    _, body = patch(
        server, APPLY, {**kind, "metadata": {"labels": {"other": "1"}}}, "?fieldManager=millicore"
    )
    assert body["metadata"]["labels"] == {"a": "1", "other": "1"}


def test_an_unknown_patch_type_is_refused(server: ApiServer) -> None:
    assert patch(server, "text/plain", {})[0] == 415
