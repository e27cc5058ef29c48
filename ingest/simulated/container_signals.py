"""Counters and gauges of containers at scrape moments, from the same use that the files state."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.simulation.noise import hash_steps
from models.simulation.timeline import ClusterTimeline
from models.simulation.usage import UsageRows, iterate_usage, minute_levels
from models.vocabulary.windows import BIN_SECONDS

Int = NDArray[np.int64]
Float = NDArray[np.float64]

_MINUTE = 60
_MINUTES = BIN_SECONDS // _MINUTE
CFS_PERIODS_PER_SECOND = 10


@dataclass(frozen=True)
class Run:
    """A container from one start to the next restart (Unix seconds); restarts count from 0."""

    container: int
    number: int
    start: int
    end: int


class ContainerSignals:
    """Use of all containers of a cluster at any moment, by minute.

    A bin that the container filled is five minutes, one of them at the stated maximum; any other bin is
    level.

    Parameters
    ----------
    timeline : ClusterTimeline
    """

    def __init__(self, timeline: ClusterTimeline) -> None:
        self._timeline = timeline
        chunks = list(iterate_usage(timeline, timeline.start, timeline.end))
        order = np.argsort(np.concatenate([chunk.container for chunk in chunks]), kind="stable")
        self._rows = UsageRows(
            *(np.concatenate([getattr(chunk, name) for chunk in chunks])[order] for name in _FIELDS)
        )
        count = len(timeline.containers)
        self._first = np.searchsorted(self._rows.container, np.arange(count + 1))

    def runs(self, container: int) -> list[Run]:
        """Return the runs of a container, cut where the kernel killed it."""
        columns = self._timeline.containers
        start, end = int(columns.start[container]), int(columns.end[container])
        period = int(columns.restart_period_seconds[container])
        kills = list(range(start + period, end, period)) if period > 0 else []
        edges = [start, *kills, end]
        return [
            Run(container, number, begin, finish) for number, (begin, finish) in enumerate(pairwise(edges))
        ]

    def cpu_seconds(self, run: Run, moments: Int) -> Float:
        """Return the CPU counter of a run: core-seconds since its start."""
        mean, highest = (
            self._part(run.container, "cpu_usage_cores"),
            self._part(run.container, "cpu_usage_cores_max"),
        )
        return self._counter(run, self._minutes(run.container, mean, highest), moments)

    def throttled_periods(self, run: Run, moments: Int) -> Float:
        """Return the counter of throttled scheduler periods of a run."""
        ratio = np.nan_to_num(self._part(run.container, "cpu_throttled_ratio"))
        levels = self._minutes(run.container, ratio, ratio) * CFS_PERIODS_PER_SECOND
        return np.floor(self._counter(run, levels, moments))

    def memory_bytes(self, run: Run, moments: Int) -> Float:
        """Return the working set at each moment."""
        name = "memory_usage_bytes"
        levels = self._minutes(
            run.container, self._part(run.container, name), self._part(run.container, f"{name}_max")
        )
        begins = self._minute_starts(run.container)
        place = np.searchsorted(begins, moments, side="right") - 1
        return levels.reshape(-1)[np.clip(place, 0, levels.size - 1)]

    def _part(self, container: int, name: str) -> Float:
        first, last = self._first[container], self._first[container + 1]
        return np.asarray(getattr(self._rows, name)[first:last], dtype=np.float64)

    def _minutes(self, container: int, mean: Float, highest: Float) -> Float:
        first, last = self._first[container], self._first[container + 1]
        start, seconds = self._rows.start[first:last], self._rows.seconds[first:last]
        seed = self._timeline.containers.seed[container : container + 1]
        peak = (hash_steps(seed, start // BIN_SECONDS) >> np.uint64(7)) % np.uint64(_MINUTES)
        top = np.where(seconds == BIN_SECONDS, highest, mean)
        return minute_levels(mean, top, peak.astype(np.int64))

    def _minute_starts(self, container: int) -> Int:
        first, last = self._first[container], self._first[container + 1]
        bins = self._rows.start[first:last] // BIN_SECONDS * BIN_SECONDS
        return np.asarray((bins[:, None] + np.arange(_MINUTES) * _MINUTE).reshape(-1))

    def _counter(self, run: Run, levels: Float, moments: Int) -> Float:
        """Integrate levels from the start of a run to each moment."""
        columns = self._timeline.containers
        start, end = columns.start[run.container], columns.end[run.container]
        begins = self._minute_starts(run.container)
        edges = np.append(np.clip(begins, start, end), end)
        edges = np.maximum.accumulate(edges)
        total = np.append(0.0, np.cumsum(levels.reshape(-1) * np.diff(edges)))
        at = np.interp(np.append(moments, run.start), edges, total)
        return np.asarray(at[:-1] - at[-1])


_FIELDS = tuple(UsageRows.__dataclass_fields__)
