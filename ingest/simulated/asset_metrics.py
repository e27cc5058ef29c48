"""kube-state-metrics and the kubelet about volumes and Services of a simulated cluster."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.simulated.exposition import Family, Series
from models.simulation.assets import ClusterAssets, SimulatedBalancer, SimulatedVolume, build_assets
from models.simulation.timeline import ClusterTimeline

_KUBE_STATE = {"instance": "10.20.250.9:8080", "job": "kube-state-metrics"}
_KUBELET = {"instance": "10.20.0.10:10250", "job": "kubelet", "metrics_path": "/metrics"}


def asset_families(timeline: ClusterTimeline) -> Iterator[Family]:
    """Yield every family once: size, class, claim and mounts of volumes; type and address of Services."""
    assets = build_assets(timeline)
    yield Family("kube_persistentvolume_capacity_bytes", "gauge", _of_volumes(assets, "capacity"))
    yield Family("kube_persistentvolume_created", "gauge", _of_volumes(assets, "created"))
    yield Family("kube_persistentvolume_info", "gauge", _of_volumes(assets, "info"))
    yield Family("kube_persistentvolume_claim_ref", "gauge", _of_volumes(assets, "reference"))
    yield Family("kube_persistentvolumeclaim_info", "gauge", _claims(assets))
    yield Family("kubelet_volume_stats_used_bytes", "gauge", _used(assets))
    yield Family("kube_pod_spec_volumes_persistentvolumeclaims_info", "gauge", _mounts(timeline, assets))
    yield Family("kube_service_spec_type", "gauge", _of_services(assets, "type"))
    yield Family("kube_service_created", "gauge", _of_services(assets, "created"))
    yield Family("kube_service_status_load_balancer_ingress", "gauge", _of_services(assets, "address"))


def _of_volumes(assets: ClusterAssets, what: str) -> Iterator[Series]:
    for volume in assets.volumes:
        labels, value = _volume_series(volume, what)
        named = {"persistentvolume": volume.name, **labels, **_KUBE_STATE}
        yield Series(named, volume.created_at, volume.deleted_at, value)


def _volume_series(volume: SimulatedVolume, what: str) -> tuple[dict[str, str], float]:
    if what == "capacity":
        return {}, volume.size_bytes
    if what == "created":
        return {}, float(volume.created_at)
    if what == "info":
        return {"storageclass": volume.storage_class, "csi_volume_handle": volume.provider_id}, 1.0
    return {"claim_namespace": volume.claim_namespace, "name": volume.claim}, 1.0


def _claims(assets: ClusterAssets) -> Iterator[Series]:
    for volume in assets.volumes:
        if volume.is_bound:
            labels = {"storageclass": volume.storage_class, "volumename": volume.name, **_KUBE_STATE}
            yield Series({**_claim(volume), **labels}, volume.created_at, volume.deleted_at, 1.0)


def _used(assets: ClusterAssets) -> Iterator[Series]:
    for volume in assets.volumes:
        if volume.is_bound:
            used = float(int(volume.size_bytes * volume.used_ratio))
            yield Series({**_claim(volume), **_KUBELET}, volume.created_at, volume.deleted_at, used)


def _mounts(timeline: ClusterTimeline, assets: ClusterAssets) -> Iterator[Series]:
    for volume, pod in assets.mounts:
        labels = {
            "namespace": timeline.workload_of(pod).namespace,
            "pod": pod.name,
            "uid": pod.uid,
            "volume": "data",
            "persistentvolumeclaim": volume.claim,
            **_KUBE_STATE,
        }
        yield Series(labels, pod.started_at, pod.listed_until, 1.0)


def _of_services(assets: ClusterAssets, what: str) -> Iterator[Series]:
    for balancer in assets.balancers:
        labels, value = _service_series(balancer, what)
        named = {"namespace": balancer.namespace, "service": balancer.service, "uid": balancer.uid}
        yield Series({**named, **labels, **_KUBE_STATE}, balancer.created_at, balancer.deleted_at, value)


def _service_series(balancer: SimulatedBalancer, what: str) -> tuple[dict[str, str], float]:
    if what == "type":
        return {"type": "LoadBalancer"}, 1.0
    if what == "created":
        return {}, float(balancer.created_at)
    is_name = not balancer.address.replace(".", "").isdigit()
    return {"hostname" if is_name else "ip": balancer.address}, 1.0


def _claim(volume: SimulatedVolume) -> dict[str, str]:
    return {"namespace": volume.claim_namespace, "persistentvolumeclaim": volume.claim}
