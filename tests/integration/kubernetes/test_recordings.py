"""The test server is held to what a real API server 1.36 answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.kubernetes_api import ApiServer, Recording, api_server, read_recordings
from support.kubernetes_api_store import BY_PLURAL

LISTED_VERSION = 1755
READER = {
    (verb, resource)
    for verb in ("get", "list", "watch")
    for resource in BY_PLURAL
    if resource not in ("secrets", "configmaps", "poddisruptionbudgets", "persistentvolumes")
}
APPLIER = {("patch", "deployments"), ("patch", "pods/resize"), ("get", "deployments"), ("get", "pods")}


@pytest.fixture(scope="module")
def recordings(request: pytest.FixtureRequest) -> dict[str, Recording]:
    shared_data: Path = request.getfixturevalue("shared_data")
    return {recording.name: recording for recording in read_recordings(shared_data)}


def objects_of(recordings: dict[str, Recording]) -> Iterator[dict[str, Any]]:
    """Yield what the lists and gets showed, and fillers that make the counts of the real cluster."""
    for recording in recordings.values():
        if recording.status != 200 or recording.request["method"] != "GET":
            continue
        body = recording.body
        if isinstance(body, dict) and body.get("kind", "").endswith("List"):
            if not body["kind"].startswith("Partial"):
                yield body
            if recording.name not in ("list_pods_page1", "list_pods_metadata_only"):
                yield from fillers(body, body["metadata"].get("remainingItemCount", 0))
        elif isinstance(body, dict) and "kind" in body:
            yield body


def fillers(body: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        metadata = {"name": f"zz-{number:04d}", "namespace": "zzz", "resourceVersion": "300"}
        yield {"kind": body["kind"].removesuffix("List"), "metadata": metadata}


@pytest.fixture
def server(recordings: dict[str, Recording]) -> Iterator[ApiServer]:
    with api_server(*objects_of(recordings)) as server:
        server.users = {"reader": "finops-reader", "applier": "finops-applier", "nobody": "nobody"}
        server.rules = {"finops-reader": READER, "finops-applier": APPLIER}
        server.store.version = LISTED_VERSION
        server.store.compacted_version = 200
        server.version_info = recordings["version"].body
        server.now = lambda: datetime(2026, 11, 21, 1, 19, 16, tzinfo=UTC)
        server.bookmark_seconds = 0.5
        yield server


TOKENS = {
    "finops-reader": "reader",
    "finops-applier": "applier",
    "nobody": "nobody",
    "(wrong token)": "wrong",
}


def replay(server: ApiServer, request: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    address = urlsplit(server.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    headers = {"Authorization": f"Bearer {TOKENS[request['user']]}", "User-Agent": "Python-urllib/3.11"}
    for header, name in (("Content-Type", "content_type"), ("Accept", "accept")):
        if request.get(name):
            headers[header] = request[name]
    body = json.dumps(request["body"]) if request.get("body") else None
    connection.request(request["method"], request["path"], body, headers)
    answer = connection.getresponse()
    raw, answer_headers = answer.read(), dict(answer.getheaders())
    connection.close()
    if "watch=1" in request["path"]:
        return answer.status, answer_headers, [json.loads(line) for line in raw.splitlines()]
    return answer.status, answer_headers, json.loads(raw)


def names() -> list[str]:
    return [
        "apply_deployment_server_side_conflict",
        "apply_deployment_server_side_force",
        "get_deployment",
        "get_pod",
        "list_cronjobs",
        "list_daemonsets",
        "list_deployments",
        "list_hpas",
        "list_jobs",
        "list_limitranges",
        "list_namespaces",
        "list_nodes",
        "list_pdbs",
        "list_persistentvolumeclaims",
        "list_persistentvolumes",
        "list_pods_continue_expired",
        "list_pods_continue_malformed",
        "list_pods_forbidden",
        "list_pods_metadata_only",
        "list_pods_page1",
        "list_pods_page2",
        "list_pods_unauthorized",
        "list_replicasets",
        "list_resourcequotas",
        "list_secrets_forbidden",
        "list_statefulsets",
        "patch_deployment_bad_quantity",
        "patch_deployment_conflict",
        "patch_deployment_forbidden",
        "patch_deployment_not_found",
        "patch_deployment_request_over_limit",
        "patch_deployment_strategic_dry_run",
        "patch_pod_resize_dry_run",
        "patch_pod_resize_qos_change",
        "patch_pod_without_resize_subresource",
        "version",
    ]


def test_every_recording_is_replayed(recordings: dict[str, Recording]) -> None:
    watches = {"watch_from_expired_resource_version", "watch_pods_with_bookmark"}
    assert {*names(), *watches} == set(recordings)


@pytest.mark.parametrize("name", names())
def test_the_server_answers_as_the_real_one_did(
    name: str, recordings: dict[str, Recording], server: ApiServer
) -> None:
    recording = recordings[name]
    status, headers, body = replay(server, recording.request)
    assert status == recording.status
    for header, value in recording.headers.items():
        assert headers[header] == value
    assert body == recording.body


def test_a_watch_from_an_expired_version_is_an_error_event_inside_a_200(
    recordings: dict[str, Recording], server: ApiServer
) -> None:
    recording = recordings["watch_from_expired_resource_version"]
    server.store.compacted_version = 1744
    assert replay(server, recording.request)[::2] == (200, recording.body)


def test_a_watch_sends_changes_and_bookmarks_as_the_real_one_did(
    recordings: dict[str, Recording], server: ApiServer
) -> None:
    recording = recordings["watch_pods_with_bookmark"]
    server.store.version = 1757
    for event in recording.body[:2]:
        server.put(event["object"])
    path = recording.request["path"].replace("timeoutSeconds=4", "timeoutSeconds=1")
    assert parse_qs(urlsplit(path).query)["allowWatchBookmarks"] == ["true"]
    status, headers, events = replay(server, {**recording.request, "path": path})
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert events[:2] == recording.body[:2]
    bookmarks = [event for event in events if event["type"] == "BOOKMARK"]
    assert bookmarks
    assert all(bookmark == recording.body[2] for bookmark in bookmarks)


def test_a_real_server_ignores_the_limit_at_version_zero(server: ApiServer) -> None:
    request = {"method": "GET", "path": "/api/v1/pods?limit=20&resourceVersion=0", "user": "finops-reader"}
    status, _, body = replay(server, request)
    assert status == 200
    assert len(body["items"]) == 239
    assert "continue" not in body["metadata"]
