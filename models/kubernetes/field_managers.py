"""Who owns the resources of a container: read from ``metadata.managedFields``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.kubernetes.kinds import WorkloadKind

ALL_CONTAINERS = "*"
"""Name under which a manager stands that owns the list of containers as a whole."""

JsonObject = Mapping[str, Any]


def resource_managers(
    managed_fields: Sequence[JsonObject] | None, kind: WorkloadKind
) -> dict[str, list[str]]:
    """Return the field managers of each container's requests and limits, sorted, by container.

    A manager that owns a container list as a whole (lists of custom resources are often atomic) stands
    under ``*``. Managers of other fields, and of a sub-resource, are left out.
    """
    found: dict[str, set[str]] = {}
    for entry in managed_fields or ():
        if entry.get("subresource"):
            continue
        for container in _containers_of(entry.get("fieldsV1") or {}, kind.template_path):
            found.setdefault(container, set()).add(str(entry.get("manager") or "unknown"))
    return {container: sorted(managers) for container, managers in sorted(found.items())}


def managers_of(managers: Mapping[str, Sequence[str]], container: str) -> tuple[str, ...]:
    """Return the managers that own a container's resources, alone or with the whole list."""
    return tuple(sorted({*managers.get(container, ()), *managers.get(ALL_CONTAINERS, ())}))


def _containers_of(fields: JsonObject, path: tuple[str, ...]) -> Iterator[str]:
    node: JsonObject = fields
    for part in path:
        child = node.get(f"f:{part}")
        if child is None:
            return
        if child == {}:
            yield ALL_CONTAINERS
            return
        node = child
    for group in ("f:containers", "f:initContainers"):
        items = node.get(group)
        if items == {}:
            yield ALL_CONTAINERS
        for key, item in (items or {}).items():
            if key.startswith("k:") and "f:resources" in item:
                yield str(json.loads(key[2:]).get("name"))


def applied_resources(
    managed_fields: Sequence[JsonObject] | None, kind: WorkloadKind, manager: str
) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return what a manager has applied server-side: (section, resource) by (group, container).

    Whoever applies again must repeat these, or the server takes them away.
    """
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for entry in managed_fields or ():
        if entry.get("manager") != manager or entry.get("operation") != "Apply" or entry.get("subresource"):
            continue
        node: JsonObject = entry.get("fieldsV1") or {}
        for part in kind.template_path:
            node = node.get(f"f:{part}") or {}
        for group in ("containers", "initContainers"):
            for key, item in (node.get(f"f:{group}") or {}).items():
                if key.startswith("k:"):
                    name = str(json.loads(key[2:]).get("name"))
                    found[group, name] = _leaves(item.get("f:resources") or {})
    return found


def _leaves(resources: JsonObject) -> set[tuple[str, str]]:
    return {
        (section.removeprefix("f:"), name.removeprefix("f:"))
        for section, fields in resources.items()
        for name in fields
        if name.startswith("f:")
    }
