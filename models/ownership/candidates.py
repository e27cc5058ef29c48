"""Who probably owns what nobody owns: proposals for people, never used to charge anybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.ownership.name_likeness import NameIndex, likeness

_NEAR_ENOUGH = 0.75
_MOST_CANDIDATES = 3


@dataclass(frozen=True)
class OwnerCandidate:
    """A team that may own a workload, and what speaks for it."""

    team: str
    evidence: str


@dataclass(frozen=True)
class OwnedCost:
    """What a known team pays for a workload somewhere."""

    namespace: str
    workload_name: str
    team: str
    cost: Decimal


class CandidateFinder:
    """Finds teams for places without an owner.

    Parameters
    ----------
    owned : iterable of OwnedCost
        Costs whose owner a rule or a label names, of all clusters.
    teams_by_name : mapping of str to str
        Names of teams, projects and services, each with its team.
    """

    def __init__(self, owned: Iterable[OwnedCost], teams_by_name: Mapping[str, str]) -> None:
        self._of_namespace: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        self._of_workload: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in owned:
            self._of_namespace[row.namespace][row.team] += row.cost
            self._of_workload[row.workload_name][row.team] += row.cost
        self._teams = teams_by_name
        self._index = NameIndex(sorted(teams_by_name))

    def find(self, namespace: str, workload_name: str) -> tuple[OwnerCandidate, ...]:
        """Return at most three teams, the likeliest first.

        In this order: who pays for the rest of the namespace, for workloads of the same name, and whose
        names are near.
        """
        found = [
            *_payers(self._of_namespace.get(namespace, {}), f"of the owned cost in {namespace}"),
            *_payers(self._of_workload.get(workload_name, {}), f"of what is called {workload_name}"),
            *self._near(namespace),
            *self._near(workload_name),
        ]
        first: dict[str, OwnerCandidate] = {}
        for candidate in found:
            first.setdefault(candidate.team, candidate)
        return tuple(first.values())[:_MOST_CANDIDATES]

    def _near(self, name: str) -> Sequence[OwnerCandidate]:
        scored = [(likeness(name, known), known) for known in self._index.candidates(name)]
        near = [(one, known) for one, known in scored if one.score >= _NEAR_ENOUGH]
        near.sort(key=lambda item: (-item[0].score, item[1]))
        return [OwnerCandidate(self._teams[known], f"{known}: {one.evidence}") for one, known in near]


def _payers(costs: Mapping[str, Decimal], what: str) -> list[OwnerCandidate]:
    total = sum(costs.values(), Decimal(0))
    ordered = sorted(costs.items(), key=lambda item: (-item[1], item[0]))
    return [
        OwnerCandidate(team, f"pays {float(cost / total):.0%} {what}") for team, cost in ordered if total > 0
    ]
