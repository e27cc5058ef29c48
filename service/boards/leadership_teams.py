"""The team table of the cost board: every payer with idle, overhead and unowned beside the teams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from models.vocabulary.money import minor_digits, round_to_sum
from service.boards.comparisons import CostChange, compare_costs
from service.boards.formats import ratio_of
from service.boards.leadership_facts import LeadershipFacts
from service.boards.texts import say
from warehouse.reads.costs import OwnerCost

_ZERO = Decimal(0)
_MOST_TEAMS = 1000
TOP_TEAMS = 6
"""Teams named on the first screen; the rest is one row beneath them."""
_TREND_DAYS = 14

Payer = tuple[str, str]
"""Kind (team, unowned, idle, overhead) and label."""


@dataclass(frozen=True)
class TeamRow:
    """One payer of the period. The rows of a table sum to the headline; the last one is that sum.

    ``change`` and ``change_ratio`` are None where the days may not be compared; ``cpu_use_ratio`` is CPU
    used / CPU requested, None without requests; ``trend`` holds the last 14 days' cost.
    """

    kind: str
    label: str
    cost: Decimal
    share: float | None
    change: Decimal | None
    change_ratio: float | None
    cpu_use_ratio: float | None
    owner_source: str
    trend: tuple[float, ...] = ()


def payer_costs(owners: Iterable[OwnerCost]) -> dict[Payer, Decimal]:
    """Return cost by payer, (kind, label); kinds are team, unowned, idle, overhead. They sum to the total."""
    costs: dict[Payer, Decimal] = defaultdict(lambda: _ZERO)
    for row in owners:
        costs[("idle", say("team.idle"))] += row.cost.idle_cost
        costs[("overhead", say("team.overhead"))] += row.cost.overhead_cost
        rest = row.cost.total_cost - row.cost.idle_cost - row.cost.overhead_cost
        if row.team is not None:
            costs[("team", row.team)] += rest
        else:
            costs[("unowned", say("team.unowned"))] += rest
    return {payer: cost for payer, cost in costs.items() if cost or payer[0] == "team"}


@dataclass(frozen=True)
class _Payers:
    """Cost by payer: of the period, of its compared days, and of the days before."""

    facts: LeadershipFacts
    costs: dict[Payer, Decimal]
    paired: dict[Payer, Decimal]
    before: dict[Payer, Decimal]

    @classmethod
    def of(cls, facts: LeadershipFacts) -> _Payers:
        """Add up the payers of a board."""
        sides = (facts.owners, facts.owners_paired, facts.owners_before)
        return cls(facts, *(payer_costs(side) for side in sides))

    @cached_property
    def all(self) -> list[Payer]:
        """Every payer of the period or the days before, the dearest first."""
        found = {*self.costs, *self.before}
        return sorted(found, key=lambda payer: (-self.costs.get(payer, _ZERO), payer))

    @cached_property
    def total(self) -> Decimal:
        """Cost of every payer."""
        return self.cost(self.all)

    @cached_property
    def owners(self) -> dict[str, list[OwnerCost]]:
        """Rows of each team."""
        found: dict[str, list[OwnerCost]] = defaultdict(list)
        for row in self.facts.owners:
            if row.team is not None:
                found[row.team].append(row)
        return found

    @cached_property
    def trends(self) -> dict[str, list[float]]:
        """Cost of each day of each team, oldest first."""
        found: dict[str, list[float]] = defaultdict(list)
        for row in self.facts.team_days:
            found[row.team].append(float(row.total_cost))
        return found

    def cost(self, payers: Sequence[Payer]) -> Decimal:
        """Cost of some payers over the period."""
        return sum((self.costs.get(payer, _ZERO) for payer in payers), _ZERO)

    def change(self, payers: Sequence[Payer]) -> CostChange | None:
        """Change of some payers, or None where nothing may be compared."""
        period = self.facts.period
        if period.compared is None:
            return None
        now = sum((self.paired.get(payer, _ZERO) for payer in payers), _ZERO)
        earlier = sum((self.before.get(payer, _ZERO) for payer in payers), _ZERO)
        return compare_costs(now, earlier, len(period.paired_days), len(period.compared_days))


def payer_changes(facts: LeadershipFacts) -> list[tuple[str, Decimal]]:
    """Return the change of each payer; they add up to the whole change. Empty if nothing is compared."""
    payers = _Payers.of(facts)
    found = ((payer[1], payers.change([payer])) for payer in payers.all)
    return [(label, change.difference) for label, change in found if change is not None]


def build_teams(facts: LeadershipFacts, *, most: int = _MOST_TEAMS) -> tuple[TeamRow, ...]:
    """Return the team table: teams by cost, then unowned, idle, overhead, then the sum of all rows.

    Parameters
    ----------
    facts : LeadershipFacts
    most : int
        Teams with a row of their own; if more than one is left, the rest is one row.
    """
    payers = _Payers.of(facts)
    teams = [payer for payer in payers.all if payer[0] == "team"]
    count = len(teams) if len(teams) <= most + 1 else most
    shown, folded = teams[:count], teams[count:]
    rows = [_team_row(payers, [payer], payer[1]) for payer in shown]
    if folded:
        rows.append(_team_row(payers, folded, say("team.others", count=len(folded))))
    rest = sorted((payer for payer in payers.all if payer[0] != "team"), key=_position)
    rows += [_team_row(payers, [payer], payer[1]) for payer in rest]
    total = replace(_team_row(payers, payers.all, say("team.total")), kind="total")
    return (*_in_coins(rows, facts.currency), _in_coins([total], facts.currency)[0])


def _in_coins(rows: Sequence[TeamRow], currency: str) -> list[TeamRow]:
    """Round costs and changes to coins so that the rows on screen add up to their sum on screen."""
    digits = minor_digits(currency)
    costs = round_to_sum([row.cost for row in rows], digits)
    known = [row.change for row in rows if row.change is not None]
    changes = iter(round_to_sum(known, digits))
    return [
        replace(row, cost=cost, change=None if row.change is None else next(changes))
        for row, cost in zip(rows, costs, strict=True)
    ]


def _position(payer: Payer) -> int:
    return ("unowned", "idle", "overhead").index(payer[0])


def _team_row(payers: _Payers, members: Sequence[Payer], label: str) -> TeamRow:
    cost, change = payers.cost(members), payers.change(members)
    names = {name for kind, name in members if kind == "team"}
    is_one_team = len(members) == len(names) == 1
    rows = [row for name in sorted(names) for row in payers.owners.get(name, ())]
    requested = sum(row.cpu_request_seconds for row in rows)
    sources = sorted({row.ownership_source for row in rows if row.ownership_source})
    return TeamRow(
        kind=members[0][0] if members else "total",
        label=label,
        cost=cost,
        share=ratio_of(cost, payers.total),
        change=change.difference if change else None,
        change_ratio=change.ratio if change else None,
        cpu_use_ratio=sum(row.cpu_usage_seconds for row in rows) / requested if requested else None,
        owner_source=", ".join(sources) if is_one_team else "",
        trend=tuple(payers.trends.get(label, ())[-_TREND_DAYS:]) if is_one_team else (),
    )
