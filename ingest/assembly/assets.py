"""Rows of volumes, their mounts and load balancers: how long each was there, and who held it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.assembly.columns import build_table, choose_cells, sort_by_key
from ingest.assembly.frames import (
    HOUR_SECONDS,
    Floats,
    Frame,
    fill_forward_then_back,
    overlap_seconds,
)
from ingest.assembly.pods import Pods, life_from_sightings
from warehouse.lake.declaration import INSTANT
from warehouse.lake.observed_tables import LOAD_BALANCER_HOUR, VOLUME_HOUR, VOLUME_MOUNT_HOUR

Texts = npt.NDArray[np.object_]
Claim = tuple[str, str]
_DISK_IDS = ("csi_volume_handle", "ebs_volume_id", "gce_persistent_disk_name", "azure_disk_name")


@dataclass(frozen=True)
class AssetFrames:
    """Sightings by bin and facts by hour of volumes and load balancers.

    Parameters
    ----------
    seen : Frame
        Samples per bin, marked ``volume`` or ``load_balancer``.
    facts : Frame
    sample_seconds : float
        Time between samples.
    """

    seen: Frame
    facts: Frame
    sample_seconds: float


def build_asset_rows(cluster: str, frames: AssetFrames, pods: Pods) -> dict[str, pa.Table]:
    """Return the rows of ``volume_hour``, ``volume_mount_hour`` and ``load_balancer_hour`` of a window."""
    volumes = _find_assets(frames, pods, "volume", "created", ("persistentvolume",))
    balancers = _find_assets(frames, pods, "load_balancer", "service_created", ("namespace", "service"))
    return {
        VOLUME_HOUR.name: _volume_rows(cluster, volumes, frames.facts),
        VOLUME_MOUNT_HOUR.name: _mount_rows(cluster, volumes, frames.facts, pods),
        LOAD_BALANCER_HOUR.name: _balancer_rows(cluster, balancers, frames.facts),
    }


@dataclass(frozen=True)
class _Assets:
    """Things of one kind and when they existed, in order of name; half-open lives in Unix seconds."""

    pods: Pods
    names: list[tuple[str, ...]]
    rows: dict[tuple[str, ...], int]
    starts: Floats
    ends: Floats

    def hour_seconds(self) -> Floats:
        return overlap_seconds(self.starts, self.ends, self.pods.axis.hour_starts, HOUR_SECONDS)

    def numbers(self, frame: Frame, rows_of: list[list[int]]) -> Floats:
        """Return the largest value of the series of each thing by hour, NaN where not known."""
        hours = self.pods.axis.hour_count
        values = np.full((len(self.names), hours), np.nan)
        dense = frame.dense(0, hours)
        for series, rows in enumerate(rows_of):
            for row in rows:
                values[row] = np.fmax(values[row], dense[series])
        return values

    def texts(self, frame: Frame, rows_of: list[list[int]], texts: list[str]) -> Texts:
        """Return a text per thing and hour, that before or else after an hour without one; None if none."""
        hours = self.pods.axis.hour_count
        codes = np.full((len(self.names), hours), np.nan)
        present = ~np.isnan(frame.dense(0, hours))
        order = sorted(set(texts))
        for series, rows in enumerate(rows_of):
            for row in rows if texts[series] else ():
                place = np.where(present[series], float(order.index(texts[series])), np.nan)
                codes[row] = np.fmax(codes[row], place)
        known = fill_forward_then_back(codes) if codes.size else codes
        named = np.asarray([*order, None], dtype=object)
        return np.asarray(named[np.where(np.isnan(known), -1, known).astype(np.int64)])


def _find_assets(
    frames: AssetFrames, pods: Pods, fact: str, created_fact: str, identity: tuple[str, ...]
) -> _Assets:
    """Return the things that were seen: from creation, else first sighting, to the last sighting."""
    axis = pods.axis
    seen = frames.seen.only(fact=fact)
    keys = [tuple(labels.get(name, "") for name in identity) for labels in seen.labels]
    names = sorted(set(keys))
    rows = {name: row for row, name in enumerate(names)}
    counts = np.zeros((len(names), axis.bin_count + 2))
    dense = np.nan_to_num(seen.dense(-1, axis.bin_count + 2))
    for series, key in enumerate(keys):
        counts[rows[key]] = np.maximum(counts[rows[key]], dense[series])
    created = np.full(len(names), np.nan)
    facts = frames.facts.only(fact=created_fact)
    moments = facts.dense(0, axis.hour_count)
    for series, labels in enumerate(facts.labels):
        row = rows.get(tuple(labels.get(name, "") for name in identity))
        known = moments[series][~np.isnan(moments[series])]
        if row is not None and len(known):
            created[row] = np.fmin(created[row], known.min())
    # nothing else need be there when the last volume goes, so what pods show tells the gaps
    starts, ends = life_from_sightings(counts, pods.gaps, axis, frames.sample_seconds, created)
    return _Assets(pods, names, rows, starts, np.maximum(ends, starts))


def _volume_rows(cluster: str, volumes: _Assets, facts: Frame) -> pa.Table:
    seconds = volumes.hour_seconds()
    cells = choose_cells(seconds > 0)
    claims = _claims(volumes, facts)
    info, claim_info = facts.only(fact="volume"), facts.only(fact="claim")
    of_info = _by_volume(volumes, info, "persistentvolume")
    of_claim = _by_volume(volumes, claim_info, "volumename")
    classes = volumes.texts(info, of_info, [m.get("storageclass", "") for m in info.labels])
    requested = volumes.texts(claim_info, of_claim, [m.get("storageclass", "") for m in claim_info.labels])
    disks = volumes.texts(info, of_info, [_disk_id(m) for m in info.labels])
    capacity = facts.only(fact="capacity")
    sizes = volumes.numbers(capacity, _by_volume(volumes, capacity, "persistentvolume"))
    table = build_table(
        VOLUME_HOUR,
        cluster,
        volumes.pods.axis,
        cells,
        {
            "volume": cells.repeat([name for (name,) in volumes.names]),
            "claim_namespace": _column(cells.pick(_part(claims, 0))),
            "claim": _column(cells.pick(_part(claims, 1))),
            "storage_class": _column(cells.pick(_first_said(classes, requested))),
            "provider_id": _column(cells.pick(disks)),
            "capacity_bytes": cells.pick(fill_forward_then_back(sizes) if sizes.size else sizes),
            "used_bytes": cells.pick(_used_bytes(volumes, facts, claims)),
            "running_seconds": cells.pick(seconds),
        },
    )
    return sort_by_key(VOLUME_HOUR, table)


def _claims(volumes: _Assets, facts: Frame) -> Texts:
    """Return ``namespace/claim`` per volume and hour: what the volume says, else what a claim says."""
    references, claims = facts.only(fact="reference"), facts.only(fact="claim")
    stated = volumes.texts(
        references,
        _by_volume(volumes, references, "persistentvolume"),
        [_joined(m.get("claim_namespace", ""), m.get("name", "")) for m in references.labels],
    )
    bound = volumes.texts(
        claims,
        _by_volume(volumes, claims, "volumename"),
        [_joined(m.get("namespace", ""), m.get("persistentvolumeclaim", "")) for m in claims.labels],
    )
    return _first_said(stated, bound)


def _first_said(texts: Texts, others: Texts) -> Texts:
    pairs = zip(texts.ravel().tolist(), others.ravel().tolist(), strict=True)
    said = [other if text is None else text for text, other in pairs]
    return np.asarray(said, dtype=object).reshape(texts.shape)


def _used_bytes(volumes: _Assets, facts: Frame, claims: Texts) -> Floats:
    used = facts.only(fact="used")
    by_claim: dict[str, list[int]] = defaultdict(list)
    for row in range(len(volumes.names)):
        for claim in {text for text in claims[row] if text is not None}:
            by_claim[claim].append(row)
    rows_of = [
        by_claim.get(_joined(m.get("namespace", ""), m.get("persistentvolumeclaim", "")), [])
        for m in used.labels
    ]
    return volumes.numbers(used, rows_of)


def _mount_rows(cluster: str, volumes: _Assets, facts: Frame, pods: Pods) -> pa.Table:
    """Return who held which volume: as long as the pod held its requests and the volume existed."""
    behind = _volumes_of_claims(volumes, facts)
    pairs = sorted(
        {
            (volume, pod)
            for labels in facts.only(fact="mount").labels
            for volume in behind.get(
                (labels.get("namespace", ""), labels.get("persistentvolumeclaim", "")), ()
            )
            for pod in pods.find(labels)
        }
    )
    of_volume = np.asarray([volume for volume, _ in pairs], dtype=np.int64)
    of_pod = np.asarray([pod for _, pod in pairs], dtype=np.int64)
    starts = np.maximum(volumes.starts[of_volume], pods.starts[of_pod])
    ends = np.minimum(volumes.ends[of_volume], pods.ends[of_pod])
    seconds = overlap_seconds(starts, ends, pods.axis.hour_starts, HOUR_SECONDS)
    cells = choose_cells(seconds > 0)
    hours = pods.axis.hour_starts[cells.hours]
    table = build_table(
        VOLUME_MOUNT_HOUR,
        cluster,
        pods.axis,
        cells,
        {
            "volume": cells.repeat([volumes.names[volume][0] for volume in of_volume.tolist()]),
            "pod_uid": cells.repeat([pods.uids[pod] for pod in of_pod.tolist()]),
            "namespace": cells.repeat([pods.namespaces[pod] for pod in of_pod.tolist()]),
            "pod": cells.repeat([pods.names[pod] for pod in of_pod.tolist()]),
            "mounted_seconds": cells.pick(seconds),
            "first_mounted_at": _instants(np.maximum(starts[cells.rows], hours)),
            "last_mounted_at": _instants(np.minimum(ends[cells.rows], hours + HOUR_SECONDS)),
        },
    )
    return sort_by_key(VOLUME_MOUNT_HOUR, table)


def _volumes_of_claims(volumes: _Assets, facts: Frame) -> dict[Claim, set[int]]:
    """Return the volumes behind each claim: what the claim says; a released volume names an old one."""
    behind: dict[Claim, set[int]] = defaultdict(set)
    for labels in facts.only(fact="claim").labels:
        row = volumes.rows.get((labels.get("volumename", ""),))
        if row is not None:
            behind[labels.get("namespace", ""), labels.get("persistentvolumeclaim", "")].add(row)
    for labels in facts.only(fact="reference").labels:
        row = volumes.rows.get((labels.get("persistentvolume", ""),))
        claim = (labels.get("claim_namespace", ""), labels.get("name", ""))
        if row is not None and claim not in behind:
            behind[claim] = {row}
    return behind


def _balancer_rows(cluster: str, balancers: _Assets, facts: Frame) -> pa.Table:
    seconds = balancers.hour_seconds()
    cells = choose_cells(seconds > 0)
    addresses = facts.only(fact="address")
    rows_of = [
        [row]
        if (row := balancers.rows.get((m.get("namespace", ""), m.get("service", "")))) is not None
        else []
        for m in addresses.labels
    ]
    known = balancers.texts(
        addresses, rows_of, [m.get("hostname") or m.get("ip", "") for m in addresses.labels]
    )
    table = build_table(
        LOAD_BALANCER_HOUR,
        cluster,
        balancers.pods.axis,
        cells,
        {
            "load_balancer": cells.repeat([_joined(*name) for name in balancers.names]),
            "namespace": cells.repeat([name[0] for name in balancers.names]),
            "service": cells.repeat([name[1] for name in balancers.names]),
            "provider_id": _column(cells.pick(known)),
            "running_seconds": cells.pick(seconds),
        },
    )
    return sort_by_key(LOAD_BALANCER_HOUR, table)


def _by_volume(volumes: _Assets, frame: Frame, label: str) -> list[list[int]]:
    rows = [volumes.rows.get((labels.get(label, ""),)) for labels in frame.labels]
    return [[] if row is None else [row] for row in rows]


def _joined(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if name else ""


def _part(claims: Texts, part: int) -> Texts:
    split = [[None if c is None else c.split("/", 1)[part] for c in row] for row in claims]
    return np.asarray(split, dtype=object).reshape(claims.shape)


def _disk_id(labels: dict[str, str]) -> str:
    return next((labels[name] for name in _DISK_IDS if labels.get(name)), "")


def _instants(seconds: Floats) -> pa.Array:
    return pa.array(np.rint(seconds * 1e6).astype(np.int64), INSTANT)


def _column(texts: npt.NDArray[np.object_]) -> pa.Array:
    return pa.array(texts.tolist(), pa.string())
