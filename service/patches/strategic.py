"""The strategic merge patch: what changes and nothing else, for people to read and kubectl to apply."""

from __future__ import annotations

from typing import Any

from models.vocabulary.errors import UsageError
from models.vocabulary.recommendation import Recommendation
from service.patches.change import ResourceChange, change_of, changed_sections
from service.patches.yaml_text import printable, write_yaml


def strategic_patch(change: ResourceChange) -> dict[str, Any]:
    """Return the strategic merge patch of a change; null takes a value away.

    Raises
    ------
    UsageError
        If the kind cannot be patched, or is a custom resource, whose lists would be replaced as a whole.
    """
    if change.kind.is_custom:
        raise UsageError(
            f"{change.kind.kind} is defined by a CustomResourceDefinition, which takes no strategic merge: "
            "use --format json"
        )
    return in_template(change, {"name": change.key.container, "resources": changed_sections(change)})


def in_template(change: ResourceChange, container: dict[str, Any]) -> dict[str, Any]:
    """Return a container wrapped into the path of the kind's pod template."""
    content: dict[str, Any] = {change.group: [container]}
    for name in reversed(change.kind.template_path):
        content = {name: content}
    return content


def heading(change: ResourceChange) -> str:
    """Return the comment that says what a patch is for."""
    workload = change.key.workload
    return f"# {workload.kind} {printable(workload.name)} in {printable(workload.namespace)}"


def write_strategic(change: ResourceChange) -> str:
    """Return the patch as YAML that can be pasted into a file."""
    return "\n".join([heading(change), *write_yaml(strategic_patch(change))]) + "\n"


def build_patch(recommendation: Recommendation) -> dict[str, Any]:
    """Return the strategic merge patch of a suggestion as advised; raises as `strategic_patch`."""
    return strategic_patch(change_of(recommendation, may_change_quality=True))


def write_patch(recommendation: Recommendation) -> str:
    """Return the strategic merge patch of a suggestion as advised, as YAML; raises as `strategic_patch`."""
    return write_strategic(change_of(recommendation, may_change_quality=True))
