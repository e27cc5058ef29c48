"""The workload as the API shows it now, compared with what a suggestion was made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.kubernetes.apply import KubernetesWriter, ObjectPlace
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult
from models.applying.limits import limit_range_problems, quota_problems, with_defaults
from models.kubernetes.channels import Channel, WorkloadMarks, choose_channel
from models.kubernetes.field_managers import managers_of, resource_managers
from models.kubernetes.kinds import WorkloadKind, canonical_kind
from models.kubernetes.templates import (
    TemplateContainer,
    are_same_values,
    find_container,
    template_containers,
)
from models.vocabulary.errors import UsageError
from service.patches.change import ResourceChange, full_sections

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class LiveTarget:
    """The workload's object as it is now, and the change with the container's place in it."""

    change: ResourceChange
    place: ObjectPlace
    item: JsonObject

    @property
    def managers(self) -> tuple[str, ...]:
        """Field managers of the container's resources."""
        managed = self.item["metadata"].get("managedFields")
        return managers_of(resource_managers(managed, self.change.kind), self.change.key.container)

    @property
    def version(self) -> str:
        """``resourceVersion``, which every patch names so that a newer object refuses it."""
        return str(self.item["metadata"].get("resourceVersion"))


def default_method(kind: WorkloadKind) -> ApplyMethod:
    """Return how a kind is changed unless asked otherwise.

    Server-side apply shows conflicts with other field managers; lists of custom resources may be atomic,
    which it would replace as a whole, so these get a JSON patch.
    """
    return ApplyMethod.JSON if kind.is_custom else ApplyMethod.SERVER_SIDE


def check_method(kind: WorkloadKind, method: ApplyMethod) -> None:
    """Refuse a method that a kind does not take.

    Raises
    ------
    UsageError
    """
    if kind.is_custom and method in (ApplyMethod.SERVER_SIDE, ApplyMethod.STRATEGIC):
        raise UsageError(f"{kind.kind} is a custom resource: use --method json")
    if kind.kind == "CronJob" and method is ApplyMethod.RESIZE:
        raise UsageError("the pods of a CronJob end by themselves: change its template")


def examine(
    writer: KubernetesWriter, change: ResourceChange, method: ApplyMethod
) -> LiveTarget | ApplyOutcome:
    """Read the object and compare it with what the suggestion was made for.

    A resize leaves the template alone, so its pods are compared one by one instead.

    Returns
    -------
    LiveTarget or ApplyOutcome
        The latter where nothing must be sent: object or container gone, other values, another owner.

    Raises
    ------
    SourceRefused, SourceUnreachable
        If it cannot be read.
    """
    workload = change.key.workload
    place = ObjectPlace(change.kind, workload.namespace, workload.name)
    item = writer.read(place)
    if item is None:
        return changed(f"{workload.kind} {workload.namespace}/{workload.name} is not there (any more)")
    containers = containers_of(change.kind, item)
    container = find_container(containers, change.key.container)
    target = LiveTarget(replace(change, container=container), place, item)
    decision = choose_channel(change.key.container, _marks(target, containers))
    if decision.channel is not Channel.LIVE:
        return ApplyOutcome(ApplyResult.BLOCKED, decision.reason)
    if container is None:
        return changed(f"the template holds no container {change.key.container} (any more)")
    if method is ApplyMethod.RESIZE:
        return target
    if are_same_values(container.values, change.after):
        return changed(f"{change.key.container} has these values already")
    if not _is_as_advised(writer, container, change):
        return changed(
            f"{change.key.container} has {_say(container)} now, the suggestion was made for other values: "
            "wait for the next run"
        )
    return target


def _is_as_advised(writer: KubernetesWriter, container: TemplateContainer, change: ResourceChange) -> bool:
    """Say whether pods of the template run with the values that the suggestion was made for."""
    if are_same_values(container.values, change.before):
        return True
    if _is_complete(container):
        return False
    ranges = writer.list_in(change.key.workload.namespace, "limitranges")
    return are_same_values(with_defaults(container.values, ranges), change.before)


def _is_complete(container: TemplateContainer) -> bool:
    """Say whether the template leaves nothing for a LimitRange to fill in."""
    return None not in (
        container.values.cpu_request_cores,
        container.values.cpu_limit_cores,
        container.values.memory_request_bytes,
        container.values.memory_limit_bytes,
    )


def find_refusals(writer: KubernetesWriter, target: LiveTarget) -> list[str]:
    """Return what LimitRanges and quotas of the namespace would refuse of the new pods.

    An API server asks them about pods, not about templates: its dry run does not show it.
    """
    namespace, change = target.place.namespace, target.change
    spec, status = target.item.get("spec") or {}, target.item.get("status") or {}
    pods = int(spec.get("replicas") or status.get("desiredNumberScheduled") or 1)
    return [
        *limit_range_problems(writer.list_in(namespace, "limitranges"), change.after),
        *quota_problems(writer.list_in(namespace, "resourcequotas"), change.before, change.after, pods),
    ]


def _marks(target: LiveTarget, containers: Sequence[TemplateContainer]) -> WorkloadMarks:
    metadata = target.item["metadata"]
    owners = metadata.get("ownerReferences") or ()
    owner = next((one for one in owners if one.get("controller")), None)
    return WorkloadMarks(
        target.change.key.workload.kind,
        metadata.get("labels") or {},
        metadata.get("annotations") or {},
        (canonical_kind(str(owner["kind"]), owner.get("apiVersion")), str(owner["name"])) if owner else None,
        target.managers,
        frozenset(one.name for one in containers),
    )


def pod_spec(kind: WorkloadKind, item: JsonObject) -> JsonObject:
    """Return the pod spec of an object's template."""
    node: JsonObject = item
    for part in kind.template_path:
        node = node.get(part) or {}
    return node


def containers_of(kind: WorkloadKind, item: JsonObject) -> tuple[TemplateContainer, ...]:
    """Return the containers of an object's template."""
    return template_containers(pod_spec(kind, item))


def changed(message: str) -> ApplyOutcome:
    """Return the outcome of an object that is not what the suggestion was made for."""
    return ApplyOutcome(ApplyResult.CHANGED, message)


def _say(container: TemplateContainer) -> str:
    sections = full_sections(container.values)
    parts = [
        f"{section} {', '.join(f'{name} {amount}' for name, amount in amounts.items())}"
        for section, amounts in sections.items()
    ]
    return "; ".join(parts) or "no requests and limits"
