"""What containers used in each 5-minute bin: any time range of a cluster, as flat columns.

Every value depends only on its container and bin, so any split of the time gives the same rows. Within a
bin, CPU is the mean in four of five minutes' worth and the maximum in one (``minute_levels``), so the
one-minute detail that a scrape sees agrees with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation.distributions import PEAK_TO_MEAN, SLOW_NOISE_SHARE
from models.simulation.instance_types import INSTANCE_TYPES
from models.simulation.noise import hash_steps, mix, normal, seed_of
from models.simulation.shapes import demand_level, slow_noise
from models.simulation.timeline import ClusterTimeline
from models.vocabulary.windows import BIN_SECONDS

Int = NDArray[np.int64]
Float32 = NDArray[np.float32]
Float = NDArray[np.float64]

_NODE_USABLE_SHARE = 0.94
_MEMORY_NOISE_SD = 0.03
_MEMORY_PEAK_EXCESS = 0.04
_ROWS_PER_CHUNK = 150_000
_PEAKS = PEAK_TO_MEAN.at((np.arange(1024) + 0.5) / 1024)
_PEAK_SHIFT = np.uint64(54)
"""The upper ten bits of a hash choose one of 1024 quantiles."""


@dataclass(frozen=True)
class UsageRows:
    """Observed use of containers, one row per container and 5-minute bin, ordered by both.

    Parameters
    ----------
    container : int array
        Row of ``ClusterTimeline.containers``.
    start, seconds : int array
        Part of the bin in which the container ran: Unix seconds, and length.
    cpu_usage_cores, cpu_usage_cores_max : float32 array
        Mean, and largest one-minute mean.
    memory_usage_bytes, memory_usage_bytes_max : float32 array
    cpu_throttled_ratio : float32 array
        Share of scheduler periods in which the limit held the container back; NaN without a limit.
    oom_killed_count : int array
        Kills, each followed by a restart.
    is_scraped : bool array
        False where the scenario has a gap: it ran, and nobody saw it.
    """

    container: Int
    start: Int
    seconds: Int
    cpu_usage_cores: Float32
    cpu_usage_cores_max: Float32
    memory_usage_bytes: Float32
    memory_usage_bytes_max: Float32
    cpu_throttled_ratio: Float32
    oom_killed_count: Int
    is_scraped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.container)


def iterate_usage(timeline: ClusterTimeline, start: int, end: int) -> Iterator[UsageRows]:
    """Yield the use in ``[start, end)`` in chunks of whole days or bins, oldest first.

    Memory is bounded by the chunk, about 150,000 rows unless one bin holds more.
    """
    columns = timeline.containers
    alive = np.minimum(columns.end, end) - np.maximum(columns.start, start)
    expected = max(1, int(np.maximum(alive, 0).sum() / BIN_SECONDS) + len(columns))
    bins = (end - start + BIN_SECONDS - 1) // BIN_SECONDS
    per_chunk = max(1, min(bins, int(bins * _ROWS_PER_CHUNK / expected)))
    for first in range(start // BIN_SECONDS, start // BIN_SECONDS + bins, per_chunk):
        begin = max(start, first * BIN_SECONDS)
        yield usage_between(timeline, begin, min(end, (first + per_chunk) * BIN_SECONDS))


def usage_between(timeline: ClusterTimeline, start: int, end: int) -> UsageRows:
    """Return the use of every container in ``[start, end)`` (Unix seconds on bin boundaries)."""
    columns = timeline.containers
    rows = np.flatnonzero((columns.start < end) & (columns.end > start))
    first = np.maximum(columns.start[rows], start) // BIN_SECONDS
    count = (np.minimum(columns.end[rows], end) - 1) // BIN_SECONDS + 1 - first
    container = np.repeat(rows, count)
    bins = np.arange(len(container)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    begin = np.maximum(bins * BIN_SECONDS, columns.start[container])
    seconds = np.minimum((bins + 1) * BIN_SECONDS, columns.end[container]) - begin
    hashes = hash_steps(columns.seed[container], bins)
    demand = _cpu_demand(timeline, container, bins, hashes, start // BIN_SECONDS)
    second_hash = mix(hashes + np.uint64(1))
    cpu, cpu_max, throttled = _limit_cpu(timeline, container, bins, demand, second_hash)
    memory, memory_max, killed = _memory(timeline, container, begin, seconds, second_hash)
    return UsageRows(
        container=container,
        start=begin,
        seconds=seconds,
        cpu_usage_cores=cpu.astype(np.float32),
        cpu_usage_cores_max=cpu_max.astype(np.float32),
        memory_usage_bytes=memory.astype(np.float32),
        memory_usage_bytes_max=memory_max.astype(np.float32),
        cpu_throttled_ratio=throttled.astype(np.float32),
        oom_killed_count=killed,
        is_scraped=_scraped(timeline, container, begin),
    )


def _cpu_demand(
    timeline: ClusterTimeline, container: Int, bins: Int, hashes: NDArray[np.uint64], first_bin: int
) -> Float:
    """Return mean cores wanted: level of the container x shape of its workload x noise."""
    columns = timeline.containers
    levels = _workload_levels(timeline, first_bin, int(bins.max(initial=first_bin)) + 1)
    sd = columns.cpu_noise_log_sd[container]
    white_sd = np.sqrt(1 - SLOW_NOISE_SHARE) * sd
    noise = normal(hashes)
    noise *= white_sd
    noise -= 0.5 * white_sd**2
    workload = columns.workload[container]
    slow = _slow_noise(timeline, first_bin, levels.shape[1])[workload, bins - first_bin]
    slow_sd = np.sqrt(SLOW_NOISE_SHARE) * sd
    noise += slow * slow_sd - 0.5 * slow_sd**2
    demand = np.exp(noise)
    demand *= levels[workload, bins - first_bin]
    demand *= columns.cpu_usage_cores_mean[container]
    return np.asarray(demand)


def _workload_levels(timeline: ClusterTimeline, first_bin: int, last_bin: int) -> Float:
    times = np.arange(first_bin, last_bin) * BIN_SECONDS
    span = (timeline.start, timeline.end)
    return np.array(
        [
            demand_level(plan, times, span, seed_of(timeline.seed, "shape", index))
            for index, plan in enumerate(timeline.plan.workloads)
        ]
    ).reshape(len(timeline.plan.workloads), len(times))


def _slow_noise(timeline: ClusterTimeline, first_bin: int, count: int) -> Float:
    times = np.arange(first_bin, first_bin + count) * BIN_SECONDS
    return np.array(
        [
            slow_noise(seed_of(timeline.seed, "slow", index), times)
            for index in range(len(timeline.plan.workloads))
        ]
    ).reshape(len(timeline.plan.workloads), count)


def _limit_cpu(
    timeline: ClusterTimeline, container: Int, bins: Int, demand: Float, hashes: NDArray[np.uint64]
) -> tuple[Float, Float, Float]:
    """Return mean and one-minute maximum of CPU under limits and node sizes, and the throttled share."""
    wanted_max = demand * _PEAKS[(hashes >> _PEAK_SHIFT).astype(np.int64)]
    limit = timeline.containers.cpu_limit_cores[container]
    with np.errstate(invalid="ignore"):
        throttled = np.clip((wanted_max - limit) / wanted_max, 0.0, 1.0)
    mean = np.fmin(demand, limit)
    highest = np.maximum(np.fmin(wanted_max, limit), mean)
    cores = np.array(
        [INSTANCE_TYPES[node.pool.instance_type].cpu_cores for node in timeline.nodes], dtype=np.float64
    )
    share = _node_share(timeline, container, bins, mean, cores)
    return mean * share, highest * share, throttled


def _memory(
    timeline: ClusterTimeline, container: Int, begin: Int, seconds: Int, hashes: NDArray[np.uint64]
) -> tuple[Float, Float, Int]:
    """Return mean and maximum of the working set under limits, and kernel kills, of each row."""
    columns = timeline.containers
    noise = normal(mix(hashes + np.uint64(1)))
    base = columns.memory_usage_bytes_mean[container] * (1 + _MEMORY_NOISE_SD * noise)
    high = base * (1 + _MEMORY_PEAK_EXCESS * np.abs(noise))
    period = columns.restart_period_seconds[container]
    age = begin - columns.start[container]
    killed = np.zeros(len(container), dtype=np.int64)
    leaking = columns.memory_leak_bytes_per_second[container] > 0
    if leaking.any():
        cycle = np.maximum(period, 1)
        since = np.where(period > 0, age % cycle, age)
        grown = columns.memory_leak_bytes_per_second[container] * since
        base, high = base + grown, high + grown
        end_age = age + seconds
        killed = np.where(leaking & (period > 0), (end_age - 1) // cycle - np.maximum(age - 1, 0) // cycle, 0)
        high = np.where(killed > 0, columns.memory_limit_bytes[container], high)
    limit = columns.memory_limit_bytes[container]
    high = np.fmin(high, limit)
    return np.minimum(base, high), high, killed


def _node_share(timeline: ClusterTimeline, container: Int, bins: Int, cpu: Float, cores: Float) -> Float:
    """Return by how much use is cut so that a node's containers fit into its cores, 1 where they do."""
    node = timeline.containers.node[container]
    if not len(bins):
        return np.ones(0)
    first = int(bins.min())
    width = int(bins.max()) - first + 1
    place = node * width + (bins - first)
    total = np.bincount(place, weights=cpu, minlength=len(cores) * width).reshape(len(cores), width)
    usable = _NODE_USABLE_SHARE * cores[:, None]
    share = np.where(total > usable, usable / np.maximum(total, 1e-12), 1.0)
    return np.asarray(share.ravel()[place])


def _scraped(timeline: ClusterTimeline, container: Int, begin: Int) -> NDArray[np.bool_]:
    seen = np.ones(len(container), dtype=bool)
    for gap in timeline.plan.gaps:
        hidden = (begin >= gap.start) & (begin < gap.end)
        if gap.node_position is not None:
            hidden &= timeline.containers.node[container] == gap.node_position
        seen &= ~hidden
    return seen


def minute_levels(mean: Float, highest: Float, peak_minute: Int) -> Float:
    """Return five one-minute means of each bin: the maximum in one minute, the rest evenly in the others.

    Parameters
    ----------
    mean, highest : float array of n
        Mean of the bin and its largest minute, at most five times the mean.
    peak_minute : int array of n
        0 to 4.

    Returns
    -------
    float array of (n, 5)
        Each row has the given mean; its maximum is the given one or five times the mean if that is less.
    """
    top = np.minimum(highest, 5 * mean)
    rest = (5 * mean - top) / 4
    levels = np.repeat(rest[:, None], 5, axis=1)
    levels[np.arange(len(mean)), peak_minute] = top
    return np.asarray(levels)
