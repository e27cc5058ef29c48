"""How a node is taken away: lock, evict, switch off; and what is still to be repaired then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RemovalState(StrEnum):
    """Where a removal stands, in its order."""

    ADVISED = "advised"
    LOCKED = "locked"
    EVICTED = "evicted"
    OFFLINE = "offline"
    REPAIRING = "repairing"


@dataclass(frozen=True)
class NodeView:
    """What is seen of a node that is to go.

    Parameters
    ----------
    is_present, is_locked : bool
        Whether the cluster still has it, and whether it is cordoned.
    movable_pod_count : int
        Pods on it beside those of DaemonSets.
    homeless_pod_count : int
        Pods that ran on it and are pending since.
    """

    is_present: bool
    is_locked: bool
    movable_pod_count: int
    homeless_pod_count: int = 0


def judge_removal(view: NodeView) -> RemovalState:
    """Return the state that is seen; nothing is asserted by a click.

    Pods without a home come first: a removal that left them is repaired before the next step.
    """
    if view.homeless_pod_count > 0:
        return RemovalState.REPAIRING
    if not view.is_present:
        return RemovalState.OFFLINE
    if not view.is_locked:
        return RemovalState.ADVISED
    return RemovalState.LOCKED if view.movable_pod_count > 0 else RemovalState.EVICTED


def next_step(state: RemovalState, node: str) -> str:
    """Return what to do next, as a command or in words."""
    return {
        RemovalState.ADVISED: f"kubectl cordon {node}",
        RemovalState.LOCKED: f"kubectl drain {node} --ignore-daemonsets --delete-emptydir-data",
        RemovalState.EVICTED: f"switch {node} off where it was bought, then kubectl delete node {node}",
        RemovalState.OFFLINE: "nothing: its bill ends with it",
        RemovalState.REPAIRING: f"kubectl uncordon {node}, or add a node: pods of it are pending",
    }[state]
