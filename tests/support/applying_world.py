"""A cluster of one workload on the wire-level API server, and a warehouse with one suggestion for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from support.kubernetes_api import TOKEN, ApiServer, api_server
from support.kubernetes_objects import node, pod, replicaset
from support.recommendations import run_of, suggestion
from support.warehouse import NOON

from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import Recommendation
from service.runtime import Runtime
from service.setting_parts import ClusterSettings
from service.usecases import decisions
from service.usecases.inventory import refresh_inventory

JsonObject = dict[str, Any]
OWNER = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
STRANGER = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
READER = Principal("lea", frozenset({Role.LEADERSHIP}))
METADATA = {
    "name": "web",
    "namespace": "shop",
    "uid": "uid-web",
    "generation": 1,
    "creationTimestamp": "2026-10-01T00:00:00Z",
}


@dataclass(frozen=True)
class ApplyingWorld:
    """The server, the runtime that may change it, and the id of the suggestion."""

    server: ApiServer
    runtime: Runtime
    id: str

    def workload(self, plural: str = "deployments", group: str = "apps") -> JsonObject:
        """Return the workload as the server now holds it."""
        from support.kubernetes_api_store import BY_PATH

        found = self.server.store.get(BY_PATH[group, plural], "shop", "web")
        assert found is not None
        return found

    def resources(
        self, container: str = "app", plural: str = "deployments", group: str = "apps"
    ) -> JsonObject:
        """Return the resources of a container of the workload."""
        containers = self.workload(plural, group)["spec"]["template"]["spec"]["containers"]
        return dict(next(one for one in containers if one["name"] == container)["resources"])

    def patches(self) -> list[str]:
        """Return the paths of all patches that the server took or refused."""
        return [request.path for request in self.server.requests if request.verb == "patch"]


def deployment(**metadata: Any) -> JsonObject:
    """Return the Deployment of the suggestion: 1 core and 2 GiB requested, 2 GiB limit; nobody's fields."""
    return workload("Deployment", "apps/v1", **metadata)


def workload(kind: str, api_version: str, **metadata: Any) -> JsonObject:
    """Return a workload of any kind whose template holds ``app`` and ``proxy``."""
    containers = [
        {
            "name": "proxy",
            "image": "proxy:1",
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        },
        {
            "name": "app",
            "image": "app:1",
            "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
        },
    ]
    return {
        "kind": kind,
        "apiVersion": api_version,
        "metadata": {**METADATA, **metadata},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
        },
    }


def owned_by(manager: str, **metadata: Any) -> JsonObject:
    """Return the Deployment with all resources of ``app`` owned by a field manager."""
    fields = {"f:requests": {"f:cpu": {}, "f:memory": {}}, "f:limits": {"f:memory": {}}}
    container = {'k:{"name":"app"}': {".": {}, "f:name": {}, "f:resources": fields}}
    entry = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "apps/v1",
        "time": "2026-11-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": container}}}},
    }
    return deployment(managedFields=[entry], **metadata)


def running_pod(name: str = "web-6c9-a") -> JsonObject:
    """Return a running pod of the Deployment whose kubelet reports resources."""
    item = pod(name, labels={"app": "web"}, owner=("ReplicaSet", "web-6c9"))
    resources = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
    item["spec"]["containers"] = [{"name": "app", "image": "app:1", "resources": resources}]
    item["status"]["containerStatuses"] = [{"name": "app", "resources": resources, "restartCount": 0}]
    return item


def pods_of_web(count: int = 2) -> list[JsonObject]:
    """Return the ReplicaSet of the Deployment and its pods."""
    return [replicaset(), *(running_pod(f"web-6c9-{number}") for number in range(count))]


def write_kubeconfig(server: ApiServer, path: Path) -> Path:
    """Write a kubeconfig for the server."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server.url}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


@contextmanager
def applying_world(
    home: Path,
    *objects: JsonObject,
    advice: Recommendation | None = None,
    is_accepted: bool = True,
    now: datetime = NOON,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[ApplyingWorld]:
    """Run a server with the objects, read its inventory, and store a suggestion for ``web``."""
    with api_server(node(), *objects) as server:
        cluster = ClusterSettings(name="alpha", kubeconfig=write_kubeconfig(server, home / "kubeconfig"))
        wanted = {"apply_enabled": True, **(settings or {})}
        runtime = Runtime.for_test(home / "home", now=now, clusters=(cluster,), **wanted)
        runtime.warehouse.clusters.register("alpha", "aws", "eu-west-1", "EUR")
        refresh_inventory(runtime, cluster)
        wanted_advice = advice or suggestion()
        run = replace(run_of(wanted_advice), teams={wanted_advice.key.workload: "shop"})
        runtime.warehouse.recommendations.save_run(run)
        (stored,) = runtime.warehouse.recommendations.list(OWNER)
        if is_accepted:
            decisions.accept(runtime, OWNER, stored.id, stored.etag)
        server.requests.clear()
        try:
            yield ApplyingWorld(server, runtime, stored.id)
        finally:
            runtime.warehouse.close()
