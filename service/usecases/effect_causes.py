"""Who undid a change: what the workload's object says about who writes it, or that nobody is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.kubernetes.channels import Channel, WorkloadMarks, choose_channel
from models.kubernetes.field_managers import managers_of
from models.vocabulary.identity import ContainerKey
from service.runtime import Runtime
from service.usecases.cluster_objects import objects_at

UNKNOWN = "unknown who did it: nothing on the workload says who writes it"


def name_cause(runtime: Runtime, key: ContainerKey, at: datetime) -> str:
    """Return who keeps a workload's values, for people; `UNKNOWN` when nothing names anybody.

    Argo CD, Flux, Helm and operators are known by the marks that they leave on the object stored at that
    time.
    """
    workload = key.workload
    for _, namespace, name, spec in objects_at(runtime, workload.cluster, at, (workload.kind,)):
        if (namespace, name) == (workload.namespace, workload.name):
            return _cause(key, spec)
    return UNKNOWN


def _cause(key: ContainerKey, spec: Mapping[str, Any]) -> str:
    owner = spec.get("owner") or {}
    managers = managers_of(spec.get("resource_managers") or {}, key.container)
    decision = choose_channel(
        key.container,
        WorkloadMarks(
            kind=key.workload.kind,
            labels=spec.get("labels") or {},
            annotations=spec.get("annotations") or {},
            owner=(owner["kind"], owner["name"]) if owner.get("kind") and owner.get("name") else None,
            field_managers=managers,
        ),
    )
    if decision.channel not in (Channel.LIVE, Channel.NONE):
        return decision.reason
    return f"field manager {', '.join(managers)} wrote the values" if managers else UNKNOWN
