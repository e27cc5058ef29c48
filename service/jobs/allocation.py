"""Allocating one cluster-day: a pure function of files and prices that worker processes run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from models.allocation.columns import (
    CPU,
    GPU,
    MEMORY,
    ContainerColumns,
    ContainerResource,
    ContainerTerms,
    Floats,
)
from models.allocation.kernel import allocate_node_hours, clip_requests
from models.allocation.serverless import bill_by_pods
from models.billing.factors import BillFactor
from models.billing.scale import apply_bill_factors
from models.pricing.asset_book import AssetPrices, ChargedKind
from models.pricing.node_cost import price_node_hours
from models.pricing.pod_price import price_by_pods, with_pod_costs
from models.pricing.price_book import DefaultPrice, PriceBook
from models.pricing.price_list import PriceRow
from service.jobs.asset_tables import AssetInputs, AssetReader
from service.jobs.assets import allocate_assets
from service.jobs.container_chunks import PodHours, container_chunks, hour_values, single
from service.jobs.node_hours import (
    NODE_COLUMNS,
    HourSlots,
    NodeHours,
    constant,
    encoded,
    floats,
    money_array,
    money_arrays,
    take_codes,
)
from service.jobs.node_lines import node_lines
from warehouse.lake.observed_tables import NODE_HOUR
from warehouse.lake.partition_files import StagedFile, read_partition, write_partition

CODE_VERSION = "allocation-2"
"""Raise it when the result for equal inputs changes: every day is then allocated again."""

_SOURCE_COLUMNS = {
    CPU: ("cpu_request_core_seconds", "cpu_usage_core_seconds"),
    MEMORY: ("memory_request_byte_seconds", "memory_usage_byte_seconds"),
    GPU: ("gpu_request_seconds", None),
}
_PASSED_THROUGH = ("hour", "node_key", "pod_uid", "container", "namespace", "workload_kind", "workload_name")
_FULL_HOUR_SECONDS = 3600.0
_SMALL_ROWS = 60_000


@dataclass(frozen=True)
class AllocationTask:
    """One cluster-day and everything that its allocation depends on. Picklable.

    Parameters
    ----------
    container_files, pod_files, node_files : tuple of str
        Pinned files of the day, from ``Lake.files``.
    prices : tuple of PriceRow
        Rows that hold on some instant of the day.
    default : DefaultPrice or None
        None leaves nodes without a price unpriced.
    node_labels : mapping of str to mapping
        Labels by label set id, for node selectors.
    lake_url, storage_options
        Where the results go.
    assets : AssetInputs
        Volumes, load balancers and traffic of the day.
    bill_factors : tuple of BillFactor
        By which the provider's bill makes list prices its own; empty leaves prices as listed.
    """

    cluster: str
    day: date
    container_files: tuple[str, ...]
    pod_files: tuple[str, ...]
    node_files: tuple[str, ...]
    prices: tuple[PriceRow, ...]
    default: DefaultPrice | None
    lake_url: str
    node_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    storage_options: Mapping[str, str] = field(default_factory=dict)
    assets: AssetInputs = field(default_factory=AssetInputs)
    bill_factors: tuple[BillFactor, ...] = ()


@dataclass(frozen=True)
class AllocationResult:
    """What a worker wrote, and what it could not price.

    ``node_hours_by_type`` counts node-hours per (provenance, instance type), ``asset_hours_by_type`` those of
    other assets per (provenance, kind and type); ``unknown_nodes`` are node keys that containers name but no
    node-hour describes; ``uncharged`` are assets that no price speaks of.
    """

    cluster: str
    day: date
    asset_prices: StagedFile
    allocation: StagedFile
    container_hours: int
    node_hours_by_type: Mapping[tuple[str, str], int]
    unknown_nodes: tuple[str, ...]
    asset_hours_by_type: Mapping[tuple[str, str], int] = field(default_factory=dict)
    uncharged: frozenset[ChargedKind] = frozenset()


def allocate_partition(task: AllocationTask) -> AllocationResult:
    """Price the node-hours and other assets of a cluster-day and allocate them to its containers and pods.

    Rows stream from the lake's files through the kernel into one Parquet file; the result becomes part of
    the lake only when the driver commits it.

    Raises
    ------
    StorageError
        If a file cannot be read or written.
    """
    nodes = _read_nodes(task)
    book = PriceBook(task.prices, task.node_labels)
    priced = price_node_hours(nodes, book, default=task.default)
    priced = apply_bill_factors(priced, nodes, task.bill_factors, cluster=task.cluster)
    priced, rates = price_by_pods(nodes, priced, book, default=task.default)
    reader = AssetReader(task.assets, task.pod_files, task.storage_options)
    assets = allocate_assets(reader, nodes, AssetPrices(task.prices, task.node_labels))
    run = _Run(task, NodeHours(nodes, priced, rates))
    partition = {"cluster": task.cluster, "day": task.day}
    lines = _joined_if_small(chain(run.lines(), assets.lines))
    staged = write_partition("allocation_hour", partition, lines, task.lake_url, task.storage_options)
    costs = pa.concat_tables([with_pod_costs(priced, run.pod_costs), assets.prices])
    return AllocationResult(
        task.cluster,
        task.day,
        write_partition("asset_price_hour", partition, costs, task.lake_url, task.storage_options),
        staged,
        run.container_hours,
        _count_types(nodes, priced),
        tuple(sorted(run.unknown_nodes)),
        assets.hours_by_type,
        assets.uncharged,
    )


def _read_nodes(task: AllocationTask) -> pa.Table:
    schema = pa.schema([(name, NODE_HOUR.columns[name]) for name in NODE_COLUMNS])
    tables = read_partition(task.node_files, NODE_COLUMNS, storage_options=task.storage_options)
    rows = pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])
    return rows.sort_by([("hour", "ascending"), ("node_key", "ascending")]).combine_chunks()


def _count_types(nodes: pa.Table, priced: pa.Table) -> dict[tuple[str, str], int]:
    pairs = pa.table({"provenance": priced.column("provenance"), "kind": nodes.column("instance_type")})
    counted = pairs.group_by(["provenance", "kind"]).aggregate([([], "count_all")])
    return {
        (row["provenance"], row["kind"] or "unknown"): row["count_all"]
        for row in sorted(counted.to_pylist(), key=lambda row: (row["provenance"], row["kind"] or ""))
    }


def _joined_if_small(batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join the batches of a small day, so that one file holds it; those of a large day pass as they come."""
    waiting: list[pa.Table] = []
    row_count = 0
    for batch in batches:
        waiting.append(batch)
        row_count += batch.num_rows
        if row_count > _SMALL_ROWS:
            yield from waiting
            waiting.clear()
    if waiting:
        whole = pa.concat_tables(waiting, promote_options="default")
        yield whole.unify_dictionaries().combine_chunks()


class _Run:
    """One pass over a cluster-day's chunks; counts what it saw."""

    def __init__(self, task: AllocationTask, nodes: NodeHours) -> None:
        self.container_hours = 0
        self.unknown_nodes: set[str] = set()
        self.pod_costs: dict[int, Decimal] = {}
        self._task = task
        self._nodes = nodes

    def lines(self) -> Iterator[pa.Table]:
        """Yield lines of ``allocation_hour``: containers by resource, chunk by chunk, then the nodes."""
        of_nodes: list[pa.Table] = []
        seen: list[npt.NDArray[np.int64]] = []
        pods = PodHours(self._task.pod_files, self._task.storage_options)
        for rows in container_chunks(self._task.container_files, self._task.storage_options):
            self.container_hours += rows.num_rows
            hours = HourSlots(hour_values(rows))
            distinct = hours.distinct()
            seen.append(distinct)
            chunk = _Chunk(rows, hours, self._nodes, self._nodes.rows_of_hours(distinct), pods)
            self.unknown_nodes |= chunk.unknown_nodes()
            self.pod_costs |= chunk.pod_costs()
            yield from chunk.container_lines()
            of_nodes += chunk.node_lines()
        quiet = np.flatnonzero(~np.isin(self._nodes.hours, np.concatenate([*seen, _NO_HOURS])))
        if len(quiet):
            nothing = ContainerColumns(np.zeros(0, np.int64), {})
            of_nodes += node_lines(
                self._nodes, quiet, allocate_node_hours(nothing, self._nodes.subset(quiet))
            )
        if of_nodes:
            yield pa.concat_tables(of_nodes).unify_dictionaries().combine_chunks()


_NO_HOURS = np.zeros(0, np.int64)


class _Chunk:
    """Container-hours of some whole hours, allocated."""

    def __init__(
        self,
        rows: pa.Table,
        hours: HourSlots,
        nodes: NodeHours,
        node_rows: npt.NDArray[np.int64],
        pods: PodHours,
    ) -> None:
        self._rows = rows
        self._nodes = nodes
        self._node_rows = node_rows
        self._position = nodes.positions(node_rows, single(rows.column("node_key")), hours)
        self._clipped = self._rows_to_clip()
        pod_uid = single(rows.column("pod_uid"))
        facts = pods.facts(pod_uid, hours, with_seconds=len(self._clipped) > 0)
        self._label_set = facts.label_set
        self._scheduled = facts.scheduled_seconds
        self._demand = self._demands()
        containers = ContainerColumns(self._position, self._demand, self._identity_rank)
        columns = nodes.subset(node_rows)
        if nodes.rates is not None:
            containers, columns = bill_by_pods(containers, columns, nodes.rates.subset(node_rows))
        self._costs = columns.cost_units
        self._allocation = allocate_node_hours(containers, columns)

    def unknown_nodes(self) -> set[str]:
        """Return node keys that no node-hour describes."""
        lost = np.flatnonzero(self._position < 0)
        if not len(lost):
            return set()
        return {key or "(none)" for key in pc.unique(self._rows.column("node_key").take(lost)).to_pylist()}

    def pod_costs(self) -> dict[int, Decimal]:
        """Return what node-hours that are billed by their pods cost, by position."""
        if self._nodes.rates is None:
            return {}
        own = np.flatnonzero(self._nodes.rates.is_by_pod[self._node_rows])
        return {int(self._node_rows[one]): Decimal(int(self._costs[one])).scaleb(-9) for one in own}

    def container_lines(self) -> Iterator[pa.Table]:
        """Yield one table of lines per resource."""
        shared = {name: self._rows.column(name) for name in _PASSED_THROUGH}
        of_node = np.append(self._node_rows, -1)[self._position]
        shared["label_set_id"] = self._label_set
        shared["node_pool"] = take_codes(self._nodes.node_pool, of_node)
        shared |= self._price_columns(of_node)
        for resource, terms in self._allocation.containers.items():
            columns = {**shared, **self._own_columns(resource, terms)}
            if not terms.is_costed.all():
                columns |= self._price_columns(np.where(terms.is_costed, of_node, -1))
            lines = pa.table(columns)
            if resource == GPU:
                lines = lines.filter(pc.greater(lines.column("request_seconds"), 0.0))
            if lines.num_rows:
                yield lines

    def _identity_rank(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """Order rows by pod uid and container, whatever the order of rows and dictionaries."""
        chosen = self._rows.select(["pod_uid", "container"]).take(pa.array(rows))
        names = pa.table({name: chosen.column(name).cast(pa.string()) for name in chosen.column_names})
        order = pc.sort_indices(names, sort_keys=[(name, "ascending") for name in names.column_names])
        rank = np.empty(len(rows), dtype=np.int64)
        rank[order.to_numpy()] = np.arange(len(rows))
        return rank

    def _price_columns(self, of_node: npt.NDArray[np.int64]) -> dict[str, pa.Array]:
        provenance = take_codes(self._nodes.provenance, of_node)
        return {
            "currency": take_codes(self._nodes.currency, of_node),
            "provenance": _or_unpriced(provenance, of_node),
        }

    def node_lines(self) -> list[pa.Table]:
        """Return one table of idle and overhead lines per resource."""
        return node_lines(self._nodes, self._node_rows, self._allocation)

    def _rows_to_clip(self) -> npt.NDArray[np.int64]:
        node_seconds = np.append(self._nodes.seconds[self._node_rows], _FULL_HOUR_SECONDS)
        is_partial = node_seconds < _FULL_HOUR_SECONDS
        return np.flatnonzero(is_partial[self._position]) if is_partial.any() else _NO_HOURS

    def _demands(self) -> dict[str, ContainerResource]:
        demands = {}
        for resource in self._nodes.columns.resources:
            request_column, usage_column = _SOURCE_COLUMNS[resource]
            request = self._clip(floats(self._rows.column(request_column)))
            usage = floats(self._rows.column(usage_column)) if usage_column else np.full(len(request), np.nan)
            demands[resource] = ContainerResource(request, usage)
        return demands

    def _clip(self, request: Floats) -> Floats:
        rows = self._clipped
        if self._scheduled is None:
            return request
        held = self._scheduled[rows]
        node_seconds = self._nodes.seconds[self._node_rows[self._position[rows]]]
        clipped = request.copy()
        clipped[rows] = clip_requests(request[rows], held, node_seconds)
        return clipped

    def _own_columns(self, resource: str, terms: ContainerTerms) -> dict[str, object]:
        count = self._rows.num_rows
        request_column, usage_column = _SOURCE_COLUMNS[resource]
        request = self._demand[resource].request_seconds
        columns: dict[str, object] = {
            "line_kind": constant("container", count),
            "resource": constant(resource, count),
            "request_seconds": _with_null(request)
            if len(self._clipped)
            else self._rows.column(request_column),
        }
        if usage_column:
            columns["usage_seconds"] = self._rows.column(usage_column)
        is_measured = terms.is_costed & terms.is_measured
        if is_measured.any():
            used, unused = money_arrays((terms.used, terms.unused_request), is_measured)
            columns |= {"used_cost": used, "unused_request_cost": unused}
        if not terms.is_measured.all():
            columns["unmeasured_cost"] = money_array(terms.unmeasured, terms.is_costed & ~terms.is_measured)
        return columns


def _or_unpriced(provenance: pa.DictionaryArray, of_node: npt.NDArray[np.int64]) -> pa.DictionaryArray:
    if of_node.min(initial=0) >= 0:
        return provenance
    return encoded(pa.chunked_array([provenance.cast(pa.string()).fill_null("unpriced")]))


def _with_null(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
