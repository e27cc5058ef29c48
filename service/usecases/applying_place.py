"""Where a suggestion's container stands in its workload, and who writes that workload, as last observed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.applying.limits import disruption_warnings
from models.kubernetes.channels import Channel, ChannelDecision, WorkloadMarks, choose_channel
from models.kubernetes.field_managers import managers_of
from models.kubernetes.templates import TemplateContainer, find_container, stored_containers
from models.vocabulary.identity import ContainerKey, WorkloadKey
from service.patches.helm import HELM_PATH_ANNOTATION
from service.runtime import Runtime
from service.usecases.workload_constraints import ALLOW_QOS_CHANGE_ANNOTATION
from warehouse.lake.reading import TableScan

_NAMED = """
    SELECT kind, name, valid_to, spec FROM object_history
    WHERE namespace = $namespace AND valid_from <= $at
      AND (list_contains($kinds, kind) AND name = $name
           OR kind = 'PodDisruptionBudget')
    QUALIFY row_number() OVER (PARTITION BY kind, name ORDER BY valid_from DESC, uid DESC) = 1"""
_SIDECAR_SETS = """
    SELECT name, valid_to, spec FROM object_history WHERE kind = 'SidecarSet' AND valid_from <= $at
    QUALIFY row_number() OVER (PARTITION BY name ORDER BY valid_from DESC, uid DESC) = 1"""
_ALSO_CALLED = {"StatefulSet": "AdvancedStatefulSet"}
"""Metrics name an owner's kind without its group: the API's inventory knows which one it is."""

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """One container's place.

    Parameters
    ----------
    key : ContainerKey
        With the kind that the API's inventory knows; the Deployment where a Rollout refers to one.
    decision : ChannelDecision
    container : TemplateContainer or None
        None where the template is not known.
    container_count : int or None
        Main containers of the template.
    helm_path : str or None
    may_change_quality : bool
    warnings : tuple of str
        What a rollout should know.
    """

    key: ContainerKey
    decision: ChannelDecision
    container: TemplateContainer | None = None
    container_count: int | None = None
    helm_path: str | None = None
    may_change_quality: bool = False
    warnings: tuple[str, ...] = field(default=())


def read_place(runtime: Runtime, key: ContainerKey, at: datetime) -> Place:
    """Return the place of a container as the inventory of the cluster's API last showed it."""
    workload = key.workload
    objects, budgets = _read_objects(runtime, workload, at)
    kind, spec = _present(workload.kind, objects)
    named = ContainerKey(_of_kind(workload, kind), key.container)
    if spec is None:
        return Place(named, _unseen(runtime, named, at))
    decision = _decide(named, spec)
    reference = spec.get("workload_ref") or {}
    if reference.get("kind") == "Deployment" and decision.channel is Channel.LIVE:
        referred = WorkloadKey(workload.cluster, workload.namespace, "Deployment", str(reference.get("name")))
        return read_place(runtime, ContainerKey(referred, key.container), at)
    containers = stored_containers(spec.get("template") or {})
    annotations = spec.get("annotations") or {}
    labels = (spec.get("template") or {}).get("labels") or {}
    return Place(
        named,
        decision,
        find_container(containers, key.container),
        sum(one.group == "containers" for one in containers) or None,
        annotations.get(HELM_PATH_ANNOTATION),
        str(annotations.get(ALLOW_QOS_CHANGE_ANNOTATION, "")).lower() == "true",
        tuple(disruption_warnings(budgets, labels, spec.get("replicas"))),
    )


def _read_objects(
    runtime: Runtime, workload: WorkloadKey, at: datetime
) -> tuple[dict[str, Spec], Sequence[Spec]]:
    kinds = [workload.kind, *([_ALSO_CALLED[workload.kind]] if workload.kind in _ALSO_CALLED else [])]
    rows = runtime.warehouse.lake.query(
        _NAMED,
        tables={"object_history": TableScan("object_history", workload.cluster)},
        parameters={"namespace": workload.namespace, "name": workload.name, "kinds": kinds, "at": at},
    ).to_pylist()
    living = [row for row in rows if row["valid_to"] is None]
    objects = {row["kind"]: json.loads(row["spec"] or "{}") for row in living if row["kind"] in kinds}
    budgets = [
        {"name": row["name"], **json.loads(row["spec"] or "{}")}
        for row in living
        if row["kind"] == "PodDisruptionBudget"
    ]
    return objects, budgets


def _present(kind: str, objects: Mapping[str, Spec]) -> tuple[str, Spec | None]:
    other = _ALSO_CALLED.get(kind, kind)
    if kind not in objects and other in objects:
        return other, objects[other]
    return kind, objects.get(kind)


def _of_kind(workload: WorkloadKey, kind: str) -> WorkloadKey:
    return WorkloadKey(workload.cluster, workload.namespace, kind, workload.name)


def _decide(key: ContainerKey, spec: Spec) -> ChannelDecision:
    owner = spec.get("owner") or {}
    template = spec.get("template") or {}
    # a Rollout that refers to a Deployment has no template of its own
    names = frozenset(one["name"] for one in template.get("containers") or ()) or None
    marks = WorkloadMarks(
        key.workload.kind,
        spec.get("labels") or {},
        spec.get("annotations") or {},
        (str(owner["kind"]), str(owner["name"])) if owner else None,
        managers_of(spec.get("resource_managers") or {}, key.container),
        names,
    )
    return choose_channel(key.container, marks)


def _unseen(runtime: Runtime, key: ContainerKey, at: datetime) -> ChannelDecision:
    """Return the channel of a workload whose object is not stored: known injectors, else nobody knows."""
    decision = choose_channel(key.container, WorkloadMarks(key.workload.kind))
    if decision.channel is not Channel.LIVE:
        return decision
    rows = runtime.warehouse.lake.query(
        _SIDECAR_SETS,
        tables={"object_history": TableScan("object_history", key.workload.cluster)},
        parameters={"at": at},
    ).to_pylist()
    for row in rows:
        injects = json.loads(row["spec"] or "{}").get("injects") or ()
        if row["valid_to"] is None and key.container in injects:
            return ChannelDecision(
                Channel.PLATFORM_TEAM, f"SidecarSet {row['name']} injects it: ask the platform team"
            )
    return ChannelDecision(
        Channel.NONE,
        "who writes this workload is not known, because the cluster's API is not read or no longer shows it: "
        "hand the patch to its owner",
    )
