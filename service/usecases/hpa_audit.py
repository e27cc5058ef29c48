"""The audit of autoscalers: each object of a cluster over a window of stored hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.events.calendar import CalendarEvent
from models.kubernetes.autoscalers import read_scalers
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.replicas import ScalerKind
from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR, DAY, HourWindow, floor_hour, to_utc
from recommender.hpa_audit import HpaAudit, ScalerVersion, audit_scaler
from recommender.subject import UnitPrices
from service.runtime import Runtime
from service.usecases.cluster_objects import object_versions
from service.usecases.profiles import cluster_names
from service.usecases.replicas import price_of_replica
from service.usecases.unit_prices import read_teams, read_unit_prices
from service.usecases.workload_bins import read_workload_bins

AUDIT_DAYS = 7
_CHUNK = 500


@dataclass(frozen=True)
class AuditedWorkload:
    """One autoscaler with the team of its workload; ``audit`` is None with a reason."""

    workload: WorkloadKey
    team: str | None
    name: str
    audit: HpaAudit | None
    reason: str | None = None


def audit_autoscalers(
    runtime: Runtime,
    principal: Principal,
    *,
    cluster: str | None = None,
    window: HourWindow | None = None,
    with_events: bool = False,
) -> list[AuditedWorkload]:
    """Return the audit of each autoscaler that the principal may see, by workload.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    cluster : str, optional
    window : HourWindow, optional
        The last 7 days by default; 5-minute lists are kept for the setting ``retention_bins_days``.
    with_events : bool
        Count the time of sale events too, which the calendar leaves out.
    """
    visible = principal.visible_teams()
    end = floor_hour(to_utc(runtime.now()))
    asked = window or HourWindow(end - AUDIT_DAYS * DAY, end)
    found = []
    for name in cluster_names(runtime, cluster):
        teams = read_teams(runtime, name, asked.end)
        versions = {
            key: one
            for key, one in scaler_versions(runtime, name, asked).items()
            if visible is None or teams.get(key) in visible
        }
        found += [
            AuditedWorkload(key, teams.get(key), versions[key][-1].scaler.label, audit, reason)
            for key, (audit, reason) in _audit(runtime, name, asked, versions, with_events=with_events)
        ]
    return found


def scaler_versions(
    runtime: Runtime, cluster: str, window: HourWindow
) -> dict[WorkloadKey, list[ScalerVersion]]:
    """Return how the autoscaler of each workload stood in a window, oldest first.

    Where KEDA owns the HorizontalPodAutoscaler, the ScaledObject counts.
    """
    kinds = [kind.value for kind in ScalerKind]
    by_object: dict[tuple[str, str, str], list[ScalerVersion]] = {}
    for stored, valid_from, valid_to in object_versions(runtime, cluster, window.end, kinds):
        versions = by_object.setdefault(stored[:3], [])
        if valid_to is not None:
            # its last row only says when it went
            versions[-1:] = [replace(one, valid_to=valid_to) for one in versions[-1:]]
            continue
        versions += [ScalerVersion(valid_from, one) for one in read_scalers([stored])]
    found: dict[WorkloadKey, list[ScalerVersion]] = {}
    for versions in by_object.values():
        if not versions or (versions[-1].valid_to or window.end) <= window.start:
            continue
        scaler = versions[-1].scaler
        key = WorkloadKey(cluster, scaler.namespace, scaler.workload_kind, scaler.workload_name)
        # a newer object took over the workload of an older one
        found[key] = sorted([*found.get(key, []), *versions], key=lambda version: version.valid_from)
    return found


def _audit(
    runtime: Runtime,
    cluster: str,
    window: HourWindow,
    versions: Mapping[WorkloadKey, list[ScalerVersion]],
    *,
    with_events: bool,
) -> Iterator[tuple[WorkloadKey, tuple[HpaAudit | None, str | None]]]:
    prices = read_unit_prices(runtime, cluster, window.end)
    events = [] if with_events else runtime.warehouse.events.list(window)
    keys = sorted(versions)
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        bins = read_workload_bins(runtime, window, chunk)
        for key in chunk:
            own = bins.get(key)
            if own is None:
                yield key, (None, "its workload did not run in this window")
                continue
            price = price_of_replica(own, prices.get(key, UnitPrices()))
            found = audit_scaler(own, versions[key], price, excluded_bins(events, key, window))
            yield key, (found, None if found else "no measured time outside events in its life")


def excluded_bins(
    events: Sequence[CalendarEvent], key: WorkloadKey, window: HourWindow
) -> npt.NDArray[np.bool_]:
    """Return whether each 5-minute bin lies in an event that is no ordinary time for the workload.

    Returns
    -------
    array of bool, shape (12 x hours of the window,)
    """
    starts = window.start.timestamp() + BIN_SECONDS * np.arange(window.hour_count * BINS_PER_HOUR)
    inside = np.zeros(len(starts), dtype=bool)
    for event in events:
        if not event.include_in_baseline and event.scope.covers(
            key.cluster, key.namespace, key.kind, key.name
        ):
            inside |= (starts + BIN_SECONDS > event.start.timestamp()) & (starts < event.end.timestamp())
    return inside
