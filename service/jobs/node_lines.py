"""Lines of what of a node no container caused: idle, overhead and the two gains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.allocation.columns import Allocation
from service.jobs.node_hours import NodeHours, constant, money_array, take_codes

_NODE_MONEY = {
    "idle_cost": "idle",
    "overhead_cost": "overhead",
    "oversell_gain": "oversell_gain",
    "burst_gain": "burst_gain",
}


def node_lines(nodes: NodeHours, rows: npt.NDArray[np.int64], allocation: Allocation) -> list[pa.Table]:
    """Return idle and overhead lines; a node without the resource, or billed by its pods, has none."""
    tables = []
    has_size = np.ones(len(rows), np.bool_) if nodes.rates is None else ~nodes.rates.is_by_pod[rows]
    for resource, terms in allocation.nodes.items():
        capacity = nodes.columns.resources[resource].capacity_seconds[rows]
        kept = np.flatnonzero(has_size & ~(capacity == 0))
        chosen = rows[kept]
        count = len(kept)
        money = {
            name: money_array(getattr(terms, part)[kept], terms.is_costed[kept])
            for name, part in _NODE_MONEY.items()
        }
        tables.append(
            pa.table(
                {
                    "hour": pa.array(nodes.hours[chosen], pa.timestamp("us", tz="UTC")),
                    "node_key": take_codes(nodes.node_keys, chosen),
                    "line_kind": constant("node", count),
                    "pod_uid": constant("", count),
                    "container": constant("", count),
                    "resource": constant(resource, count),
                    "node_pool": take_codes(nodes.node_pool, chosen),
                    "currency": take_codes(nodes.currency, chosen),
                    "provenance": take_codes(nodes.provenance, chosen),
                    "idle_seconds": pa.array(terms.idle_seconds[kept]),
                    **money,
                }
            )
        )
    return tables
