"""PersistentVolumes, their claims and Services of a simulated cluster at one moment, as an API lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.simulation.assets import SimulatedBalancer, SimulatedVolume, build_assets
from models.simulation.timeline import ClusterTimeline

Object = dict[str, Any]
MakeObject = Callable[..., Object]


def asset_objects(timeline: ClusterTimeline, moment: int, make: MakeObject) -> dict[str, list[Object]]:
    """Return the objects of each kind that exist at a moment (Unix seconds).

    Parameters
    ----------
    make : callable
        ``make(kind, name, namespace, uid, created, labels)`` gives an object with its metadata.
    """
    assets = build_assets(timeline)
    volumes = [v for v in assets.volumes if v.created_at <= moment < v.deleted_at]
    balancers = [b for b in assets.balancers if b.created_at <= moment < b.deleted_at]
    return {
        "PersistentVolume": [_volume(volume, make) for volume in volumes],
        "PersistentVolumeClaim": [_claim(volume, make) for volume in volumes if volume.is_bound],
        "Service": [_service(balancer, make) for balancer in balancers],
    }


def _volume(volume: SimulatedVolume, make: MakeObject) -> Object:
    body = make("PersistentVolume", volume.name, "", volume.uid, volume.created_at, {})
    body["spec"] = {
        "capacity": {"storage": f"{volume.size_gib}Gi"},
        "accessModes": ["ReadWriteMany" if volume.is_shared else "ReadWriteOnce"],
        "claimRef": {"namespace": volume.claim_namespace, "name": volume.claim},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": volume.storage_class,
        "csi": {"driver": f"{volume.storage_class}.csi.example", "volumeHandle": volume.provider_id},
    }
    body["status"] = {"phase": "Bound" if volume.is_bound else "Released"}
    return body


def _claim(volume: SimulatedVolume, make: MakeObject) -> Object:
    uid = f"{volume.uid[:-4]}c1a1"
    body = make("PersistentVolumeClaim", volume.claim, volume.claim_namespace, uid, volume.created_at, {})
    body["spec"] = {
        "accessModes": ["ReadWriteMany" if volume.is_shared else "ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{volume.size_gib}Gi"}},
        "storageClassName": volume.storage_class,
        "volumeName": volume.name,
    }
    body["status"] = {"phase": "Bound"}
    return body


def _service(balancer: SimulatedBalancer, make: MakeObject) -> Object:
    body = make("Service", balancer.service, balancer.namespace, balancer.uid, balancer.created_at, {})
    is_name = not balancer.address.replace(".", "").isdigit()
    body["spec"] = {"type": "LoadBalancer", "ports": [{"port": 443, "protocol": "TCP"}]}
    body["status"] = {"loadBalancer": {"ingress": [{"hostname" if is_name else "ip": balancer.address}]}}
    return body
