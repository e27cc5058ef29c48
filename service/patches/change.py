"""What a suggestion changes: values before and after, checked, and written as quantities."""

from __future__ import annotations

from dataclasses import dataclass

from models.kubernetes.kinds import KINDS, WorkloadKind
from models.kubernetes.templates import TemplateContainer
from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.identity import ContainerKey
from models.vocabulary.quantity import format_cpu, format_memory
from models.vocabulary.recommendation import Recommendation, ResourceValues
from models.vocabulary.replicas import HpaChange

Sections = dict[str, dict[str, str | None]]
"""``requests`` and ``limits`` by resource, as quantities; None takes a value away."""

FIELDS = (
    ("requests", "cpu", "cpu_request_cores"),
    ("requests", "memory", "memory_request_bytes"),
    ("limits", "cpu", "cpu_limit_cores"),
    ("limits", "memory", "memory_limit_bytes"),
)


@dataclass(frozen=True)
class ResourceChange:
    """A change of one container.

    Parameters
    ----------
    key : ContainerKey
    before, after : ResourceValues
    container : TemplateContainer or None
        Its place in the stored template; None where the API is not read.
    hpa : HpaChange or None
        What must change on the autoscaler together with it.
    helm_path : str or None
        Where the container's resources stand in the chart's values (annotation of the workload).
    container_count : int or None
        Main containers of the template.
    """

    key: ContainerKey
    before: ResourceValues
    after: ResourceValues
    container: TemplateContainer | None = None
    hpa: HpaChange | None = None
    helm_path: str | None = None
    container_count: int | None = None

    @property
    def kind(self) -> WorkloadKind:
        """The kind of the workload.

        Raises
        ------
        UsageError
            If it is none that has a pod template to change.
        """
        name = self.key.workload.kind
        kind = KINDS.get(name)
        if kind is None:
            raise UsageError(
                f"{name} is a custom resource: change the resources field of {self.key.workload.name} itself"
            )
        if not kind.can_be_patched:
            raise UsageError(f"{name} cannot be patched, it is {kind.fixed_because}")
        return kind

    @property
    def group(self) -> str:
        """``containers``, or ``initContainers`` for a sidecar that Kubernetes knows as such."""
        return self.container.group if self.container is not None else "containers"


def change_of(
    recommendation: Recommendation,
    wanted: ResourceValues | None = None,
    *,
    is_rollback: bool = False,
    may_change_quality: bool = False,
) -> ResourceChange:
    """Return the change that a suggestion means, or the one that takes it back.

    Parameters
    ----------
    recommendation : Recommendation
    wanted : ResourceValues or None
        What was agreed; None takes the advice.
    is_rollback : bool
        Swap before and after.
    may_change_quality : bool
        Whether the owner allows another quality-of-service class.

    Raises
    ------
    InputError
        If a request lies above its limit, or a Guaranteed container would lose its quality of service.
    """
    before, after = recommendation.current, wanted or recommendation.advised
    hpa = recommendation.hpa
    if is_rollback:
        before, after = after, before
    check_values(before, after, may_change_quality=may_change_quality)
    return ResourceChange(recommendation.key, before, after, hpa=hpa)


def check_values(before: ResourceValues, after: ResourceValues, *, may_change_quality: bool = False) -> None:
    """Refuse values that an API server would refuse, or that change Guaranteed to Burstable.

    Raises
    ------
    InputError
        The field is named.
    """
    for resource, request, limit in (
        ("cpu", after.cpu_request_cores, after.cpu_limit_cores),
        ("memory", after.memory_request_bytes, after.memory_limit_bytes),
    ):
        if request is not None and limit is not None and request > limit:
            raise InputError(f"lies above its limit of {limit:g}", field=f"{resource} request", value=request)
    if is_guaranteed(before) and not (may_change_quality or is_guaranteed(after)):
        raise InputError(
            "would make a Guaranteed container Burstable: set each limit to its request", field="limits"
        )


def is_guaranteed(values: ResourceValues) -> bool:
    """Say whether requests equal limits, for CPU and memory."""
    pairs = (
        (values.cpu_request_cores, values.cpu_limit_cores),
        (values.memory_request_bytes, values.memory_limit_bytes),
    )
    return all(request is not None and request == limit for request, limit in pairs)


def changed_sections(change: ResourceChange) -> Sections:
    """Return the values of every resource that changes: request and limit always together."""
    sections: Sections = {}
    for section, resource, field in FIELDS:
        if not _moves(change, resource):
            continue
        old, new = getattr(change.before, field), getattr(change.after, field)
        if new is not None or old is not None:
            sections.setdefault(section, {})[resource] = None if new is None else quantity(resource, new)
    return sections


def full_sections(values: ResourceValues) -> dict[str, dict[str, str]]:
    """Return all values that are set, as quantities."""
    sections: dict[str, dict[str, str]] = {}
    for section, resource, field in FIELDS:
        value = getattr(values, field)
        if value is not None:
            sections.setdefault(section, {})[resource] = quantity(resource, value)
    return sections


def quantity(resource: str, value: float) -> str:
    """Return a value as a canonical quantity: ``250m``, ``512Mi``."""
    return format_cpu(value) if resource == "cpu" else format_memory(value)


def can_be_patched(recommendation: Recommendation) -> bool:
    """Whether a strategic merge patch can say it: a built-in kind with a template, and sound values."""
    kind = KINDS.get(recommendation.key.workload.kind)
    if kind is None or kind.is_custom or not kind.can_be_patched:
        return False
    try:
        check_values(recommendation.current, recommendation.advised, may_change_quality=True)
    except InputError:
        return False
    return True


def _moves(change: ResourceChange, resource: str) -> bool:
    fields = [field for _, name, field in FIELDS if name == resource]
    return any(getattr(change.before, field) != getattr(change.after, field) for field in fields)
