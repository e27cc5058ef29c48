"""Tables of what was observed (DESIGN section 4): one row per thing and hour, replaced by window."""

from __future__ import annotations

import pyarrow as pa

from warehouse.lake.declaration import (
    BINS,
    COUNT,
    DAY_PARTITION,
    FLOAT32,
    FLOAT64,
    INSTANT,
    TEXT,
    LakeTable,
)

_POD = {"namespace": TEXT, "pod": TEXT, "node_key": TEXT, "workload_kind": TEXT, "workload_name": TEXT}

CONTAINER_HOUR = LakeTable(
    "container_hour",
    ("cluster", "day"),
    ("cluster", "hour", "pod_uid", "container"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "pod_uid": TEXT,
        "container": TEXT,
        **_POD,
        "revision": TEXT,
        "container_kind": TEXT,
        "running_seconds": FLOAT64,
        "cpu_request_core_seconds": FLOAT64,
        "cpu_limit_cores": FLOAT64,
        "cpu_usage_core_seconds": FLOAT64,
        "memory_request_byte_seconds": FLOAT64,
        "memory_limit_bytes": FLOAT64,
        "memory_usage_byte_seconds": FLOAT64,
        "gpu_request_seconds": FLOAT64,
        "cpu_throttled_ratio": FLOAT32,
        "oom_killed_count": COUNT,
        "restart_count": COUNT,
        "sample_coverage_ratio": FLOAT32,
        "cpu_usage_cores_by_5m": BINS,
        "cpu_usage_cores_max_1m_by_5m": BINS,
        "memory_usage_bytes_max_by_5m": BINS,
    },
)

POD_HOUR = LakeTable(
    "pod_hour",
    ("cluster", "day"),
    ("cluster", "hour", "pod_uid"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "pod_uid": TEXT,
        **_POD,
        "phase": TEXT,
        "scheduled_seconds": FLOAT64,
        "cpu_request_core_seconds": FLOAT64,
        "memory_request_byte_seconds": FLOAT64,
        "gpu_request_seconds": FLOAT64,
        "network_receive_bytes": FLOAT64,
        "network_transmit_bytes": FLOAT64,
        "disk_read_bytes": FLOAT64,
        "disk_write_bytes": FLOAT64,
        "label_set_id": TEXT,
        "is_label_inferred": pa.bool_(),
        "is_host_network": pa.bool_(),
    },
    added_columns=("is_host_network",),
)

NODE_HOUR = LakeTable(
    "node_hour",
    ("cluster", "day"),
    ("cluster", "hour", "node_key"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "node_key": TEXT,
        "node": TEXT,
        "provider_id": TEXT,
        "instance_type": TEXT,
        "region": TEXT,
        "zone": TEXT,
        "node_pool": TEXT,
        "purchase_option": TEXT,
        "is_type_inferred": pa.bool_(),
        "running_seconds": FLOAT64,
        "cpu_capacity_cores": FLOAT64,
        "cpu_allocatable_cores": FLOAT64,
        "memory_capacity_bytes": FLOAT64,
        "memory_allocatable_bytes": FLOAT64,
        "gpu_capacity": FLOAT64,
        "gpu_allocatable": FLOAT64,
        "pod_allocatable": FLOAT64,
        "cpu_usage_cores_by_5m": BINS,
        "memory_usage_bytes_by_5m": BINS,
        "file_descriptor_used_ratio": FLOAT32,
        "inode_used_ratio": FLOAT32,
        "sample_coverage_ratio": FLOAT32,
        "label_set_id": TEXT,
        "network_receive_bytes": FLOAT64,
        "network_transmit_bytes": FLOAT64,
    },
    added_columns=("network_receive_bytes", "network_transmit_bytes"),
)
"""Network bytes are those of the whole machine, its pods included. The counters of a pod on the host's
network are the machine's: they stand here and are null on the pod."""

VOLUME_HOUR = LakeTable(
    "volume_hour",
    ("cluster", "day"),
    ("cluster", "hour", "volume"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "volume": TEXT,
        "claim_namespace": TEXT,
        "claim": TEXT,
        "storage_class": TEXT,
        "provider_id": TEXT,
        "capacity_bytes": FLOAT64,
        "used_bytes": FLOAT64,
        "running_seconds": FLOAT64,
        "region": TEXT,
        "zone": TEXT,
    },
    added_columns=("region", "zone"),
)
"""``volume`` is the name of the PersistentVolume, ``provider_id`` the CSI volume handle or cloud disk id.
``capacity_bytes`` is the mean over the seconds that the volume existed in the hour, so that capacity times
``running_seconds`` is exact when it grows; ``used_bytes`` is what its file system held (mean)."""

VOLUME_MOUNT_HOUR = LakeTable(
    "volume_mount_hour",
    ("cluster", "day"),
    ("cluster", "hour", "volume", "pod_uid"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "volume": TEXT,
        "pod_uid": TEXT,
        "namespace": TEXT,
        "pod": TEXT,
        "mounted_seconds": FLOAT64,
        "first_mounted_at": INSTANT,
        "last_mounted_at": INSTANT,
    },
    added_columns=("first_mounted_at", "last_mounted_at"),
)
"""A pod holds a volume from its scheduling to its termination; several pods may hold one at a time.
``[first_mounted_at, last_mounted_at)`` lies within the hour and is null where only the time held is known."""

LOAD_BALANCER_HOUR = LakeTable(
    "load_balancer_hour",
    ("cluster", "day"),
    ("cluster", "hour", "load_balancer"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "load_balancer": TEXT,
        "namespace": TEXT,
        "service": TEXT,
        "provider_id": TEXT,
        "running_seconds": FLOAT64,
        "load_balancer_type": TEXT,
        "region": TEXT,
    },
    added_columns=("load_balancer_type", "region"),
)
"""``load_balancer`` is ``namespace/service``; ``provider_id`` its first host name or address, null while it
has none."""

TRAFFIC_CLASSES = ("zone", "region", "internet", "unclassified")
"""Where bytes that a pod sent went: within its zone, to another zone of its region, out of it, not known."""

NETWORK_FLOW_HOUR = LakeTable(
    "network_flow_hour",
    ("cluster", "day"),
    ("cluster", "hour", "pod_uid", "traffic_class"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "pod_uid": TEXT,
        "namespace": TEXT,
        "pod": TEXT,
        "traffic_class": TEXT,
        "bytes": FLOAT64,
    },
)
"""Bytes that a pod sent, by class (``TRAFFIC_CLASSES``), where a source of flows tells them."""

REQUEST_BUCKET_HOUR = LakeTable(
    "request_bucket_hour",
    ("cluster", "day"),
    ("cluster", "hour", "namespace", "workload_kind", "workload_name", "metric", "upper_bound"),
    "hour",
    {
        **DAY_PARTITION,
        "hour": INSTANT,
        "namespace": TEXT,
        "workload_kind": TEXT,
        "workload_name": TEXT,
        "metric": TEXT,
        "upper_bound": TEXT,
        "request_count": FLOAT64,
        "requests_per_second_by_5m": BINS,
    },
)
"""Requests of one latency bucket of a histogram that an owner named: those above the next smaller bound and
up to ``upper_bound`` (the label ``le``, ``+Inf`` for the last). Null bins were not observed."""

LABEL_SET = LakeTable(
    "label_set",
    ("cluster", "month"),
    ("cluster", "label_set_id"),
    "first_seen_at",
    {
        "cluster": TEXT,
        "month": TEXT,
        "label_set_id": TEXT,
        "labels": TEXT,
        "first_seen_at": INSTANT,
    },
)
"""``labels`` is a JSON object with sorted keys; ``label_set_id`` the first 16 hex digits of its sha256.
``month`` is that of ``first_seen_at``."""

OBJECT_HISTORY = LakeTable(
    "object_history",
    ("cluster", "month"),
    ("cluster", "kind", "namespace", "name", "uid", "valid_from"),
    "valid_from",
    {
        "cluster": TEXT,
        "month": TEXT,
        "kind": TEXT,
        "namespace": TEXT,
        "name": TEXT,
        "uid": TEXT,
        "valid_from": INSTANT,
        "valid_to": INSTANT,
        "spec": TEXT,
        "spec_hash": TEXT,
        "observed_by": TEXT,
    },
)
"""One version of one object. ``namespace`` is empty for cluster-scoped kinds. A version lasts until its
``valid_to`` (set when the object is seen to be gone) or the next version's ``valid_from``."""
