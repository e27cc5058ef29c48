"""The in-place resize of running pods: at once, and gone with the next rollout."""

from __future__ import annotations

import json
import shlex
from typing import Any

from models.vocabulary.errors import UsageError
from service.patches.change import ResourceChange, changed_sections
from service.patches.strategic import heading

RESIZE_NOTE = (
    "a resize changes running pods only: the next rollout, eviction or scale-up takes the values of the "
    "template again, so change the template (or Git) too"
)


def resize_document(change: ResourceChange) -> dict[str, Any]:
    """Return the patch of a pod's ``resize`` sub-resource.

    Raises
    ------
    UsageError
        If the change takes a value away: a resize can set values, not remove them.
    """
    sections = changed_sections(change)
    if any(value is None for amounts in sections.values() for value in amounts.values()):
        raise UsageError("a resize cannot take a request or limit away: change the template")
    return {"spec": {change.group: [{"name": change.key.container, "resources": sections}]}}


def write_resize(change: ResourceChange) -> str:
    """Return the kubectl line for one pod, to be run for each; ``POD`` stands for its name."""
    line = shlex.join(
        [
            *("kubectl", "--namespace", change.key.workload.namespace, "patch", "pod", "POD"),
            *("--subresource", "resize", "--type", "strategic"),
            *("--patch", json.dumps(resize_document(change))),
        ]
    )
    return f"{heading(change)}, once per pod\n# {RESIZE_NOTE}\n{line}\n"
