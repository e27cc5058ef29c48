"""Who gets credit for a saving: agreed ratios or Shapley values of levers, adding up exactly; payback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial, floor

from models.allocation.apportion import apportion
from models.initiatives.initiative import AgreedShare
from models.vocabulary.errors import InputError
from models.vocabulary.money import MICRO

MOST_LEVERS = 10
_MICROS = 1_000_000


def split_by_ratios(saving: Decimal, shares: Sequence[AgreedShare]) -> dict[str, Decimal]:
    """Split a saving by agreed ratios; the parts add up to it, to the millionth (largest remainder).

    Parameters
    ----------
    saving : Decimal
        May be negative.
    shares : sequence of AgreedShare
        Ratios not negative, not all 0.

    Raises
    ------
    InputError
        If a party stands twice, a ratio is negative, or all are 0.
    """
    names = [share.party for share in shares]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("stands twice", field="party", value=twice)
    weights = [Fraction(share.ratio) for share in shares]
    if any(weight < 0 for weight in weights) or sum(weights) == 0:
        raise InputError("must not be negative, and not all 0", field="ratio")
    parts = apportion(_micros(saving), weights)
    return {name: _amount(part) for name, part in zip(names, parts, strict=True)}


def split_by_shapley(savings: Mapping[frozenset[str], Decimal]) -> dict[str, Decimal]:
    """Split the saving of all levers together by their Shapley values.

    ``phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! * (v(S + i) - v(S))``: levers that do the
    same get the same, one that never adds anything gets nothing, and the parts add up to ``v(all)``, to the
    millionth (largest remainder).

    Parameters
    ----------
    savings : mapping of frozenset of str to Decimal
        What each set of levers saves together; the empty set counts 0 unless given.

    Raises
    ------
    InputError
        If there are more than ten levers or a set is missing.
    """
    levers = sorted(set().union(*savings))
    if not 1 <= len(levers) <= MOST_LEVERS:
        raise InputError(f"must name 1 to {MOST_LEVERS} levers", field="levers", value=len(levers))
    worth = {key: _micros(value) for key, value in savings.items()}
    worth.setdefault(frozenset(), 0)
    count = len(levers)
    weights = [Fraction(factorial(s) * factorial(count - s - 1), factorial(count)) for s in range(count)]
    values = []
    for lever in levers:
        others = [name for name in levers if name != lever]
        value = Fraction(0)
        for size in range(count):
            for chosen in combinations(others, size):
                without = frozenset(chosen)
                value += weights[size] * (_worth(worth, without | {lever}) - _worth(worth, without))
        values.append(value)
    parts = _round_to_sum(values)
    return {name: _amount(part) for name, part in zip(levers, parts, strict=True)}


def payback_months(invested: Decimal, realised_per_month: Decimal | None) -> Decimal | None:
    """Return how many months of realised saving pay what was invested; None when it never does.

    Parameters
    ----------
    invested : Decimal
        In the currency of the saving.
    realised_per_month : Decimal or None
    """
    if realised_per_month is None or realised_per_month <= 0:
        return None
    return (invested / realised_per_month).quantize(Decimal("0.1"))


def _worth(worth: Mapping[frozenset[str], int], levers: frozenset[str]) -> int:
    if levers not in worth:
        raise InputError("has no saving in the table", field="levers", value=" + ".join(sorted(levers)))
    return worth[levers]


def _round_to_sum(values: Sequence[Fraction]) -> list[int]:
    """Return whole units by largest remainder; equal values differ by one unit at most."""
    floors = [floor(value) for value in values]
    missing = int(sum(values)) - sum(floors)
    order = sorted(range(len(values)), key=lambda i: (floors[i] - values[i], i))
    for index in order[:missing]:
        floors[index] += 1
    return floors


def _micros(amount: Decimal) -> int:
    return int((amount / MICRO).to_integral_value())


def _amount(micros: int) -> Decimal:
    return Decimal(micros) / _MICROS
