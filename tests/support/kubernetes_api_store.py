"""Objects of the Kubernetes API test server: versions, consistent snapshots, compaction, events."""

from __future__ import annotations

import base64
import binascii
import copy
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class ApiResource:
    """A resource that the server serves."""

    group: str
    version: str
    plural: str
    kind: str
    is_namespaced: bool = True
    is_custom: bool = False

    @property
    def key(self) -> str:
        """What tells it from the other resources here: two groups serve ``statefulsets``."""
        return self.qualified if self.is_custom else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """``deployments.apps``, ``pods``: the name that messages use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_NAMESPACED = {
    ("", "v1"): {
        "pods": "Pod",
        "services": "Service",
        "limitranges": "LimitRange",
        "resourcequotas": "ResourceQuota",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "configmaps": "ConfigMap",
        "secrets": "Secret",
    },
    ("apps", "v1"): {
        "deployments": "Deployment",
        "replicasets": "ReplicaSet",
        "statefulsets": "StatefulSet",
        "daemonsets": "DaemonSet",
    },
    ("batch", "v1"): {"jobs": "Job", "cronjobs": "CronJob"},
    ("autoscaling", "v2"): {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    ("policy", "v1"): {"poddisruptionbudgets": "PodDisruptionBudget"},
}
_CUSTOM = {
    ("argoproj.io", "v1alpha1"): {"rollouts": "Rollout"},
    ("apps.kruise.io", "v1alpha1"): {"clonesets": "CloneSet", "daemonsets": "DaemonSet"},
    ("apps.kruise.io", "v1beta1"): {"statefulsets": "StatefulSet"},
    ("keda.sh", "v1alpha1"): {"scaledobjects": "ScaledObject"},
}
"""Defined by CustomResourceDefinitions: served where they are installed."""
_AGGREGATED = {("apps.openshift.io", "v1"): {"deploymentconfigs": "DeploymentConfig"}}
_CLUSTER_SCOPED = {"nodes": "Node", "namespaces": "Namespace", "persistentvolumes": "PersistentVolume"}

RESOURCES = tuple(
    ApiResource(group, version, plural, kind)
    for (group, version), kinds in _NAMESPACED.items()
    for plural, kind in kinds.items()
) + tuple(ApiResource("", "v1", plural, kind, False) for plural, kind in _CLUSTER_SCOPED.items())
CUSTOM_RESOURCES = (
    *(
        ApiResource(group, version, plural, kind, True, True)
        for (group, version), kinds in _CUSTOM.items()
        for plural, kind in kinds.items()
    ),
    *(
        ApiResource(group, version, plural, kind)
        for (group, version), kinds in _AGGREGATED.items()
        for plural, kind in kinds.items()
    ),
    ApiResource("apps.kruise.io", "v1alpha1", "sidecarsets", "SidecarSet", False, True),
)
OPTIONAL_GROUPS = frozenset(resource.group for resource in CUSTOM_RESOURCES)
BY_PLURAL = {resource.plural: resource for resource in RESOURCES}
BY_PATH = {(resource.group, resource.plural): resource for resource in (*RESOURCES, *CUSTOM_RESOURCES)}
_BY_KIND = {resource.kind: resource for resource in (*CUSTOM_RESOURCES, *RESOURCES)}
_BY_API = {(resource.api_version, resource.kind): resource for resource in BY_PATH.values()}


def resource_for(kind: str, api_version: str | None) -> ApiResource:
    """Return the resource of an object; without an apiVersion a built-in kind is meant."""
    return _BY_API.get((api_version or "", kind)) or _BY_KIND[kind]


class Expired(Exception):
    """The version asked for has been compacted (410)."""

    def __init__(self, message: str, *, continue_token: str | None = None) -> None:
        super().__init__(message)
        self.continue_token = continue_token


class BadToken(Exception):
    """The continue token is not one of ours (400)."""


@dataclass(frozen=True)
class Event:
    version: int
    type: str
    plural: str
    namespace: str
    object: JsonObject


@dataclass
class Page:
    items: list[JsonObject]
    version: int
    continue_token: str | None = None
    remaining: int | None = None


@dataclass
class ObjectStore:
    """Objects with all their versions since the last compaction. Safe for threads."""

    version: int = 1
    compacted_version: int = 1
    changed: threading.Condition = field(default_factory=threading.Condition)
    _versions: dict[str, dict[str, list[tuple[int, JsonObject | None]]]] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)

    def load(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Put objects (or lists of them) in as they are; a stated resourceVersion is kept."""
        with self.changed:
            for thing in objects:
                for kind, api_version, item in _flatten(thing):
                    stored = {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
                    stored = copy.deepcopy(stored)
                    metadata = stored.setdefault("metadata", {})
                    stated = str(metadata.get("resourceVersion") or "")
                    if not stated.isdigit():
                        self.version += 1
                        stated = metadata["resourceVersion"] = str(self.version)
                    metadata.setdefault(
                        "uid", f"uid-{kind}-{metadata.get('namespace', '')}-{metadata['name']}"
                    )
                    resource = resource_for(kind, api_version)
                    key = _key(resource, metadata.get("namespace", ""), metadata["name"])
                    self._versions.setdefault(resource.key, {})[key] = [(int(stated), stored)]
                    self.version = max(self.version, int(stated))

    def get(self, resource: ApiResource, namespace: str, name: str) -> JsonObject | None:
        with self.changed:
            versions = self._versions.get(resource.key, {}).get(_key(resource, namespace, name))
            return copy.deepcopy(versions[-1][1]) if versions else None

    def put(self, resource: ApiResource, item: JsonObject) -> JsonObject:
        """Create or replace an object; every watcher hears of it."""
        with self.changed:
            self.version += 1
            stored = copy.deepcopy({k: v for k, v in item.items() if k not in ("kind", "apiVersion")})
            metadata = stored["metadata"]
            metadata["resourceVersion"] = str(self.version)
            namespace = metadata.get("namespace", "")
            metadata.setdefault("uid", f"uid-{self.version}")
            key = _key(resource, namespace, metadata["name"])
            versions = self._versions.setdefault(resource.key, {}).setdefault(key, [])
            is_new = not versions or versions[-1][1] is None
            versions.append((self.version, stored))
            self._tell(
                Event(self.version, "ADDED" if is_new else "MODIFIED", resource.key, namespace, stored)
            )
            return copy.deepcopy(stored)

    def delete(self, resource: ApiResource, namespace: str, name: str) -> None:
        with self.changed:
            versions = self._versions[resource.key][_key(resource, namespace, name)]
            last = versions[-1][1]
            assert last is not None, "the object is already deleted"
            self.version += 1
            gone = copy.deepcopy(last)
            gone["metadata"]["resourceVersion"] = str(self.version)
            versions.append((self.version, None))
            self._tell(Event(self.version, "DELETED", resource.key, namespace, gone))

    def compact(self) -> None:
        """Forget everything but the present, as etcd does every five minutes."""
        with self.changed:
            self.compacted_version = self.version
            self._events.clear()
            for versions in self._versions.values():
                for key in list(versions):
                    versions[key] = versions[key][-1:]
                    if versions[key][0][1] is None:
                        del versions[key]

    def list(
        self, resource: ApiResource, namespace: str, limit: int, token: str | None, selector: str = ""
    ) -> Page:
        """Return one page. All pages of one token chain show the same version."""
        with self.changed:
            version, start = self.version, ""
            if token:
                version, start = _decode_token(token)
                if version == -1:
                    version = self.version
                elif version < self.compacted_version:
                    raise Expired(_TOO_OLD_TOKEN, continue_token=_encode_token(-1, start))
            found = self._at(resource, namespace, version)
            keys = sorted(key for key in found if key >= start and _selects(selector, found[key]))
            shown = keys[:limit] if limit else keys
            page = Page([copy.deepcopy(found[key]) for key in shown], version)
            if len(shown) < len(keys):
                page.continue_token = _encode_token(version, shown[-1] + "\0")
                page.remaining = len(keys) - len(shown)
            return page

    def _at(self, resource: ApiResource, namespace: str, version: int) -> dict[str, JsonObject]:
        found = {}
        for key, versions in self._versions.get(resource.key, {}).items():
            if namespace and not key.startswith(f"/{namespace}/"):
                continue
            seen = [item for number, item in versions if number <= version]
            if seen and seen[-1] is not None:
                found[key] = seen[-1]
        return found

    def events_after(self, resource: ApiResource, namespace: str, version: int) -> tuple[list[Event], int]:
        """Return the events of a resource after a version, and the version that is then reached."""
        with self.changed:
            if version < self.compacted_version:
                message = f"too old resource version: {version} ({self.compacted_version})"
                raise Expired(message)
            events = [
                event
                for event in self._events
                if event.version > version
                and event.plural == resource.key
                and namespace in ("", event.namespace)
            ]
            return events, self.version

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self.changed.notify_all()


_TOO_OLD_TOKEN = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


def _flatten(thing: Mapping[str, Any]) -> Iterable[tuple[str, str | None, Mapping[str, Any]]]:
    kind, version = str(thing["kind"]), thing.get("apiVersion")
    if not kind.endswith("List"):
        return [(kind, version, thing)]
    return [
        (str(item.get("kind") or kind.removesuffix("List")), item.get("apiVersion") or version, item)
        for item in thing["items"]
    ]


def _selects(selector: str, item: JsonObject) -> bool:
    labels = item["metadata"].get("labels") or {}
    pairs = [part.replace("==", "=").partition("=") for part in selector.split(",") if part]
    return all(labels.get(name) == value for name, _, value in pairs)


def _key(resource: ApiResource, namespace: str, name: str) -> str:
    return f"/{namespace}/{name}" if resource.is_namespaced else f"/{name}"


def _encode_token(version: int, start: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_token(token: str) -> tuple[int, str]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as problem:
        raise BadToken(f"illegal base64 data: {problem}") from problem
    try:
        content = json.loads(raw)
        return int(content["rv"]), str(content["start"])
    except (ValueError, KeyError, UnicodeDecodeError) as problem:
        first = chr(raw[0]) if raw else ""
        shown = first if first.isascii() and first.isprintable() else f"\\u{ord(first or ' '):04x}"
        raise BadToken(f"invalid character '{shown}' looking for beginning of value") from problem
