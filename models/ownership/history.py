"""What a sync of a CMDB changes in its history: versions with a beginning and an end, never overwritten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models.ownership.entities import EntityKey, EntityRecord, EntityVersion


@dataclass(frozen=True)
class SyncPlan:
    """What a sync does to the stored versions of one source.

    Parameters
    ----------
    superseded, written : tuple of EntityVersion
        Versions that cease to be believed, and those believed instead. An ended version is superseded by
        itself with an end.
    added_count, changed_count, removed_count, unchanged_count : int
        Entities that were not in force before; whose facts or dates changed; that the source no longer
        states; the rest.
    in_force_count : int
        Entities in force before the sync.
    """

    superseded: tuple[EntityVersion, ...]
    written: tuple[EntityVersion, ...]
    added_count: int
    changed_count: int
    removed_count: int
    unchanged_count: int
    in_force_count: int

    @property
    def removed_ratio(self) -> float:
        """Share of the entities in force that the sync ends; 0 when none was."""
        return self.removed_count / self.in_force_count if self.in_force_count else 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.superseded and not self.written


def plan_sync(
    source: str,
    stored: Sequence[EntityVersion],
    records: Iterable[EntityRecord],
    at: datetime,
    first_valid_from: datetime | None = None,
) -> SyncPlan:
    """Return what the records of a source change (slowly changing dimension, type 2).

    A changed entity ends its version and begins a new one at ``at``, or at the date that the CMDB gives. One
    that is no longer stated ends at ``at``; one that comes back begins anew. The same records again change
    nothing.

    Parameters
    ----------
    source : str
    stored : sequence of EntityVersion
        All versions believed now, of this source.
    records : iterable of EntityRecord
        Checked by `check_records`.
    at : datetime
        The instant of the sync.
    first_valid_from : datetime or None
        Since when a record of the source's first sync holds, where the CMDB gives no date.
    """
    known: dict[EntityKey, list[EntityVersion]] = defaultdict(list)
    for version in sorted(stored, key=lambda version: version.valid_from):
        known[version.key].append(version)
    stated: dict[EntityKey, list[EntityRecord]] = defaultdict(list)
    for record in records:
        stated[record.key].append(record)
    begins_at = first_valid_from if first_valid_from is not None and not stored else at
    outcome = _Outcome()
    for key in sorted({*known, *stated}):
        before = known.get(key, [])
        after = _timeline(source, before, stated.get(key, []), begins_at)
        outcome.add(before, after, at, is_stated=key in stated)
    return outcome.plan()


class _Outcome:
    def __init__(self) -> None:
        self.superseded: list[EntityVersion] = []
        self.written: list[EntityVersion] = []
        self.counts = {"added": 0, "changed": 0, "removed": 0, "unchanged": 0, "in_force": 0}

    def add(
        self, before: list[EntityVersion], after: list[EntityVersion], at: datetime, *, is_stated: bool
    ) -> None:
        was_in_force = any(version.ends_at > at for version in before)
        self.counts["in_force"] += was_in_force
        self.superseded += [version for version in before if version not in after]
        self.written += [version for version in after if version not in before]
        if is_stated and not was_in_force:
            self.counts["added"] += 1
        elif is_stated:
            self.counts["unchanged" if before == after else "changed"] += 1
        elif was_in_force:
            self.counts["removed"] += 1

    def plan(self) -> SyncPlan:
        return SyncPlan(
            tuple(self.superseded),
            tuple(self.written),
            self.counts["added"],
            self.counts["changed"],
            self.counts["removed"],
            self.counts["unchanged"],
            self.counts["in_force"],
        )


def _timeline(
    source: str, before: list[EntityVersion], records: list[EntityRecord], at: datetime
) -> list[EntityVersion]:
    """Return the versions of one entity after a sync, oldest first, touching equal ones joined."""
    if not records:
        return _cut(before, at)
    found = list(before)
    for record in sorted(records, key=lambda record: record.valid_from or at):
        last = found[-1] if found else None
        if last is not None and _says_the_same(last, record):
            continue
        start = record.valid_from or at
        if record.valid_to is not None and record.valid_to <= start:
            # stated as ended already, without a beginning: whatever held ends then
            found = _cut(found, record.valid_to)
            continue
        version = EntityVersion(source, record.kind, record.name, record.facts, start, record.valid_to)
        if any(version == known for known in found):
            continue
        found = [*_cut(found, start), version]
    return _joined(found)


def _says_the_same(version: EntityVersion, record: EntityRecord) -> bool:
    return (
        version.facts == record.facts
        and version.valid_to == record.valid_to
        and record.valid_from in (None, version.valid_from)
    )


def _cut(versions: Iterable[EntityVersion], at: datetime) -> list[EntityVersion]:
    """Return versions with nothing at or after the instant."""
    return [
        version if version.ends_at <= at else replace(version, valid_to=at)
        for version in versions
        if version.valid_from < at
    ]


def _joined(versions: Iterable[EntityVersion]) -> list[EntityVersion]:
    joined: list[EntityVersion] = []
    for version in versions:
        last = joined[-1] if joined else None
        if last is not None and last.facts == version.facts and last.valid_to == version.valid_from:
            joined[-1] = replace(last, valid_to=version.valid_to)
        else:
            joined.append(version)
    return joined
