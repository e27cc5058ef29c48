"""Smaller pods and oversold nodes evaluated together, so that the same slack is not counted twice.

Both levers spend the distance between what pods request and what they use. Overselling a node by
``rho = min(r_max, theta * sum(requests) / peak)`` lets it hold ``rho`` times its allocatable. Compressed
requests are nearer to the peak, so ``rho`` is computed anew from them and falls: adding the two savings would
bank the slack twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.packing.first_fit import FloatArray, count_nodes


@dataclass(frozen=True)
class JointPlan:
    """Like nodes that hold a pool's pods: as it is, with each lever alone, and with both."""

    nodes_now: int
    nodes_with_compression: int
    nodes_with_oversell: int
    nodes_with_both: int

    @property
    def joint_saving(self) -> int:
        """Nodes saved by both levers together."""
        return self.nodes_now - self.nodes_with_both


@dataclass(frozen=True, eq=False)
class OversellLimits:
    """How far a pool may be oversold, shape (dimensions,) each.

    Parameters
    ----------
    predicted_peak : ndarray of float
        Peak of the pods' use together; NaN where a dimension must not be oversold.
    theta : float
        Share of a node that the peak may reach.
    ratio_max : float
    """

    predicted_peak: FloatArray
    theta: float = 0.8
    ratio_max: float = 3.0


def plan_jointly(
    requests: FloatArray, compressed: FloatArray, node: FloatArray, limits: OversellLimits
) -> JointPlan:
    """Count the nodes of a pool under both levers.

    Parameters
    ----------
    requests, compressed : ndarray of float, shape (pods, dimensions)
        Now and as advised.
    node : ndarray of float, shape (dimensions,)
        Allocatable of each of the like nodes.
    limits : OversellLimits
    """
    now = count_nodes(requests, node)
    smaller = min(count_nodes(compressed, node), now)
    oversold = min(count_nodes(requests, node * oversell_ratio(requests, limits)), now)
    both = min(count_nodes(compressed, node * oversell_ratio(compressed, limits)), smaller, oversold)
    # a packing heuristic may win a node by luck where the levers meet; the sum of both is the most there is
    return JointPlan(now, smaller, oversold, max(both, smaller + oversold - now))


def oversell_ratio(requests: FloatArray, limits: OversellLimits) -> FloatArray:
    """Return ``clip(theta * sum(requests) / peak, 1, r_max)`` by dimension, 1 where no peak is given."""
    peak = np.where(limits.predicted_peak > 0, limits.predicted_peak, np.nan)
    ratio = limits.theta * requests.sum(axis=0) / peak
    return np.where(np.isnan(ratio), 1.0, np.clip(ratio, 1.0, limits.ratio_max))
