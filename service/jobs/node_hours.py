"""The node-hours of a cluster-day with their prices, as the allocation kernel wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.allocation.columns import CPU, GPU, MEMORY, Floats, NodeColumns, NodeResource, Units
from models.allocation.serverless import PodRates

HOUR_MICROSECONDS = 3_600_000_000
NODE_COLUMNS = (
    "hour",
    "node_key",
    "instance_type",
    "region",
    "zone",
    "node_pool",
    "purchase_option",
    "label_set_id",
    "running_seconds",
    "cpu_capacity_cores",
    "cpu_allocatable_cores",
    "memory_capacity_bytes",
    "memory_allocatable_bytes",
    "gpu_capacity",
    "gpu_allocatable",
)
_CAPACITIES = {
    CPU: ("cpu_capacity_cores", "cpu_allocatable_cores", "cpu_weight"),
    MEMORY: ("memory_capacity_bytes", "memory_allocatable_bytes", "memory_weight"),
    GPU: ("gpu_capacity", "gpu_allocatable", "gpu_weight"),
}


class HourSlots:
    """The hours of rows, counted from the first: cheap indices instead of times.

    Parameters
    ----------
    hours : int64 array
        Microseconds since 1970, not empty.
    """

    def __init__(self, hours: npt.NDArray[np.int64]) -> None:
        self.first = int(hours.min())
        self.last = int(hours.max())
        self.count = (self.last - self.first) // HOUR_MICROSECONDS + 1
        self.slots = (hours - self.first) // HOUR_MICROSECONDS

    def distinct(self) -> npt.NDArray[np.int64]:
        """Return each hour once, oldest first."""
        return self.first + np.flatnonzero(np.bincount(self.slots)) * HOUR_MICROSECONDS


class NodeHours:
    """Node-hours, looked up by node and hour.

    Parameters
    ----------
    nodes : pyarrow.Table
        Rows of ``node_hour`` with ``NODE_COLUMNS``.
    priced : pyarrow.Table
        The same rows from ``price_node_hours`` and ``price_by_pods``.
    rates : PodRates or None
        Of the node-hours that are billed by their pods.
    """

    def __init__(self, nodes: pa.Table, priced: pa.Table, rates: PodRates | None = None) -> None:
        self.hours = nodes.column("hour").cast(pa.int64()).to_numpy()
        keys = nodes.column("node_key").combine_chunks().dictionary_encode()
        if isinstance(keys, pa.ChunkedArray):
            keys = keys.combine_chunks()
        self.node_keys = keys
        self.seconds = floats(nodes.column("running_seconds"))
        self.node_pool = encoded(nodes.column("node_pool"))
        self.currency = encoded(priced.column("currency"))
        self.provenance = encoded(priced.column("provenance"))
        self.rates = rates
        self.columns = _columns(nodes, priced, self.seconds, has_rates=rates is not None)

    def rows_of_hours(self, hours: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the positions of the node-hours of some hours."""
        return np.flatnonzero(np.isin(self.hours, hours))

    def positions(
        self, rows: npt.NDArray[np.int64], node_key: pa.DictionaryArray, hours: HourSlots
    ) -> npt.NDArray[np.int64]:
        """Return for each (node, hour) its position within ``rows``; -1 where the node is not known."""
        slots = hours.count
        own = self.node_keys.indices.to_numpy()[rows]
        table = np.full((len(self.node_keys.dictionary) + 1) * slots, -1, dtype=np.int64)
        table[own * slots + (self.hours[rows] - hours.first) // HOUR_MICROSECONDS] = np.arange(len(rows))
        unknown = len(self.node_keys.dictionary)
        codes = pc.index_in(node_key.dictionary, self.node_keys.dictionary).fill_null(unknown)
        indices = node_key.indices
        known = codes.to_numpy().astype(np.int64)
        if indices.null_count:
            known, indices = np.append(known, unknown), indices.fill_null(len(known))
        found: npt.NDArray[np.int64] = table.take((known * slots).take(indices.to_numpy()) + hours.slots)
        return found

    def subset(self, rows: npt.NDArray[np.int64]) -> NodeColumns:
        """Return the kernel's columns of some node-hours."""
        return NodeColumns(
            self.columns.cost_units[rows],
            self.columns.is_priced[rows],
            {
                name: NodeResource(
                    part.capacity_seconds[rows], part.allocatable_seconds[rows], part.weight[rows]
                )
                for name, part in self.columns.resources.items()
            },
        )


def _columns(nodes: pa.Table, priced: pa.Table, seconds: Floats, *, has_rates: bool) -> NodeColumns:
    resources = {}
    for name, (capacity, allocatable, weight) in _CAPACITIES.items():
        amount = floats(nodes.column(capacity))
        usable = floats(nodes.column(allocatable))
        amount = np.where(np.isnan(amount), usable, amount)
        if name == GPU:
            amount = np.nan_to_num(amount)  # a node that names no devices has none
            if not has_rates and not amount.any():
                continue
        resources[name] = NodeResource(amount * seconds, usable * seconds, floats(priced.column(weight)))
    cost = priced.column("effective_cost").combine_chunks()
    return NodeColumns(money_units(cost), ~cost.is_null().to_numpy(zero_copy_only=False), resources)


def floats(column: pa.ChunkedArray) -> Floats:
    """Return a float column as an array; null becomes NaN."""
    values: Floats = column.to_numpy().astype(np.float64, copy=False)
    return values


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return a text column as one dictionary array."""
    values = column.combine_chunks().dictionary_encode()
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def money_units(amounts: pa.Array) -> Units:
    """Return decimals of nine places that fit 64 bits as nano-units; null becomes 0."""
    words = np.frombuffer(amounts.buffers()[1], dtype=np.int64).reshape(-1, 2)
    low = words[amounts.offset : amounts.offset + len(amounts), 0].copy()
    if amounts.null_count:
        low[amounts.is_null().to_numpy(zero_copy_only=False)] = 0
    return low


def money_array(units: Units, is_known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Return nano-units as DECIMAL(18,9) without a copy; null where ``is_known`` is false."""
    (array,) = money_arrays((units,), is_known)
    return array


def money_arrays(columns: Sequence[Units], is_known: npt.NDArray[np.bool_] | None = None) -> list[pa.Array]:
    """Return columns of nano-units that are known in the same rows, as ``money_array``."""
    valid = None
    if is_known is not None and not is_known.all():
        valid = pa.py_buffer(np.packbits(is_known, bitorder="little"))
    return [
        pa.Array.from_buffers(
            pa.decimal64(18, 9),
            len(units),
            [valid, pa.py_buffer(np.ascontiguousarray(units, dtype=np.int64))],
        )
        for units in columns
    ]


def constant(value: str | None, count: int) -> pa.DictionaryArray:
    """Return a text repeated, as dictionary codes."""
    if value is None:
        return pa.DictionaryArray.from_arrays(pa.nulls(count, pa.int32()), pa.array([""], pa.string()))
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([value], pa.string()))


def take_codes(values: pa.DictionaryArray, rows: npt.NDArray[np.int64]) -> pa.DictionaryArray:
    """Return the entries at some positions; position -1 is null."""
    codes = np.append(null_as_minus_one(values), -1).astype(np.int32).take(rows)
    return from_codes(codes, values.dictionary)


def null_as_minus_one(values: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Return the codes of a dictionary array; null is -1."""
    indices = values.indices.fill_null(-1) if values.null_count else values.indices
    codes: npt.NDArray[np.int32] = indices.to_numpy()
    return codes


def from_codes(codes: npt.NDArray[np.int32], values: pa.Array) -> pa.DictionaryArray:
    """Return a dictionary array of codes; -1 is null."""
    if len(codes) == 0 or codes.min() >= 0:
        return pa.DictionaryArray.from_arrays(pa.array(codes), values, safe=False)
    if codes.max() < 0:
        return constant(None, len(codes))
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values)
