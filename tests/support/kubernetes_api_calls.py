"""Requests and answers of the Kubernetes API test server: paths, lists, watch events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from support import kubernetes_api_answers as answers
from support.kubernetes_api_answers import Refusal
from support.kubernetes_api_store import BY_PATH, ApiResource, Expired, ObjectStore, Page

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A parsed request."""

    resource: ApiResource
    namespace: str
    name: str
    subresource: str
    query: dict[str, str]
    user: str
    verb: str


def watch_events(
    store: ObjectStore,
    call: Call,
    bookmark_seconds: float,
    is_stopping: Callable[[], bool],
    *,
    is_partial: bool,
) -> Iterable[JsonObject]:
    """Yield the events of a watch; an empty one is a moment to look whether the client is still there."""
    resource = call.resource
    stated = call.query.get("resourceVersion") or "0"
    version = int(stated)
    deadline = time.monotonic() + float(call.query.get("timeoutSeconds") or 1800)
    wants_bookmarks = call.query.get("allowWatchBookmarks") in ("true", "1")
    if version == 0:
        page = store.list(resource, call.namespace, 0, None)
        version = page.version
        for item in page.items:
            yield {"type": "ADDED", "object": _shown(resource, item, is_partial=is_partial)}
    next_bookmark = time.monotonic() + bookmark_seconds
    while not is_stopping():
        try:
            events, reached = store.events_after(resource, call.namespace, version)
        except Expired as problem:
            yield {"type": "ERROR", "object": answers.expired(str(problem)).body()}
            return
        for event in events:
            yield {"type": event.type, "object": _shown(resource, event.object, is_partial=is_partial)}
        version = max(version, reached)
        now = time.monotonic()
        is_over = now >= deadline
        if wants_bookmarks and (now >= next_bookmark or is_over):
            next_bookmark = now + bookmark_seconds
            yield {"type": "BOOKMARK", "object": _bookmark(resource, version)}
        if is_over:
            return
        with store.changed:
            if store.version == version:
                store.changed.wait(max(0.0, min(deadline, next_bookmark, now + 0.25) - time.monotonic()))
        yield {}


def _bookmark(resource: ApiResource, version: int) -> JsonObject:
    spec = {"containers": None} if resource.kind == "Pod" else {}
    metadata = {"resourceVersion": str(version)}
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "spec": spec,
        "status": {},
    }


def parse_call(method: str, path: str, query: str, user: str) -> Call:
    parts = [part for part in path.split("/") if part]
    group = "" if parts[:1] == ["api"] else parts[1] if len(parts) > 1 else ""
    parts = parts[2:] if parts[:1] == ["api"] else parts[3:]
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    if not parts or (group, parts[0]) not in BY_PATH:
        raise Refusal(404, "NotFound", "the server could not find the requested resource", {})
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    name = parts[1] if len(parts) > 1 else ""
    is_watch = options.get("watch") in ("1", "true")
    verb = "patch" if method == "PATCH" else "get" if name else "watch" if is_watch else "list"
    subresource = parts[2] if len(parts) > 2 else ""
    return Call(BY_PATH[group, parts[0]], namespace, name, subresource, options, user, verb)


def list_body(call: Call, page: Page, *, is_partial: bool) -> JsonObject:
    metadata: JsonObject = {"resourceVersion": str(page.version)}
    if page.continue_token:
        metadata.update({"continue": page.continue_token, "remainingItemCount": page.remaining})
    kind, version = f"{call.resource.kind}List", call.resource.api_version
    items = page.items
    if is_partial:
        kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        items = [_shown(call.resource, item, is_partial=True) for item in items]
    return {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}


def _shown(resource: ApiResource, item: JsonObject, *, is_partial: bool) -> JsonObject:
    if is_partial:
        kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        return {**kind, "metadata": item["metadata"]}
    return with_kind(resource, item)


def with_kind(resource: ApiResource, item: JsonObject) -> JsonObject:
    return {"kind": resource.kind, "apiVersion": resource.api_version, **item}
