"""How the price of a node is split over cores, memory and GPUs, by family of instance types.

A price row that names component prices is split by them. Otherwise the weights of the longest family whose
name begins the instance type hold, from their ``valid_from`` on; without any, 9 per core and 1 per GiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from models.pricing.price_list import PriceRow
from models.vocabulary.errors import InputError


@dataclass(frozen=True)
class FamilyWeight:
    """Weights of one family, from an instant on.

    Parameters
    ----------
    family : str
        Beginning of instance types: ``c7``, ``ecs.g7.``, ``n2-highmem``.
    cpu_weight, memory_weight : Decimal
        Per core and per GiB; only their ratio matters.
    gpu_weight : Decimal or None
        Per device; None: nodes of the family with a GPU keep the default.
    """

    family: str
    cpu_weight: Decimal
    memory_weight: Decimal
    valid_from: datetime
    gpu_weight: Decimal | None = None
    source_file: str | None = field(default=None, compare=False)
    source_row: int | None = field(default=None, compare=False)


def check_family_weights(weights: Sequence[FamilyWeight]) -> None:
    """Refuse weights that split nothing, and two of one family from one instant.

    Raises
    ------
    InputError
        Naming file, row, field and value.
    """
    seen: set[tuple[str, datetime]] = set()
    for number, one in enumerate(weights, start=1):
        row = one.source_row or number
        if not one.family:
            raise InputError("is empty", file=one.source_file, row=row, field="family")
        for name in ("cpu_weight", "memory_weight", "gpu_weight"):
            value: Decimal | None = getattr(one, name)
            if value is not None and not (value.is_finite() and value >= 0):
                raise InputError("is not a weight", file=one.source_file, row=row, field=name, value=value)
        if one.cpu_weight + one.memory_weight <= 0:
            raise InputError(
                "and memory_weight are both 0", file=one.source_file, row=row, field="cpu_weight"
            )
        if (one.family, one.valid_from) in seen:
            raise InputError(
                "is there twice from the same time",
                file=one.source_file,
                row=row,
                field="family",
                value=one.family,
            )
        seen.add((one.family, one.valid_from))


def weigh_rows(rows: Iterable[PriceRow], weights: Sequence[FamilyWeight]) -> list[PriceRow]:
    """Return price rows with the weights of their families, cut where these change.

    Rows of other assets, rows without a type and rows with component prices or weights are as they were.
    """
    ordered = sorted(weights, key=lambda one: (len(one.family), one.valid_from))
    return [part for row in rows for part in _weigh(row, ordered)]


def _weigh(row: PriceRow, weights: Sequence[FamilyWeight]) -> list[PriceRow]:
    found = [one for one in weights if row.instance_type and row.instance_type.startswith(one.family)]
    if not found or row.asset_kind != "node" or row.has_own_weights:
        return [row]
    edges = {one.valid_from for one in found if row.valid_from < one.valid_from < row.ends_at}
    cuts = [row.valid_from, *sorted(edges), row.ends_at]
    return [
        _weighed(
            replace(row, valid_from=start, valid_to=row.valid_to if end == row.ends_at else end),
            [one for one in found if one.valid_from <= start],
        )
        for start, end in pairwise(cuts)
    ]


def _weighed(row: PriceRow, holding: Sequence[FamilyWeight]) -> PriceRow:
    if not holding:
        return row
    best = holding[-1]  # ordered by length of the family, then by time
    return replace(
        row, cpu_weight=best.cpu_weight, memory_weight=best.memory_weight, gpu_weight=best.gpu_weight
    )
