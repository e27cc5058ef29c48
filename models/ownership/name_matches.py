"""Which name of a cluster means which entity of a CMDB: proposed, decided, and in force for a time."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.ownership.entities import EntityKind
from models.ownership.rules import END_OF_TIME


class NameKind(StrEnum):
    """What of a cluster bears a name."""

    TEAM = "team"
    NAMESPACE = "namespace"
    WORKLOAD = "workload"


class MatchDecision(StrEnum):
    """What became of a pair of names. Only ``merged`` is never a person's."""

    MERGED = "merged"
    ACCEPTED = "accepted"
    REJECTED = "rejected"

    @property
    def is_in_force(self) -> bool:
        """Whether the names count as one."""
        return self is not MatchDecision.REJECTED


@dataclass(frozen=True)
class NamePair:
    """A name of a cluster, the entity it may mean, and why.

    Parameters
    ----------
    name_kind : NameKind
    name : str
        As the cluster writes it; a workload as ``namespace/name``.
    entity_kind : EntityKind
    entity : str
        As the CMDB writes it.
    score : float
        1 for names that a rule makes equal; below, how near they are.
    evidence : str
        What the score rests on, in words.
    """

    name_kind: NameKind
    name: str
    entity_kind: EntityKind
    entity: str
    score: float
    evidence: str

    @property
    def id(self) -> str:
        """Ten hexadecimal digits that stand for the pair, whatever its score."""
        parts = (self.name_kind.value, self.name, self.entity_kind.value, self.entity)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class NameMatch:
    """A name that means an entity in ``[valid_from, valid_to)``."""

    name_kind: NameKind
    name: str
    entity_kind: EntityKind
    entity: str
    valid_from: datetime
    valid_to: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME


@dataclass(frozen=True)
class DecidedPair:
    """One decision on a pair: what counts from ``effective_from`` on. Decisions are never changed."""

    pair: NamePair
    decision: MatchDecision
    effective_from: datetime
    sequence: int


def matches_of(decisions: Iterable[DecidedPair]) -> list[NameMatch]:
    """Return which names mean what, and when: of each pair, a later decision overrides an earlier one.

    A decision holds from its effective date on; what an earlier one said of the time before stands.
    """
    by_pair: dict[str, list[DecidedPair]] = defaultdict(list)
    for decided in decisions:
        by_pair[decided.pair.id].append(decided)
    matches = []
    for history in by_pair.values():
        pair = history[0].pair
        matches += [
            NameMatch(pair.name_kind, pair.name, pair.entity_kind, pair.entity, start, end)
            for start, end in _spans(sorted(history, key=lambda decided: decided.sequence))
        ]
    return sorted(matches, key=lambda match: (match.name_kind, match.name, match.entity, match.valid_from))


def _spans(history: Sequence[DecidedPair]) -> list[tuple[datetime, datetime | None]]:
    spans: list[tuple[datetime, datetime | None]] = []
    for decided in history:
        start = decided.effective_from
        spans = [
            (begin, start if end is None or end > start else end) for begin, end in spans if begin < start
        ]
        if decided.decision.is_in_force:
            if spans and spans[-1][1] == start:
                start = spans.pop()[0]
            spans.append((start, None))
    return spans
