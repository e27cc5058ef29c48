"""What the allocation kernel takes and gives: arrays over container-hours and over node-hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Units = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Rows = npt.NDArray[np.intp]
IdentityRank = Callable[[Rows], npt.NDArray[np.integer]]

CPU, MEMORY, GPU = "cpu", "memory", "gpu"
STORAGE, LOAD_BALANCER, NETWORK, CONTROL_PLANE = "storage", "load_balancer", "network", "control_plane"
"""Resources of assets that are no nodes."""
UNITS_PER_CURRENCY = 1_000_000_000
"""Money inside the kernel is int64 nano-units: the nine decimals of the lake."""

WEIGHT_UNIT: Mapping[str, float] = {CPU: 1.0, MEMORY: float(1 << 30), GPU: 1.0}
"""Base units (cores, bytes, devices) that one weight refers to: weights are per core, GiB and device."""


@dataclass(frozen=True)
class NodeResource:
    """One resource of every node-hour; arrays of length G.

    Parameters
    ----------
    capacity_seconds, allocatable_seconds : float64 array
        Capacity and allocatable times running time, in core-, byte- or device-seconds; NaN where not known.
    weight : float64 array
        Price weight per core, GiB or device.
    """

    capacity_seconds: Floats
    allocatable_seconds: Floats
    weight: Floats


@dataclass(frozen=True)
class NodeColumns:
    """Node-hours: what each cost and what it had; arrays of length G.

    Parameters
    ----------
    cost_units : int64 array
        Cost of the node-hour in nano-units.
    is_priced : bool array
        False leaves every cost of the node-hour null.
    resources : mapping of str to NodeResource
    """

    cost_units: Units
    is_priced: Flags
    resources: Mapping[str, NodeResource]


@dataclass(frozen=True)
class ContainerResource:
    """One resource of every container-hour; arrays of length N in core-, byte- or device-seconds.

    NaN is an unset request or a usage that was not measured.
    """

    request_seconds: Floats
    usage_seconds: Floats


@dataclass(frozen=True)
class ContainerColumns:
    """Container-hours; arrays of length N.

    Parameters
    ----------
    node_hour : integer array
        Index of the node-hour; -1 where the node is not known.
    resources : mapping of str to ContainerResource
    identity_rank : callable or None
        Ranks some rows (positions) by the identity of their containers: of several equally large terms the
        one of lowest rank takes the rounding residual, so that the order of rows changes nothing. None: the
        order given.
    """

    node_hour: npt.NDArray[np.integer]
    resources: Mapping[str, ContainerResource]
    identity_rank: IdentityRank | None = None


@dataclass(frozen=True)
class ContainerTerms:
    """Cost by cause of every container-hour, in nano-units; arrays of length N.

    Where ``is_measured`` is false ``unmeasured`` holds the whole cost, else ``used + unused_request`` does.
    Where ``is_costed`` is false (node unknown or unpriced) no cost is known and the numbers mean nothing.
    """

    used: Units
    unused_request: Units
    unmeasured: Units
    is_measured: Flags
    is_costed: Flags


@dataclass(frozen=True)
class NodeTerms:
    """The node's own lines of one resource; arrays of length G, money in nano-units.

    ``idle + overhead`` and the containers' terms add up to ``cost``. The gains explain why the unit cost is
    below list and are never added. ``sold_seconds`` is the sum of max(request, usage), ``idle_seconds`` what
    of allocatable nobody requested or used.
    """

    cost: Units
    idle: Units
    overhead: Units
    oversell_gain: Units
    burst_gain: Units
    is_costed: Flags
    sold_seconds: Floats
    idle_seconds: Floats


@dataclass(frozen=True)
class Allocation:
    """Result of the kernel: terms per resource name."""

    containers: Mapping[str, ContainerTerms]
    nodes: Mapping[str, NodeTerms]
