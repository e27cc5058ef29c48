"""A patch for the ``patches`` of a kustomization."""

from __future__ import annotations

from typing import Any

from service.patches.change import ResourceChange
from service.patches.json_operations import json_patch
from service.patches.strategic import heading, strategic_patch
from service.patches.yaml_text import write_yaml


def kustomize_patch(change: ResourceChange) -> dict[str, Any]:
    """Return the kustomization fragment: a target, and a patch of that one object.

    A custom resource gets a JSON patch, since kustomize does not know how its lists merge.
    """
    kind, name = change.kind, change.key.workload.name
    target = {"group": kind.group, "version": kind.version, "kind": kind.api_kind, "name": name}
    content: Any
    if kind.is_custom:
        content = json_patch(change)
    else:
        identity = {"apiVersion": kind.api_version, "kind": kind.api_kind, "metadata": {"name": name}}
        content = {**identity, **strategic_patch(change)}
    text = "\n".join(write_yaml(content)) + "\n"
    return {"patches": [{"target": target, "patch": text}]}


def write_kustomize(change: ResourceChange) -> str:
    """Return the fragment as YAML, the patch as a block of text."""
    (entry,) = kustomize_patch(change)["patches"]
    target = write_yaml(entry["target"], 3)
    patch = [f"      {line}" for line in str(entry["patch"]).splitlines()]
    lines = [heading(change), "patches:", "  - target:", *target, "    patch: |-", *patch]
    return "\n".join(lines) + "\n"
