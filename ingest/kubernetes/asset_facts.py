"""Volumes, their mounts and load balancers by hour, exact where the inventory is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ingest.assembly.hour_overlap import HOUR_MICROSECONDS, OPEN_END, spread_over_hours, summed_spans
from ingest.kubernetes.history import GONE_UNSEEN
from ingest.kubernetes.pod_times import PodTimes
from ingest.kubernetes.specs import parse_time
from ingest.kubernetes.versions import Version, contacts, microseconds, read_versions
from models.vocabulary.windows import HourWindow
from warehouse.lake.declaration import LakeTable
from warehouse.lake.observed_tables import LOAD_BALANCER_HOUR, VOLUME_HOUR, VOLUME_MOUNT_HOUR

JsonObject = dict[str, Any]
_KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Service")
_HOUR_SECONDS = 3600.0
_VOLUME = ("claim_namespace", "claim", "storage_class", "provider_id", "region", "zone")
_BALANCER = ("namespace", "service", "provider_id", "load_balancer_type")


def refine_assets(
    tables: Mapping[str, pa.Table], history: pa.Table, times: PodTimes, window: HourWindow, cluster: str
) -> dict[str, pa.Table]:
    """Return ``volume_hour``, ``volume_mount_hour`` and ``load_balancer_hour`` as far as the API tells more.

    In an hour that is certain (an object's end is known, or it was confirmed to exist afterwards) times,
    sizes and names are the API's; what only metrics tell (bytes used) stays. Objects that no scrape saw get
    rows. Without any volume or load balancer in the history nothing is returned.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        What was observed.
    history : pyarrow.Table
        Rows of ``object_history`` of the cluster.
    times : PodTimes
    window : HourWindow
    cluster : str
    """
    versions = read_versions(history, _KINDS)
    seen = contacts(history)
    volumes = _lives(versions["PersistentVolume"], seen, _describe_volume)
    services = _lives(versions["Service"], seen, _describe_service)
    found = {}
    if volumes:
        hours = _by_hour(pd.DataFrame(volumes), window, ("volume",), _VOLUME)
        found[VOLUME_HOUR.name] = _merge(VOLUME_HOUR, tables, hours, cluster)
        mounts = _mount_hours(volumes, versions["PersistentVolumeClaim"], times, window)
        found[VOLUME_MOUNT_HOUR.name] = _merge(VOLUME_MOUNT_HOUR, tables, mounts, cluster)
    if services:
        hours = _by_hour(pd.DataFrame(services), window, ("load_balancer",), _BALANCER)
        found[LOAD_BALANCER_HOUR.name] = _merge(LOAD_BALANCER_HOUR, tables, hours, cluster)
    return found


def _lives(
    objects: Iterable[list[Version]], seen: list[int], describe: Callable[[Version], JsonObject]
) -> list[JsonObject]:
    """Return one row per version of each object: its description, from when to when, certain until when."""
    rows = []
    for versions in objects:
        living = [version for version in versions if not version.is_last_word]
        if not living:
            continue
        newest = versions[-1]
        is_end_known = newest.is_last_word and not newest.spec.get(GONE_UNSEEN)
        earlier = [moment for moment in seen if not newest.is_last_word or moment < newest.start_us]
        known_until = OPEN_END if is_end_known else earlier[-1] if earlier else living[-1].start_us
        created = parse_time(living[0].spec.get("created_at"))
        for position, version in enumerate(living):
            start = microseconds(created) if position == 0 and created is not None else version.start_us
            times = {"start_us": min(start, version.end_us), "end_us": version.end_us}
            rows.append({**describe(version), **times, "known_until_us": known_until})
    return rows


def _describe_volume(version: Version) -> JsonObject:
    spec = version.spec
    capacity = (spec.get("capacity") or {}).get("storage", np.nan)
    return {"volume": version.name, "capacity_bytes": capacity, **{name: spec.get(name) for name in _VOLUME}}


def _describe_service(version: Version) -> JsonObject:
    addresses = [address for address in version.spec.get("addresses") or () if address]
    return {
        "load_balancer": f"{version.namespace}/{version.name}",
        "namespace": version.namespace,
        "service": version.name,
        "provider_id": addresses[0] if addresses else None,
        "load_balancer_type": version.spec.get("load_balancer_type"),
        "capacity_bytes": np.nan,
    }


def _by_hour(
    lives: pd.DataFrame, window: HourWindow, key: tuple[str, ...], texts: tuple[str, ...]
) -> pd.DataFrame:
    """Return one row per thing and certain hour: seconds, mean size, and the newest description."""
    spread = spread_over_hours(lives.sort_values("start_us", kind="stable"), window)
    spread = spread[spread["hour_us"] + HOUR_MICROSECONDS <= spread["known_until_us"]]
    by = [*key, "hour_us"]
    spread["size_seconds"] = spread["capacity_bytes"].astype("float64") * spread["seconds"]
    sums = spread.groupby(by, as_index=False, sort=False).agg(
        running_seconds=("seconds", "sum"), size_seconds=("size_seconds", "sum")
    )
    sums["capacity_bytes"] = (sums.pop("size_seconds") / sums["running_seconds"]).replace(0.0, np.nan)
    sums["running_seconds"] = sums["running_seconds"].clip(upper=_HOUR_SECONDS)
    newest = spread.drop_duplicates(by, keep="last")[[*by, *texts]]
    return sums.merge(newest, on=by)


def _mount_hours(
    volumes: list[JsonObject], claims: list[list[Version]], times: PodTimes, window: HourWindow
) -> pd.DataFrame:
    """Return who held which volume for how long: while the pod was scheduled and the volume existed."""
    behind = _volumes_of_claims(volumes, claims)
    lives = (
        pd.DataFrame(volumes)
        .groupby("volume", as_index=False)
        .agg(
            volume_start_us=("start_us", "min"),
            volume_end_us=("end_us", "max"),
            volume_known_until_us=("known_until_us", "min"),
        )
    )
    mounts = times.mounts.merge(behind, on=["namespace", "claim"]).merge(lives, on="volume")
    mounts = mounts.assign(
        start_us=np.maximum(mounts["start_us"], mounts["volume_start_us"]),
        end_us=np.minimum(mounts["end_us"], mounts["volume_end_us"]),
        known_until_us=np.minimum(mounts["known_until_us"], mounts["volume_known_until_us"]),
    )
    spread = spread_over_hours(mounts, window)
    spread = spread[spread["hour_us"] + HOUR_MICROSECONDS <= spread["known_until_us"]]
    by = ["volume", "pod_uid", "hour_us", "namespace", "pod"]
    return summed_spans(spread, by)


def _volumes_of_claims(volumes: list[JsonObject], claims: list[list[Version]]) -> pd.DataFrame:
    """Return the volume behind each claim: what the claim says; a released volume names an old claim."""
    found: dict[tuple[str, str, str], None] = {}
    told = set()
    for versions in claims:
        bound = next((v.spec["volume"] for v in reversed(versions) if v.spec.get("volume")), None)
        if bound is not None:
            told.add((versions[0].namespace, versions[0].name))
            found[versions[0].namespace, versions[0].name, bound] = None
    for row in volumes:
        claim = (row["claim_namespace"], row["claim"])
        if None not in claim and claim not in told:
            found[*claim, row["volume"]] = None
    return pd.DataFrame(list(found), columns=["namespace", "claim", "volume"]).astype("object")


def _merge(table: LakeTable, tables: Mapping[str, pa.Table], hours: pd.DataFrame, cluster: str) -> pa.Table:
    """Return the observed rows with the API's values where it has any, and rows for what only it knows."""
    observed = tables.get(table.name, table.schema.empty_table())
    seen = observed.to_pandas().drop(columns=["cluster", "day", "hour"]).astype("object")
    seen["hour_us"] = observed["hour"].cast(pa.int64()).to_numpy()
    key = [name for name in table.key if name not in ("cluster", "hour")]
    merged = hours.astype({name: "object" for name in key}).merge(
        seen, on=[*key, "hour_us"], how="outer", suffixes=("", "_seen")
    )
    merged = merged.sort_values(["hour_us", *key], kind="stable")
    moments = pa.array(merged["hour_us"].to_numpy(np.int64), pa.timestamp("us", "UTC"))
    columns = {
        "cluster": pa.repeat(cluster, len(merged)).cast(pa.string()),
        "hour": moments,
        "day": moments.cast(pa.timestamp("us")).cast(pa.date32()),
    }
    for field in table.schema:
        if field.name not in columns:
            columns[field.name] = pa.array(_preferred(merged, field.name), field.type)
    return pa.Table.from_arrays([columns[field.name] for field in table.schema], schema=table.schema)


def _preferred(merged: pd.DataFrame, name: str) -> list[object]:
    values = merged[name].astype("object") if name in merged else pd.Series(None, merged.index, "object")
    if f"{name}_seen" in merged:
        values = values.where(values.notna(), merged[f"{name}_seen"])
    return [None if pd.isna(value) else value for value in values]
