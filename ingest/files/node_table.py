"""Node-hours of files as lake rows, with the use of their containers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.assembly.columns import to_bin_lists
from ingest.files.container_hours import ContainerHours
from ingest.files.lake_columns import arrange, hour_columns
from ingest.files.nodes import NodeHours, text_column
from models.vocabulary.windows import BINS_PER_HOUR

Int = NDArray[np.int64]
_HOUR = 3600
_KEY_SPAN = 1 << 40


def node_table(cluster: str, nodes: NodeHours, hours: ContainerHours, node_key: pa.Array) -> pa.Table:
    """Return one row per node key and hour; its use is the sum of the containers that the files name."""
    rows, index = nodes.rows, nodes.row
    count = len(index)
    columns = {
        **hour_columns(cluster, nodes.hour),
        "is_type_inferred": pa.array(np.zeros(count, dtype=bool)),
        "running_seconds": pa.array(nodes.running_seconds),
        **_node_usage(nodes, hours, node_key),
    }
    for name in (
        "node_key",
        "node",
        "instance_type",
        "region",
        "zone",
        "node_pool",
        "purchase_option",
        "label_set_id",
    ):
        columns[name] = text_column(rows, name, index)
    for name, values in nodes.capacity.items():
        columns[name] = pa.array(values, mask=np.isnan(values))
    columns["gpu_allocatable"] = columns["gpu_capacity"]
    return arrange("node_hour", columns)


def _node_usage(nodes: NodeHours, hours: ContainerHours, node_key: pa.Array) -> dict[str, pa.Array]:
    """Return the use of each node-hour by 5 minutes: the sum of its containers; null where none is known."""
    place = {key: code for code, key in enumerate(node_key.dictionary.to_pylist())}
    row_keys = np.array([place.get(row.node_key, -1) for row in nodes.rows], dtype=np.int64)
    wanted = row_keys[nodes.row] * _KEY_SPAN + nodes.hour // _HOUR if len(nodes.row) else nodes.row
    given = node_key.indices.to_numpy().astype(np.int64) * _KEY_SPAN + hours.hour // _HOUR
    order = np.argsort(wanted)
    position = np.searchsorted(wanted[order], given)
    position = np.minimum(position, max(len(wanted) - 1, 0))
    matches = wanted[order][position] == given if len(wanted) else np.zeros(len(given), dtype=bool)
    target = order[position[matches]] if len(wanted) else position[matches]
    columns = {}
    for name in ("cpu_usage_cores_by_5m", "memory_usage_bytes_by_5m"):
        values = hours.bins[name][matches].astype(np.float64)
        slot = (target[:, None] * BINS_PER_HOUR + np.arange(BINS_PER_HOUR)).reshape(-1)
        flat = values.reshape(-1)
        size = len(nodes.row) * BINS_PER_HOUR
        total = np.bincount(slot, np.nan_to_num(flat), minlength=size)
        known = np.bincount(slot, ~np.isnan(flat), minlength=size) > 0
        summed = np.where(known, total, np.nan)
        columns[name] = to_bin_lists(summed.reshape(-1, BINS_PER_HOUR))
    observed = np.bincount(target, hours.observed_seconds[matches], minlength=len(nodes.row))
    running = np.bincount(target, hours.running_seconds[matches], minlength=len(nodes.row))
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = observed / running
    columns["sample_coverage_ratio"] = pa.array(coverage.astype(np.float32), mask=np.isnan(coverage))
    return columns
