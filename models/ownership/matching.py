"""Who pays for a pod at an instant: rules, then labels, then a guess (DESIGN section 5)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from models.ownership.annotations import annotations_match
from models.ownership.globs import glob_matches, is_glob
from models.ownership.label_keys import team_label
from models.ownership.names import TeamNames
from models.ownership.places import PlaceHistory, Workload
from models.ownership.precedence import in_order
from models.ownership.rules import OwnershipRow, check_ownership_rows, rule_text
from models.ownership.teams import TeamDirectory
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


@dataclass(frozen=True)
class OwnershipFacts:
    """What rules are read against.

    Parameters
    ----------
    names : TeamNames
        The one name of each team.
    teams : TeamDirectory
        Gives the cost centre of a team that its rule or label does not name.
    places : PlaceHistory
        Labels of namespaces and annotations of one cluster over time.
    label_keys : sequence of str
        Labels that name a team, the first has precedence.
    """

    names: TeamNames = field(default_factory=TeamNames)
    teams: TeamDirectory = field(default_factory=TeamDirectory)
    places: PlaceHistory = field(default_factory=PlaceHistory)
    label_keys: Sequence[str] = TEAM_LABELS


class OwnershipBook:
    """Ownership rules, ready to be asked per namespace, labels, workload and instant.

    Of the rules that match, the strongest by `models.ownership.precedence.rank` decides.

    Parameters
    ----------
    rows : iterable of OwnershipRow
        Checked by ``check_ownership_rows``.
    facts : OwnershipFacts
    """

    def __init__(self, rows: Iterable[OwnershipRow] = (), facts: OwnershipFacts | None = None) -> None:
        ordered = list(rows)
        check_ownership_rows(ordered)
        self.rows = tuple(in_order(ordered))
        self.facts = facts or OwnershipFacts()
        self.needs_workload = any(row.workload or row.annotation_selector for row in self.rows)
        """Whether the answer may depend on the workload, not on namespace and labels alone."""
        self._by_cluster: dict[str, _RulesOfCluster] = {}
        self._texts: dict[str, list[tuple[str, datetime, datetime]]] = {}

    def owners(
        self,
        cluster: str,
        namespace: str,
        labels: Mapping[str, str],
        namespace_labels: Mapping[str, str],
        moment: datetime,
        workload: Workload | None = None,
    ) -> tuple[Owner, ...]:
        """Return who pays at the instant; the shares add up to 1.

        Parameters
        ----------
        cluster, namespace : str
        labels, namespace_labels : mapping
            Labels of the pod and of its namespace; the latter count where no history of it is known.
        moment : datetime
            An aware instant.
        workload : tuple of (str, str), optional
            Kind and name. Without it, rules about workloads match nothing.
        """
        decisive = self.deciding_rows(cluster, namespace, labels, moment, workload)
        if decisive:
            return self._by_rule(decisive, moment)
        known = self.facts.places.namespace_labels(namespace, moment)
        for source in (labels, namespace_labels if known is None else known):
            team = team_label(source, self.facts.label_keys)
            if team is not None:
                return (self._owner(team, None, OwnershipSource.LABEL, Decimal(1), moment),)
        return (Owner(namespace, None, OwnershipSource.GUESSED, Decimal(1)),)

    def deciding_rows(
        self,
        cluster: str,
        namespace: str,
        labels: Mapping[str, str],
        moment: datetime,
        workload: Workload | None = None,
    ) -> tuple[OwnershipRow, ...]:
        """Return the rows of the strongest rule that matches, empty when none does."""
        strongest: OwnershipRow | None = None
        found: list[OwnershipRow] = []
        for row in self._of_cluster(cluster).candidates(namespace, labels):
            if strongest is not None and row.scope != strongest.scope:
                break
            if strongest is None and not self._matches(row, namespace, labels, moment, workload):
                continue
            if row.holds_at(moment):
                strongest = row
                found.append(row)
        return tuple(found)

    def changes(self, cluster: str, start: datetime, end: datetime) -> list[datetime]:
        """Return the instants inside ``(start, end)`` at which an owner in the cluster may change."""
        edges = {
            edge
            for row in self.rows
            if glob_matches(row.cluster, cluster)
            for edge in (row.valid_from, row.ends_at)
        }
        edges |= self.facts.names.changes() | self.facts.teams.changes() | self.facts.places.changes()
        return sorted(edge for edge in edges if start < edge < end)

    def hash_between(self, cluster: str, start: datetime, end: datetime) -> str:
        """Return a hash of what decides in ``[start, end)``: nothing before or after it is in it."""
        of_rules = self._rules_between(cluster, start, end)
        parts = [source.content_between(start, end) for source in self._dated_facts()]
        keys = tuple(self.facts.label_keys)
        return hashlib.sha256(repr((of_rules, parts, keys)).encode()).hexdigest()[:32]

    def _rules_between(self, cluster: str, start: datetime, end: datetime) -> list[str]:
        """Return what the cluster's rules say in ``[start, end)``, each with the part of it that it holds."""
        if cluster not in self._texts:
            rows = [row for row in self.rows if glob_matches(row.cluster, cluster)]
            self._texts[cluster] = sorted((rule_text(row), row.valid_from, row.ends_at) for row in rows)
        return [
            text if since <= start and end <= until else f"{text}@{max(since, start)}-{min(until, end)}"
            for text, since, until in self._texts[cluster]
            if since < end and start < until
        ]

    def _dated_facts(self) -> tuple[TeamNames, TeamDirectory, PlaceHistory]:
        return self.facts.names, self.facts.teams, self.facts.places

    def _matches(
        self,
        row: OwnershipRow,
        namespace: str,
        labels: Mapping[str, str],
        moment: datetime,
        workload: Workload | None,
    ) -> bool:
        if not row.holds_at(moment) or not parse_selector(row.label_selector or "").matches(labels):
            return False
        if row.workload and not _is_workload(row.workload, workload):
            return False
        if not row.annotation_selector:
            return True
        annotations = self.facts.places.annotations(namespace, workload, moment)
        return annotations_match(row.annotation_selector, annotations)

    def _by_rule(self, rows: Sequence[OwnershipRow], moment: datetime) -> tuple[Owner, ...]:
        shares: dict[tuple[str | None, str | None], Decimal] = defaultdict(Decimal)
        for row in rows:
            owner = self._owner(row.team, row.cost_centre, OwnershipSource.RULE, row.share_ratio, moment)
            shares[owner.team, owner.cost_centre] += owner.share_ratio
        owners = [
            Owner(team, cost_centre, OwnershipSource.RULE, share)
            for (team, cost_centre), share in shares.items()
        ]
        rest = 1 - sum(shares.values(), Decimal(0))
        if rest > 0:
            owners.append(Owner(None, None, None, rest))
        return tuple(owners)

    def _owner(
        self,
        team: str,
        cost_centre: str | None,
        source: OwnershipSource,
        share: Decimal,
        moment: datetime,
    ) -> Owner:
        name = self.facts.names.canonical(team, moment)
        return Owner(name, cost_centre or self.facts.teams.cost_centre(name, moment), source, share)

    def _of_cluster(self, cluster: str) -> _RulesOfCluster:
        if cluster not in self._by_cluster:
            rows = [row for row in self.rows if glob_matches(row.cluster, cluster)]
            self._by_cluster[cluster] = _RulesOfCluster(rows)
        return self._by_cluster[cluster]


class _RulesOfCluster:
    """Rules about one cluster, strongest first, found by the label or namespace that they ask for."""

    def __init__(self, rows: Sequence[OwnershipRow]) -> None:
        self._rows = rows
        self._by_label: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._by_namespace: dict[str, list[int]] = defaultdict(list)
        self._of_globs: list[int] = []
        for number, row in enumerate(rows):
            wanted = [
                (requirement.key, value)
                for requirement in parse_selector(row.label_selector or "").requirements
                if requirement.operator == "in"
                for value in requirement.values
            ]
            for pair in wanted:
                self._by_label[pair].append(number)
            if not wanted and is_glob(row.namespace):
                self._of_globs.append(number)
            elif not wanted:
                self._by_namespace[row.namespace].append(number)

    def candidates(self, namespace: str, labels: Mapping[str, str]) -> Iterator[OwnershipRow]:
        """Yield the rules that namespace and labels do not rule out at once, strongest first."""
        numbers = {number for pair in labels.items() for number in self._by_label.get(pair, ())}
        for number in sorted({*numbers, *self._by_namespace.get(namespace, ()), *self._of_globs}):
            if glob_matches(self._rows[number].namespace, namespace):
                yield self._rows[number]


def _is_workload(pattern: str, workload: Workload | None) -> bool:
    if workload is None:
        return False
    return glob_matches(pattern, "/".join(workload) if "/" in pattern else workload[1])
