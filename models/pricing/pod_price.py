"""Prices of serverless nodes, whose provider bills what each pod requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.allocation.columns import CPU, GPU, MEMORY, UNITS_PER_CURRENCY, WEIGHT_UNIT
from models.allocation.serverless import PodRates
from models.pricing.price_book import DefaultPrice, NodeKind, PriceBook
from models.pricing.price_list import PROVENANCES, PriceRow
from models.pricing.purchase_options import SERVERLESS, normal_option

_COMPONENTS = {
    CPU: "cpu_core_hourly_price",
    MEMORY: "memory_gib_hourly_price",
    GPU: "gpu_hourly_price",
}
_KIND_COLUMNS = ("instance_type", "region", "zone", "purchase_option", "label_set_id")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class _PodPrice:
    currency: str
    price_id: str
    provenance: str
    hourly: Mapping[str, Decimal]
    """Currency per core-hour, GiB-hour and device-hour."""


def price_by_pods(
    nodes: pa.Table, priced: pa.Table, book: PriceBook, *, default: DefaultPrice | None
) -> tuple[pa.Table, PodRates | None]:
    """Price node-hours that are billed by their pods: serverless ones whose price is 0 but for components.

    A serverless node without any price takes the components of the default, where there is one. One whose
    row names a price of the node itself is priced like any node.

    Parameters
    ----------
    nodes : pyarrow.Table
        Rows of ``node_hour``.
    priced : pyarrow.Table
        The same rows from ``price_node_hours``.
    book : PriceBook
    default : DefaultPrice or None

    Returns
    -------
    tuple
        ``priced`` with a cost of 0 for these node-hours, to be filled in once their pods are known (see
        ``with_pod_costs``), and their rates; None where there are none.
    """
    options = nodes.column("purchase_option").to_pylist()
    candidates = [index for index, option in enumerate(options) if normal_option(option) == SERVERLESS]
    found: dict[int, _PodPrice] = {}
    known: dict[tuple[Any, ...], _PodPrice | None] = {}
    for row, facts in zip(candidates, nodes.take(pa.array(candidates, pa.int64())).to_pylist(), strict=True):
        kind = NodeKind(*(facts[name] for name in _KIND_COLUMNS))
        key = (*kind, facts["hour"])
        if key not in known:
            known[key] = _price(book, default, kind, facts)
        price = known[key]
        if price is not None:
            found[row] = price
    if not found:
        return priced, None
    return _marked(priced, found), _rates(found, nodes.num_rows)


def _price(
    book: PriceBook, default: DefaultPrice | None, kind: NodeKind, facts: Mapping[str, Any]
) -> _PodPrice | None:
    """Return the mean price of an hour by components; None where the node is priced otherwise or not."""
    spans = book.spans(kind, facts["hour"], facts["hour"] + _HOUR)
    parts = []
    for span in spans:
        source = span.row or default
        if source is None or not _is_by_components(source):
            return None
        parts.append((Decimal(repr(span.end_second)) - Decimal(repr(span.start_second)), source))
    if len({source.currency for _, source in parts}) > 1:
        return None
    return _PodPrice(
        parts[0][1].currency,
        "+".join(dict.fromkeys(source.price_id for _, source in parts)),
        max((_provenance(source) for _, source in parts), key=PROVENANCES.index),
        {name: _mean(parts, column) for name, column in _COMPONENTS.items()},
    )


def _mean(parts: Sequence[tuple[Decimal, PriceRow | DefaultPrice]], column: str) -> Decimal:
    total = sum((seconds * (getattr(source, column) or 0) for seconds, source in parts), Decimal(0))
    return total / 3600


def _is_by_components(source: PriceRow | DefaultPrice) -> bool:
    if isinstance(source, DefaultPrice):
        return True
    has_parts = source.cpu_core_hourly_price is not None and source.memory_gib_hourly_price is not None
    return has_parts and source.hourly_list_price == 0


def _provenance(source: PriceRow | DefaultPrice) -> str:
    return source.provenance if isinstance(source, PriceRow) else "assumed"


def _rates(found: Mapping[int, _PodPrice], count: int) -> PodRates:
    is_by_pod = np.zeros(count, dtype=np.bool_)
    is_by_pod[list(found)] = True
    rates = {name: np.zeros(count) for name in _COMPONENTS}
    for row, price in found.items():
        for name, hourly in price.hourly.items():
            rates[name][row] = float(hourly * UNITS_PER_CURRENCY / 3600) / WEIGHT_UNIT[name]
    return PodRates(is_by_pod, rates)


def _marked(priced: pa.Table, found: Mapping[int, _PodPrice]) -> pa.Table:
    for name in ("currency", "price_id", "provenance"):
        priced = _replaced(priced, name, {row: getattr(price, name) for row, price in found.items()})
    return with_pod_costs(priced, dict.fromkeys(found, Decimal(0)))


_COSTS = ("list_cost", "contracted_cost", "effective_cost")


def with_pod_costs(priced: pa.Table, costs: Mapping[int, Decimal]) -> pa.Table:
    """Return prices of node-hours in which those billed by their pods cost what these cost.

    Components have one price: list, contracted and effective cost are the same.

    Parameters
    ----------
    priced : pyarrow.Table
        From ``price_by_pods``.
    costs : mapping of int to Decimal
        Cost by position of the node-hour.
    """
    for name in _COSTS:
        priced = _replaced(priced, name, costs)
    return priced


def _replaced(table: pa.Table, name: str, values: Mapping[int, Any]) -> pa.Table:
    kind = table.schema.field(name).type
    mask = np.zeros(table.num_rows, dtype=np.bool_)
    mask[list(values)] = True
    new = pa.array([values[row] for row in sorted(values)], kind)
    column = pc.replace_with_mask(table.column(name).combine_chunks(), pa.array(mask), new)
    return table.set_column(table.column_names.index(name), name, column)
