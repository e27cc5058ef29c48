"""Why cost changed from one period, or one team, to another: exactly, by cause, with what moved most."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from models.comparison.decomposition import Decomposition, Item, decompose
from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY
from service.boards.headers import read_final_days
from service.runtime import Runtime
from warehouse.reads.costs import CostReads
from warehouse.reads.variance import CostScope, VarianceReads, VolumeRow

_SECONDS_PER_HOUR = 3600
_BYTES_PER_GIB = 1 << 30
UNIT_OF_RESOURCE = {
    "cpu": ("core-hour", _SECONDS_PER_HOUR),
    "memory": ("GiB-hour", _SECONDS_PER_HOUR * _BYTES_PER_GIB),
    "gpu": ("GPU-hour", _SECONDS_PER_HOUR),
    "storage": ("storage GiB-hour", _SECONDS_PER_HOUR * _BYTES_PER_GIB),
}
"""Unit in which a resource is priced, and how many resource-seconds it holds."""


@dataclass(frozen=True)
class Mover:
    """One workload, or the idle or overhead capacity of a pool, whose cost changed.

    ``cause`` names the largest part of its own decomposition.
    """

    name: str
    cluster: str
    base_cost: Decimal
    current_cost: Decimal
    cause: str

    @property
    def change(self) -> Decimal:
        """Current less base cost."""
        return self.current_cost - self.base_cost


@dataclass(frozen=True)
class Variance:
    """A change explained, in one currency.

    Parameters
    ----------
    base, current : CostScope
    base_cost, current_cost : Decimal
    causes : Decomposition
        Adds up to current less base cost, to the last of nine decimals.
    movers : tuple of Mover
        The largest changes, in either direction.
    base_final_days, current_final_days : int
        Days of each side that are final.
    """

    base: CostScope
    current: CostScope
    base_cost: Decimal
    current_cost: Decimal
    causes: Decomposition
    movers: tuple[Mover, ...]
    base_final_days: int
    current_final_days: int

    @property
    def change(self) -> Decimal:
        """Current less base cost."""
        return self.current_cost - self.base_cost


def explain_change(
    runtime: Runtime,
    principal: Principal,
    base: CostScope,
    current: CostScope,
    *,
    most_movers: int = 10,
    final: Mapping[date, bool] | None = None,
) -> Variance:
    """Explain the change of cost between two scopes of one currency.

    The same workloads of two periods are compared one by one. Two teams have no workload in common, so they
    are compared by cluster, node pool and resource; then nothing is new or gone but whole resources.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Only visible rows count: the owner of a team sees its change, without idle and overhead.
    base, current : CostScope
    most_movers : int
    final : mapping of date to bool, optional
        Which days are final, where the caller knows.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    """
    pin = runtime.warehouse.pin()
    reads = VarianceReads(runtime.warehouse.lake, pin)
    sides = reads.volumes(principal, base), reads.volumes(principal, current)
    if final is None:
        final, _ = read_final_days(runtime, principal, CostReads(runtime.warehouse.lake, pin))
    return explain_volumes((base, current), sides, final, most_movers=most_movers)


def explain_volumes(
    scopes: tuple[CostScope, CostScope],
    sides: tuple[Sequence[VolumeRow], Sequence[VolumeRow]],
    final: Mapping[date, bool],
    *,
    most_movers: int,
) -> Variance:
    """Explain the change between what was read of two scopes, base first."""
    (base, current), (before, after) = scopes, sides
    is_same_payer = (base.team, base.cost_centre) == (current.team, current.cost_centre)
    return Variance(
        base,
        current,
        sum((row.cost for row in before), Decimal(0)),
        sum((row.cost for row in after), Decimal(0)),
        decompose(_items(before, is_same_payer=is_same_payer), _items(after, is_same_payer=is_same_payer)),
        _movers(before, after, most_movers) if is_same_payer else (),
        _final_count(base, final),
        _final_count(current, final),
    )


def _final_count(scope: CostScope, final: Mapping[date, bool]) -> int:
    days = ((scope.first + index * DAY) for index in range((scope.last - scope.first).days + 1))
    return sum(final.get(day, False) for day in days)


def _items(rows: Iterable[VolumeRow], *, is_same_payer: bool) -> list[Item]:
    """Return one item per thing and place, or per place alone where the payers differ."""
    found: dict[tuple[Hashable, str], _Sum] = {}
    for row in rows:
        unit = UNIT_OF_RESOURCE.get(row.resource, (row.resource, _SECONDS_PER_HOUR))[0]
        place = (row.cluster, row.node_pool, row.resource)
        thing: Hashable = (*_thing(row), row.resource) if is_same_payer else row.resource
        added = found.setdefault(((thing, place), unit), _Sum(thing, place))
        added.add(row)
    return [total.item(key, unit) for (key, unit), total in found.items()]


def _thing(row: VolumeRow) -> tuple[str | None, ...]:
    if row.cause == "workload":
        return (row.cluster, row.namespace, row.workload_kind, row.workload_name)
    return (row.cluster, row.cause, row.node_pool, None)


class _Sum:
    """Quantity and cost of one thing at one place."""

    def __init__(self, thing: Hashable, place: Hashable) -> None:
        self._thing = thing
        self._place = place
        self._quantity = self._cost = self._unused = Decimal(0)

    def add(self, row: VolumeRow) -> None:
        per_unit = UNIT_OF_RESOURCE.get(row.resource, ("", _SECONDS_PER_HOUR))[1]
        self._quantity += (row.billed_seconds or Decimal(0)) / per_unit
        self._cost += row.cost
        self._unused += row.unused_cost

    def item(self, key: Hashable, unit: str) -> Item:
        used = Fraction(self._cost - self._unused)
        ratio = used / Fraction(self._cost) if self._cost else Fraction(1)
        return Item(key, unit, self._quantity, self._cost, ratio, family=self._thing, place=self._place)


def _movers(before: Sequence[VolumeRow], after: Sequence[VolumeRow], most: int) -> tuple[Mover, ...]:
    sides: dict[tuple[str | None, ...], tuple[list[VolumeRow], list[VolumeRow]]] = {}
    for number, rows in enumerate((before, after)):
        for row in rows:
            sides.setdefault(_thing(row), ([], []))[number].append(row)
    costs = {
        thing: (sum((row.cost for row in old), Decimal(0)), sum((row.cost for row in new), Decimal(0)))
        for thing, (old, new) in sides.items()
    }
    moved = sorted(
        (thing for thing, (old, new) in costs.items() if old != new),
        key=lambda thing: (-abs(costs[thing][1] - costs[thing][0]), tuple(map(str, thing))),
    )
    return tuple(
        Mover(
            _name(thing),
            thing[0] or "",
            *costs[thing],
            decompose(*(_items(side, is_same_payer=True) for side in sides[thing])).largest,
        )
        for thing in moved[:most]
    )


def _name(thing: tuple[str | None, ...]) -> str:
    _, scope, kind, name = thing
    if name is None and scope in ("idle", "overhead"):
        return f"{scope} capacity of {kind or 'unknown pool'}"
    return f"{scope or '(no namespace)'}/{kind or 'unknown'}/{name or 'unknown'}"
