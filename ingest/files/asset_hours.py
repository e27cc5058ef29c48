"""Lake rows of volumes, mounts, load balancers and network flows, beside those of usage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingest.assembly.hour_overlap import spread_over_hours, summed_spans
from ingest.files.asset_files import (
    LOAD_BALANCERS,
    MOUNTS,
    VOLUMES,
    check_mounted_volumes,
    read_assets,
)
from ingest.files.hour_tables import HourSummary, HourTables
from ingest.files.lake_columns import hash_by_hour
from ingest.files.network_files import read_flows
from models.vocabulary.windows import HourWindow
from warehouse.lake.tables import TABLES

_MICROSECONDS = 1_000_000
_POD_HOUR = ["namespace", "pod", "hour_us"]


@dataclass(frozen=True)
class AssetPaths:
    """Files or folders of each kind; each may be empty."""

    volumes: Sequence[Path] = ()
    mounts: Sequence[Path] = ()
    load_balancers: Sequence[Path] = ()
    network: Sequence[Path] = ()


NO_ASSETS = AssetPaths()


class AssetHours:
    """What the files say about assets of all clusters, checked at construction.

    Raises
    ------
    InputError
        Naming file, row, field and value of the first cell that cannot be used.
    """

    def __init__(self, paths: AssetPaths) -> None:
        self._volumes = read_assets(paths.volumes, VOLUMES)
        self._mounts = read_assets(paths.mounts, MOUNTS)
        self._balancers = read_assets(paths.load_balancers, LOAD_BALANCERS)
        self._flows = read_flows(paths.network) if paths.network else None
        check_mounted_volumes(self._mounts, self._volumes)
        self._has_any = any((paths.volumes, paths.load_balancers, paths.network))

    def extend(self, found: HourTables, cluster: str, window: tuple[int, int]) -> HourTables:
        """Return the tables and summaries of a window (Unix seconds) with what the files say of assets.

        Pods that a mount or a flow names without uid are those of the name in the hour that were scheduled
        longest; bytes of all classes are what a pod sent (``pod_hour.network_transmit_bytes``).
        """
        if not self._has_any:
            return found
        span = HourWindow(*(datetime.fromtimestamp(moment, UTC) for moment in window))
        pods = found.tables["pod_hour"]
        frames = {
            "volume_hour": _volume_hours(_of(self._volumes, cluster), span),
            "volume_mount_hour": _mount_hours(self._held(cluster), span, pods),
            "load_balancer_hour": _balancer_hours(_of(self._balancers, cluster), span),
        }
        tables = dict(found.tables)
        if self._flows is not None:
            frames["network_flow_hour"] = _flow_hours(_of(self._flows, cluster), window, pods)
            tables["pod_hour"] = _with_sent_bytes(tables["pod_hour"], frames["network_flow_hour"])
        tables |= {name: _to_table(name, cluster, frame) for name, frame in frames.items()}
        return HourTables(tables, _summaries(found.hours, tables, frames))

    def _held(self, cluster: str) -> pd.DataFrame:
        """Return the mounts of a cluster, cut to the time in which their volume existed."""
        volumes = _of(self._volumes, cluster).groupby("volume", as_index=False)
        lives = volumes.agg(first_us=("start_us", "min"), last_us=("end_us", "max"))
        mounts = _of(self._mounts, cluster).merge(lives, on="volume")
        return mounts.assign(
            start_us=np.maximum(mounts["start_us"], mounts["first_us"]),
            end_us=np.minimum(mounts["end_us"], mounts["last_us"]),
        )


def _of(frame: pd.DataFrame, cluster: str) -> pd.DataFrame:
    return frame[frame["cluster"] == cluster]


def _pods_by_name(pods: pa.Table) -> pd.DataFrame:
    """Return the uid behind each pod name in each hour: that of the pod scheduled longest."""
    texts = {name: pods[name].cast(pa.string()).to_pandas().astype("object") for name in ("namespace", "pod")}
    frame = pd.DataFrame(
        {
            **texts,
            "known_uid": pods["pod_uid"].cast(pa.string()).to_pandas().astype("object"),
            "hour_us": pods["hour"].cast(pa.int64()).to_numpy(),
            "seconds": pods["scheduled_seconds"].to_numpy(),
        }
    )
    ordered = frame.sort_values(["seconds", "known_uid"])
    return ordered.drop_duplicates(_POD_HOUR, keep="last").drop(columns="seconds")


def _with_uids(rows: pd.DataFrame, pod_hours: pa.Table) -> pd.DataFrame:
    """Return rows in which an unset uid is that of the pod of the name, or its name where none is known."""
    if rows["pod_uid"].notna().all():
        return rows
    pods = _pods_by_name(pod_hours)
    named = rows.astype(dict.fromkeys(("namespace", "pod", "pod_uid"), "object"))
    joined = named.merge(pods, on=_POD_HOUR, how="left")
    uids = joined["pod_uid"].where(joined["pod_uid"].notna(), joined.pop("known_uid"))
    joined["pod_uid"] = uids.where(uids.notna(), joined["namespace"] + "/" + joined["pod"])
    return joined


def _volume_hours(volumes: pd.DataFrame, span: HourWindow) -> pd.DataFrame:
    texts = ["claim_namespace", "claim", "storage_class", "provider_id", "region", "zone"]
    return _described(volumes, span, "volume", texts, ["capacity_bytes", "used_bytes"])


def _described(
    rows: pd.DataFrame, span: HourWindow, key: str, texts: list[str], amounts: list[str]
) -> pd.DataFrame:
    """Return one row per thing and hour: seconds, mean amounts over them, and the last texts."""
    spread = spread_over_hours(rows.sort_values([key, "start_us"]), span)
    spread = spread.rename(columns={"seconds": "running_seconds"})
    by = [key, "hour_us"]
    columns = [*by, "running_seconds", *amounts, *texts]
    is_alone = ~spread.duplicated(by, keep=False)
    several = spread[~is_alone]
    weighted = several[amounts].mul(several["running_seconds"], axis=0)
    groups = [several[name] for name in by]
    sums = several.groupby(by, as_index=False, sort=False)[["running_seconds"]].sum()
    for name in amounts:
        # an amount that one of the parts does not tell is not known
        known = weighted[name].notna().groupby(groups, sort=False).all().to_numpy()
        total = weighted[name].groupby(groups, sort=False).sum().to_numpy()
        sums[name] = np.where(known, total / sums["running_seconds"], np.nan)
    joined = sums.merge(several.drop_duplicates(by, keep="last")[[*by, *texts]], on=by)
    return pd.concat([spread.loc[is_alone, columns], joined[columns]], ignore_index=True)


def _mount_hours(mounts: pd.DataFrame, span: HourWindow, pods: pa.Table) -> pd.DataFrame:
    spread = _with_uids(spread_over_hours(mounts, span), pods)
    by = ["volume", "pod_uid", "hour_us", "namespace", "pod"]
    return summed_spans(spread, by)


def _balancer_hours(balancers: pd.DataFrame, span: HourWindow) -> pd.DataFrame:
    named = balancers.assign(load_balancer=balancers["namespace"] + "/" + balancers["service"])
    texts = ["namespace", "service", "provider_id", "load_balancer_type", "region"]
    return _described(named, span, "load_balancer", texts, [])


def _flow_hours(flows: pd.DataFrame, window: tuple[int, int], pods: pa.Table) -> pd.DataFrame:
    start, end = (moment * _MICROSECONDS for moment in window)
    inside = flows[(flows["hour_us"] >= start) & (flows["hour_us"] < end)]
    by = ["pod_uid", "traffic_class", "hour_us", "namespace", "pod"]
    return _with_uids(inside, pods).groupby(by, as_index=False, sort=False)[["bytes"]].sum()


def _with_sent_bytes(pods: pa.Table, flows: pd.DataFrame) -> pa.Table:
    keys = pd.DataFrame(
        {
            "pod_uid": pods["pod_uid"].cast(pa.string()).to_pandas().astype("object"),
            "hour_us": pods["hour"].cast(pa.int64()).to_numpy(),
        }
    )
    sent = flows.groupby(["pod_uid", "hour_us"], as_index=False)[["bytes"]].sum()
    matched = keys.merge(sent, on=["pod_uid", "hour_us"], how="left")["bytes"]
    return pods.append_column("network_transmit_bytes", pa.array(matched.astype("float64"), from_pandas=True))


def _to_table(name: str, cluster: str, rows: pd.DataFrame) -> pa.Table:
    """Return rows in the schema of a lake table, in the order of its key."""
    declared = TABLES[name]
    keys = ["hour_us", *(key for key in declared.key if key not in ("cluster", "hour"))]
    rows = rows.sort_values(keys, kind="stable")
    hours = pa.array(rows["hour_us"].to_numpy(np.int64), pa.timestamp("us", "UTC"))
    columns: dict[str, pa.Array] = {
        "cluster": pa.repeat(cluster, len(rows)).cast(pa.string()),
        "hour": hours,
        "day": hours.cast(pa.timestamp("us")).cast(pa.date32()),
    }
    for field in declared.schema:
        if field.name not in columns:
            columns[field.name] = pa.array(rows[field.name], field.type, from_pandas=True)
    return pa.Table.from_arrays([columns[field.name] for field in declared.schema], schema=declared.schema)


def _summaries(
    known: Mapping[int, HourSummary], tables: Mapping[str, pa.Table], frames: Mapping[str, pd.DataFrame]
) -> dict[int, HourSummary]:
    """Return the summaries with the asset rows counted and taken into the hashes."""
    summaries = dict(known)
    for name in sorted(frames):
        hours = pc.divide(tables[name]["hour"].cast(pa.int64()), _MICROSECONDS).to_numpy()
        counts = dict(zip(*(part.tolist() for part in np.unique(hours, return_counts=True)), strict=True))
        for hour, digest in hash_by_hour(tables[name], hours).items():
            before = summaries.get(hour, HourSummary(0, None, "", ()))
            text = f"{before.input_hash}/{name}/{digest:016x}"
            summaries[hour] = HourSummary(
                before.row_count + counts[hour],
                before.coverage_ratio,
                hashlib.sha256(text.encode()).hexdigest()[:32],
                before.notes,
            )
    return summaries
