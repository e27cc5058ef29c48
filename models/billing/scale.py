"""Scaling priced node-hours to what the bill charged for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pyarrow as pa

from models.billing.factors import BillFactor
from models.billing.families import instance_family
from models.vocabulary.money import NANO

_COST = "effective_cost"


def apply_bill_factors(
    priced: pa.Table, nodes: pa.Table, factors: Sequence[BillFactor], *, cluster: str
) -> pa.Table:
    """Multiply the list cost of node-hours by the factor of their family, region and month.

    Parameters
    ----------
    priced : pyarrow.Table
        Result of ``price_node_hours``: rows of ``asset_price_hour``.
    nodes : pyarrow.Table
        The rows of ``node_hour`` that were priced, in the same order.
    factors : sequence of BillFactor
        Of all months that the rows touch.
    cluster : str

    Returns
    -------
    pyarrow.Table
        ``effective_cost`` = list cost x factor, rounded once to nine decimals, with provenance ``bill``,
        where a factor of the same currency holds; all other rows as they were. An hour belongs to the month
        in which it begins.
    """
    if not factors or priced.num_rows == 0:
        return priced
    by_what = {(factor.start, *factor.what): factor for factor in factors}
    months = sorted({(factor.start, factor.end) for factor in factors})
    names = ("hour", "node_key", "instance_type", "region", "purchase_option")
    rows = nodes.select(names).to_pylist()
    costs = priced.column(_COST).to_pylist()
    provenances = priced.column("provenance").to_pylist()
    listed = priced.column("list_cost").to_pylist()
    currencies = priced.column("currency").to_pylist()
    known: dict[tuple[Decimal, Decimal], Decimal] = {}
    for index, row in enumerate(rows):
        start = next((start for start, end in months if start <= row["hour"] < end), None)
        factor = None if start is None else _factor(by_what, start, row, cluster)
        if factor is not None and listed[index] is not None and currencies[index] == factor.currency:
            key = (listed[index], factor.factor)
            if key not in known:
                known[key] = _scaled(*key)
            costs[index], provenances[index] = known[key], "bill"
    kinds = priced.schema
    scaled = priced.set_column(kinds.get_field_index(_COST), _COST, pa.array(costs, kinds.field(_COST).type))
    return scaled.set_column(
        kinds.get_field_index("provenance"), "provenance", pa.array(provenances, pa.string())
    )


def _factor(
    by_what: dict[tuple[Any, ...], BillFactor], start: Any, row: dict[str, Any], cluster: str
) -> BillFactor | None:
    own = by_what.get((start, cluster, row["node_key"], "", "", ""))
    if own is not None:
        return own
    is_spot = row["purchase_option"] == "spot"
    family = instance_family(row["instance_type"])
    return by_what.get((start, "", "", family, row["region"] or "", str(is_spot)))


def _scaled(list_cost: Decimal, factor: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 50
        return (list_cost * factor).quantize(NANO, rounding=ROUND_HALF_EVEN)


def hash_factors(factors: Iterable[BillFactor]) -> str:
    """Return a hash of what factors do to costs, whatever their order; empty text without any."""
    content = sorted(
        (f.start.isoformat(), f.end.isoformat(), f.currency, *f.what, f"{f.factor:f}") for f in factors
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32] if content else ""
