"""Peak of the tasks alive now: predicted from their last days, and what it turned out to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.vocabulary.windows import BINS_PER_HOUR

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CHUNK_TASKS = 2000


@dataclass(frozen=True, eq=False)
class TaskUsage:
    """Use of one resource by the containers of all pods (tasks) of a cluster.

    Parameters
    ----------
    row_task, row_hour : ndarray of int, shape (rows,)
        Task and hour (counted from the start of the history) of each row.
    row_bins : ndarray of float, shape (rows, 12)
        5-minute values, NaN where not observed.
    task_workload, task_node : ndarray of int, shape (tasks,)
    task_request : ndarray of float, shape (tasks,)
        NaN where unset.
    hours : int
        Length of the history.
    """

    row_task: IntArray
    row_hour: IntArray
    row_bins: FloatArray
    task_workload: IntArray
    task_node: IntArray
    task_request: FloatArray
    hours: int

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return int(self.task_node.max(initial=-1)) + 1


def find_alive(usage: TaskUsage, hour: int) -> IntArray:
    """Return the tasks that ran in an hour, in ascending order."""
    alive: IntArray = np.unique(usage.row_task[usage.row_hour == hour])
    return alive


def predict_peaks(usage: TaskUsage, alive: IntArray, start_hour: int, end_hour: int) -> FloatArray:
    """Return the predicted peak per node: the largest sum over bins of what its tasks used before.

    Each task is replayed over ``[start_hour, end_hour)``. Bins before it started take the mean of its
    workload's tasks in that bin; bins before its workload started take its request. Bins in which the
    workload existed but did not run count 0. Bins in which nobody was observed are left out.

    Returns
    -------
    ndarray of float, shape (nodes,)
        0 for a node without an alive task.
    """
    history = _History.cut(usage, start_hour, end_hour)
    mean, is_observed, first_bin = _workload_means(usage, history)
    bin_number = np.arange(history.bins)

    def replay(tasks: IntArray) -> FloatArray:
        workload = usage.task_workload[tasks]
        request = np.nan_to_num(usage.task_request[tasks])
        expected = np.where(bin_number < first_bin[workload][:, None], request[:, None], mean[workload])
        own = history.own(usage, tasks)
        return np.where(is_observed, np.where(np.isnan(own), expected, own), 0.0)

    return _peaks_by_node(usage, alive, replay)


def realised_peaks(usage: TaskUsage, alive: IntArray, start_hour: int, end_hour: int) -> FloatArray:
    """Return what the peak of these tasks was: the largest sum of their own use in ``[start, end)``.

    The peak oracle of "Take it to the limit" (EuroSys 2021): tasks that start later do not count, tasks
    that end count nothing from then on.
    """
    history = _History.cut(usage, start_hour, end_hour)
    return _peaks_by_node(usage, alive, lambda tasks: np.nan_to_num(history.own(usage, tasks)))


@dataclass(frozen=True, eq=False)
class _History:
    """Rows of a range of hours, ordered by task, with the bin of each of their values."""

    task: IntArray
    position: IntArray
    values: FloatArray
    bins: int

    @classmethod
    def cut(cls, usage: TaskUsage, start_hour: int, end_hour: int) -> _History:
        chosen = np.flatnonzero((usage.row_hour >= start_hour) & (usage.row_hour < end_hour))
        chosen = chosen[np.argsort(usage.row_task[chosen], kind="stable")]
        first = (usage.row_hour[chosen] - start_hour) * BINS_PER_HOUR
        position = first[:, None] + np.arange(BINS_PER_HOUR)
        bins = (end_hour - start_hour) * BINS_PER_HOUR
        return cls(usage.row_task[chosen], position, usage.row_bins[chosen], bins)

    def own(self, usage: TaskUsage, tasks: IntArray) -> FloatArray:
        """Return the tasks' own values, shape (tasks, bins), NaN where they did not run."""
        slot = np.full(len(usage.task_node), -1, dtype=np.int64)
        slot[tasks] = np.arange(len(tasks))
        owner = slot[self.task]
        mine = np.flatnonzero(owner >= 0)
        own = np.full((len(tasks), self.bins), np.nan)
        own[owner[mine][:, None], self.position[mine]] = self.values[mine]
        return own


def _workload_means(usage: TaskUsage, history: _History) -> tuple[FloatArray, NDArray[np.bool_], IntArray]:
    """Return mean use per task of each workload and bin, observed bins, and each workload's first bin."""
    size, bins = int(usage.task_workload.max(initial=-1)) + 1, history.bins
    seen = ~np.isnan(history.values)
    cell = (usage.task_workload[history.task][:, None] * bins + history.position)[seen]
    total = np.bincount(cell, weights=history.values[seen], minlength=size * bins).reshape(size, bins)
    count = np.bincount(cell, minlength=size * bins).reshape(size, bins)
    mean = np.divide(total, count, out=np.zeros((size, bins)), where=count > 0)
    ran: NDArray[np.bool_] = count > 0
    first: IntArray = np.where(ran.any(axis=1), ran.argmax(axis=1), bins).astype(np.int64)
    return mean, np.asarray(ran.any(axis=0), dtype=np.bool_), first


def _peaks_by_node(usage: TaskUsage, alive: IntArray, replay: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Sum replayed tasks per node and take the largest bin, some nodes at a time to bound memory."""
    peaks = np.zeros(usage.node_count)
    ordered = alive[np.argsort(usage.task_node[alive], kind="stable")]
    nodes, start = np.unique(usage.task_node[ordered], return_index=True)
    edges = np.append(start, len(ordered))
    first = 0
    while first < len(nodes):
        last = max(int(np.searchsorted(edges, edges[first] + _CHUNK_TASKS, side="right")) - 1, first + 1)
        tasks = ordered[edges[first] : edges[last]]
        summed = np.add.reduceat(replay(tasks), edges[first:last] - edges[first], axis=0)
        peaks[nodes[first:last]] = summed.max(axis=1)
        first = last
    return peaks
