"""What admission refuses in the Kubernetes API test server: LimitRange and ResourceQuota, for pods only.

A real server asks these plugins when a pod is made or resized, never about the template of a workload: a
dry run of a Deployment passes although its pods will be refused. The words are those of the plugins
``LimitRanger`` and ``ResourceQuota``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from support.kubernetes_api_answers import Refusal
from support.kubernetes_api_store import BY_PLURAL, ObjectStore

from models.vocabulary.quantity import parse_quantity

JsonObject = dict[str, Any]


def admit_pod(store: ObjectStore, namespace: str, before: JsonObject, after: JsonObject) -> None:
    """Refuse (403) a resized pod that a LimitRange or a quota of its namespace does not allow."""
    name = after["metadata"]["name"]
    problems = [
        problem
        for limit_range in store.list(BY_PLURAL["limitranges"], namespace, 0, None).items
        for item in limit_range["spec"]["limits"]
        if item["type"] == "Container"
        for container in after["spec"]["containers"]
        for problem in _outside(item, container.get("resources") or {})
    ]
    if problems:
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise _forbidden(name, text)
    for quota in store.list(BY_PLURAL["resourcequotas"], namespace, 0, None).items:
        _check_quota(name, quota, before["spec"], after["spec"])


def _forbidden(name: str, why: str) -> Refusal:
    details = {"name": name, "kind": "pods"}
    return Refusal(403, "Forbidden", f'pods "{name}" is forbidden: {why}', details)


def _outside(item: JsonObject, resources: JsonObject) -> Iterator[str]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, least in (item.get("min") or {}).items():
        if name not in requests:
            yield f"minimum {name} usage per Container is {least}.  No request is specified"
        elif parse_quantity(requests[name]) < parse_quantity(least):
            yield f"minimum {name} usage per Container is {least}, but request is {requests[name]}"
    for name, most in (item.get("max") or {}).items():
        if name not in limits:
            yield f"maximum {name} usage per Container is {most}.  No limit is specified"
        elif parse_quantity(limits[name]) > parse_quantity(most):
            yield f"maximum {name} usage per Container is {most}, but limit is {limits[name]}"
    for name, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        if name in limits and name in requests:
            found = parse_quantity(limits[name]) / parse_quantity(requests[name])
            if found > parse_quantity(ratio):
                text = f"{name} max limit to request ratio per Container is {ratio}, but provided ratio is"
                yield f"{text} {float(found):f}"


def _check_quota(name: str, quota: JsonObject, before: JsonObject, after: JsonObject) -> None:
    hard = quota["spec"].get("hard") or {}
    used = (quota.get("status") or {}).get("used") or {}
    over = []
    for key, most in hard.items():
        section, _, resource = key.partition(".")
        if section not in ("requests", "limits") or resource not in ("cpu", "memory"):
            continue
        grown = _total(after, section, resource) - _total(before, section, resource)
        if grown > 0 and parse_quantity(used.get(key, 0)) + grown > parse_quantity(most):
            over.append((key, grown, used.get(key, "0"), most))
    if over:
        parts = [
            f"{label}: " + ",".join(f"{one[0]}={one[place]}" for one in over)
            for label, place in (("requested", 1), ("used", 2), ("limited", 3))
        ]
        raise _forbidden(name, f"exceeded quota: {quota['metadata']['name']}, {', '.join(parts)}")


def _total(spec: JsonObject, section: str, resource: str) -> Decimal:
    amounts = [
        ((container.get("resources") or {}).get(section) or {}).get(resource, 0)
        for container in spec["containers"]
    ]
    return sum((parse_quantity(amount) for amount in amounts), Decimal(0))
