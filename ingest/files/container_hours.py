"""From usage rows to container-hours: running time, coverage, sums and 5-minute lists, all as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR

Int = NDArray[np.int64]
Float = NDArray[np.float64]

_HOUR = 3600
_MINUTE = 60
MIN_COVERAGE_RATIO = 0.5
"""Below half coverage usage counts as missing, not as low (DESIGN section 5)."""


@dataclass(frozen=True)
class UsageColumns:
    """Usage rows ordered by container, then start. NaN is an empty cell.

    Parameters
    ----------
    container : int array
        Code of the container, rising.
    start, seconds : int array
        Unix seconds; no interval crosses a full hour.
    measures : dict of str to float array
        The numeric columns of the file by name; absent ones are all NaN.
    """

    container: Int
    start: Int
    seconds: Int
    measures: dict[str, Float]


@dataclass(frozen=True)
class ContainerHours:
    """One row per container and hour, ordered by both.

    Parameters
    ----------
    container : int array
    hour : int array
        Unix seconds of the hour's start.
    source_row : int array
        Row of `UsageColumns` that last described the container in or before the hour.
    first_start : int array
        Start of the first interval in the hour; of the hour where there is none.
    running_seconds, observed_seconds : float array
    values : dict of str to float array
        Columns of ``container_hour``; NaN is null.
    bins : dict of str to float32 array of (rows, 12)
        The 5-minute lists, and the mean memory of each bin.
    """

    container: Int
    hour: Int
    source_row: Int
    first_start: Int
    running_seconds: Float
    observed_seconds: Float
    values: dict[str, Float]
    bins: dict[str, NDArray[np.float32]]


def aggregate(rows: UsageColumns, life_start: Int, life_end: Int, window: tuple[int, int]) -> ContainerHours:
    """Return the container-hours of a window.

    A container runs from its first to its last observation, so hours between two observations are there
    even when nothing was seen in them. Usage is the mean of what was observed times the time it ran, and
    missing where less than half was observed.

    Parameters
    ----------
    rows : UsageColumns
        Rows of the window, and before it the last row of each container that was alive but is not seen at
        the window's first moment.
    life_start, life_end : int array
        First and last observation of each container code.
    window : (int, int)
        Unix seconds, whole hours.
    """
    groups = _Groups(rows, life_end, window)
    start = np.maximum(groups.hour, life_start[groups.container])
    end = np.minimum(groups.hour + _HOUR, life_end[groups.container])
    running = (end - start).astype(np.float64)
    pieces = _split(rows.start, rows.seconds, groups.of_row, groups.hour, BIN_SECONDS)
    measured = _measure(rows, pieces, len(groups.hour))
    observed = np.minimum(measured.seconds, running)
    values = _settings(rows, groups, running)
    for name, column in (("cpu_usage_core_seconds", "cpu"), ("memory_usage_byte_seconds", "memory")):
        values[name] = _usage(measured.totals[column], measured.measured_seconds[column], running)
    values["sample_coverage_ratio"] = observed / running
    return ContainerHours(
        container=groups.container,
        hour=groups.hour,
        source_row=groups.last_row,
        first_start=groups.first_start,
        running_seconds=running,
        observed_seconds=observed,
        values=values,
        bins=measured.bins,
    )


class _Groups:
    """The (container, hour) pairs of a window, those without rows included; ``of_row`` is -1 outside."""

    def __init__(self, rows: UsageColumns, life_end: Int, window: tuple[int, int]) -> None:
        begin, end = window
        hour = rows.start // _HOUR * _HOUR
        is_new = np.ones(len(hour), dtype=bool)
        is_new[1:] = (rows.container[1:] != rows.container[:-1]) | (hour[1:] != hour[:-1])
        first = np.flatnonzero(is_new)
        last = np.append(first[1:], len(hour)) - 1
        container, seen_hour = rows.container[first], hour[first]
        until = np.full(len(first), end)
        until[:-1] = np.where(container[1:] == container[:-1], seen_hour[1:], end)
        until = np.minimum(until, -(-life_end[container] // _HOUR) * _HOUR)
        count = np.maximum((until - seen_hour) // _HOUR, 1)
        group = np.repeat(np.arange(len(first)), count)
        offset = np.arange(len(group)) - np.repeat(np.cumsum(count) - count, count)
        all_hours = seen_hour[group] + offset * _HOUR
        inside = (all_hours >= begin) & (all_hours < end)
        is_seen = (offset == 0)[inside]
        group, self.hour = group[inside], all_hours[inside]
        self.container = container[group]
        self.last_row = last[group]
        self.first_row = np.where(is_seen, first[group], last[group])
        self.is_seen = is_seen
        self.first_start = np.where(is_seen, rows.start[first[group]], self.hour)
        of_group = np.full(len(first), -1)
        of_group[group[is_seen]] = np.flatnonzero(is_seen)
        self.of_row = of_group[np.cumsum(is_new) - 1]


@dataclass(frozen=True)
class _Pieces:
    """Parts of intervals within one slot each: row, slot (over all groups) and seconds."""

    row: Int
    slot: Int
    seconds: Float


def _split(start: Int, seconds: Int, of_row: Int, hours: Int, width: int) -> _Pieces:
    """Cut intervals at multiples of ``width`` seconds; rows with group -1 are left out."""
    row = np.flatnonzero(of_row >= 0)
    begin = start[row] - hours[of_row[row]]
    end = begin + seconds[row]
    first = begin // width
    count = (end - 1) // width - first + 1
    if np.all(count == 1):
        return _Pieces(row, of_row[row] * (_HOUR // width) + first, (end - begin).astype(np.float64))
    place = np.repeat(np.arange(len(row)), count)
    slot = first[place] + np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    length = np.minimum(end[place], (slot + 1) * width) - np.maximum(begin[place], slot * width)
    row = row[place]
    return _Pieces(row, of_row[row] * (_HOUR // width) + slot, length.astype(np.float64))


@dataclass(frozen=True)
class _Measured:
    """What was observed per group: seconds, and per resource the integral, its seconds and the lists."""

    seconds: Float
    totals: dict[str, Float]
    measured_seconds: dict[str, Float]
    bins: dict[str, NDArray[np.float32]]


def _measure(rows: UsageColumns, pieces: _Pieces, count: int) -> _Measured:
    totals: dict[str, Float] = {}
    measured: dict[str, Float] = {}
    bins: dict[str, NDArray[np.float32]] = {}
    any_seconds = np.zeros(count * BINS_PER_HOUR)
    for resource, name in (("cpu", "cpu_usage_cores"), ("memory", "memory_usage_bytes")):
        value = rows.measures[name][pieces.row]
        weight = np.where(np.isnan(value), 0.0, pieces.seconds)
        slots = count * BINS_PER_HOUR
        integral = np.bincount(pieces.slot, np.nan_to_num(value) * weight, minlength=slots)
        seconds = np.bincount(pieces.slot, weight, minlength=slots)
        any_seconds = np.maximum(any_seconds, seconds)
        totals[resource] = integral.reshape(count, BINS_PER_HOUR).sum(axis=1)
        measured[resource] = seconds.reshape(count, BINS_PER_HOUR).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (integral / seconds).reshape(count, BINS_PER_HOUR)
        bins[f"{name}_by_5m"] = means.astype(np.float32)
    bins["cpu_usage_cores_max_1m_by_5m"] = _bin_maxima(pieces, _cpu_maxima(rows), count)
    finest = np.fmin(rows.measures["cpu_usage_cores"], np.inf)
    one_minute = _minute_maxima(rows, pieces, finest, count)
    best = np.fmax(bins["cpu_usage_cores_max_1m_by_5m"], one_minute)
    bins["cpu_usage_cores_max_1m_by_5m"] = best
    bins["memory_usage_bytes_max_by_5m"] = _bin_maxima(pieces, _memory_maxima(rows), count)
    observed = any_seconds.reshape(count, BINS_PER_HOUR).sum(axis=1)
    return _Measured(observed, totals, measured, bins)


def _cpu_maxima(rows: UsageColumns) -> Float:
    """Return the stated maximum; of a longer interval it is an upper bound of each bin that it covers."""
    return rows.measures["cpu_usage_cores_max"]


def _memory_maxima(rows: UsageColumns) -> Float:
    """Return the stated maximum, else the value itself where the interval is at most a bin long."""
    short = np.where(rows.seconds <= BIN_SECONDS, rows.measures["memory_usage_bytes"], np.nan)
    stated = rows.measures["memory_usage_bytes_max"]
    return np.where(np.isnan(stated), short, stated)


def _bin_maxima(pieces: _Pieces, value: Float, count: int) -> NDArray[np.float32]:
    """Return the largest value of each bin; NaN where none is known. Slots of pieces rise."""
    result = np.full(count * BINS_PER_HOUR, np.nan, dtype=np.float32)
    if len(pieces.slot):
        first = np.flatnonzero(np.append(True, pieces.slot[1:] != pieces.slot[:-1]))
        result[pieces.slot[first]] = np.fmax.reduceat(value[pieces.row], first)
    return result.reshape(count, BINS_PER_HOUR)


def _minute_maxima(rows: UsageColumns, pieces: _Pieces, cpu: Float, count: int) -> NDArray[np.float32]:
    """Return the largest one-minute mean of each bin where intervals are at most a minute long."""
    fine = (rows.seconds <= _MINUTE) & np.isnan(rows.measures["cpu_usage_cores_max"]) & ~np.isnan(cpu)
    result = np.full((count, BINS_PER_HOUR), np.nan, dtype=np.float32)
    if not fine.any():
        return result
    of_row = np.full(len(rows.start), -1)
    of_row[pieces.row] = pieces.slot // BINS_PER_HOUR
    hours = np.zeros(count, dtype=np.int64)
    hours[of_row[of_row >= 0]] = (rows.start // _HOUR * _HOUR)[of_row >= 0]
    minutes = _split(rows.start, rows.seconds, np.where(fine, of_row, -1), hours, _MINUTE)
    used, place = np.unique(minutes.slot, return_inverse=True)
    seconds = np.bincount(place, minutes.seconds)
    means = np.bincount(place, cpu[minutes.row] * minutes.seconds) / seconds
    np.fmax.at(result.reshape(-1), used // 5, means.astype(np.float32))
    return result


def _usage(total: Float, measured_seconds: Float, running: Float) -> Float:
    enough = measured_seconds >= MIN_COVERAGE_RATIO * running
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            np.where(enough & (measured_seconds > 0), total / measured_seconds * running, np.nan)
        )


def _settings(rows: UsageColumns, groups: _Groups, running: Float) -> dict[str, Float]:
    """Return requests, limits, throttling and counts; NaN where the file left them unset."""
    count = len(groups.hour)
    inside = groups.of_row >= 0
    group = groups.of_row[inside]
    seconds = rows.seconds[inside].astype(np.float64)
    values: dict[str, Float] = {}
    for name, target in (
        ("cpu_request_cores", "cpu_request_core_seconds"),
        ("memory_request_bytes", "memory_request_byte_seconds"),
        ("gpu_request", "gpu_request_seconds"),
    ):
        mean = _weighted_mean(rows.measures[name][inside], seconds, group, count, unset_is_zero=True)
        carried = rows.measures[name][groups.last_row]
        values[target] = np.where(groups.is_seen, mean, carried) * running
    for name in ("cpu_limit_cores", "memory_limit_bytes"):
        values[name] = rows.measures[name][groups.last_row]
    throttled = rows.measures["cpu_throttled_ratio"][inside]
    values["cpu_throttled_ratio"] = _weighted_mean(throttled, seconds, group, count, unset_is_zero=False)
    for name in ("oom_killed_count", "restart_count"):
        column = rows.measures[name][inside]
        known = np.bincount(group, ~np.isnan(column), minlength=count) > 0
        values[name] = np.where(known, np.bincount(group, np.nan_to_num(column), minlength=count), np.nan)
    return values


def _weighted_mean(value: Float, seconds: Float, group: Int, count: int, *, unset_is_zero: bool) -> Float:
    """Return the mean over time of each group; NaN where every value is unset."""
    known = ~np.isnan(value)
    weight = seconds if unset_is_zero else seconds * known
    total = np.bincount(group, np.nan_to_num(value) * weight, minlength=count)
    weights = np.bincount(group, weight, minlength=count)
    any_known = np.bincount(group, known, minlength=count) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(any_known, total / weights, np.nan))
