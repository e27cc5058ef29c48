"""One change in the form that is asked for, with what must be known beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.vocabulary.errors import UsageError
from service.patches.autoscaler import scaler_document, scaler_line
from service.patches.change import ResourceChange, changed_sections
from service.patches.commands import kubectl_line
from service.patches.helm import helm_values, write_helm
from service.patches.json_operations import json_patch
from service.patches.kustomize import kustomize_patch, write_kustomize
from service.patches.resize import RESIZE_NOTE, resize_document, write_resize
from service.patches.strategic import strategic_patch, write_strategic


class PatchFormat(StrEnum):
    """Forms of a change."""

    STRATEGIC = "strategic"
    JSON = "json"
    KUBECTL = "kubectl"
    KUSTOMIZE = "kustomize"
    HELM = "helm"
    RESIZE = "resize"
    GIT = "git"


@dataclass(frozen=True)
class PatchText:
    """A change as text for people and as a value for programs.

    Parameters
    ----------
    format : PatchFormat
    text : str
        Ends with a newline.
    document : JSON value
    notes : tuple of str
        What whoever carries it out must know.
    """

    format: PatchFormat
    text: str
    document: Any
    notes: tuple[str, ...] = ()


_WRITERS: dict[PatchFormat, Callable[[ResourceChange], tuple[Any, str]]] = {
    PatchFormat.STRATEGIC: lambda change: (strategic_patch(change), write_strategic(change)),
    PatchFormat.JSON: lambda change: (json_patch(change), json.dumps(json_patch(change), indent=2) + "\n"),
    PatchFormat.KUBECTL: lambda change: (kubectl_line(change), kubectl_line(change) + "\n"),
    PatchFormat.KUSTOMIZE: lambda change: (kustomize_patch(change), write_kustomize(change)),
    PatchFormat.HELM: lambda change: (helm_values(change)[0], write_helm(change)),
    PatchFormat.RESIZE: lambda change: (resize_document(change), write_resize(change)),
}


def render(change: ResourceChange, form: PatchFormat, *, is_rollback: bool = False) -> PatchText:
    """Return a change in a form.

    Parameters
    ----------
    change : ResourceChange
        Already swapped for a rollback.
    form : PatchFormat
        ``git`` needs the manifest: see `service.patches.manifests`.
    is_rollback : bool
        Whether the autoscaler's change is to be taken back too.

    Raises
    ------
    UsageError
        If the kind cannot be patched, the form cannot say it, or nothing changes.
    """
    if form not in _WRITERS:
        raise UsageError("a Git patch needs the manifest: give it with --git FILE")
    if not changed_sections(change):
        raise UsageError("nothing changes: the values are the same before and after")
    document, text = _WRITERS[form](change)
    notes = [RESIZE_NOTE] if form is PatchFormat.RESIZE else []
    if form is PatchFormat.KUSTOMIZE and change.container_count != 1 and not change.kind.is_custom:
        notes.append("kustomize puts the patched container first in the list of containers")
    if form is PatchFormat.HELM and helm_values(change)[1]:
        notes.append(helm_values(change)[1])
    line = scaler_line(change, is_rollback=is_rollback)
    if line:
        notes.append(f"the autoscaler's target belongs to it, apply both together: {line}")
        if form in (PatchFormat.KUBECTL, PatchFormat.RESIZE):
            text += line + "\n"
        scaler = scaler_document(change, is_rollback=is_rollback)
        document = {"workload": document, "autoscaler": scaler}
        if form not in (PatchFormat.KUBECTL, PatchFormat.RESIZE, PatchFormat.JSON):
            text += f"# and with it the autoscaler:\n# {line}\n"
    return PatchText(form, text, document, tuple(notes))
