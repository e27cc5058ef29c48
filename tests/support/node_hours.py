"""Node-hours and container-hours for the allocation kernel, in cores and GiB."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.allocation.columns import (
    CPU,
    GPU,
    MEMORY,
    Allocation,
    ContainerColumns,
    ContainerResource,
    NodeColumns,
    NodeResource,
)

HOUR = 3600.0
GIB = float(1 << 30)
_BASE = {CPU: 1.0, MEMORY: GIB, GPU: 1.0}


def seconds(amounts: Sequence[float | None], resource: str) -> np.ndarray:
    """Return amounts held for an hour in base units; None is unset."""
    return np.array([np.nan if amount is None else amount * HOUR * _BASE[resource] for amount in amounts])


def node_columns(
    cost_units: Sequence[int],
    capacity: dict[str, Sequence[float | None]],
    allocatable: dict[str, Sequence[float | None]] | None = None,
    weights: dict[str, float] | None = None,
    priced: Sequence[bool] | None = None,
) -> NodeColumns:
    """Return node-hours; allocatable is capacity unless given."""
    chosen = weights or {CPU: 9.0, MEMORY: 1.0, GPU: 9.0}
    usable = allocatable or capacity
    return NodeColumns(
        np.array(cost_units, dtype=np.int64),
        np.array(priced if priced is not None else [True] * len(cost_units)),
        {
            name: NodeResource(
                seconds(amounts, name), seconds(usable[name], name), np.full(len(amounts), chosen[name])
            )
            for name, amounts in capacity.items()
        },
    )


def container_columns(
    node_hour: Sequence[int], amounts: dict[str, Sequence[tuple[float | None, float | None]]]
) -> ContainerColumns:
    """Return container-hours from (request, usage) per resource."""
    return ContainerColumns(
        np.array(node_hour, dtype=np.int64),
        {
            name: ContainerResource(
                seconds([pair[0] for pair in pairs], name), seconds([pair[1] for pair in pairs], name)
            )
            for name, pairs in amounts.items()
        },
    )


def container_total(allocation: Allocation, resource: str) -> np.ndarray:
    """Return each container's cost of a resource in nano-units; 0 where it is not known."""
    terms = allocation.containers[resource]
    return np.where(terms.is_costed, terms.used + terms.unused_request + terms.unmeasured, 0)
