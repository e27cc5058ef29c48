"""Who pays for a pod at an instant: rules, then labels, then a guess (DESIGN section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from models.ownership.rules import OwnershipRow, check_ownership_rows, hash_ownership_rows
from models.vocabulary.identity import TEAM_LABELS
from models.vocabulary.selector import parse_selector


class OwnershipSource(StrEnum):
    """How an owner is known. Owned share counts rules and labels; guessed stands beside it."""

    RULE = "rule"
    LABEL = "label"
    GUESSED = "guessed"


@dataclass(frozen=True)
class Owner:
    """A payer and its share. ``team`` None is unowned: what the shares of a rule leave of the whole."""

    team: str | None
    cost_centre: str | None
    source: OwnershipSource | None
    share_ratio: Decimal


class OwnershipBook:
    """Ownership rules, ready to be asked per namespace, labels and instant.

    The rule of highest priority wins; among equals the more specific: a selector before none, an exact
    namespace before a glob, the longer glob, an exact cluster before a glob, at last by name.

    Parameters
    ----------
    rows : iterable of OwnershipRow
        Checked by ``check_ownership_rows``.
    """

    def __init__(self, rows: Iterable[OwnershipRow] = ()) -> None:
        ordered = list(rows)
        check_ownership_rows(ordered)
        self.rows = tuple(sorted(ordered, key=_rank, reverse=True))
        self._by_place: dict[tuple[str, str], tuple[OwnershipRow, ...]] = {}

    def owners(
        self,
        cluster: str,
        namespace: str,
        labels: Mapping[str, str],
        namespace_labels: Mapping[str, str],
        moment: datetime,
    ) -> tuple[Owner, ...]:
        """Return who pays at the instant; the shares add up to 1.

        Parameters
        ----------
        cluster, namespace : str
        labels, namespace_labels : mapping
            Labels of the pod and of its namespace.
        moment : datetime
            An aware instant.
        """
        matching = [
            row
            for row in self._at_place(cluster, namespace)
            if row.valid_from <= moment < row.ends_at
            and parse_selector(row.label_selector or "").matches(labels)
        ]
        if matching:
            return _by_rule([row for row in matching if row.scope == matching[0].scope])
        for source in (labels, namespace_labels):
            for name in TEAM_LABELS:
                if source.get(name):
                    return (Owner(source[name], None, OwnershipSource.LABEL, Decimal(1)),)
        return (Owner(namespace, None, OwnershipSource.GUESSED, Decimal(1)),)

    def changes(self, cluster: str, start: datetime, end: datetime) -> list[datetime]:
        """Return the instants inside ``(start, end)`` at which a rule of the cluster begins or ends."""
        instants = {
            edge
            for row in self.rows
            if fnmatchcase(cluster, row.cluster)
            for edge in (row.valid_from, row.ends_at)
            if start < edge < end
        }
        return sorted(instants)

    def hash_between(self, cluster: str, start: datetime, end: datetime) -> str:
        """Return a hash of the cluster's rules in ``[start, end)``: nothing before or after it is in it."""
        return hash_ownership_rows(
            replace(row, valid_from=max(row.valid_from, start), valid_to=min(row.ends_at, end))
            for row in self.rows
            if row.applies_between(start, end) and fnmatchcase(cluster, row.cluster)
        )

    def _at_place(self, cluster: str, namespace: str) -> tuple[OwnershipRow, ...]:
        place = (cluster, namespace)
        if place not in self._by_place:
            self._by_place[place] = tuple(
                row
                for row in self.rows
                if fnmatchcase(cluster, row.cluster) and fnmatchcase(namespace, row.namespace)
            )
        return self._by_place[place]


def _rank(row: OwnershipRow) -> tuple[int, bool, bool, int, bool, str, str]:
    return (
        row.priority,
        bool(row.label_selector),
        not _is_glob(row.namespace),
        len(row.namespace),
        not _is_glob(row.cluster),
        repr(row.scope),
        row.team,
    )


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def _by_rule(rows: list[OwnershipRow]) -> tuple[Owner, ...]:
    owners = [Owner(row.team, row.cost_centre, OwnershipSource.RULE, row.share_ratio) for row in rows]
    rest = 1 - sum((row.share_ratio for row in rows), Decimal(0))
    if rest > 0:
        owners.append(Owner(None, None, None, rest))
    return tuple(owners)
