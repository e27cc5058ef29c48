"""Sharing what a volume cost among the pods that mounted it, by time (reference/allocation.md, V13 and P21).

At every instant the pods that mount a volume share it equally; what nobody mounted is a remainder of its own.
Per volume-hour with ``R`` running seconds, ``o_p`` the seconds of it that pod p owns and ``O`` their sum::

    o_p = integral over p's interval of 1 / (pods mounting)      share_p = o_p / max(R, O)
    unmounted = max(R - O, 0) / max(R, O)

Where for some pod only the seconds held are known, not when, the pods of that volume-hour are taken to
overlap as little as possible: ``o_p`` is then the seconds held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.allocation.columns import Flags, Floats, Units

Positions = npt.NDArray[np.int64]
_HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Mounts:
    """Mounts of volumes by pods; arrays of length M.

    Parameters
    ----------
    volume : int64 array
        Position of the volume-hour.
    start_second, end_second : float64 array
        Half-open interval within the hour; what lies outside it is cut off. NaN where it is not known.
    mounted_seconds : float64 array
        Seconds held; looked at where the interval is not known. NaN counts as none.
    """

    volume: Positions
    start_second: Floats
    end_second: Floats
    mounted_seconds: Floats


@dataclass(frozen=True)
class MountShares:
    """Shares of the volume-hours, which add up to 1: per mount (length M) and unmounted (length V)."""

    pod: Floats
    unmounted: Floats


def share_by_mount_time(mounts: Mounts, running_seconds: Floats) -> MountShares:
    """Share volume-hours among the pods that mounted them.

    Parameters
    ----------
    mounts : Mounts
        One row per volume-hour and pod.
    running_seconds : float64 array
        Seconds that each volume existed in the hour; length V.
    """
    volume_count = len(running_seconds)
    own = _owned_seconds(mounts, volume_count)
    owned = np.bincount(mounts.volume, weights=own, minlength=volume_count).astype(np.float64)
    whole = np.maximum(np.nan_to_num(running_seconds), owned)
    is_running = whole > 0
    rest = np.divide(whole - owned, whole, out=np.ones(volume_count), where=is_running)
    shares = np.divide(own, whole[mounts.volume], out=np.zeros(len(own)), where=is_running[mounts.volume])
    return MountShares(shares, rest)


def split_by_share(cost_units: Units, volume: Positions, shares: MountShares) -> tuple[Units, Units]:
    """Split the cost of volume-hours over mounts and remainder, exactly.

    Every part is rounded to nano-units; the largest of an hour (the earlier of equals, a mount before the
    remainder) takes what is left.

    Parameters
    ----------
    cost_units : int64 array
        Nano-units per volume-hour; length V.
    volume : int64 array
        Position of the volume-hour of every mount; length M.
    shares : MountShares

    Returns
    -------
    tuple of int64 array
        Nano-units per mount (M) and unmounted (V).
    """
    parts = np.rint(cost_units[volume] * shares.pod).astype(np.int64)
    rest = np.rint(cost_units * shares.unmounted).astype(np.int64)
    allocated = np.zeros(len(cost_units), dtype=np.int64)
    np.add.at(allocated, volume, parts)
    residual = cost_units - allocated - rest
    order = np.lexsort((np.arange(len(parts)), -parts, volume))
    largest = np.full(len(cost_units), -1, dtype=np.int64)
    found, first = np.unique(volume[order], return_index=True)
    largest[found] = order[first]
    on_mount = (largest >= 0) & (np.append(parts, -1)[largest] >= rest)
    rest += np.where(on_mount, 0, residual)
    parts[largest[on_mount]] += residual[on_mount]
    return parts, rest


def split_used(units: Units, used_ratio: Floats) -> tuple[Units, Units, Flags]:
    """Split costs into what was used and what was not, by the share of the capacity that was filled.

    Returns
    -------
    tuple
        Used and unused nano-units, which add up to ``units``, and whether the use was measured: where it was
        not, both are 0.
    """
    is_measured = ~np.isnan(used_ratio)
    used = np.rint(units * np.clip(np.nan_to_num(used_ratio), 0.0, 1.0)).astype(np.int64)
    return used, np.where(is_measured, units - used, 0), is_measured


def _owned_seconds(mounts: Mounts, volume_count: int) -> Floats:
    """Return the seconds of its volume that each mount owns."""
    start = np.clip(mounts.start_second, 0.0, _HOUR_SECONDS)
    end = np.maximum(np.clip(mounts.end_second, 0.0, _HOUR_SECONDS), start)
    is_known = ~(np.isnan(start) | np.isnan(end))
    held = np.clip(np.nan_to_num(mounts.mounted_seconds), 0.0, _HOUR_SECONDS)
    own = np.where(is_known, end - start, held)
    unknown_count = np.bincount(mounts.volume, weights=~is_known, minlength=volume_count)
    pod_count = np.bincount(mounts.volume, minlength=volume_count)
    shared = (unknown_count == 0) & (pod_count > 1)
    rows = np.flatnonzero(shared[mounts.volume])
    if len(rows):
        rows = rows[np.argsort(mounts.volume[rows], kind="stable")]
        cuts = np.flatnonzero(np.diff(mounts.volume[rows])) + 1
        for together in np.split(rows, cuts):
            own[together] = _shared_seconds(start[together], end[together])
    return own


def _shared_seconds(start: Floats, end: Floats) -> Floats:
    """Return for each interval the integral of 1 / (intervals open at that instant)."""
    if (start == start[0]).all() and (end == end[0]).all():
        return (end - start) / len(start)
    edges = np.unique(np.concatenate([start, end]))
    open_count = np.searchsorted(np.sort(start), edges[:-1], side="right") - np.searchsorted(
        np.sort(end), edges[:-1], side="right"
    )
    lengths = np.diff(edges)
    each = np.divide(lengths, open_count, out=np.zeros_like(lengths), where=open_count > 0)
    until = np.concatenate([[0.0], np.cumsum(each)])
    owned: Floats = until[np.searchsorted(edges, end)] - until[np.searchsorted(edges, start)]
    return owned
