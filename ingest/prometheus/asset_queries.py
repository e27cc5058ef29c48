"""Two questions about volumes and load balancers: in which bins they existed, and what they were by hour."""

from __future__ import annotations

from dataclasses import replace

from ingest.prometheus.relabelling import ScrapeStyle, Told
from ingest.prometheus.selectors import BIN_RANGE, HOUR_RANGE, Matchers, one_of, select

_LOAD_BALANCER = 'type="LoadBalancer"'
_VOLUME_IDENTITY = (
    "persistentvolume,storageclass,csi_volume_handle,ebs_volume_id,gce_persistent_disk_name,azure_disk_name"
)


def asset_sightings(told: Told, matchers: Matchers) -> str:
    """Return how often each volume and each Service of type LoadBalancer was seen in a bin."""
    told = _with_services(told)
    volumes = select("kube_persistentvolume_capacity_bytes", *matchers)
    services = told(_seen(select("kube_service_spec_type", *told.matchers(matchers), _LOAD_BALANCER)))
    return one_of(
        volume=f"max by (persistentvolume) ({_seen(volumes)})",
        load_balancer=f"max by (namespace,service) ({services})",
    )


def asset_facts(style: ScrapeStyle, matchers: Matchers) -> str:
    """Return size, class, ids, claims and creation of volumes, who mounts them, addresses of Services."""
    told = _with_services(style.kube_state)
    own = told.matchers(matchers)

    def fact(statistic: str, metric: str, identity: str, how: str = "max") -> str:
        return f"{how} by ({identity}) ({told(f'{statistic}({select(metric, *own)}{HOUR_RANGE})')})"

    used = select("kubelet_volume_stats_used_bytes", *style.cadvisor.matchers(matchers))
    held = style.cadvisor(f"avg_over_time({used}{HOUR_RANGE})")
    claim = "namespace,persistentvolumeclaim"
    return one_of(
        capacity=fact("avg_over_time", "kube_persistentvolume_capacity_bytes", "persistentvolume"),
        created=fact("min_over_time", "kube_persistentvolume_created", "persistentvolume", "min"),
        volume=fact("last_over_time", "kube_persistentvolume_info", _VOLUME_IDENTITY),
        reference=fact(
            "last_over_time", "kube_persistentvolume_claim_ref", "persistentvolume,claim_namespace,name"
        ),
        claim=fact("last_over_time", "kube_persistentvolumeclaim_info", f"{claim},storageclass,volumename"),
        used=f"max by ({claim}) ({held})",
        mount=fact(
            "last_over_time",
            "kube_pod_spec_volumes_persistentvolumeclaims_info",
            "namespace,pod,uid,persistentvolumeclaim",
        ),
        service_created=fact("min_over_time", "kube_service_created", "namespace,service", "min"),
        address=fact(
            "last_over_time", "kube_service_status_load_balancer_ingress", "namespace,service,hostname,ip"
        ),
    )


def _seen(selected: str) -> str:
    return f"count_over_time({selected}{BIN_RANGE})"


def _with_services(told: Told) -> Told:
    """Return the style with the label ``service``, which a target has as well."""
    return replace(told, renamed=(*told.renamed, "service")) if told.renamed else told
