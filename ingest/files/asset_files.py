"""Files of volumes, mounts and load balancers: which stood when, each row checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from ingest.assembly.hour_overlap import OPEN_END
from ingest.files.columns import LOAD_BALANCER_COLUMNS, MOUNT_COLUMNS, VOLUME_COLUMNS, Column, Kind
from ingest.files.reading import find_files, read_batches
from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name


@dataclass(frozen=True)
class AssetFile:
    """What a kind of file holds and what makes a row of it one thing.

    Parameters
    ----------
    columns : tuple of Column
    identity : tuple of str
        Columns (the cluster first) of which two rows may not hold at the same time.
    thing : str
        Its name in messages.
    """

    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    thing: str


VOLUMES = AssetFile(VOLUME_COLUMNS, ("cluster", "volume"), "volume")
MOUNTS = AssetFile(MOUNT_COLUMNS, ("cluster", "volume", "namespace", "pod", "pod_uid"), "mount")
LOAD_BALANCERS = AssetFile(LOAD_BALANCER_COLUMNS, ("cluster", "namespace", "service"), "load balancer")


def read_assets(paths: Sequence[Path], kind: AssetFile) -> pd.DataFrame:
    """Return the rows of files with ``start_us`` and ``end_us`` (microseconds, half-open) for the validity.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for two rows of one thing at the same time.
    """
    rows: list[dict[str, object]] = []
    for path in find_files(paths):
        for place, table in read_batches(path, kind.columns):
            for number, row in enumerate(table.to_pylist(), start=place.rows_before + 1):
                rows.append(_checked(place.file, number, row))
    names = [column.name for column in kind.columns if column.kind is not Kind.INSTANT]
    frame = pd.DataFrame(rows, columns=[*names, "start_us", "end_us", "file", "row"])
    for column in kind.columns:
        if column.kind is Kind.TEXT:
            texts = frame[column.name].astype("object")
            frame[column.name] = texts.where(texts.notna(), None)
    frame = frame.astype({"start_us": "int64", "end_us": "int64"})
    _check_overlaps(frame, kind)
    return frame


def check_mounted_volumes(mounts: pd.DataFrame, volumes: pd.DataFrame) -> None:
    """Refuse a mount of a volume that no file describes.

    Raises
    ------
    InputError
        Naming file, row and volume.
    """
    known = set(zip(volumes["cluster"], volumes["volume"], strict=True))
    for row in mounts.itertuples():
        if (row.cluster, row.volume) not in known:
            raise InputError(
                "is a volume that no volume file describes",
                file=str(row.file),
                row=int(str(row.row)),
                field="volume",
                value=row.volume,
            )


def _checked(file: str, number: int, row: Mapping[str, object]) -> dict[str, object]:
    try:
        check_cluster_name(str(row["cluster"]))
    except InputError as problem:
        raise InputError(
            problem.reason, file=file, row=number, field="cluster", value=problem.value
        ) from problem
    start, end = _microseconds(row["valid_from"]), _microseconds(row.get("valid_to"))
    if end <= start:
        raise InputError(
            "is not after valid_from", file=file, row=number, field="valid_to", value=str(row["valid_to"])
        )
    return {**row, "start_us": start, "end_us": end, "file": file, "row": number}


def _microseconds(moment: object) -> int:
    return round(moment.timestamp() * 1e6) if isinstance(moment, datetime) else OPEN_END


def _check_overlaps(frame: pd.DataFrame, kind: AssetFile) -> None:
    by = list(kind.identity)
    ordered = frame.assign(**{name: frame[name].fillna("") for name in by}).sort_values([*by, "start_us"])
    earlier = ordered.groupby(by, sort=False)[["end_us", "row"]].shift()
    clashing = ordered[ordered["start_us"] < earlier["end_us"]]
    if len(clashing):
        first = clashing.iloc[0]
        number = int(earlier.loc[clashing.index[0], "row"])
        name = "/".join(str(first[part]) for part in by[1:] if first[part])
        raise InputError(
            f"overlaps row {number}: {kind.thing} {name} would stand twice",
            file=str(first["file"]),
            row=int(first["row"]),
            field="valid_from",
            value=pd.Timestamp(int(first["start_us"]), unit="us", tz="UTC").isoformat(),
        )
