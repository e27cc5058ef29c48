"""Projects, services, teams and cost centres of a CMDB, as it states them and as versions over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from models.ownership.annotations import parse_annotation_selector
from models.ownership.cycles import check_no_cycle
from models.ownership.rules import END_OF_TIME
from models.vocabulary.errors import InputError
from models.vocabulary.selector import parse_selector

_LONGEST_TEXT = 255


class EntityKind(StrEnum):
    """What a CMDB describes."""

    PROJECT = "project"
    SERVICE = "service"
    TEAM = "team"
    COST_CENTRE = "cost_centre"


@dataclass(frozen=True)
class EntityFacts:
    """What a CMDB says of an entity; None is not said.

    Parameters
    ----------
    team, cost_centre, owner_contact, parent : str or None
        ``parent`` is the team above a team, the project of a service, and so on.
    cluster, namespace, workload, label_selector, annotation_selector : str or None
        What of the clusters it is, in the words of an ownership rule.
    """

    team: str | None = None
    cost_centre: str | None = None
    owner_contact: str | None = None
    parent: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    workload: str | None = None
    label_selector: str | None = None
    annotation_selector: str | None = None

    @property
    def has_place(self) -> bool:
        """Whether it says itself what of the clusters it is."""
        return any((self.namespace, self.workload, self.label_selector, self.annotation_selector))


@dataclass(frozen=True)
class EntityRecord:
    """One row of a CMDB as it was read.

    Parameters
    ----------
    kind : EntityKind
    name : str
    facts : EntityFacts
    valid_from, valid_to : datetime or None
        Effective dates that the CMDB gives; None leaves them to the time of the sync.
    row : int or None
        1-based row of the source, for messages.
    """

    kind: EntityKind
    name: str
    facts: EntityFacts = field(default_factory=EntityFacts)
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    row: int | None = None

    @property
    def key(self) -> EntityKey:
        """Kind and name."""
        return self.kind, self.name


@dataclass(frozen=True)
class EntityVersion:
    """What held of an entity of a source in ``[valid_from, valid_to)``."""

    source: str
    kind: EntityKind
    name: str
    facts: EntityFacts
    valid_from: datetime
    valid_to: datetime | None = None

    @property
    def key(self) -> EntityKey:
        """Kind and name."""
        return self.kind, self.name

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME

    def holds_at(self, moment: datetime) -> bool:
        """Whether the version holds at the instant."""
        return self.valid_from <= moment < self.ends_at


EntityKey = tuple[EntityKind, str]


def check_records(records: Sequence[EntityRecord], source: str) -> None:
    """Refuse what no history can be made of: one entity twice at a time, bad dates, loops of parents.

    Raises
    ------
    InputError
        Naming source, row, field and value; for a loop, every name of it.
    """
    by_key: dict[EntityKey, list[EntityRecord]] = defaultdict(list)
    for record in records:
        _check_record(record, source)
        by_key[record.key].append(record)
    for twins in by_key.values():
        _check_apart(sorted(twins, key=_start), source)
    for kind in EntityKind:
        parents = _parents(records, kind)
        check_no_cycle(parents, f"parents of {kind.value}s lead in a circle", field="parent", file=source)


def _check_record(record: EntityRecord, source: str) -> None:
    if not record.name.strip():
        raise InputError("is missing", file=source, row=record.row, field="name")
    if record.valid_from and record.valid_to and record.valid_to <= record.valid_from:
        raise InputError(
            "is not after valid_from", file=source, row=record.row, field="valid_to", value=record.valid_to
        )
    for name, text in {"name": record.name, **vars(record.facts)}.items():
        if text is not None and len(text) > _LONGEST_TEXT and not name.endswith("_selector"):
            reason = f"is longer than {_LONGEST_TEXT} characters"
            raise InputError(reason, file=source, row=record.row, field=name, value=text)
    try:
        parse_selector(record.facts.label_selector or "")
        parse_annotation_selector(record.facts.annotation_selector or "")
    except InputError as problem:
        raise InputError(
            problem.reason, file=source, row=record.row, field=problem.field, value=problem.value
        ) from problem


def _check_apart(twins: Sequence[EntityRecord], source: str) -> None:
    for before, after in pairwise(twins):
        ends_before = before.valid_to is not None and after.valid_from is not None
        if not ends_before or _end(before) > _start(after):
            raise InputError(
                f"is there twice at one time (rows {before.row} and {after.row}): each row of an entity "
                "needs its own valid_from and valid_to",
                file=source,
                row=after.row,
                field="name",
                value=after.name,
            )


def _start(record: EntityRecord) -> datetime:
    return record.valid_from or END_OF_TIME.replace(year=1)


def _end(record: EntityRecord) -> datetime:
    return record.valid_to or END_OF_TIME


def _parents(records: Sequence[EntityRecord], kind: EntityKind) -> Mapping[str, list[str]]:
    """Return parents among entities of one kind; a service's parent is a project where one has the name."""
    projects = {record.name for record in records if record.kind is EntityKind.PROJECT}
    found: dict[str, list[str]] = defaultdict(list)
    for record in records:
        parent = record.facts.parent
        is_project = kind is EntityKind.SERVICE and parent in projects
        if record.kind is kind and parent and not is_project:
            found[record.name].append(parent)
    return found
