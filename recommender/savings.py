"""Requested saving: what lower requests would cost less, which is not yet money."""

from __future__ import annotations

from decimal import Decimal

from models.vocabulary.money import MICRO
from models.vocabulary.recommendation import ResourceValues
from recommender.subject import UnitPrices

HOURS_PER_MONTH = 720
"""A month of 30 days, printed with every figure that uses it."""

_GIBIBYTE = Decimal(1 << 30)


def requested_saving(
    current: ResourceValues, advised: ResourceValues, replica_count: float, prices: UnitPrices
) -> Decimal | None:
    """Return request reduction x unit price x replicas x 720 hours; negative for an increase.

    Parameters
    ----------
    current, advised : ResourceValues
        A request that is unset now counts as 0, as in allocation.
    replica_count : float
        Mean replicas.
    prices : UnitPrices
        Per core-hour and GiB-hour.

    Returns
    -------
    Decimal or None
        In ``prices.currency``; None when a resource that changes has no price.
    """
    parts = (
        (current.cpu_request_cores, advised.cpu_request_cores, prices.cpu_core_hour, Decimal(1)),
        (current.memory_request_bytes, advised.memory_request_bytes, prices.memory_gib_hour, _GIBIBYTE),
    )
    total = Decimal(0)
    for now, then, price, unit in parts:
        reduction = _exact(now) - _exact(then)
        if reduction == 0:
            continue
        if price is None:
            return None
        total += reduction / unit * price
    replicas = Decimal(repr(round(replica_count, 6)))
    return (total * replicas * HOURS_PER_MONTH).quantize(MICRO)


def _exact(value: float | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(repr(round(value, 6)))
