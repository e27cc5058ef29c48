"""Keeping the lake fast and small: compaction, checkpoints, vacuum."""

from __future__ import annotations

from datetime import date

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties

from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name
from warehouse.lake.commits import WRITER_PROPERTIES, commit, open_table, storage_problems
from warehouse.lake.conform import declared_table
from warehouse.lake.location import LakeRoot

_MINIMUM_RETENTION_HOURS = 48


def compact(root: LakeRoot, table: str, cluster: str, day: date, fence: tuple[str, int] | None) -> None:
    """Rewrite the partition that holds a cluster-day as few files, z-ordered by pod where there are pods.

    The rows stay the same, so no reader notices and no ledger changes. For tables by month it is the month
    of the day; for tables without a cluster column, of all clusters.
    """
    declared = declared_table(table)
    values = {"cluster": check_cluster_name(cluster), "day": day.isoformat()}
    partition = [(name, "=", values.get(name, f"{day:%Y-%m}")) for name in declared.partition_by]

    def write(delta: DeltaTable, properties: CommitProperties) -> None:
        if "pod_uid" in declared.columns:
            delta.optimize.z_order(
                ["pod_uid"],
                partition_filters=partition,
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )
        else:
            delta.optimize.compact(
                partition_filters=partition,
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )

    commit(root, table, fence, write)


def vacuum(root: LakeRoot, table: str, retention_hours: int, *, is_full: bool) -> list[str]:
    """Delete files that no version of the last hours holds and return their names.

    Raises
    ------
    InputError
        If fewer than 48 hours are asked for: a reader may still be on such a version.
    """
    if retention_hours < _MINIMUM_RETENTION_HOURS:
        raise InputError(
            f"is below {_MINIMUM_RETENTION_HOURS}: a reader may still need those files",
            field="retention_hours",
            value=retention_hours,
        )
    delta = open_table(root, table)
    with storage_problems(root, table):
        removed = delta.vacuum(
            retention_hours=retention_hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=is_full,
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=True),
        )
    return list(removed)


def checkpoint(root: LakeRoot, table: str) -> None:
    """Write a checkpoint of the newest version."""
    delta = open_table(root, table)
    with storage_problems(root, table):
        delta.create_checkpoint()
