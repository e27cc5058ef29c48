"""Shares of origin charges (FOCUS 1.3): what each allocated line is of the charge it came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.allocation.apportion import apportion_many
from models.chargeback.lines import BILL_KINDS, ChargeLine, LineKind
from models.exchange.convert import Converted
from service.exports.columns import Charge
from service.exports.line_values import RATIO_UNITS

_NO_ORIGIN = frozenset({LineKind.ROUNDING, LineKind.DISPUTE})
_FROM_BILL = frozenset(BILL_KINDS)


def with_ratios(lines: Sequence[ChargeLine], converted: Sequence[Converted | None]) -> list[Charge]:
    """Return the rows of a file with each line's share of its origin charge.

    The origin of lines by cause and of what policies move between payers is a cluster's bill of a day; the
    origin of a line of the provider's bill is that document's charge of its kind. What a policy takes away
    has a negative share. The shares of an origin add up to 1 exactly, in twelve decimals. Corrections,
    disputes and rounding have no origin in this file, nor have lines whose origin adds up to nothing.
    """
    origins: dict[tuple[object, ...], list[int]] = {}
    for position, line in enumerate(lines):
        if line.correction is None and line.kind not in _NO_ORIGIN:
            origins.setdefault(_origin(line), []).append(position)
    ratios: list[int | None] = [None] * len(lines)
    for positions in origins.values():
        shares = _shares([lines[position].effective for position in positions])
        for position, share in zip(positions, shares, strict=True):
            ratios[position] = share
    return [
        Charge(line, ratio, None, other) for line, ratio, other in zip(lines, ratios, converted, strict=True)
    ]


def _origin(line: ChargeLine) -> tuple[object, ...]:
    if line.kind in _FROM_BILL:
        return line.currency, line.cluster, line.day, line.kind, line.reference
    return line.currency, line.cluster, line.day


def _shares(costs: list[int]) -> list[int] | list[None]:
    """Split one by costs of either sign, in parts of 10^12; None where they add up to nothing."""
    if min(costs) >= 0:
        if not any(costs):
            return [None] * len(costs)
        split: list[int] = apportion_many(RATIO_UNITS, np.array(costs, dtype=np.int64)).tolist()
        return split
    whole = sum(costs)
    if whole == 0:
        return [None] * len(costs)
    sign = 1 if whole > 0 else -1
    shares, remainders = zip(*(divmod(sign * cost * RATIO_UNITS, abs(whole)) for cost in costs), strict=True)
    parts = list(shares)
    ranked = sorted(range(len(parts)), key=lambda index: (-remainders[index], index))
    for index in ranked[: RATIO_UNITS - sum(parts)]:
        parts[index] += 1
    return parts
