"""Files of network flows: bytes that pods sent, by class and interval, summed by hour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingest.files.columns import NETWORK_COLUMNS
from ingest.files.overlaps import seconds_of
from ingest.files.reading import FilePlace, find_files, read_batches
from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name
from warehouse.lake.observed_tables import TRAFFIC_CLASSES

_HOUR = 3600
_UNCLASSIFIED = "unclassified"
_TEXTS = ("cluster", "namespace", "pod", "pod_uid", "traffic_class")
_INTERVAL = [*_TEXTS, "start"]


def read_flows(paths: Sequence[Path]) -> pd.DataFrame:
    """Return bytes by cluster, namespace, pod, pod_uid (may be null), traffic_class and hour_us.

    A row that stands twice with equal values counts once, so that files may overlap.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for two rows of one pod, class and interval that differ.
    """
    parts = [
        _batch(place, table)
        for path in find_files(paths)
        for place, table in read_batches(path, NETWORK_COLUMNS)
    ]
    if not parts:
        raise InputError("holds no rows", file=", ".join(str(path) for path in paths))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[~rows.duplicated([*_INTERVAL, "seconds", "bytes"])]
    _check_overlaps(rows)
    rows = rows.assign(hour_us=rows["start"] // _HOUR * _HOUR * 1_000_000)
    by = [*_TEXTS, "hour_us"]
    return rows.groupby(by, as_index=False, dropna=False, sort=False, observed=True)[["bytes"]].sum()


def _batch(place: FilePlace, table: pa.Table) -> pd.DataFrame:
    _check(place, table)
    columns: dict[str, object] = {}
    for name in _TEXTS:
        given = name in table.column_names
        texts = table[name].cast(pa.string()) if given else pa.nulls(table.num_rows, pa.string())
        if name == "traffic_class":
            texts = pc.fill_null(texts, _UNCLASSIFIED)
        plain = texts.to_pandas().astype("object")
        columns[name] = plain.where(plain.notna(), None)
    frame = pd.DataFrame(columns)
    frame["start"] = seconds_of(table["interval_start"])
    frame["seconds"] = table["interval_seconds"].to_numpy()
    frame["bytes"] = table["bytes"].to_numpy()
    frame["file"] = place.file
    frame["row"] = np.arange(table.num_rows) + place.rows_before + 1
    return frame


def _check(place: FilePlace, table: pa.Table) -> None:
    for cluster in pc.unique(table["cluster"].cast(pa.string())).to_pylist():
        try:
            check_cluster_name(cluster)
        except InputError as problem:
            bad = pc.equal(table["cluster"].cast(pa.string()), cluster)
            place.refuse(bad, table["cluster"], "cluster", problem.reason)
    if "traffic_class" in table.column_names:
        classes = table["traffic_class"].cast(pa.string())
        known = pc.or_kleene(pc.is_null(classes), pc.is_in(classes, value_set=pa.array(TRAFFIC_CLASSES)))
        place.refuse(
            pc.invert(known), classes, "traffic_class", f"is not one of {', '.join(TRAFFIC_CLASSES)}"
        )
    start, seconds = table["interval_start"], table["interval_seconds"]
    micro, length = start.cast(pa.int64()).to_numpy(), seconds.to_numpy()
    place.refuse(
        pa.array(micro % 1_000_000 != 0),
        start,
        "interval_start",
        "has a fraction of a second: intervals are whole seconds",
    )
    wrong = pa.array((length < 1) | (length > _HOUR))
    place.refuse(wrong, seconds, "interval_seconds", "is not between 1 and 3600 seconds")
    crossing = pa.array((micro // 1_000_000) % _HOUR + length > _HOUR)
    place.refuse(crossing, start, "interval_start", "begins an interval that crosses a full hour: split it")


def _check_overlaps(rows: pd.DataFrame) -> None:
    """Refuse two rows of one pod and class of which the later begins before the earlier has ended."""
    keyed = rows.assign(pod_uid=rows["pod_uid"].fillna(""))
    keyed = keyed.sort_values(_INTERVAL, kind="stable")
    earlier = keyed.groupby(list(_TEXTS), sort=False, observed=True)[["start", "seconds"]].shift()
    clashing = keyed[keyed["start"] < earlier["start"] + earlier["seconds"]]
    if len(clashing):
        first = clashing.iloc[0]
        raise InputError(
            f"overlaps another row of pod {first['pod']}, class {first['traffic_class']}: "
            "a pod has one row per class and interval",
            file=str(first["file"]),
            row=int(first["row"]),
            field="interval_start",
            value=pd.Timestamp(int(first["start"]), unit="s", tz="UTC").isoformat(),
        )
