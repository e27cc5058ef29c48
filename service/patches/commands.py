"""The lines that carry a change out by kubectl; every value is quoted for a shell."""

from __future__ import annotations

import json
import shlex

from models.vocabulary.recommendation import Recommendation
from service.patches.change import ResourceChange, Sections, change_of, changed_sections
from service.patches.json_operations import json_patch
from service.patches.strategic import strategic_patch

_SETTABLE = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob"})
"""Kinds that ``kubectl set resources`` knows."""


def kubectl_line(change: ResourceChange) -> str:
    """Return the shortest line that carries the change out.

    ``kubectl set resources`` where it can say it; a patch where a value is taken away (it can only set) or
    the kind or the container is none that it knows.
    """
    sections = changed_sections(change)
    is_settable = change.key.workload.kind in _SETTABLE and change.group == "containers"
    if not is_settable or any(value is None for amounts in sections.values() for value in amounts.values()):
        return patch_line(change)
    workload = change.key.workload
    words = [
        *("kubectl", "--namespace", workload.namespace, "set", "resources"),
        f"{change.kind.api_kind.lower()}/{workload.name}",
        f"--containers={change.key.container}",
        *(
            f"--{section}={_pairs(sections, section)}"
            for section in ("requests", "limits")
            if sections.get(section)
        ),
    ]
    return shlex.join(words)


def patch_line(change: ResourceChange) -> str:
    """Return the ``kubectl patch`` line: strategic merge, or a JSON patch for a custom resource."""
    workload, kind = change.key.workload, change.kind
    style, document = (
        ("json", json_patch(change)) if kind.is_custom else ("strategic", strategic_patch(change))
    )
    name = kind.qualified if kind.is_custom or kind.group not in ("apps", "batch") else kind.api_kind.lower()
    words = ["kubectl", "--namespace", workload.namespace, "patch", name, workload.name]
    return shlex.join([*words, "--type", style, "--patch", json.dumps(document)])


def write_command(recommendation: Recommendation) -> str:
    """Return the kubectl line of a suggestion as advised; raises as `strategic_patch`."""
    return patch_line(change_of(recommendation, may_change_quality=True))


def _pairs(sections: Sections, section: str) -> str:
    return ",".join(f"{resource}={amount}" for resource, amount in sections[section].items())
