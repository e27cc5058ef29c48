"""Volumes, load balancers and traffic, added to an observed window of ``support.fleet``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyarrow as pa

from warehouse.lake.tables import TABLES
from warehouse.observed import ObservedWindow

GIB = float(1 << 30)


@dataclass(frozen=True)
class Volume:
    """A volume of all hours, or of some. ``claim`` is (namespace, name), None once released."""

    name: str
    gib: float | None = 100.0
    used_gib: float | None = None
    storage_class: str | None = "gp3"
    claim: tuple[str, str] | None = ("shop", "data")
    seconds: float = 3600.0
    hours: Sequence[int] | None = None


@dataclass(frozen=True)
class Mount:
    """A mount by a pod from one minute of every hour to another; ``is_timed`` false: only for how long."""

    volume: str
    pod: str
    first: float = 0.0
    last: float = 60.0
    namespace: str = "shop"
    is_timed: bool = True
    hours: Sequence[int] | None = None


@dataclass(frozen=True)
class LoadBalancer:
    """A load balancer of a service."""

    service: str
    namespace: str = "shop"
    type_name: str | None = None
    seconds: float = 3600.0
    hours: Sequence[int] | None = None


@dataclass(frozen=True)
class Flow:
    """What a pod sends every hour; pod "" is a node."""

    pod: str
    traffic_class: str
    gib: float
    namespace: str | None = "shop"
    hours: Sequence[int] | None = None


def with_assets(
    observed: ObservedWindow,
    volumes: Iterable[Volume] = (),
    mounts: Iterable[Mount] = (),
    load_balancers: Iterable[LoadBalancer] = (),
    flows: Iterable[Flow] = (),
) -> ObservedWindow:
    """Return the window with assets beside its nodes."""
    kinds = {
        "volume_hour": (volumes, _volume),
        "volume_mount_hour": (mounts, _mount),
        "load_balancer_hour": (load_balancers, _load_balancer),
        "network_flow_hour": (flows, _flow),
    }
    tables = dict(observed.tables)
    text = ""
    for name, (things, describe) in kinds.items():
        rows = [
            {"cluster": observed.cluster, "day": hour.date(), "hour": hour, **describe(thing, hour)}
            for index, hour in enumerate(observed.window.hours())
            for thing in things
            if thing.hours is None or index in thing.hours
        ]
        text += repr(rows)
        if rows:
            columns = TABLES[name].columns
            tables[name] = pa.table(
                {key: pa.array([row[key] for row in rows], columns[key]) for key in rows[0]}
            )
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    reports = tuple(replace(one, input_hash=f"{one.input_hash}{digest}") for one in observed.hours)
    return replace(observed, tables=tables, hours=reports)


def _volume(volume: Volume, hour: datetime) -> dict[str, object]:
    namespace, claim = volume.claim or (None, None)
    return {
        "volume": volume.name,
        "claim_namespace": namespace,
        "claim": claim,
        "storage_class": volume.storage_class,
        "capacity_bytes": _bytes(volume.gib),
        "used_bytes": _bytes(volume.used_gib),
        "running_seconds": volume.seconds,
    }


def _mount(mount: Mount, hour: datetime) -> dict[str, object]:
    first, last = (hour + timedelta(minutes=minute) for minute in (mount.first, mount.last))
    return {
        "volume": mount.volume,
        "pod_uid": f"uid-{mount.pod}",
        "namespace": mount.namespace,
        "pod": mount.pod,
        "mounted_seconds": (mount.last - mount.first) * 60,
        "first_mounted_at": first if mount.is_timed else None,
        "last_mounted_at": last if mount.is_timed else None,
    }


def _load_balancer(balancer: LoadBalancer, hour: datetime) -> dict[str, object]:
    return {
        "load_balancer": f"{balancer.namespace}/{balancer.service}",
        "namespace": balancer.namespace,
        "service": balancer.service,
        "running_seconds": balancer.seconds,
        "load_balancer_type": balancer.type_name,
    }


def _flow(flow: Flow, hour: datetime) -> dict[str, object]:
    return {
        "pod_uid": f"uid-{flow.pod}" if flow.pod else "",
        "namespace": flow.namespace,
        "pod": flow.pod,
        "traffic_class": flow.traffic_class,
        "bytes": _bytes(flow.gib),
    }


def _bytes(gib: float | None) -> float | None:
    return None if gib is None else gib * GIB
