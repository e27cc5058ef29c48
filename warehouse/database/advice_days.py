"""What stands proposed or decided for the containers of a cluster, and what was first proposed on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from models.vocabulary.identity import ContainerKey
from models.vocabulary.recommendation import Recommendation
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.database.connection import Database
from warehouse.database.initiative_tables import DATA_FAULT_DAY
from warehouse.database.recommendation_rows import KEY_COLUMNS, from_row, key_of
from warehouse.database.schema import RECOMMENDATION, RECOMMENDATION_EVENT
from warehouse.database.statements import insert_or_update

_State = RecommendationState
_QUIET = (_State.ACCEPTED, _State.SNOOZED, _State.APPLIED)
_IDS_AT_ONCE = 500
_R, _E = RECOMMENDATION.c, RECOMMENDATION_EVENT.c


@dataclass(frozen=True)
class StandingAdvice:
    """What stands for the containers of a cluster.

    Parameters
    ----------
    proposed : dict of ContainerKey to (id, content hash)
        Open proposals.
    quiet : frozenset of ContainerKey
        Containers for which nothing new is proposed.
    refused : dict of ContainerKey to frozenset of str
        Content hashes that owners rejected.
    """

    proposed: dict[ContainerKey, tuple[str, str]]
    quiet: frozenset[ContainerKey]
    refused: dict[ContainerKey, frozenset[str]]


class AdviceDays:
    """Reads of a policy's advice for the guard on advice; not for people, so without a principal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def standing(self, cluster: str, policy: str) -> StandingAdvice:
        """Return what stands for each container of a cluster, without its content."""
        states = [state.value for state in (_State.PROPOSED, _State.REJECTED, *_QUIET)]
        columns = [_R[name] for name in (*KEY_COLUMNS, "id", "state", "content_hash")]
        statement = (
            select(*columns)
            .where(_R.cluster == cluster, _R.policy == policy, _R.state.in_(states))
            .order_by(_R.as_of, _R.id)
        )
        proposed: dict[ContainerKey, tuple[str, str]] = {}
        quiet: set[ContainerKey] = set()
        refused: dict[ContainerKey, frozenset[str]] = {}
        with self._database.read() as connection:
            for row in connection.execute(statement).mappings():
                key, state = key_of(dict(row)), _State(row["state"])
                if state is _State.PROPOSED:
                    proposed[key] = (row["id"], row["content_hash"])
                elif state is _State.REJECTED:
                    refused[key] = refused.get(key, frozenset()) | {row["content_hash"]}
                else:
                    quiet.add(key)
        return StandingAdvice(proposed, frozenset(quiet), refused)

    def load(self, ids: Sequence[str]) -> list[Recommendation]:
        """Return suggestions by their ids; what is not there is left out."""
        found = []
        with self._database.read() as connection:
            for first in range(0, len(ids), _IDS_AT_ONCE):
                statement = select(RECOMMENDATION).where(_R.id.in_(ids[first : first + _IDS_AT_ONCE]))
                rows = connection.execute(statement.order_by(_R.id)).mappings()
                found += [from_row(dict(row)).recommendation for row in rows]
        return found

    def proposed_on(self, cluster: str, policy: str, day: date) -> list[Recommendation]:
        """Return the advice first proposed on a UTC day of event time, whatever became of it."""
        statement = (
            select(RECOMMENDATION)
            .join(RECOMMENDATION_EVENT, _E.recommendation_id == _R.id)
            .where(
                _R.cluster == cluster,
                _R.policy == policy,
                _E.sequence == 1,
                _E.state == _State.PROPOSED.value,
                _E.occurred_at >= day_start(day),
                _E.occurred_at < day_start(day + DAY),
            )
            .order_by(_R.id)
        )
        with self._database.read() as connection:
            return [from_row(dict(row)).recommendation for row in connection.execute(statement).mappings()]

    def moved_to(
        self, state: RecommendationState, window: HourWindow
    ) -> list[tuple[datetime, ContainerKey, str | None]]:
        """Return when suggestions of all clusters came into a state: instant, container, team."""
        statement = (
            select(RECOMMENDATION, _E.occurred_at)
            .join(RECOMMENDATION_EVENT, _E.recommendation_id == _R.id)
            .where(_E.state == state.value, _E.occurred_at >= window.start, _E.occurred_at < window.end)
            .order_by(_E.occurred_at, _R.id)
        )
        with self._database.read() as connection:
            return [
                (row["occurred_at"], key_of(dict(row)), row["team"])
                for row in connection.execute(statement).mappings()
            ]

    def note_fault(self, cluster: str, day: date, cause: str | None, at: datetime) -> None:
        """Store whether data looked wrong when a cluster was judged for a day; the last word counts."""
        row = {"cluster": cluster, "day": day, "cause": cause, "noted_at": at}
        with self._database.write() as connection:
            insert_or_update(connection, DATA_FAULT_DAY, [row])

    def newest_faults(self) -> dict[str, tuple[date, str]]:
        """Return day and cause by cluster, of those whose newest judged day looked wrong."""
        columns = DATA_FAULT_DAY.c
        newest: dict[str, tuple[date, str | None]] = {}
        with self._database.read() as connection:
            for row in connection.execute(select(DATA_FAULT_DAY).order_by(columns.cluster, columns.day)):
                newest[row.cluster] = (row.day, row.cause)
        return {cluster: (day, cause) for cluster, (day, cause) in newest.items() if cause is not None}
