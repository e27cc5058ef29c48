"""The containers of a pod template: where each stands in its list, and what it requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from models.kubernetes.pod_request import container_resources
from models.vocabulary.quantity import format_cpu, format_memory
from models.vocabulary.recommendation import ResourceValues

_Amounts = Mapping[str, Any]
_GROUPS = {"init": "initContainers", "sidecar": "initContainers", "main": "containers"}


@dataclass(frozen=True)
class TemplateContainer:
    """One container of a template.

    Parameters
    ----------
    name : str
    group : str
        ``containers`` or ``initContainers``; sidecars that Kubernetes knows as such stand in the latter.
    position : int
        Index in that list.
    values : ResourceValues
        Requests and limits; a limit without a request is also the request, as the API sees it.
    has_resources : bool
        Whether the object states any resources, so that the key exists for a JSON patch.
    other_requests, other_limits : mapping of str to str
        Quantities of other resources (GPUs, storage), which a change must leave as they are.
    """

    name: str
    group: str
    position: int
    values: ResourceValues
    has_resources: bool = False
    other_requests: Mapping[str, str] = field(default_factory=dict)
    other_limits: Mapping[str, str] = field(default_factory=dict)


def template_containers(pod_spec: Mapping[str, Any]) -> tuple[TemplateContainer, ...]:
    """Return the containers of a pod spec or pod template spec, as the API holds it.

    Raises
    ------
    InputError
        If a quantity is malformed.
    """
    return _placed((one.name, one.kind, one.requests, one.limits) for one in container_resources(pod_spec))


def stored_containers(template: Mapping[str, Any]) -> tuple[TemplateContainer, ...]:
    """Return the containers of a template as ``object_history`` keeps it, in the order of the object."""
    return _placed(
        (one["name"], one["kind"], one.get("requests") or {}, one.get("limits") or {})
        for one in template.get("containers") or ()
    )


def find_container(containers: Sequence[TemplateContainer] | None, name: str) -> TemplateContainer | None:
    """Return the container of a name, None if there is none or the template is not known."""
    return next((one for one in containers or () if one.name == name), None)


def are_same_values(one: ResourceValues, other: ResourceValues) -> bool:
    """Say whether two sets of values mean the same, written as quantities (a millicore, a MiB).

    A limit without a request is also the request.
    """
    return _written(one) == _written(other)


def _placed(found: Iterable[tuple[str, str, _Amounts, _Amounts]]) -> tuple[TemplateContainer, ...]:
    counts = {"initContainers": 0, "containers": 0}
    placed = []
    for name, kind, requests, limits in found:
        group = _GROUPS[kind]
        placed.append(
            TemplateContainer(
                name,
                group,
                counts[group],
                _values(requests, limits),
                bool(requests or limits),
                _others(requests),
                _others(limits),
            )
        )
        counts[group] += 1
    return tuple(placed)


def _others(amounts: _Amounts) -> dict[str, str]:
    return {
        name: f"{Decimal(str(amount)).normalize():f}"
        for name, amount in amounts.items()
        if name not in ("cpu", "memory")
    }


def _values(requests: Mapping[str, Any], limits: Mapping[str, Any]) -> ResourceValues:
    return ResourceValues(
        _number(requests.get("cpu")),
        _number(limits.get("cpu")),
        _number(requests.get("memory")),
        _number(limits.get("memory")),
    )


def _number(amount: Decimal | float | None) -> float | None:
    return None if amount is None else float(amount)


def _written(values: ResourceValues) -> tuple[str | None, ...]:
    cpu = _with_request(values.cpu_request_cores, values.cpu_limit_cores)
    memory = _with_request(values.memory_request_bytes, values.memory_limit_bytes)
    return (
        *(None if amount is None else format_cpu(amount) for amount in cpu),
        *(None if amount is None else format_memory(amount) for amount in memory),
    )


def _with_request(request: float | None, limit: float | None) -> tuple[float | None, float | None]:
    return (limit if request is None else request), limit
