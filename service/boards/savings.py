"""Savings that are more than lower requests: what could be banked by letting nodes go."""

from __future__ import annotations

from decimal import Decimal

from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.bankable import estimate_bankable


def read_bankable(runtime: Runtime, principal: Principal, currency: str) -> Decimal | None:
    """Return the effective cost per month of the nodes that could go after re-packing, in one currency.

    None when it is not measured: the principal does not see nodes, no hour is complete, or a removable
    node has no price.
    """
    pools = estimate_bankable(runtime, principal)
    if not pools or any(pool.bankable_saving_per_month is None for pool in pools):
        return None
    amounts = [pool.bankable_saving_per_month for pool in pools if pool.currency in (currency, None)]
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
