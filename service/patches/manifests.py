"""The Git patch: the lines of a manifest that state a container's resources, and no other line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from models.kubernetes.kinds import canonical_kind
from models.kubernetes.templates import are_same_values
from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.quantity import parse_quantity
from models.vocabulary.recommendation import ResourceValues
from service.patches.autoscaler import scaler_operations
from service.patches.change import FIELDS, ResourceChange, changed_sections
from service.patches.render import PatchFormat, PatchText
from service.patches.yaml_edit import (
    Edit,
    ResourcesEditor,
    apply_edits,
    child,
    descend,
    replace_scalar,
    scalar,
)

_LARGEST_FILE_BYTES = 4 * 2**20


@dataclass(frozen=True)
class _Manifest:
    path: str
    text: str
    roots: tuple[yaml.Node, ...]


def git_patch(change: ResourceChange, files: Sequence[Path], *, is_rollback: bool = False) -> PatchText:
    """Return a unified diff of manifests that makes the change, for ``git apply`` or ``patch -p1``.

    Parameters
    ----------
    change : ResourceChange
    files : sequence of Path
        Manifests; the workload must stand in one, its autoscaler may stand in any.
    is_rollback : bool

    Raises
    ------
    InputError
        If a file cannot be read or is a template, if the workload or container is not in it or twice, or if
        the lines are written in a way that a careful edit cannot keep.
    Conflict
        If the manifest states other values than those that the suggestion was made for.
    """
    manifests = [_read(path) for path in files]
    manifest, workload = _find_workload(change, manifests)
    container = _find_container(change, manifest, workload)
    _check_values(change, manifest, container)
    edits = {manifest.path: _resource_edits(change, manifest, container)}
    scaler = _scaler_edits(change, manifests, is_rollback=is_rollback)
    for path, found in scaler.items():
        edits[path] = [*edits.get(path, []), *found]
    notes = []
    if scaler_operations(change, is_rollback=is_rollback) and not scaler and change.hpa is not None:
        notes.append(
            f"{change.hpa.object_kind} {change.hpa.name} is not in these files: set its target too. "
            f"{change.hpa.reason}"
        )
    text = "".join(
        _diff(one, apply_edits(one.text, edits[one.path])) for one in manifests if one.path in edits
    )
    return PatchText(PatchFormat.GIT, text, text, tuple(notes))


def _read(path: Path) -> _Manifest:
    try:
        raw = path.read_bytes()
        if len(raw) > _LARGEST_FILE_BYTES:
            raise InputError(f"is larger than {_LARGEST_FILE_BYTES:,} bytes: no manifest", file=str(path))
        text = raw.decode("utf-8")
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", file=str(path)) from problem
    except UnicodeDecodeError as problem:
        raise InputError("is not UTF-8 text", file=str(path)) from problem
    try:
        roots = tuple(node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None)
    except yaml.YAMLError as problem:
        hint = " (a template? change the chart's values: --format helm)" if "{{" in text else ""
        raise InputError(f"is not YAML{hint}: {problem}", file=str(path)) from problem
    return _Manifest(_shown(path), text, roots)


def _shown(path: Path) -> str:
    """Return the path as a diff names it: below the working folder where it is."""
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix().lstrip("/")


def _objects(manifest: _Manifest) -> Iterator[yaml.Node]:
    for root in manifest.roots:
        items = child(root, "items")
        if isinstance(items, yaml.SequenceNode) and str(scalar(child(root, "kind"))).endswith("List"):
            yield from items.value
        else:
            yield root


def _find(
    manifests: Sequence[_Manifest], kind: str, namespace: str, name: str
) -> list[tuple[_Manifest, yaml.Node]]:
    found = []
    for manifest in manifests:
        for node in _objects(manifest):
            stated = canonical_kind(scalar(child(node, "kind")) or "", scalar(child(node, "apiVersion")))
            place = scalar(descend(node, ("metadata", "namespace")))
            if (stated, scalar(descend(node, ("metadata", "name")))) == (kind, name) and place in (
                None,
                namespace,
            ):
                found.append((manifest, node))
    return found


def _find_workload(change: ResourceChange, manifests: Sequence[_Manifest]) -> tuple[_Manifest, yaml.Node]:
    workload = change.key.workload
    named = f"{workload.kind} {workload.name}"
    files = ", ".join(one.path for one in manifests)
    found = _find(manifests, workload.kind, workload.namespace, workload.name)
    if not found:
        raise InputError(f"holds no {named} of namespace {workload.namespace}", file=files)
    if len(found) > 1:
        raise InputError(f"holds {named} {len(found)} times: give the one file to change", file=files)
    return found[0]


def _find_container(change: ResourceChange, manifest: _Manifest, workload: yaml.Node) -> yaml.Node:
    spec = descend(workload, change.kind.template_path)
    for group in ("containers", "initContainers"):
        items = child(spec, group)
        for item in items.value if isinstance(items, yaml.SequenceNode) else ():
            node: yaml.Node = item
            if scalar(child(node, "name")) == change.key.container:
                return node
    raise InputError(
        f"{change.kind.kind} {change.key.workload.name} holds no container {change.key.container}: "
        "it is set elsewhere (an overlay, a chart, an injector)",
        file=manifest.path,
    )


def _check_values(change: ResourceChange, manifest: _Manifest, container: yaml.Node) -> None:
    stated = _stated_values(manifest, container)
    if are_same_values(stated, change.after):
        raise Conflict(f"{manifest.path} has these values already")
    if not are_same_values(stated, change.before):
        raise Conflict(
            f"{manifest.path} states {_say(stated)} for {change.key.container}, the suggestion was made for "
            f"{_say(change.before)}: it is not the manifest in force, or it has changed"
        )


def _stated_values(manifest: _Manifest, container: yaml.Node) -> ResourceValues:
    resources = child(container, "resources")
    values: dict[str, float] = {}
    for section, resource, field in FIELDS:
        text = scalar(descend(resources, (section, resource)))
        if text is not None:
            values[field] = float(parse_quantity(text, field=f"{manifest.path} {section}.{resource}"))
    for resource in ("cpu_{}_cores", "memory_{}_bytes"):
        limit = values.get(resource.format("limit"))
        if limit is not None:  # the API takes a limit for the request where that is not stated
            values.setdefault(resource.format("request"), limit)
    return ResourceValues(**values)


def _say(values: ResourceValues) -> str:
    stated = [
        f"{field} {getattr(values, field):g}" for _, _, field in FIELDS if getattr(values, field) is not None
    ]
    return ", ".join(stated) or "no requests and limits"


def _resource_edits(change: ResourceChange, manifest: _Manifest, container: yaml.Node) -> list[Edit]:
    edits = ResourcesEditor(manifest.text, container).edits(changed_sections(change))
    _check_edit(change, manifest, apply_edits(manifest.text, edits))
    return edits


def _check_edit(change: ResourceChange, manifest: _Manifest, text: str) -> None:
    """Refuse an edit after which anything else in the file means something else."""
    refusal = InputError(
        "cannot be edited line by line: the container's resources are shared by an anchor, merged in or "
        "stated twice. Change it by hand",
        file=manifest.path,
    )
    try:
        before = list(yaml.safe_load_all(manifest.text))
        after = list(yaml.safe_load_all(text))
        roots = tuple(node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None)
    except yaml.YAMLError as problem:
        raise refusal from problem
    edited = _Manifest(manifest.path, text, roots)
    container = _find_container(change, edited, _find_workload(change, [edited])[1])
    if not are_same_values(_stated_values(edited, container), change.after):
        raise refusal
    if [_without(change, one) for one in before] != [_without(change, one) for one in after]:
        raise refusal


def _without(change: ResourceChange, document: Any) -> Any:
    """Return a loaded document without the CPU and memory of the one container that may change."""
    if isinstance(document, Mapping) and str(document.get("kind", "")).endswith("List"):
        return {**document, "items": [_without(change, one) for one in document.get("items") or ()]}
    if not isinstance(document, Mapping) or not _is_workload(change, document):
        return document
    return _strip(document, change.kind.template_path, change.key.container)


def _is_workload(change: ResourceChange, document: Mapping[str, Any]) -> bool:
    kind = canonical_kind(str(document.get("kind")), document.get("apiVersion"))
    metadata = document.get("metadata") or {}
    workload = change.key.workload
    return (kind, metadata.get("name")) == (workload.kind, workload.name) and metadata.get("namespace") in (
        None,
        workload.namespace,
    )


def _strip(node: Any, path: Sequence[str], container: str) -> Any:
    if path:
        return {**node, path[0]: _strip(node.get(path[0]) or {}, path[1:], container)}
    return {
        **node,
        **{
            group: [_stripped(one) if one.get("name") == container else one for one in node[group]]
            for group in ("containers", "initContainers")
            if node.get(group)
        },
    }


def _stripped(container: Mapping[str, Any]) -> dict[str, Any]:
    resources = container.get("resources") or {}
    kept = {
        section: {name: amount for name, amount in (amounts or {}).items() if name not in ("cpu", "memory")}
        if isinstance(amounts, Mapping) or amounts is None
        else amounts
        for section, amounts in resources.items()
    }
    rest = {name: value for name, value in container.items() if name != "resources"}
    return {**rest, "resources": {section: amounts for section, amounts in kept.items() if amounts}}


def _scaler_edits(
    change: ResourceChange, manifests: Sequence[_Manifest], *, is_rollback: bool
) -> dict[str, list[Edit]]:
    operations = scaler_operations(change, is_rollback=is_rollback)
    if not operations or change.hpa is None:
        return {}
    found = _find(manifests, change.hpa.object_kind.value, change.hpa.namespace, change.hpa.name)
    if len(found) != 1:
        return {}
    manifest, node = found[0]
    edits = []
    for operation in operations:
        place = descend(node, str(operation["path"]).strip("/").split("/"))
        stated = scalar(place)
        if operation["op"] == "test" and stated != str(operation["value"]):
            raise Conflict(
                f"{manifest.path} states {stated} at {operation['path']} of {change.hpa.name}, "
                f"not {operation['value']}: it is not the manifest in force"
            )
        if operation["op"] == "replace" and place is not None:
            edits.append(replace_scalar(place, str(operation["value"])))
    return {manifest.path: edits}


def _diff(manifest: _Manifest, text: str) -> str:
    lines = difflib.unified_diff(
        _lines(manifest.text), _lines(text), f"a/{manifest.path}", f"b/{manifest.path}"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one, as for git."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
