"""Field ownership of the Kubernetes API test server: ``managedFields`` and server-side apply.

Behaves as structured-merge-diff does: a manager owns a set of field paths; a path is written
``f:name`` for a field and ``k:{"name":"main"}`` for an item of a keyed list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

JsonObject = dict[str, Any]
FieldPath = tuple[str, ...]

LIST_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "hostAliases": ("ip",),
}
_ATOMIC = {"selector", "affinity", "nodeSelector"}
_IDENTITY: tuple[FieldPath, ...] = (
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata", "f:name"),
    ("f:metadata", "f:namespace"),
    ("f:metadata", "f:resourceVersion"),
    ("f:metadata", "f:generation"),
    ("f:metadata", "f:managedFields"),
)


class ApplyConflict(Exception):
    """Fields are owned by others with other values."""

    def __init__(self, conflicts: list[tuple[str, str, FieldPath]]) -> None:
        super().__init__("conflict")
        self.conflicts = conflicts


def read_fields(fields: JsonObject) -> set[FieldPath]:
    """Return the paths of a ``fieldsV1``."""
    found: set[FieldPath] = set()

    def descend(node: JsonObject, path: FieldPath) -> None:
        if path and (not node or "." in node):
            found.add(path)
        for key, child in node.items():
            if key != ".":
                descend(child, (*path, key))

    descend(fields, ())
    return found


def write_fields(paths: set[FieldPath]) -> JsonObject:
    """Return the ``fieldsV1`` of a set of paths."""
    tree: JsonObject = {}
    for path in sorted(paths, key=len):
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    for path in paths:
        node = tree
        for part in path:
            node = node[part]
        if node:
            node["."] = {}
    return tree


def field_set(item: JsonObject) -> set[FieldPath]:
    """Return the leaves and keyed list items that an object sets, without its identity."""
    return {path for path, _ in _walk(item, ()) if path not in _IDENTITY}


def changed_fields(before: JsonObject, after: JsonObject) -> set[FieldPath]:
    """Return the paths whose value differs, or that are new."""
    old, new = dict(_walk(before, ())), dict(_walk(after, ()))
    return {path for path, value in new.items() if path not in _IDENTITY and old.get(path, _ABSENT) != value}


def removed_fields(before: JsonObject, after: JsonObject) -> set[FieldPath]:
    """Return the paths that are gone."""
    return {path for path, _ in _walk(before, ())} - {path for path, _ in _walk(after, ())}


def dotted(path: FieldPath) -> str:
    """Return a path as messages write it: ``.spec.containers[name="main"].image``."""
    text = ""
    for part in path:
        kind, _, name = part.partition(":")
        if kind == "f":
            text += f".{name}"
        else:
            keys = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(name).items())
            text += f"[{keys}]"
    return text


def check_conflicts(
    wanted: JsonObject, live: JsonObject, manager: str, entries: list[JsonObject]
) -> dict[int, set[FieldPath]]:
    """Return the paths that each other entry holds with another value, by position of the entry."""
    wanted_values, live_values = dict(_walk(wanted, ())), dict(_walk(live, ()))
    contested: dict[int, set[FieldPath]] = {}
    for position, entry in enumerate(entries):
        if entry["manager"] == manager and entry["operation"] == "Apply":
            continue
        owned = read_fields(entry["fieldsV1"])
        differing = {
            path
            for path in owned & set(wanted_values)
            if wanted_values[path] != live_values.get(path, _ABSENT) and wanted_values[path] is not _CONTAINER
        }
        if differing:
            contested[position] = differing
    return contested


def list_item_key(field: str, item: Any) -> str | None:
    """Return ``k:{...}`` of an item in a keyed list, None if the list is atomic."""
    names = LIST_KEYS.get(field)
    if names is None or not isinstance(item, dict):
        return None
    key = {name: item[name] for name in names if name in item}
    if field == "ports" and key:
        key.setdefault("protocol", "TCP")
    return f"k:{json.dumps(key, separators=(',', ':'))}" if key else None


_ABSENT = object()
_CONTAINER = object()


def _walk(node: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    for name, value in node.items():
        here = (*path, f"f:{name}")
        if isinstance(value, dict) and value and name not in _ATOMIC:
            yield from _walk(value, here)
        elif isinstance(value, list) and value and list_item_key(name, value[0]) is not None:
            for item in value:
                key = list_item_key(name, item)
                assert key is not None
                yield (*here, key), _CONTAINER
                yield from _walk(item, (*here, key))
        else:
            yield here, value if not isinstance(value, (dict, list)) else json.dumps(value, sort_keys=True)
