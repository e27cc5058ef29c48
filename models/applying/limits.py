"""What a namespace would refuse of new pods, found before a template is changed.

An API server asks LimitRange and ResourceQuota when a pod is made, not when a template is patched: a dry run
of a Deployment passes although its new pods will be refused and its rollout hangs. So they are read and
judged here, by the rules of the admission plugins ``LimitRanger`` and ``ResourceQuota``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from models.vocabulary.quantity import parse_quantity
from models.vocabulary.recommendation import ResourceValues

JsonObject = Mapping[str, Any]
_FIELDS = {
    ("requests", "cpu"): "cpu_request_cores",
    ("limits", "cpu"): "cpu_limit_cores",
    ("requests", "memory"): "memory_request_bytes",
    ("limits", "memory"): "memory_limit_bytes",
}


def with_defaults(values: ResourceValues, ranges: Iterable[JsonObject]) -> ResourceValues:
    """Return what a container's pods run with: LimitRanges fill in what its template leaves out.

    Order as in the API server: a stated limit is first the request too, then ``defaultRequest`` and
    ``default`` are filled in.
    """
    found = {field: getattr(values, field) for field in _FIELDS.values()}
    for resource in ("cpu", "memory"):
        request, limit = _FIELDS["requests", resource], _FIELDS["limits", resource]
        found[request] = found[limit] if found[request] is None else found[request]
        for one in ranges:
            for item in (one.get("spec") or {}).get("limits") or ():
                if item.get("type") != "Container":
                    continue
                default = (item.get("default") or {}).get(resource)
                wanted = (item.get("defaultRequest") or {}).get(resource, default)
                if found[request] is None and wanted is not None:
                    found[request] = float(parse_quantity(wanted))
                if found[limit] is None and default is not None:
                    found[limit] = float(parse_quantity(default))
    return ResourceValues(**found)


def limit_range_problems(ranges: Iterable[JsonObject], wanted: ResourceValues) -> list[str]:
    """Return what the LimitRanges of a namespace would refuse of a container.

    Parameters
    ----------
    ranges : iterable of mapping
        ``LimitRange`` objects; only their ``Container`` items bind a container.
    wanted : ResourceValues
        What the container will request and be limited to.

    Returns
    -------
    list of str
        One sentence per bound that is broken, naming the LimitRange.
    """
    problems = []
    for one in ranges:
        name = (one.get("metadata") or {}).get("name", "")
        for item in (one.get("spec") or {}).get("limits") or ():
            if item.get("type") == "Container":
                problems += [f"LimitRange {name}: {problem}" for problem in _item_problems(item, wanted)]
    return problems


def quota_problems(
    quotas: Iterable[JsonObject], current: ResourceValues, wanted: ResourceValues, pod_count: int
) -> list[str]:
    """Return what the quotas of a namespace would refuse once all pods have changed.

    What is needed is the growth of one pod times the pods; a decrease never needs room. Quotas with scopes
    or selectors are passed over.

    Parameters
    ----------
    quotas : iterable of mapping
        ``ResourceQuota`` objects with their status.
    current, wanted : ResourceValues
    pod_count : int
        Replicas.
    """
    problems = []
    for quota in quotas:
        spec = quota.get("spec") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue
        used = (quota.get("status") or {}).get("used") or {}
        name = (quota.get("metadata") or {}).get("name", "")
        for key, hard in (spec.get("hard") or {}).items():
            grown = _growth(key, current, wanted, pod_count)
            left = parse_quantity(hard) - parse_quantity(used.get(key, 0))
            if grown is not None and grown > left:
                text = f"{key} has {left.normalize():f} left and {grown.normalize():f} is needed"
                problems.append(f"ResourceQuota {name}: {text}")
    return problems


def _item_problems(item: JsonObject, wanted: ResourceValues) -> list[str]:
    problems = []
    for name, least in (item.get("min") or {}).items():
        request = _value(wanted, "requests", name)
        if request is not None and request < parse_quantity(least):
            problems.append(f"the {name} request is below its minimum of {least}")
    for name, most in (item.get("max") or {}).items():
        limit, request = _value(wanted, "limits", name), _value(wanted, "requests", name)
        has_default = name in (item.get("default") or {})
        if limit is not None and limit > parse_quantity(most):
            problems.append(f"the {name} limit is above its maximum of {most}")
        elif limit is None and name in ("cpu", "memory") and not has_default:
            problems.append(f"a {name} limit is required: its maximum is {most}")
        elif limit is None and request is not None and request > parse_quantity(most):
            problems.append(f"the {name} request is above its maximum of {most}")
    for name, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        limit, request = _value(wanted, "limits", name), _value(wanted, "requests", name)
        if limit is not None and request and limit / request > parse_quantity(ratio):
            problems.append(f"the {name} limit is more than {ratio} times the request")
    return problems


def _growth(key: str, current: ResourceValues, wanted: ResourceValues, pod_count: int) -> Decimal | None:
    section, _, resource = key.rpartition(".")
    old, new = (_value(values, section or "requests", resource) for values in (current, wanted))
    if (section or "requests", resource) not in _FIELDS or new is None or new <= (old or 0):
        return None
    return (new - (old or Decimal(0))) * pod_count


def _value(values: ResourceValues, section: str, resource: str) -> Decimal | None:
    field = _FIELDS.get((section, resource))
    number = getattr(values, field) if field else None
    return None if number is None else Decimal(str(number))


def disruption_warnings(
    budgets: Sequence[JsonObject], labels: Mapping[str, str], replicas: int | None
) -> list[str]:
    """Return what a rollout should know: one replica, or a disruption budget that allows none.

    Parameters
    ----------
    budgets : sequence of mapping
        ``spec`` parts of the PodDisruptionBudgets of the namespace, with ``name``.
    labels : mapping of str to str
        Labels of the pod template.
    replicas : int or None
        None where the kind has no count of replicas.
    """
    warnings = []
    if replicas == 1:
        warnings.append("it has 1 replica: pods that restart leave a gap in service")
    for budget in budgets:
        selected = ((budget.get("selector") or {}).get("matchLabels") or {}).items()
        if selected and all(labels.get(name) == value for name, value in selected):
            if str(budget.get("maxUnavailable")) in ("0", "0%"):
                warnings.append(f"disruption budget {budget.get('name')} allows no pod to go")
            elif replicas is not None and str(budget.get("minAvailable")) in (str(replicas), "100%"):
                warnings.append(f"disruption budget {budget.get('name')} needs all {replicas} pods")
    return warnings
