"""What the scheduler reserves for a pod: Kubernetes' own rule, ``PodRequests``.

Source: ``k8s.io/component-helpers/resource/helpers.go`` (PodRequests, AggregateContainerRequests), KEP-753
(sidecars), KEP-2837 (pod-level resources), KEP-1287 (in-place resize), KEP-688 (overhead).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.vocabulary.quantity import parse_quantity

POD_REMAINDER = "(pod)"
"""Container name and kind of the row that holds what a pod requests beyond its containers."""

_POD_LEVEL = ("cpu", "memory")
ResourceAmounts = dict[str, Decimal]
"""Amount by resource name, in base units (cores, bytes, devices). An absent name is unset, never zero."""


class ContainerKind(StrEnum):
    """What a container is to its pod; values of the column ``container_kind``."""

    MAIN = "main"
    INIT = "init"
    SIDECAR = "sidecar"
    POD = POD_REMAINDER


@dataclass(frozen=True)
class ContainerResources:
    """Name, kind, requests and limits of one container of a pod, in base units."""

    name: str
    kind: ContainerKind
    requests: Mapping[str, Decimal]
    limits: Mapping[str, Decimal]


def container_resources(
    spec: Mapping[str, Any], status: Mapping[str, Any] | None = None
) -> list[ContainerResources]:
    """Return the containers of a pod: init and sidecars in their order, then the main ones.

    A limit without a request is also the request, as the API server defaults it. With a status, requests
    are those in force during an in-place resize: the greatest of what is wanted, allocated and actuated
    (of the last two only, when the node refused the resize as infeasible).

    Parameters
    ----------
    spec : mapping
        ``spec`` of a Pod, or of a pod template.
    status : mapping or None
        ``status`` of the Pod.

    Raises
    ------
    InputError
        If a quantity is malformed; the field path is named.
    """
    in_force = _StatusRequests(status or {})
    containers = []
    for position, container in enumerate(spec.get("initContainers") or ()):
        is_sidecar = container.get("restartPolicy") == "Always"
        kind = ContainerKind.SIDECAR if is_sidecar else ContainerKind.INIT
        containers.append(_read_container(container, kind, f"initContainers[{position}]", in_force))
    for position, container in enumerate(spec.get("containers") or ()):
        containers.append(_read_container(container, ContainerKind.MAIN, f"containers[{position}]", in_force))
    return containers


def effective_pod_request(
    spec: Mapping[str, Any], status: Mapping[str, Any] | None = None
) -> ResourceAmounts:
    """Return what the scheduler reserves for a pod, by resource name, in base units.

    Parameters and errors as :func:`container_resources`. A resource that nobody requests is absent.
    """
    containers = container_resources(spec, status)
    stated = spec.get("resources") or {}
    pod_level = read_amounts(stated.get("requests"), "resources.requests")
    # a pod-level limit is the request only of what no container requests (the API server's default)
    requested = combine_requests(containers)
    for name, limit in read_amounts(stated.get("limits"), "resources.limits").items():
        pod_level.setdefault(name, requested.get(name, limit))
    overhead = read_amounts(spec.get("overhead"), "overhead")
    return combine_requests(containers, pod_level=pod_level, overhead=overhead)


def combine_requests(
    containers: Iterable[ContainerResources],
    *,
    pod_level: Mapping[str, Decimal] | None = None,
    overhead: Mapping[str, Decimal] | None = None,
) -> ResourceAmounts:
    """Return a pod's effective request from its containers' requests.

    ``max(sum(main) + sum(sidecars), max over init of (init + sidecars started before it))`` per resource;
    a pod-level CPU or memory request replaces it; the overhead of the runtime class is added.

    Parameters
    ----------
    containers : iterable of ContainerResources
        Init containers and sidecars in the order of the spec; where main containers stand does not matter.
    pod_level, overhead : mapping or None
        Amounts in base units.
    """
    running: ResourceAmounts = {}
    sidecars: ResourceAmounts = {}
    starting: ResourceAmounts = {}
    for container in containers:
        if container.kind is ContainerKind.INIT:
            _raise_to(starting, _sum_amounts(container.requests, sidecars))
            continue
        running = _sum_amounts(running, container.requests)
        if container.kind is ContainerKind.SIDECAR:
            sidecars = _sum_amounts(sidecars, container.requests)
            _raise_to(starting, sidecars)
    _raise_to(running, starting)
    running.update({name: amount for name, amount in (pod_level or {}).items() if name in _POD_LEVEL})
    return _sum_amounts(running, overhead or {})


def remainder_request_seconds(
    effective_request_seconds: float, container_request_seconds: Sequence[float]
) -> float:
    """Return the resource-seconds of the ``(pod)`` row: what the pod reserves beyond its containers.

    Main containers and sidecars reserve their request over the scheduled time, init containers over their
    running time; the remainder makes the rows of a pod sum to its effective request. Never negative.
    """
    return max(0.0, effective_request_seconds - sum(container_request_seconds))


def read_amounts(amounts: Mapping[str, Any] | None, field: str) -> ResourceAmounts:
    """Return a ``requests``, ``limits``, ``capacity`` or ``overhead`` map with its quantities parsed.

    Raises
    ------
    InputError
        If a quantity is malformed; ``field`` and the resource are named.
    """
    return {
        name: parse_quantity(text, field=f"{field}.{name}")
        for name, text in (amounts or {}).items()
        if text is not None
    }


class _StatusRequests:
    """Requests that a pod's status reports as allocated or actuated, by container name."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self.is_infeasible = _is_resize_infeasible(status)
        self._statuses = {
            str(entry.get("name")): entry
            for group in ("containerStatuses", "initContainerStatuses")
            for entry in status.get(group) or ()
        }

    def of(self, name: str) -> ResourceAmounts | None:
        """Return the greatest of allocated and actuated, None if the status has no resources."""
        entry = self._statuses.get(name)
        if entry is None or not entry.get("resources"):
            return None
        field = f"status.containerStatuses[{name}]"
        amounts = read_amounts(entry["resources"].get("requests"), f"{field}.resources.requests")
        _raise_to(amounts, read_amounts(entry.get("allocatedResources"), f"{field}.allocatedResources"))
        return amounts


def _is_resize_infeasible(status: Mapping[str, Any]) -> bool:
    if status.get("resize") == "Infeasible":
        return True
    return any(
        condition.get("type") == "PodResizePending" and condition.get("reason") == "Infeasible"
        for condition in status.get("conditions") or ()
    )


def _read_container(
    container: Mapping[str, Any], kind: ContainerKind, field: str, in_force: _StatusRequests
) -> ContainerResources:
    resources = container.get("resources") or {}
    requests = _with_default_requests(resources, f"{field}.resources")
    # init containers that end cannot be resized, so only the spec speaks for them
    actual = None if kind is ContainerKind.INIT else in_force.of(str(container.get("name")))
    if actual is not None:
        wanted = {} if in_force.is_infeasible else requests
        requests = dict(actual)
        _raise_to(requests, wanted)
    limits = read_amounts(resources.get("limits"), f"{field}.resources.limits")
    return ContainerResources(str(container.get("name", "")), kind, requests, limits)


def _with_default_requests(resources: Mapping[str, Any], field: str) -> ResourceAmounts:
    limits = read_amounts(resources.get("limits"), f"{field}.limits")
    return {**limits, **read_amounts(resources.get("requests"), f"{field}.requests")}


def _sum_amounts(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> ResourceAmounts:
    total = dict(left)
    for name, amount in right.items():
        total[name] = total.get(name, Decimal(0)) + amount
    return total


def _raise_to(amounts: ResourceAmounts, floor: Mapping[str, Decimal]) -> None:
    for name, amount in floor.items():
        amounts[name] = max(amounts.get(name, amount), amount)
