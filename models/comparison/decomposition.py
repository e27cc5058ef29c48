"""Why a cost changed: price, quantity, mix, new and gone, adding up to the change without a remainder."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from models.vocabulary.money import NANO


@dataclass(frozen=True)
class Item:
    """What one thing cost, and how much of it there was.

    Parameters
    ----------
    key : hashable
        The same thing in both periods, such as (workload, resource).
    unit : str
        Unit of the quantity; only like is compared with like.
    quantity : Decimal
        Billed core-hours, GiB-hours or device-hours.
    cost : Decimal
        In one currency.
    """

    key: Hashable
    unit: str
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Decomposition:
    """A change of cost by cause; the five parts add up to ``total`` exactly.

    With unit prices ``p``, quantities ``q``, their sums ``Q`` and the mean price ``P`` of what is there in
    both periods: ``price = sum((p1 - p0) q1)``, ``quantity = P0 (Q1 - Q0)``, ``mix = sum(p0 q1) - P0 Q1``.
    """

    price: Decimal
    quantity: Decimal
    mix: Decimal
    new: Decimal
    gone: Decimal

    @property
    def total(self) -> Decimal:
        """The whole change."""
        with localcontext(prec=60):
            return self.price + self.quantity + self.mix + self.new + self.gone


def decompose(base: Iterable[Item], current: Iterable[Item]) -> Decomposition:
    """Explain the change from base to current.

    Price and quantity are rounded to nine decimals; mix takes what that leaves. A thing without quantity on
    one side has no unit price there: its whole change counts as price.
    """
    before = {(item.unit, item.key): item for item in base}
    after = {(item.unit, item.key): item for item in current}
    with localcontext(prec=60):
        new = sum((item.cost for key, item in after.items() if key not in before), Decimal(0))
        gone = -sum((item.cost for key, item in before.items() if key not in after), Decimal(0))
        stayed = [(before[key], after[key]) for key in before if key in after]
        change = sum((later.cost - earlier.cost for earlier, later in stayed), Decimal(0))
        price = _rounded(sum((_price_effect(*pair) for pair in stayed), Fraction(0)))
        quantity = _rounded(_quantity_effect(stayed))
        return Decomposition(price, quantity, change - price - quantity, new, gone)


def _has_prices(earlier: Item, later: Item) -> bool:
    return bool(earlier.quantity and later.quantity)


def _price_effect(earlier: Item, later: Item) -> Fraction:
    if not _has_prices(earlier, later):
        return Fraction(later.cost) - Fraction(earlier.cost)
    return Fraction(later.cost) - Fraction(earlier.cost) / Fraction(earlier.quantity) * Fraction(
        later.quantity
    )


def _quantity_effect(stayed: Iterable[tuple[Item, Item]]) -> Fraction:
    by_unit: dict[str, list[tuple[Item, Item]]] = {}
    for earlier, later in stayed:
        if _has_prices(earlier, later):
            by_unit.setdefault(earlier.unit, []).append((earlier, later))
    effect = Fraction(0)
    for pairs in by_unit.values():
        cost = sum((Fraction(earlier.cost) for earlier, _ in pairs), Fraction(0))
        before = sum((Fraction(earlier.quantity) for earlier, _ in pairs), Fraction(0))
        after = sum((Fraction(later.quantity) for _, later in pairs), Fraction(0))
        effect += cost / before * (after - before)
    return effect


def _rounded(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(NANO, rounding=ROUND_HALF_EVEN)
