"""LimitRanges as the API server applies them: which requests and limits a namespace refuses.

Source: ``plugin/pkg/admission/limitranger/admission.go`` and ``pkg/apis/core/v1/defaults.go`` (1.34).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.vocabulary.quantity import parse_quantity
from models.vocabulary.recommendation import ResourceValues

CONTAINER, POD = "Container", "Pod"
_RESOURCES = ("cpu", "memory")
_GRANULES = {"cpu": 0.001, "memory": float(1 << 20)}
_FIELDS = {
    "cpu": ("cpu_request_cores", "cpu_limit_cores"),
    "memory": ("memory_request_bytes", "memory_limit_bytes"),
}


@dataclass(frozen=True)
class LimitRule:
    """One item of a LimitRange for one resource, defaulted as the API server does.

    Parameters
    ----------
    scope : str
        ``Container`` or ``Pod``.
    resource : str
        ``cpu`` (cores) or ``memory`` (bytes).
    minimum, maximum : float or None
        Of requests and limits.
    default_request, default_limit : float or None
        What a container without one gets; ``None`` leaves it unset.
    largest_ratio : float or None
        Of limit to request.
    """

    scope: str
    resource: str
    minimum: float | None = None
    maximum: float | None = None
    default_request: float | None = None
    default_limit: float | None = None
    largest_ratio: float | None = None


@dataclass(frozen=True)
class LimitBounds:
    """What all rules for one container and resource leave; ``None`` is no bound."""

    minimum: float | None = None
    maximum: float | None = None
    default_limit: float | None = None
    largest_ratio: float | None = None


def read_limit_range(limits: Iterable[Mapping[str, Any]]) -> list[LimitRule]:
    """Return the rules of one LimitRange's ``spec.limits`` for CPU and memory.

    Raises
    ------
    InputError
        If a quantity is malformed.
    """
    return [
        _read_rule(str(item["type"]), resource, item)
        for item in limits
        if item.get("type") in (CONTAINER, POD)
        for resource in _RESOURCES
        if any(resource in (item.get(part) or {}) for part in _PARTS)
    ]


_PARTS = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")


def _read_rule(scope: str, resource: str, item: Mapping[str, Any]) -> LimitRule:
    def read(part: str) -> float | None:
        text = (item.get(part) or {}).get(resource)
        return None if text is None else float(parse_quantity(text, field=f"LimitRange {part} {resource}"))

    minimum, maximum, ratio = read("min"), read("max"), read("maxLimitRequestRatio")
    if scope == POD:
        return LimitRule(scope, resource, minimum, maximum, largest_ratio=ratio)
    limit, request = read("default"), read("defaultRequest")
    if limit is None:
        limit = maximum
    if request is None:
        request = limit if limit is not None else minimum
    return LimitRule(scope, resource, minimum, maximum, request, limit, ratio)


def container_bounds(
    rules: Sequence[LimitRule], resource: str, current: ResourceValues, siblings: Sequence[ResourceValues]
) -> LimitBounds:
    """Return what the rules leave one container, whatever part of its pod's advice is accepted.

    A rule for pods is shared out: of the room above today's sum each container may take an equal part, of
    the room below it a part by its size.

    Parameters
    ----------
    rules : sequence of LimitRule
    resource : str
    current : ResourceValues
    siblings : sequence of ResourceValues
        The pod's other containers as they are.
    """
    found = LimitBounds()
    for rule in rules:
        if rule.resource != resource:
            continue
        if rule.scope == CONTAINER:
            found = _tighter(found, rule)
        elif rule.scope == POD:
            found = _tighter(found, _share_of_pod(rule, current, siblings))
    return found


def _tighter(found: LimitBounds, rule: LimitRule) -> LimitBounds:
    return LimitBounds(
        _largest(found.minimum, rule.minimum),
        _smallest(found.maximum, rule.maximum),
        _smallest(found.default_limit, rule.default_limit),
        _smallest(found.largest_ratio, rule.largest_ratio),
    )


def _share_of_pod(rule: LimitRule, current: ResourceValues, siblings: Sequence[ResourceValues]) -> LimitRule:
    request_name, limit_name = _FIELDS[rule.resource]
    mine = getattr(current, request_name) or 0.0
    total = mine + sum(getattr(one, request_name) or 0.0 for one in siblings)
    limit = getattr(current, limit_name)
    top = mine if limit is None else limit
    total_top = top + sum(getattr(one, limit_name) or getattr(one, request_name) or 0.0 for one in siblings)
    minimum = None
    if rule.minimum is not None:
        minimum = mine - max(total - rule.minimum, 0.0) * (mine / total if total > 0 else 0.0)
    maximum = None
    if rule.maximum is not None:
        maximum = max(top + (rule.maximum - total_top) / (len(siblings) + 1), 0.0)
    return LimitRule(CONTAINER, rule.resource, minimum, maximum)


def find_refusals(
    advised: ResourceValues, rules: Sequence[LimitRule], siblings: Sequence[ResourceValues]
) -> list[str]:
    """Return why the API server would refuse the values, in words; empty when it takes them.

    Values are rounded up to a millicore and a mebibyte first, as a patch writes them.
    """
    reasons: list[str] = []
    for rule in rules:
        request, limit = _filled(advised, rule.resource, rules)
        if rule.scope == POD:
            others = [_filled(one, rule.resource, rules) for one in siblings]
            request, limit = (
                _total([request, *(o[0] for o in others)]),
                _total([limit, *(o[1] for o in others)]),
            )
        reasons += _refusals(rule, request, limit)
    return reasons


def _filled(
    values: ResourceValues, resource: str, rules: Sequence[LimitRule]
) -> tuple[float | None, float | None]:
    """Return request and limit after the API server's defaults."""
    request_name, limit_name = _FIELDS[resource]
    granule = _GRANULES[resource]
    request, limit = _rounded(getattr(values, request_name), granule), getattr(values, limit_name)
    limit = _rounded(limit, granule)
    if request is None:
        request = limit
    for rule in rules:
        if rule.scope == CONTAINER and rule.resource == resource:
            limit = rule.default_limit if limit is None else limit
            request = rule.default_request if request is None else request
    return request, limit


def _refusals(rule: LimitRule, request: float | None, limit: float | None) -> list[str]:
    where = f"LimitRange for a {rule.scope.lower()}'s {rule.resource}"
    slack = 1 + 1e-9
    found = []
    if rule.minimum is not None and (
        request is None or min(request, limit or request) * slack < rule.minimum
    ):
        found.append(f"{where}: below its minimum")
    if rule.maximum is not None and (limit is None or max(limit, request or 0.0) > rule.maximum * slack):
        found.append(f"{where}: above its maximum")
    if rule.largest_ratio is not None and (
        not request or limit is None or limit / request > rule.largest_ratio * slack
    ):
        found.append(f"{where}: the limit is more than {rule.largest_ratio:g} times the request")
    if request is not None and limit is not None and request > limit * slack:
        found.append(f"{rule.resource} request above its limit, which the {where} sets")
    return found


def _total(values: Sequence[float | None]) -> float | None:
    """Return the sum of the known: a pod's total counts only containers that state one."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _rounded(value: float | None, granule: float) -> float | None:
    return None if value is None else math.ceil(value / granule - 1e-6) * granule


def _largest(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


def _smallest(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)
