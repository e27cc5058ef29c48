"""One commit that swaps the content of whole partitions for files that workers have staged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from models.vocabulary.errors import InputError
from warehouse.lake.commits import Commit
from warehouse.lake.declaration import LakeTable
from warehouse.lake.staging import FilePart, StagedFile


def replacing_partitions(
    declared: LakeTable, replaced: Sequence[Mapping[str, str]], files: Sequence[StagedFile]
) -> Commit:
    """Return the write that makes staged files the whole content of the replaced partitions.

    Raises
    ------
    InputError
        If a file belongs to another table or to a partition that is not replaced.
    """
    for file in files:
        if file.table != declared.name or dict(file.partition) not in replaced:
            raise InputError(
                f"of {file.table} is not a partition of {declared.name} that is replaced",
                field="partition",
                value=dict(file.partition),
            )
    adds = [_add_action(file, part) for file in files for part in file.parts]

    def write(delta: DeltaTable, properties: CommitProperties) -> None:
        removes = _remove_actions(delta, declared, replaced)
        if adds or removes:
            delta.create_write_transaction(
                [*adds, *removes],
                "append",
                delta.schema(),
                list(declared.partition_by),
                commit_properties=properties,
            )

    return write


def _add_action(file: StagedFile, part: FilePart) -> AddAction:
    return AddAction(
        path=part.path,
        size=part.size_bytes,
        partition_values=dict(file.partition),
        modification_time=part.modified_at_ms,
        data_change=True,
        stats=part.statistics,
    )


def _remove_actions(
    delta: DeltaTable, declared: LakeTable, replaced: Sequence[Mapping[str, str]]
) -> list[RemoveAction]:
    present = pa.table(delta.get_add_actions(flatten=True))
    names = declared.partition_by
    columns = [present.column("path"), present.column("size_bytes")]
    columns += [present.column(f"partition.{name}").cast(pa.string()) for name in names]
    gone = {tuple(values[name] for name in names) for values in replaced}
    now = int(time.time() * 1000)
    return [
        RemoveAction(
            path,
            data_change=True,
            deletion_timestamp=now,
            size=size,
            partition_values=dict(zip(names, values, strict=True)),
        )
        for path, size, *values in zip(*(column.to_pylist() for column in columns), strict=True)
        if tuple(values) in gone
    ]
