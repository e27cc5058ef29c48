"""Why a cost changed: price, quantity, mix, efficiency, new and gone, adding up without a remainder."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from models.vocabulary.money import NANO

_PRECISION = 60
_NOTHING = Fraction(0)


@dataclass(frozen=True)
class Item:
    """What one thing cost, and how much of it there was.

    Parameters
    ----------
    key : hashable
        The same thing at the same place in both periods, such as (workload, resource, node pool).
    unit : str
        Unit of the quantity; only like is compared with like.
    quantity : Decimal
        Billed core-hours, GiB-hours or device-hours.
    cost : Decimal
        In one currency.
    useful_ratio : Fraction
        Share of the quantity that was used; the rest was requested, or idle, and not used.
    family : hashable
        The thing itself, wherever it ran: it is new or gone as a whole. The key when not given.
    place : hashable
        Where the price is made, such as a node pool: what a thing that moved there is compared with.
    """

    key: Hashable
    unit: str
    quantity: Decimal
    cost: Decimal
    useful_ratio: Fraction = Fraction(1)
    family: Hashable = None
    place: Hashable = None

    @property
    def identity(self) -> Hashable:
        """What is new or gone as a whole."""
        return self.key if self.family is None else self.family


@dataclass(frozen=True)
class Decomposition:
    """A change of cost by cause; the six parts add up to ``total`` exactly.

    With unit prices ``p = cost / q``, billed quantities ``q`` of which ``u`` were useful, sums ``Q`` and
    ``U`` per unit, and the base's mean price ``P`` of what is there in both periods::

        price = sum((p1 - p0) q1)        quantity   = P0 (U1 - U0)
        mix   = sum(p0 q1) - P0 Q1       efficiency = P0 ((Q1 - U1) - (Q0 - U0))
    """

    price: Decimal
    quantity: Decimal
    mix: Decimal
    efficiency: Decimal
    new: Decimal
    gone: Decimal

    @property
    def total(self) -> Decimal:
        """The whole change."""
        with localcontext(prec=_PRECISION):
            return self.price + self.quantity + self.mix + self.efficiency + self.new + self.gone

    @property
    def largest(self) -> str:
        """Name of the cause that moved the cost most."""
        names = ("price", "quantity", "mix", "efficiency", "new", "gone")
        return max(names, key=lambda name: abs(getattr(self, name)))


def decompose(base: Iterable[Item], current: Iterable[Item]) -> Decomposition:
    """Explain the change from base to current.

    All parts but mix are rounded to nine decimals; mix takes what that leaves. A thing that came to another
    place is compared with the base's mean price there, so that the move is mix and not price. A thing whose
    unit had no quantity at all in the base has no price there: its whole change counts as price.

    Raises
    ------
    ValueError
        If two items of one side have the same key and unit.
    """
    before, after = _by_key(base), _by_key(current)
    old = {item.identity for item in before.values()}
    now = {item.identity for item in after.values()}
    with localcontext(prec=_PRECISION):
        new = sum((item.cost for item in after.values() if item.identity not in old), Decimal(0))
        gone = -sum((item.cost for item in before.values() if item.identity not in now), Decimal(0))
        stayed = [
            _Pair(key[1], before.get(key), after.get(key))
            for key in dict.fromkeys((*before, *after))
            if any(item.identity in old and item.identity in now for item in _present(key, before, after))
        ]
        change = sum((pair.change for pair in stayed), Decimal(0))
        means = _mean_prices([pair.earlier for pair in stayed if pair.earlier is not None])
        price = _rounded(sum((_price_effect(pair, means) for pair in stayed), _NOTHING))
        quantity, efficiency = (_rounded(part) for part in _volume_effects(stayed, means))
        return Decomposition(price, quantity, change - price - quantity - efficiency, efficiency, new, gone)


_Key = tuple[Hashable, str]


@dataclass(frozen=True)
class _Pair:
    """One thing at one place in both periods; None where it was not there."""

    unit: str
    earlier: Item | None
    later: Item | None

    @property
    def change(self) -> Decimal:
        nothing = Decimal(0)
        return (self.later.cost if self.later else nothing) - (self.earlier.cost if self.earlier else nothing)


def _by_key(items: Iterable[Item]) -> dict[_Key, Item]:
    found: dict[_Key, Item] = {}
    for item in items:
        if (item.key, item.unit) in found:
            raise ValueError(f"two items are {item.key!r} in {item.unit}")
        found[item.key, item.unit] = item
    return found


def _present(key: _Key, *sides: Mapping[_Key, Item]) -> list[Item]:
    return [side[key] for side in sides if key in side]


_Means = Mapping[tuple[str, Hashable], Fraction]


def _mean_prices(items: Sequence[Item]) -> dict[tuple[str, Hashable], Fraction]:
    """Return the mean price per (unit, place), and per unit alone with the place ``_ANYWHERE``."""
    costs: dict[tuple[str, Hashable], Fraction] = {}
    amounts: dict[tuple[str, Hashable], Fraction] = {}
    for item in items:
        for place in (item.place, _ANYWHERE):
            if not item.quantity or (place is None):
                continue
            costs[item.unit, place] = costs.get((item.unit, place), _NOTHING) + Fraction(item.cost)
            amounts[item.unit, place] = amounts.get((item.unit, place), _NOTHING) + Fraction(item.quantity)
    return {key: cost / amounts[key] for key, cost in costs.items() if amounts[key]}


_ANYWHERE = object()


def _base_price(pair: _Pair, means: _Means) -> Fraction | None:
    if pair.earlier is not None and pair.earlier.quantity:
        return Fraction(pair.earlier.cost) / Fraction(pair.earlier.quantity)
    place = pair.later.place if pair.later is not None else None
    return means.get((pair.unit, place), means.get((pair.unit, _ANYWHERE)))


def _price_effect(pair: _Pair, means: _Means) -> Fraction:
    base = _base_price(pair, means)
    has_cost_only = pair.earlier is not None and not pair.earlier.quantity and pair.earlier.cost
    if base is None or has_cost_only:
        return Fraction(pair.change)
    if pair.later is None:
        return _NOTHING
    if not pair.later.quantity:
        # what costs without a quantity has no price: only what the earlier quantity explains is volume
        return Fraction(pair.later.cost)
    return Fraction(pair.later.cost) - base * Fraction(pair.later.quantity)


def _volume_effects(pairs: Iterable[_Pair], means: _Means) -> tuple[Fraction, Fraction]:
    """Return quantity and efficiency: what more use, and more that nobody used, cost at the mean price."""
    quantity = efficiency = _NOTHING
    for pair in pairs:
        mean = means.get((pair.unit, _ANYWHERE))
        if mean is None:
            continue
        used, unused = (
            later - earlier for later, earlier in zip(_split(pair.later), _split(pair.earlier), strict=True)
        )
        quantity += mean * used
        efficiency += mean * unused
    return quantity, efficiency


def _split(item: Item | None) -> tuple[Fraction, Fraction]:
    if item is None:
        return _NOTHING, _NOTHING
    amount = Fraction(item.quantity)
    return amount * item.useful_ratio, amount * (1 - item.useful_ratio)


def _rounded(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(NANO, rounding=ROUND_HALF_EVEN)
