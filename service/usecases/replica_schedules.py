"""Schedules of minimum replicas for the next day, as KEDA cron triggers or as kubectl lines for an HPA."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import yaml

from models.vocabulary.errors import NotFound, UsageError
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.replicas import Scaler, ScalerKind
from models.vocabulary.windows import HOUR, day_start, floor_hour, to_utc
from recommender.replicas import count_for_total
from recommender.schedules import ReplicaSchedule, ScheduleRules, ScheduleStep, join_hours
from recommender.workload_bins import Floats
from service.runtime import Runtime
from service.usecases.replicas import Outlook, WorkloadOutlook, outlooks_of, rules_of
from service.usecases.unit_prices import read_teams

_KEDA_KINDS = {
    "StatefulSet": "apps/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "CloneSet": "apps.kruise.io/v1alpha1",
}


class ScheduleFormat(StrEnum):
    """How a schedule is written: what the workload's autoscaler understands, or one that is asked for."""

    AUTO = "auto"
    KEDA = "keda"
    HPA = "hpa"


@dataclass(frozen=True)
class WorkloadSchedule:
    """The schedule of one workload and its text.

    ``zone`` is the time zone that cuts the day and in which cron times are written.
    """

    workload: WorkloadKey
    team: str | None
    zone: str
    schedule: ReplicaSchedule
    metric: str
    text: str


@dataclass(frozen=True)
class ScheduleQuestion:
    """What is asked.

    Parameters
    ----------
    workload : WorkloadKey
    as_of : datetime or None
        Now by default; the schedule is for the next day of the zone.
    zone : str
        IANA name.
    rules : ScheduleRules
    written_as : ScheduleFormat
    """

    workload: WorkloadKey
    zone: str
    as_of: datetime | None = None
    rules: ScheduleRules = field(default_factory=ScheduleRules)
    written_as: ScheduleFormat = ScheduleFormat.AUTO


def plan_next_day(runtime: Runtime, principal: Principal, question: ScheduleQuestion) -> WorkloadSchedule:
    """Return how many replicas a workload needs at least in each hour of the next day.

    Raises
    ------
    NotFound
        If nothing says what drives its replicas, or there is no forecast; the reason is named.
    UsageError
        If the time zone is not known.
    Forbidden
        If the principal may not see the workload.
    """
    key = question.workload
    zone = _zone(question.zone)
    moment = floor_hour(to_utc(question.as_of or runtime.now()))
    team = read_teams(runtime, key.cluster, moment).get(key)
    visible = principal.visible_teams()
    if visible is not None and team not in visible:
        raise NotFound(f"no workload {key} that {principal.id} may see")
    tomorrow = (moment.astimezone(zone) + timedelta(days=1)).date()
    first, end = day_start(tomorrow, zone), day_start(tomorrow + timedelta(days=1), zone)
    found = _outlook_of(runtime, key, moment, (end - moment) // HOUR + 2)
    needed, outlook = _needed(runtime, found, (first - moment, (end - first) // HOUR))
    schedule = join_hours(first, needed, question.rules)
    text = _write(found, schedule, zone, question.written_as)
    return WorkloadSchedule(key, team, question.zone, schedule, outlook.driver.metric, text)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError) as problem:
        raise UsageError(f"{name} is not an IANA time zone like Europe/Berlin") from problem


def _outlook_of(runtime: Runtime, key: WorkloadKey, moment: datetime, hours: int) -> WorkloadOutlook:
    for found in outlooks_of(runtime, key.cluster, moment, horizon_hours=hours, only=key):
        if not found.outlooks:
            raise NotFound(f"no schedule for {key}: {found.drivers.reason}")
        return found
    raise NotFound(f"no schedule for {key}: nothing of it is stored")


def _needed(
    runtime: Runtime, found: WorkloadOutlook, hours: tuple[timedelta, int]
) -> tuple[list[int], Outlook]:
    """Return replicas per hour, the largest over all drivers, and the driver with the highest peak."""
    by_driver = []
    for outlook in found.outlooks:
        if outlook.upper is None:
            raise NotFound(
                f"no schedule for {found.key}: no forecast of {outlook.driver.metric} (three days of history "
                "are needed, and a measured load)"
            )
        rules = rules_of(runtime, found, outlook.driver.target_per_replica)
        by_driver.append([count_for_total(float(load), rules) for load in _cut(outlook.upper, *hours)])
    stacked = np.array(by_driver)
    leading = found.outlooks[int(stacked.max(axis=1).argmax())]
    return [int(number) for number in stacked.max(axis=0)], leading


def _cut(upper: Floats, ahead: timedelta, count: int) -> Floats:
    """Return the hours of a day; one that begins at half past takes the larger of the two that it meets."""
    first = ahead // HOUR
    if ahead % HOUR:
        upper = np.maximum(upper[:-1], upper[1:])
    return upper[first : first + count]


def _write(found: WorkloadOutlook, schedule: ReplicaSchedule, zone: ZoneInfo, wanted: ScheduleFormat) -> str:
    scaler = found.scaler
    is_hpa = scaler is not None and scaler.kind is ScalerKind.HORIZONTAL_POD_AUTOSCALER
    if wanted is ScheduleFormat.HPA and not is_hpa:
        raise UsageError(f"{found.key} has no HorizontalPodAutoscaler of its own: use --format keda")
    if is_hpa and wanted is not ScheduleFormat.KEDA:
        assert scaler is not None
        return _kubectl_lines(scaler, schedule, zone)
    is_keda = scaler is not None and scaler.kind is ScalerKind.SCALED_OBJECT
    # an object that exists keeps its own minimum; a new one gets the least of the day as its minimum
    least = scaler.minimum_replicas if scaler is not None and is_keda else schedule.base
    triggers = [_cron_trigger(step, zone) for step in schedule.steps if step.replicas > least]
    if is_keda:
        return _as_yaml([{"op": "add", "path": "/spec/triggers/-", "value": one} for one in triggers])
    return _as_yaml(_scaled_object(found, schedule, triggers))


def _cron_trigger(step: ScheduleStep, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "type": "cron",
        "metadata": {
            "timezone": zone.key,
            "start": _cron(step.start, zone),
            "end": _cron(step.end, zone),
            "desiredReplicas": str(step.replicas),
        },
    }


def _cron(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.minute} {local.hour} {local.day} {local.month} *"


def _scaled_object(
    found: WorkloadOutlook, schedule: ReplicaSchedule, triggers: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a new ScaledObject; it takes over an existing HorizontalPodAutoscaler of the workload."""
    key, scaler = found.key, found.scaler
    target: dict[str, Any] = {"kind": key.kind, "name": key.name}
    if key.kind in _KEDA_KINDS:
        target = {"apiVersion": _KEDA_KINDS[key.kind], **target}
    metadata: dict[str, Any] = {"name": key.name, "namespace": key.namespace}
    spec: dict[str, Any] = {"scaleTargetRef": target, "minReplicaCount": schedule.base}
    if scaler is not None:
        metadata["annotations"] = {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}
        spec["maxReplicaCount"] = scaler.maximum_replicas
        spec["advanced"] = {"horizontalPodAutoscalerConfig": {"name": scaler.name}}
    spec["triggers"] = [*_resource_triggers(scaler), *triggers]
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": spec}


def _resource_triggers(scaler: Scaler | None) -> list[dict[str, Any]]:
    found = []
    for metric in scaler.metrics if scaler is not None else ():
        if metric.name in {"cpu", "memory"} and metric.target and metric.target_kind is not None:
            metadata = {"value": f"{metric.target:g}"}
            if metric.container:
                metadata["containerName"] = metric.container
            found.append({"type": metric.name, "metricType": metric.target_kind.value, "metadata": metadata})
    return found


def _kubectl_lines(scaler: Scaler, schedule: ReplicaSchedule, zone: ZoneInfo) -> str:
    """Return one kubectl line per step, with its time as a comment, and one that restores the minimum."""
    changes = [(step.start, step.replicas) for step in schedule.steps]
    changes.append((schedule.steps[-1].end, scaler.minimum_replicas))
    lines = []
    for moment, replicas in changes:
        patch = json.dumps({"spec": {"minReplicas": replicas}}, separators=(",", ":"))
        lines += [
            f"# {moment.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}",
            f"kubectl patch hpa {scaler.name} -n {scaler.namespace} --type=merge -p '{patch}'",
        ]
    return "\n".join(lines) + "\n"


def _as_yaml(document: Mapping[str, Any] | list[Any]) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=False))
