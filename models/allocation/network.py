"""Sharing what traffic cost among those who sent it, by bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.allocation.apportion import apportion_many
from models.allocation.columns import Floats, Units


@dataclass(frozen=True)
class ByteShares:
    """Nano-units per sender, and what nobody can be charged for because nobody sent a byte.

    ``parts.sum() + rest`` is the cost that was shared. Lines made of it carry the provenance of that cost:
    ``bill`` where it is a provider's charge for egress, else that of the price.
    """

    parts: Units
    rest: int


def share_by_bytes(cost_units: int, byte_counts: Floats | Units) -> ByteShares:
    """Share a cost (or a credit) by bytes sent, exactly.

    Parameters
    ----------
    cost_units : int
        Nano-units; may be negative.
    byte_counts : array
        Bytes per sender, in an order of their identity: of equal remainders the earlier takes the unit. NaN
        and negative counts (bytes not known) take no part.
    """
    weights = np.rint(np.maximum(np.nan_to_num(byte_counts), 0)).astype(np.int64)
    if not weights.sum():
        return ByteShares(np.zeros(len(weights), dtype=np.int64), cost_units)
    return ByteShares(apportion_many(cost_units, weights), 0)
