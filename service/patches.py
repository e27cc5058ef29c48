"""The patch that carries out a suggestion: a strategic merge for people to read, a line to run."""

from __future__ import annotations

import json
import shlex
from typing import Any

from models.vocabulary.quantity import format_cpu, format_memory
from models.vocabulary.recommendation import Recommendation, ResourceValues

_POD_TEMPLATE: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where the containers of a kind stand. Jobs and bare pods cannot be changed while they exist."""


def can_be_patched(recommendation: Recommendation) -> bool:
    """Whether the kind has a pod template that a strategic merge patch can change."""
    return recommendation.key.workload.kind in _POD_TEMPLATE


def build_patch(recommendation: Recommendation) -> dict[str, Any]:
    """Return the strategic merge patch of a suggestion: only what it changes.

    A value that the suggestion removes is written as null, which deletes it.
    """
    container = {
        "name": recommendation.key.container,
        "resources": _resources(recommendation.current, recommendation.advised),
    }
    content: dict[str, Any] = {"containers": [container]}
    for name in reversed(_POD_TEMPLATE.get(recommendation.key.workload.kind, ("spec",))):
        content = {name: content}
    return content


def write_patch(recommendation: Recommendation) -> str:
    """Return the patch as YAML that can be pasted into a file."""
    workload = recommendation.key.workload
    lines = [f"# {workload.kind} {_plain(workload.name)} in {_plain(workload.namespace)}"]
    return "\n".join([*lines, *_yaml(build_patch(recommendation))]) + "\n"


def write_command(recommendation: Recommendation) -> str:
    """Return the kubectl line that applies the patch; every value is quoted for a shell."""
    workload = recommendation.key.workload
    parts = [
        *("kubectl", "--namespace", workload.namespace, "patch", workload.kind.lower(), workload.name),
        *("--type", "strategic", "--patch", json.dumps(build_patch(recommendation))),
    ]
    return shlex.join(parts)


def _resources(current: ResourceValues, advised: ResourceValues) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for section, resource, field in (
        ("requests", "cpu", "cpu_request_cores"),
        ("requests", "memory", "memory_request_bytes"),
        ("limits", "cpu", "cpu_limit_cores"),
        ("limits", "memory", "memory_limit_bytes"),
    ):
        old, new = getattr(current, field), getattr(advised, field)
        if new == old:
            continue
        text = None if new is None else (format_cpu(new) if resource == "cpu" else format_memory(new))
        found.setdefault(section, {})[resource] = text
    return found


def _plain(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _yaml(content: dict[str, Any], indent: int = 0) -> list[str]:
    space = "  " * indent
    lines: list[str] = []
    for name, value in content.items():
        if isinstance(value, dict):
            lines += [f"{space}{name}:", *_yaml(value, indent + 1)]
        elif isinstance(value, list):
            lines.append(f"{space}{name}:")
            for item in value:
                first, *rest = _yaml(item, indent + 2)
                lines += [f"{space}  - {first.strip()}", *rest]
        else:
            lines.append(f"{space}{name}: {json.dumps(value)}")
    return lines
