"""Step-down: what unowned workloads and shared teams cost is charged to others, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase

from models.chargeback.amounts import Amounts
from models.chargeback.lines import ChargeLine, LineKind
from models.chargeback.policy import Key, Measure, Policy, Rule, Scope, SharedService, Target
from models.chargeback.receivers import Payer, Tenants, Weights, share_weights

_OF_NOBODY = frozenset(
    {LineKind.UNOWNED, LineKind.IDLE_SHARE, LineKind.OVERHEAD_SHARE, LineKind.OVERSELL_GAIN}
)
"""Kinds whose lines without a team are unowned workloads' cost; of other kinds nobody pays them."""

Place = tuple[date | None, str, str]
"""Day, cluster and currency: cost moves between payers within one."""


class _Book:
    """What every payer is charged so far, by place."""

    def __init__(self, lines: Iterable[ChargeLine]) -> None:
        self._sums: dict[Place, dict[Payer, Amounts]] = {}
        for line in lines:
            if line.team is not None or line.kind in _OF_NOBODY:
                self.add(line)

    def add(self, line: ChargeLine) -> None:
        place = self._sums.setdefault((line.day, line.cluster, line.currency), {})
        payer = Payer.of(line)
        place[payer] = place.get(payer, Amounts()) + Amounts.of(line)

    def places(self) -> list[Place]:
        return sorted(self._sums, key=lambda place: (str(place[0] or ""), *place[1:]))

    def charged(self, place: Place, is_wanted: Callable[[Payer], bool]) -> dict[Payer, Amounts]:
        """Return what the wanted payers are charged in a place, whatever the namespace."""
        found: dict[Payer, Amounts] = {}
        for payer, amounts in self._sums[place].items():
            if is_wanted(payer):
                whole = Payer(payer.team, payer.cost_centre, payer.ownership_source)
                found[whole] = found.get(whole, Amounts()) + amounts
        return {payer: found[payer] for payer in sorted(found, key=Payer.order)}

    def loaded(self, place: Place, *, is_everywhere: bool) -> dict[Payer, int]:
        """Return what teams are charged on the day, in the cluster or in all."""
        day, _, currency = place
        places = [other for other in self._sums if other[0] == day and other[2] == currency]
        found: dict[Payer, int] = {}
        for other in places if is_everywhere else [place]:
            for payer, amounts in self._sums[other].items():
                whole = Payer(payer.team, payer.cost_centre, payer.ownership_source)
                found[whole] = found.get(whole, 0) + amounts.effective
        return found


def share_out(policy: Policy, lines: Sequence[ChargeLine], tenants: Tenants) -> list[ChargeLine]:
    """Return the lines that move what unowned workloads and then each shared service cost.

    In the order in which services are declared; one that was shared out receives nothing any more, so that
    nothing goes round. Where nobody can be charged, the cost stays where it is.

    Parameters
    ----------
    policy : Policy
    lines : sequence of ChargeLine
        With idle, overhead and bill lines divided already.
    tenants : Tenants
    """
    if not policy.shared and policy.unowned.to is Target.OWN_LINE:
        return []
    book = _Book(lines)
    found = _unowned(policy.unowned, book, tenants)
    closed: set[str] = set()
    for service in policy.shared:
        if service.team is not None:
            closed.add(service.team)
        found += _service(service, book, tenants, closed)
    return found


def _unowned(rule: Rule, book: _Book, tenants: Tenants) -> list[ChargeLine]:
    if rule.to is Target.OWN_LINE:
        return []

    def is_unowned(payer: Payer) -> bool:
        return payer.team is None and not tenants.is_shared_namespace(payer.namespace)

    found = []
    for place in book.places():
        if rule.to is Target.PLATFORM:
            receivers: Weights = {tenants.payer_of(rule.team or "", rule.cost_centre): 1}
        else:
            receivers = tenants.teams_beside(_line(place, LineKind.SHARED_IN), is_everywhere=False)
        found += _moved("unowned", place, book.charged(place, is_unowned), receivers)
    for line in found:
        book.add(line)
    return found


def _service(service: SharedService, book: _Book, tenants: Tenants, closed: set[str]) -> list[ChargeLine]:
    def is_own(payer: Payer) -> bool:
        if service.team is not None:
            return payer.team == service.team
        is_claimed = any(fnmatchcase(payer.namespace or "", glob) for glob in service.namespaces)
        return is_claimed and payer.team not in closed

    found = []
    for place in book.places():
        weights = _weights(service, place, book, tenants)
        payable = {
            payer: weight
            for payer, weight in weights.items()
            if payer.team is not None
            and payer.team not in closed
            and (not service.receivers or payer.team in service.receivers)
        }
        receivers = share_weights(payable, service.key, service.ratios, tenants)
        found += _moved(service.name, place, book.charged(place, is_own), receivers)
    for line in found:
        book.add(line)
    return found


def _weights(service: SharedService, place: Place, book: _Book, tenants: Tenants) -> Mapping[Payer, int]:
    is_everywhere = service.scope is Scope.ALL
    if service.key is Key.PROPORTIONAL and service.measure is Measure.LOADED:
        return book.loaded(place, is_everywhere=is_everywhere)
    is_of_resource = service.key is Key.PROPORTIONAL and service.measure is not Measure.DIRECT
    resource = service.measure.removesuffix("_cost") if is_of_resource else None
    return tenants.teams_beside(
        _line(place, LineKind.SHARED_IN), resource=resource, is_everywhere=is_everywhere
    )


def _moved(name: str, place: Place, sources: Mapping[Payer, Amounts], receivers: Weights) -> list[ChargeLine]:
    """Return the lines that take amounts off their payers and charge them to receivers."""
    total = Amounts()
    for amounts in sources.values():
        total += amounts
    if total.is_nothing or not sum(receivers.values()):
        return []
    found = [
        _line(place, LineKind.SHARED_OUT, name, payer, -amounts)
        for payer, amounts in sources.items()
        if not amounts.is_nothing
    ]
    payers = sorted(receivers, key=Payer.order)
    parts = total.split([receivers[payer] for payer in payers])
    found += [
        _line(place, LineKind.SHARED_IN, name, payer, amounts)
        for payer, amounts in zip(payers, parts, strict=True)
        if not amounts.is_nothing
    ]
    return found


def _line(
    place: Place,
    kind: LineKind,
    name: str | None = None,
    payer: Payer | None = None,
    amounts: Amounts | None = None,
) -> ChargeLine:
    day, cluster, currency = place
    return ChargeLine(
        kind=kind,
        cluster=cluster,
        currency=currency,
        day=day,
        counterpart=name,
        **(payer or Payer()).fields(),
        **(amounts or Amounts()).values(),
    )
