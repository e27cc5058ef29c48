"""Files of the volumes, mounts, load balancers and traffic of simulated clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.simulation.assets import build_assets, traffic_by_hour
from models.simulation.timeline import ClusterTimeline

ASSET_HEADERS = {
    "volumes.csv": (
        "cluster,volume,claim_namespace,claim,storage_class,provider_id,capacity_bytes,used_bytes,"
        "valid_from,valid_to"
    ),
    "mounts.csv": "cluster,volume,namespace,pod,pod_uid,valid_from,valid_to",
    "load_balancers.csv": "cluster,namespace,service,provider_id,valid_from,valid_to",
}
_TEXTS = ("cluster", "namespace", "pod", "pod_uid", "traffic_class")
_NETWORK_SCHEMA = pa.schema(
    [
        *(
            (name, pa.dictionary(pa.int32(), pa.string()))
            for name in ("cluster", "namespace", "pod", "pod_uid")
        ),
        ("traffic_class", pa.dictionary(pa.int32(), pa.string())),
        ("interval_start", pa.timestamp("us", tz="UTC")),
        ("interval_seconds", pa.int32()),
        ("bytes", pa.float64()),
    ]
)


def asset_rows(timelines: Sequence[ClusterTimeline]) -> dict[str, list[dict[str, object]]]:
    """Return the rows of each file by its name; what lives on has no ``valid_to``."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ASSET_HEADERS}
    for timeline in timelines:
        assets, cluster = build_assets(timeline), timeline.plan.name
        for volume in assets.volumes:
            rows["volumes.csv"].append(
                {
                    "cluster": cluster,
                    "volume": volume.name,
                    "claim_namespace": volume.claim_namespace,
                    "claim": volume.claim,
                    "storage_class": volume.storage_class,
                    "provider_id": volume.provider_id,
                    "capacity_bytes": int(volume.size_bytes),
                    "used_bytes": int(volume.size_bytes * volume.used_ratio) if volume.is_bound else "",
                    **_validity(volume.created_at, volume.deleted_at if volume.is_deleted else None),
                }
            )
        for volume, pod in assets.mounts:
            rows["mounts.csv"].append(
                {
                    "cluster": cluster,
                    "volume": volume.name,
                    "namespace": volume.claim_namespace,
                    "pod": pod.name,
                    "pod_uid": pod.uid,
                    **_validity(pod.started_at, pod.ended_at),
                }
            )
        for balancer in assets.balancers:
            rows["load_balancers.csv"].append(
                {
                    "cluster": cluster,
                    "namespace": balancer.namespace,
                    "service": balancer.service,
                    "provider_id": balancer.address,
                    **_validity(balancer.created_at, balancer.deleted_at if balancer.is_deleted else None),
                }
            )
    return rows


def write_traffic(timelines: Sequence[ClusterTimeline], path: Path) -> Path:
    """Write the bytes that public pods sent, as Parquet."""
    with pq.ParquetWriter(path, _NETWORK_SCHEMA, compression="zstd") as writer:
        for timeline in timelines:
            tables = list(_traffic_tables(timeline))
            if tables:
                writer.write_table(pa.concat_tables(tables).unify_dictionaries().combine_chunks())
    return path


def _traffic_tables(timeline: ClusterTimeline) -> Iterator[pa.Table]:
    for pod, traffic_class, starts, seconds, amounts in traffic_by_hour(timeline):
        texts = (timeline.plan.name, timeline.workload_of(pod).namespace, pod.name, pod.uid, traffic_class)
        codes = pa.array(np.zeros(len(starts), dtype=np.int32))
        columns = [pa.DictionaryArray.from_arrays(codes, pa.array([text])) for text in texts]
        instants = pa.array(starts * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
        columns += [instants, pa.array(seconds.astype(np.int32)), pa.array(amounts)]
        yield pa.Table.from_arrays(columns, schema=_NETWORK_SCHEMA)


def _validity(start: int, end: int | None) -> dict[str, str]:
    return {"valid_from": _time(start), "valid_to": "" if end is None else _time(end)}


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
