"""What a node cost in an hour: price times seconds, cut where the price changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.pricing.price_book import DefaultPrice, NodeKind, PriceBook, PricedSpan
from models.pricing.price_list import PROVENANCES, PriceRow
from models.vocabulary.money import NANO

GIB = 1 << 30
SECONDS_PER_HOUR = Decimal(3600)
WEIGHTS_WITHOUT_GPU = (9.0, 1.0, 0.0)
"""CPU core to GiB: AWS split cost allocation, also our default (DESIGN section 6)."""
WEIGHTS_WITH_GPU = (0.9, 0.1, 9.0)

_KIND_COLUMNS = ("instance_type", "region", "zone", "purchase_option", "label_set_id")
_NODE_COLUMNS = (
    "hour",
    "node_key",
    *_KIND_COLUMNS,
    "running_seconds",
    "cpu_capacity_cores",
    "cpu_allocatable_cores",
    "memory_capacity_bytes",
    "memory_allocatable_bytes",
    "gpu_capacity",
)
_MONEY = pa.decimal128(18, 9)
_HOUR = timedelta(hours=1)
_HOUR_MICROSECONDS = 3_600_000_000
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NodeSize:
    """Capacity by which a node's cost is split; None where it is not known."""

    cpu_cores: float | None
    memory_gib: float | None
    gpu_count: float

    @property
    def is_known(self) -> bool:
        """Whether cores and memory are both known, so that a cost can be split over them."""
        return bool(self.cpu_cores and self.memory_gib)


@dataclass(frozen=True)
class NodeCost:
    """Cost of one node-hour. The costs of an unpriced node are None, never zero.

    ``provenance`` is the weakest of its seconds: contract, list, amortised, assumed or unpriced. The
    weights are per core, per GiB and per device.
    """

    currency: str | None
    list_cost: Decimal | None
    contracted_cost: Decimal | None
    effective_cost: Decimal | None
    price_id: str | None
    provenance: str
    cpu_weight: float
    memory_weight: float
    gpu_weight: float


def price_node_hours(nodes: pa.Table, book: PriceBook, *, default: DefaultPrice | None) -> pa.Table:
    """Price every node-hour.

    Parameters
    ----------
    nodes : pyarrow.Table
        Rows of ``node_hour`` of one cluster, hours in any order.
    book : PriceBook
    default : DefaultPrice or None
        What a node without a price is assumed to cost; None leaves it unpriced.

    Returns
    -------
    pyarrow.Table
        One row per node-hour in the same order with the columns of ``asset_price_hour`` except cluster and
        day; cost = price x running seconds / 3600, rounded once to nine decimals.
    """
    if nodes.num_rows == 0:
        return _table(nodes, [], np.zeros(0, np.int64))
    starts = _start_seconds(nodes) if _changes_within(nodes, book) else None
    first, which = _distinct(nodes, starts)
    alike = nodes.select(_NODE_COLUMNS).take(pa.array(first)).to_pylist()
    costs = []
    for position, row in zip(first, alike, strict=True):
        kind = NodeKind(*(row[name] for name in _KIND_COLUMNS))
        start = None if starts is None or np.isnan(starts[position]) else float(starts[position])
        running = _Running(row["running_seconds"], start)
        costs.append(_price(book, default, kind, _size(row), row["hour"], running))
    return _table(nodes, costs, which)


def _changes_within(nodes: pa.Table, book: PriceBook) -> bool:
    hours = pc.min_max(nodes.column("hour"))
    return bool(book.changes(hours["min"].as_py(), hours["max"].as_py() + _HOUR))


def _distinct(nodes: pa.Table, starts: Floats | None) -> tuple[Positions, Positions]:
    """Find node-hours that must cost the same: the first of each kind, and the kind of every row.

    The hour, and when in it a node ran, matter only where a price changes (``starts`` given).
    """
    names = [*_NODE_COLUMNS[2:], *(("hour",) if starts is not None else ())]
    code = np.zeros(nodes.num_rows, dtype=np.int64)
    for values in (
        *(nodes.column(name) for name in names),
        *((pa.array(starts),) if starts is not None else ()),
    ):
        encoded = pc.dictionary_encode(values, null_encoding="encode")
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
        mixed = code * len(encoded.dictionary) + encoded.indices.to_numpy()
        _, code = np.unique(mixed, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return first, code


def _start_seconds(nodes: pa.Table) -> Floats:
    """Tell from which second of its hour a node ran; NaN where that is not known.

    A node seen the hour before left early, one seen the hour after came late.
    """
    seconds: Floats = nodes.column("running_seconds").to_numpy().astype(np.float64)
    hours = nodes.column("hour").cast(pa.int64()).to_numpy() // _HOUR_MICROSECONDS
    keys = pc.dictionary_encode(nodes.column("node_key").combine_chunks()).indices.to_numpy()
    slot = keys.astype(np.int64) * (hours.max() + 2) + hours
    before, after = np.isin(slot - 1, slot), np.isin(slot + 1, slot)
    starts = np.where(before, 0.0, 3600.0 - seconds)
    starts[before == after] = np.nan
    starts[seconds >= 3600.0] = 0.0
    return starts


def _size(row: Mapping[str, Any]) -> NodeSize:
    memory_bytes = row["memory_capacity_bytes"] or row["memory_allocatable_bytes"]
    return NodeSize(
        row["cpu_capacity_cores"] or row["cpu_allocatable_cores"],
        memory_bytes / GIB if memory_bytes else None,
        row["gpu_capacity"] or 0.0,
    )


@dataclass(frozen=True)
class _Running:
    """Seconds that a node ran in an hour, and from which second on where that can be told."""

    seconds: float | None
    start_second: float | None

    def seconds_in(self, span: PricedSpan) -> Decimal:
        seconds = min(self.seconds or 0.0, 3600.0)
        if self.start_second is None:
            share = Decimal(repr(span.end_second)) - Decimal(repr(span.start_second))
            return Decimal(repr(seconds)) * share / SECONDS_PER_HOUR
        start = max(self.start_second, span.start_second)
        end = min(self.start_second + seconds, span.end_second)
        return Decimal(repr(max(end - start, 0.0)))


def _price(
    book: PriceBook,
    default: DefaultPrice | None,
    kind: NodeKind,
    size: NodeSize,
    hour: datetime,
    running: _Running,
) -> NodeCost:
    spans = book.spans(kind, hour, hour + _HOUR)
    parts = [
        (seconds, span.row or default) for span in spans if (seconds := running.seconds_in(span)) > 0
    ] or [(Decimal(0), spans[0].row or default)]
    sources = [source for _, source in parts if source is not None]
    currencies = {source.currency for source in sources}
    is_known = size.is_known and running.seconds is not None
    if not is_known or len(sources) < len(parts) or len(currencies) > 1:
        return _unpriced(size)
    priced = [(seconds, source) for seconds, source in parts if source is not None]
    longest = max(priced, key=lambda part: part[0])[1]
    weights = _weights(longest, size)
    return NodeCost(
        currencies.pop(),
        _sum(_rate(source, size, "hourly_list_price") * seconds for seconds, source in priced),
        _sum(_rate(source, size, "contracted_price") * seconds for seconds, source in priced),
        _sum(_rate(source, size, "effective_price") * seconds for seconds, source in priced),
        "+".join(dict.fromkeys(source.price_id for _, source in priced)),
        max((_provenance(source) for _, source in priced), key=PROVENANCES.index),
        *weights,
    )


def _unpriced(size: NodeSize) -> NodeCost:
    weights = WEIGHTS_WITH_GPU if size.gpu_count else WEIGHTS_WITHOUT_GPU
    return NodeCost(None, None, None, None, None, "unpriced", *weights)


def _rate(source: PriceRow | DefaultPrice, size: NodeSize, price: str) -> Decimal:
    if isinstance(source, PriceRow):
        rate: Decimal = getattr(source, price)
        return rate
    return (
        source.cpu_core_hourly_price * Decimal(repr(size.cpu_cores or 0.0))
        + source.memory_gib_hourly_price * Decimal(repr(size.memory_gib or 0.0))
        + source.gpu_hourly_price * Decimal(repr(size.gpu_count))
    )


def _sum(price_seconds: Iterable[Decimal]) -> Decimal:
    total = sum(price_seconds, Decimal(0)) / SECONDS_PER_HOUR
    return total.quantize(NANO, rounding=ROUND_HALF_EVEN)


def _provenance(source: PriceRow | DefaultPrice) -> str:
    return source.provenance if isinstance(source, PriceRow) else "assumed"


def _weights(source: PriceRow | DefaultPrice, size: NodeSize) -> tuple[float, float, float]:
    """Return component prices as weights where the source has all that the node needs.

    Else the weights of its family (``models.pricing.family_weights``), else the default.
    """
    cpu, memory, gpu = (
        source.cpu_core_hourly_price,
        source.memory_gib_hourly_price,
        source.gpu_hourly_price,
    )
    if (
        cpu is not None
        and memory is not None
        and cpu + memory > 0
        and (gpu is not None or not size.gpu_count)
    ):
        return float(cpu), float(memory), float(gpu or 0)
    if isinstance(source, PriceRow) and (family := _family_weights(source, size)):
        return family
    return WEIGHTS_WITH_GPU if size.gpu_count else WEIGHTS_WITHOUT_GPU


def _family_weights(row: PriceRow, size: NodeSize) -> tuple[float, float, float] | None:
    if row.cpu_weight is None or row.memory_weight is None or (row.gpu_weight is None and size.gpu_count):
        return None
    return float(row.cpu_weight), float(row.memory_weight), float(row.gpu_weight or 0)


def _table(nodes: pa.Table, costs: Sequence[NodeCost], which: Positions) -> pa.Table:
    rows = pa.array(which)

    def spread(name: str, kind: pa.DataType) -> pa.Array:
        return pa.array([getattr(cost, name) for cost in costs], kind).take(rows)

    money = {name: spread(name, _MONEY) for name in ("list_cost", "contracted_cost", "effective_cost")}
    weights = {name: spread(name, pa.float64()) for name in ("cpu_weight", "memory_weight", "gpu_weight")}
    return pa.table(
        {
            "hour": nodes.column("hour"),
            "asset_kind": pa.array(["node"], pa.string()).take(pa.array(np.zeros(len(which), np.int64))),
            "asset": nodes.column("node_key"),
            "currency": spread("currency", pa.string()),
            **money,
            "price_id": spread("price_id", pa.string()),
            "provenance": spread("provenance", pa.string()),
            **weights,
        }
    )
