"""The review queue of names: pairs that were found, and who decided what about them, never overwritten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from models.ownership.entities import EntityKind
from models.ownership.name_matches import DecidedPair, MatchDecision, NameKind, NamePair
from models.vocabulary.errors import Conflict, InputError, NotFound
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.owner_tables import NAME_DECISION, NAME_PAIR

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when names that a rule makes equal are one: the rule knows no date."""
BY_RULE = "(rule)"
"""Stands for a person where a rule decided."""

_P, _D = NAME_PAIR.c, NAME_DECISION.c


@dataclass(frozen=True)
class Decision:
    """What somebody decides about a pair."""

    decision: MatchDecision
    principal: str
    reason: str
    effective_from: datetime
    decided_at: datetime


@dataclass(frozen=True)
class ReviewedPair:
    """A pair with its latest decision, which is None while it waits."""

    pair: NamePair
    found_at: datetime
    latest: Decision | None


class NameReviews:
    """All pairs of names of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, merged: Sequence[NamePair], proposed: Sequence[NamePair], at: datetime) -> int:
        """Add what a reconciliation found; return how many pairs are new.

        Merged pairs count at once, unless a person has decided about them. Proposals that are not found
        any more leave the queue, unless they were decided.
        """
        with self._database.write() as connection:
            known = {row.id: row.score for row in connection.execute(select(_P.id, _P.score))}
            decided = set(connection.execute(select(_D.pair_id).distinct()).scalars())
            found = {pair.id: pair for pair in (*proposed, *merged)}
            new = [_pair_values(pair, at) for identifier, pair in found.items() if identifier not in known]
            if new:
                connection.execute(insert(NAME_PAIR), new)
            _refresh(
                connection, [pair for pair in found.values() if known.get(pair.id, pair.score) != pair.score]
            )
            _drop(connection, sorted(set(known) - decided - set(found)))
            for pair in merged:
                if pair.id not in decided:
                    note = Decision(MatchDecision.MERGED, BY_RULE, pair.evidence, ALWAYS, at)
                    _append(connection, pair.id, note)
            return len(new)

    def decide(self, pair_id: str, decision: Decision) -> ReviewedPair:
        """Add a decision about a pair, with its entry in the audit log.

        Raises
        ------
        NotFound
            If there is no such pair.
        Conflict
            If that is what was decided last.
        InputError
            If no reason is given.
        """
        if not decision.reason.strip():
            raise InputError("is missing: say why", field="reason")
        with self._database.write() as connection:
            row = connection.execute(
                select(NAME_PAIR).where(_P.id == pair_id).with_for_update()
            ).one_or_none()
            if row is None:
                raise NotFound(
                    f"there is no pair of names {pair_id}: `millicore ownership review list` shows all"
                )
            latest = _latest(connection, pair_id)
            if latest is not None and latest.decision is decision.decision:
                raise Conflict(f"{pair_id} was {latest.decision.value} already by {latest.principal}")
            _append(connection, pair_id, decision)
            pair = _pair(row)
            detail = {"name": pair.name, "entity": pair.entity, "reason": decision.reason}
            detail["effective_from"] = decision.effective_from.isoformat()
            subject = f"{pair.name_kind.value} {pair.name}"
            action = f"{decision.decision.value} name"
            append_entry(
                connection, AuditNote(decision.principal, action, subject, decision.decided_at, detail)
            )
            return ReviewedPair(pair, row.found_at, decision)

    def pairs(self) -> list[ReviewedPair]:
        """Return all pairs, those that wait first, the nearest first."""
        with self._database.read() as connection:
            latest = {}
            for row in connection.execute(select(NAME_DECISION).order_by(_D.pair_id, _D.sequence)):
                latest[row.pair_id] = _decision(row)
            rows = connection.execute(select(NAME_PAIR)).all()
        found = [ReviewedPair(_pair(row), row.found_at, latest.get(row.id)) for row in rows]
        return sorted(
            found, key=lambda one: (one.latest is not None, -one.pair.score, one.pair.name, one.pair.entity)
        )

    def history(self, pair_id: str) -> list[Decision]:
        """Return every decision about a pair, oldest first."""
        statement = select(NAME_DECISION).where(_D.pair_id == pair_id).order_by(_D.sequence)
        with self._database.read() as connection:
            return [_decision(row) for row in connection.execute(statement)]

    def decisions(self) -> list[DecidedPair]:
        """Return every decision about every pair, oldest first of each."""
        with self._database.read() as connection:
            return read_decisions(connection)


def read_decisions(connection: Connection) -> list[DecidedPair]:
    """Return every decision within a transaction."""
    by_pair: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(NAME_DECISION).order_by(_D.pair_id, _D.sequence)):
        by_pair[row.pair_id].append(row)
    pairs = connection.execute(select(NAME_PAIR).order_by(_P.id)).all()
    return [
        DecidedPair(_pair(row), MatchDecision(one.decision), one.effective_from, one.sequence)
        for row in pairs
        for one in by_pair.get(row.id, ())
    ]


def _append(connection: Connection, pair_id: str, decision: Decision) -> None:
    last = connection.execute(select(func.max(_D.sequence)).where(_D.pair_id == pair_id)).scalar()
    values = {**vars(decision), "decision": decision.decision.value}
    connection.execute(
        insert(NAME_DECISION).values(pair_id=pair_id, sequence=0 if last is None else last + 1, **values)
    )


def _latest(connection: Connection, pair_id: str) -> Decision | None:
    statement = select(NAME_DECISION).where(_D.pair_id == pair_id).order_by(_D.sequence.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _decision(row)


def _refresh(connection: Connection, pairs: Sequence[NamePair]) -> None:
    for pair in pairs:
        connection.execute(
            update(NAME_PAIR).where(_P.id == pair.id).values(score=pair.score, evidence=pair.evidence)
        )


def _drop(connection: Connection, identifiers: Sequence[str]) -> None:
    for first in range(0, len(identifiers), 500):
        connection.execute(delete(NAME_PAIR).where(_P.id.in_(identifiers[first : first + 500])))


def _pair_values(pair: NamePair, at: datetime) -> dict[str, Any]:
    kinds = {"name_kind": pair.name_kind.value, "entity_kind": pair.entity_kind.value}
    return {**vars(pair), **kinds, "id": pair.id, "found_at": at}


def _pair(row: Row[Any]) -> NamePair:
    return NamePair(
        NameKind(row.name_kind), row.name, EntityKind(row.entity_kind), row.entity, row.score, row.evidence
    )


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        MatchDecision(row.decision), row.principal, row.reason, row.effective_from, row.decided_at
    )
