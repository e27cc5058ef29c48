"""Who may be charged a share, and how much: the tenants of a node, pool, namespace or cluster on a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any

from models.allocation.apportion import apportion
from models.chargeback.lines import ChargeLine, LineKind
from models.chargeback.policy import Key, Policy, Scope

DIRECT = frozenset({LineKind.TEAM, LineKind.UNOWNED})
_WHOLE = 10**18
"""Weight of a team where teams pay evenly or by ratios; its payers divide it by what they cost."""

Weights = Mapping["Payer", int]


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays a line, and in which namespace the cost arose; no team is unowned."""

    team: str | None = None
    cost_centre: str | None = None
    ownership_source: str | None = None
    namespace: str | None = None

    @classmethod
    def of(cls, line: ChargeLine, *, is_by_namespace: bool = True) -> Payer:
        """Return the payer of a line."""
        namespace = line.namespace if is_by_namespace else None
        return cls(line.team, line.cost_centre, line.ownership_source, namespace)

    def order(self) -> tuple[str, ...]:
        """Return a sort key: shares do not depend on the order of lines."""
        parts = (self.team, self.cost_centre, self.ownership_source, self.namespace)
        return tuple("" if part is None else f"={part}" for part in parts)

    def fields(self) -> dict[str, Any]:
        """Return the payer as fields of a line."""
        return {
            "team": self.team,
            "cost_centre": self.cost_centre,
            "ownership_source": self.ownership_source,
            "namespace": self.namespace,
        }


class Tenants:
    """What every payer's workloads cost, by place and day; each place is added up once, when it is asked for.

    Parameters
    ----------
    lines : sequence of ChargeLine
        All lines of a month.
    policy : Policy
        Names the shared namespaces, whose cost draws no share of others.
    """

    def __init__(self, lines: Sequence[ChargeLine], policy: Policy) -> None:
        self._direct = [line for line in lines if line.kind in DIRECT]
        self._globs = tuple(glob for service in policy.shared for glob in service.namespaces)
        self._is_shared: dict[str | None, bool] = {None: False}
        self._sums: dict[tuple[object, ...], dict[tuple[Any, ...], dict[Payer, int]]] = {}
        self._homes: dict[str, str | None] = {}

    def of_node_line(self, line: ChargeLine, scope: Scope) -> Weights:
        """Return who had cost beside an idle or overhead line of nodes, on its day."""
        if scope is Scope.NODE:
            weight = "idle_share_weight" if line.kind is LineKind.IDLE else "overhead_share_weight"
            names = ("day", "cluster", "currency", "node_pool", "resource", "provenance")
            return self._find(line, names, weight)
        if scope is Scope.POOL:
            return self._find(line, ("day", "cluster", "currency", "node_pool", "resource"))
        if scope is Scope.CLUSTER:
            return self._find(line, ("day", "cluster", "currency", "resource"))
        return self.everywhere(line)

    def of_namespace(self, line: ChargeLine) -> Weights:
        """Return whose workloads a namespace held on a day; none without a namespace."""
        if line.namespace is None:
            return {}
        return self._find(line, ("day", "cluster", "currency", "namespace"))

    def of_cluster(self, line: ChargeLine) -> Weights:
        """Return whose workloads a cluster held on a day, with all their resources."""
        return self._find(line, ("day", "cluster", "currency"))

    def everywhere(self, line: ChargeLine) -> Weights:
        """Return whose workloads all clusters held on a day."""
        return self._find(line, ("day", "currency"), is_by_namespace=False)

    def teams_beside(self, line: ChargeLine, *, resource: str | None = None, is_everywhere: bool) -> Weights:
        """Return what teams' own workloads cost on a day, or in the month for a line of no day.

        Workloads of shared namespaces and unowned ones are left out.
        """
        names = ("currency",) if is_everywhere else ("cluster", "currency")
        if line.day is not None:
            names = ("day", *names)
        found = self._find(line, names, resource=resource, is_by_namespace=False, is_of_teams=True)
        return {payer: weight for payer, weight in found.items() if weight > 0}

    def payer_of(self, team: str, cost_centre: str | None = None) -> Payer:
        """Return a team with a cost centre: the one given, else that of most of its direct cost."""
        if cost_centre is not None:
            return Payer(team, cost_centre)
        if team not in self._homes:
            sums: dict[str, int] = {}
            for line in self._direct:
                if line.team == team and line.cost_centre is not None:
                    sums[line.cost_centre] = sums.get(line.cost_centre, 0) + line.effective
            self._homes[team] = min(sums, key=lambda name: (-sums[name], name), default=None)
        return Payer(team, self._homes[team])

    def is_shared_namespace(self, namespace: str | None) -> bool:
        """Whether a shared service claims a namespace."""
        if namespace not in self._is_shared:
            self._is_shared[namespace] = any(fnmatchcase(namespace or "", glob) for glob in self._globs)
        return self._is_shared[namespace]

    def _find(
        self,
        line: ChargeLine,
        names: tuple[str, ...],
        weight: str = "effective",
        *,
        resource: str | None = None,
        is_by_namespace: bool = True,
        is_of_teams: bool = False,
    ) -> Weights:
        index = (names, weight, resource, is_by_namespace, is_of_teams)
        if index not in self._sums:
            lines = [
                one
                for one in self._direct
                if (resource is None or one.resource == resource)
                and not (is_of_teams and (one.team is None or self.is_shared_namespace(one.namespace)))
                and (weight == "effective" or getattr(one, weight))
            ]
            self._sums[index] = _added_up(lines, names, weight, is_by_namespace=is_by_namespace)
        return self._sums[index].get(_key(names)(line), {})


def _key(names: tuple[str, ...]) -> Callable[[ChargeLine], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda line: (getattr(line, names[0]),)
    return attrgetter(*names)


def _added_up(
    lines: Sequence[ChargeLine], names: tuple[str, ...], weight: str, *, is_by_namespace: bool
) -> dict[tuple[Any, ...], dict[Payer, int]]:
    key_of = _key(names)
    found: dict[tuple[Any, ...], dict[Payer, int]] = {}
    for line in lines:
        place = found.setdefault(key_of(line), {})
        payer = Payer.of(line, is_by_namespace=is_by_namespace)
        place[payer] = place.get(payer, 0) + getattr(line, weight)
    return found


def share_weights(
    found: Weights, key: Key, ratios: Sequence[tuple[str, Decimal]], tenants: Tenants
) -> dict[Payer, int]:
    """Return by what weights payers divide a cost; none when nobody can be charged.

    Parameters
    ----------
    found : mapping of Payer to int
        What each costs in the place.
    key : Key
        ``proportional`` takes that; ``even`` gives every team with cost there the same, and ``fixed`` what
        the ratios say, also to a team without cost there. A team's payers divide its part by cost; unowned
        workloads take none then.
    ratios : sequence of (str, Decimal)
    tenants : Tenants
        Know the cost centre of a team without cost there.
    """
    if key is Key.PROPORTIONAL:
        return {payer: weight for payer, weight in found.items() if weight > 0}
    if key is Key.EVEN:
        teams = {team: _WHOLE for team in sorted({payer.team for payer in found if payer.team is not None})}
    else:
        teams = {team: int(ratio * _WHOLE) for team, ratio in ratios if ratio}
    weights: dict[Payer, int] = {}
    for team, whole in teams.items():
        own = {payer: max(weight, 0) for payer, weight in found.items() if payer.team == team}
        payers = sorted(own, key=Payer.order) or [tenants.payer_of(team)]
        parts = [own.get(payer, 0) for payer in payers]
        divided = apportion(whole, parts if sum(parts) else [1] + [0] * (len(parts) - 1))
        weights |= dict(zip(payers, divided, strict=True))
    return weights
