"""A fragment of a chart's values; an annotation says where resources stand in them, else it is a guess."""

from __future__ import annotations

import re
from typing import Any

from models.vocabulary.errors import InputError
from service.patches.change import ResourceChange, changed_sections
from service.patches.strategic import heading
from service.patches.yaml_text import write_yaml

HELM_PATH_ANNOTATION = "millicore.io/helm-values-path"
"""``api.resources``, or per container ``app=api.resources,proxy=proxy.resources``."""

_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def values_path(change: ResourceChange) -> tuple[tuple[str, ...], str]:
    """Return the keys that lead to the container's resources in the values, and a note.

    The annotation decides; else it is ``resources`` for a workload with one container and
    ``<container>.resources`` for one of several, which is a guess and says so.

    Raises
    ------
    InputError
        If the annotation is not a path of plain keys.
    """
    container = change.key.container
    if change.helm_path is not None:
        path = _path_for(change.helm_path, container)
        if path is not None:
            if not _PATH.fullmatch(path):
                raise InputError(
                    "is not a path like api.resources", field=HELM_PATH_ANNOTATION, value=change.helm_path
                )
            return tuple(path.split(".")), ""
    guess = ("resources",) if change.container_count == 1 else (container, "resources")
    note = (
        f"{'.'.join(guess)} is a guess, charts differ: look into the chart's values.yaml, or annotate the "
        f"workload with {HELM_PATH_ANNOTATION}"
    )
    return guess, note


def helm_values(change: ResourceChange) -> tuple[dict[str, Any], str]:
    """Return the fragment of the values, and the note of `values_path`."""
    path, note = values_path(change)
    content: dict[str, Any] = dict(changed_sections(change))
    for key in reversed(path):
        content = {key: content}
    return content, note


def write_helm(change: ResourceChange) -> str:
    """Return the fragment as YAML, with its note as a comment."""
    content, note = helm_values(change)
    notes = [f"# {note}"] if note else []
    return "\n".join([heading(change), *notes, *write_yaml(content)]) + "\n"


def _path_for(annotation: str, container: str) -> str | None:
    if "=" not in annotation:
        return annotation.strip()
    pairs = [part.partition("=") for part in annotation.split(",")]
    return next((path.strip() for name, _, path in pairs if name.strip() == container), None)
