"""Label maps to keep, and versions of namespaces, nodes and workload templates that changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.assembly.frames import Axis
from ingest.assembly.nodes import Nodes
from ingest.assembly.owners import LabelSets
from models.kubernetes.label_sets import canonical_labels
from warehouse.lake.observed_tables import LABEL_SET, OBJECT_HISTORY

OBSERVED_BY = "metrics"


@dataclass(frozen=True)
class NamespaceLabels:
    """Namespaces and their labels by hour."""

    names: list[str]
    labels: LabelSets


def build_label_sets(cluster: str, axis: Axis, sets: Iterable[LabelSets]) -> pa.Table:
    """Return one row per label map, first seen in the earliest hour of the window that shows it."""
    first: dict[str, int] = {}
    maps: dict[str, Mapping[str, str]] = {}
    for label_sets in sets:
        maps.update(label_sets.maps)
        for hour in reversed(range(axis.hour_count)):
            first.update(
                (key, min(hour, first.get(key, hour))) for key in set(label_sets.ids[:, hour]) if key
            )
    rows = []
    for key in sorted(first):
        moment = datetime.fromtimestamp(axis.hour_starts[first[key]], UTC)
        rows.append(
            {
                "cluster": cluster,
                "month": f"{moment:%Y-%m}",
                "label_set_id": key,
                "labels": canonical_labels(maps[key]),
                "first_seen_at": moment,
            }
        )
    return pa.Table.from_pylist(rows, schema=LABEL_SET.schema)


def build_object_history(cluster: str, axis: Axis, namespaces: NamespaceLabels, nodes: Nodes) -> pa.Table:
    """Return versions of namespaces and nodes: one where a window begins, and one where labels change."""
    rows = [
        *_versions(cluster, axis, "Namespace", namespaces.names, namespaces.labels, {}),
        *_versions(
            cluster, axis, "Node", nodes.names, nodes.labels,
            {row: {"provider_id": p} for row, p in enumerate(nodes.provider_ids) if p}, nodes.keys,
        ),
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=OBJECT_HISTORY.schema)


def _versions(
    cluster: str,
    axis: Axis,
    kind: str,
    names: list[str],
    labels: LabelSets,
    extras: Mapping[int, Mapping[str, Any]],
    uids: list[str] | None = None,
) -> Iterator[dict[str, Any]]:
    for row, name in enumerate(names):
        ids = labels.ids[row]
        changed = [hour for hour in range(len(ids)) if hour == 0 or ids[hour] != ids[hour - 1]]
        for hour in changed:
            if ids[hour] is None:
                continue
            moment = datetime.fromtimestamp(float(np.float64(axis.hour_starts[hour])), UTC)
            spec = json.dumps(
                {"labels": labels.maps[ids[hour]], **extras.get(row, {})},
                sort_keys=True, ensure_ascii=False, separators=(",", ":"),
            )  # fmt: skip
            yield {
                "cluster": cluster,
                "month": f"{moment:%Y-%m}",
                "kind": kind,
                "namespace": "",
                "name": name,
                "uid": uids[row] if uids else "",
                "valid_from": moment,
                "valid_to": None,
                "spec": spec,
                "spec_hash": hashlib.sha256(spec.encode()).hexdigest()[:16],
                "observed_by": OBSERVED_BY,
            }
