"""The Kubernetes API test server, ready to use: start it, fill it, read recordings and real objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.kubernetes_api_server import ApiServer, Fault, Request

__all__ = ["ApiServer", "Fault", "Recording", "Request", "api_server", "read_recordings", "real_objects"]

JsonObject = dict[str, Any]
TOKEN = "test-token"


@dataclass(frozen=True)
class Recording:
    """One request and answer of a real API server."""

    name: str
    request: JsonObject
    status: int
    headers: dict[str, str]
    body: Any


@contextmanager
def api_server(*objects: JsonObject, certificate: Path | None = None) -> Iterator[ApiServer]:
    """Run a server that holds the objects (or lists of objects); ``TOKEN`` may do everything."""
    server = ApiServer()
    server.store.load(objects)
    server.installed_groups = {str(one.get("apiVersion", "")).rpartition("/")[0] for one in objects}
    server.start(certificate)
    try:
        yield server
    finally:
        server.stop()


def read_recordings(shared_data: Path) -> list[Recording]:
    """Return the recordings of the real API server, by name."""
    found = []
    for path in sorted((shared_data / "kubernetes_api").glob("*.json")):
        content = json.loads(path.read_text())
        answer = content["response"]
        found.append(
            Recording(
                path.stem, content["request"], answer["status"], answer.get("headers") or {}, answer["body"]
            )
        )
    return found


def real_objects(shared_data: Path) -> Iterator[tuple[Path, JsonObject]]:
    """Yield every Node, Pod, Namespace and quota of the real clusters, with its file; each has a kind."""
    folder = shared_data / "kubernetes_objects"
    for path in sorted(folder.rglob("*.json")):
        content = json.loads(path.read_text())
        plain_kind = _kind_by_path(path)
        items = content.get("items") if isinstance(content, dict) and "items" in content else [content]
        if isinstance(content, list):
            items = content
        for item in items or ():
            yield path, {**item, "kind": item.get("kind") or plain_kind}


def _kind_by_path(path: Path) -> str:
    text = str(path).lower()
    for word, kind in (
        ("resourcequotas", "ResourceQuota"),
        ("namespaces.json", "Namespace"),
        ("nodes.json", "Node"),
        ("/node/", "Node"),
        ("pods.json", "Pod"),
        ("/pod/", "Pod"),
    ):
        if word in text:
            return kind
    raise ValueError(f"no kind for {path}")
