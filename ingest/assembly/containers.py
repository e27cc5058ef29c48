"""What containers requested and used: matrices by container and hour, from series by name and by uid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ingest.assembly.frames import (
    HOUR_SECONDS,
    Axis,
    Booleans,
    Floats,
    Frame,
    Integers,
    fill_forward_then_back,
    overlap_seconds,
)
from ingest.assembly.pods import Pods
from models.kubernetes.gpu import GpuSharing, gpu_devices
from models.kubernetes.pod_request import ContainerKind
from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR

RESOURCES = ("cpu", "memory", "gpu")
_LEAST_COVERAGE = 0.5
"""Below this share of observed bins, usage counts as missing, not as low."""


@dataclass(frozen=True)
class ContainerIndex:
    """Which containers there are: one entry per pod uid and container name.

    Parameters
    ----------
    pods : array of int, shape (K,)
        Row of the pod.
    names : list of str
    rows : dict from (pod row, name) to entry
    """

    pods: Integers
    names: list[str]
    rows: dict[tuple[int, str], int]

    def __len__(self) -> int:
        return len(self.names)


def index_containers(pods: Pods, usage: Iterable[Frame], facts: Frame) -> ContainerIndex:
    """Return every container that a series names, in order of pod and container name.

    A usage series names a pod, not a uid: of pods that share the name, those have the container whose facts
    name it, or, where no facts list a pod's containers, in whose bins it was seen.

    Parameters
    ----------
    usage : iterable of Frame
        Values by bin.
    facts : Frame
        Values by hour; the restart counter lists all containers of a pod.
    """
    found: set[tuple[int, str]] = set()
    listed: set[int] = set()
    for labels in facts.labels:
        if name := labels.get("container", ""):
            members = pods.find(labels)
            found.update((pod, name) for pod in members)
            listed.update(members if labels.get("fact") == "restarts" and labels.get("uid") else ())
    nothing = np.zeros(pods.axis.bin_count, dtype=bool)
    shared = {pod: nothing if pod in listed else bins for pod, bins in pods.owned_bins().items()}
    for frame in usage:
        seen = ~np.isnan(frame.dense(0, pods.axis.bin_count)) if shared else np.empty((0, 0), dtype=bool)
        for series, labels in enumerate(frame.labels):
            if name := labels.get("container", ""):
                members = pods.find(labels)
                found.update(
                    (pod, name) for pod in members if pod not in shared or (seen[series] & shared[pod]).any()
                )
    ordered = sorted(found)
    rows = {key: index for index, key in enumerate(ordered)}
    return ContainerIndex(
        np.asarray([pod for pod, _ in ordered], dtype=np.int64), [name for _, name in ordered], rows
    )


SharingOf = Callable[[int, int], GpuSharing]
"""How the node of a pod (row) divides its GPUs in an hour (index)."""


class ContainerFacts:
    """Kinds, requests, limits, restarts and start of containers, by hour; GPUs in physical devices."""

    def __init__(self, pods: Pods, index: ContainerIndex, facts: Frame, sharing: SharingOf) -> None:
        self._pods = pods
        self._index = index
        self._axis = pods.axis
        hours = self._axis.hour_count
        shape = (len(index), hours)
        self.requests = {resource: np.full(shape, np.nan) for resource in RESOURCES}
        self.limits = {resource: np.full(shape, np.nan) for resource in RESOURCES}
        self.overhead = {resource: np.full((len(pods), hours), np.nan) for resource in RESOURCES}
        self.restarts = np.full((len(index), hours + 1), np.nan)
        self.first_started = np.full(len(index), np.nan)
        self.kinds = [ContainerKind.MAIN] * len(index)
        self._gpu_requests: dict[int, dict[str, Floats]] = {}
        values = facts.dense(-1, hours + 1)
        for series, labels in enumerate(facts.labels):
            self._take(labels, values[series])
        self._count_gpus(sharing)
        for amounts in (self.requests, self.limits, self.overhead):
            for resource in RESOURCES:
                amounts[resource] = _fill_known(amounts[resource])

    def restart_counts(self) -> Floats:
        """Return the restarts of each hour, NaN where the count before it is not known; shape (K, H)."""
        before, after = self.restarts[:, :-1], self.restarts[:, 1:]
        is_new = self._pods.starts[self._index.pods][:, None] >= self._axis.hour_starts[None, :]
        base = np.where(np.isnan(before) & is_new, 0.0, before)
        return np.asarray(np.maximum(after - base, 0.0))

    def is_kind(self, kind: ContainerKind) -> Booleans:
        """Return which containers are of a kind, shape (K,)."""
        return np.asarray([own is kind for own in self.kinds], dtype=bool)

    def _take(self, labels: dict[str, str], values: Floats) -> None:
        fact = labels.get("fact", "")
        if fact.startswith("overhead"):
            for pod in self._pods.find(labels):
                own = self.overhead[labels["resource"]]
                own[pod] = np.fmax(own[pod], values[1:])
            return
        name = labels.get("container", "")
        rows = [self._index.rows[pod, name] for pod in self._pods.find(labels) if name]
        for row in rows:
            self._take_container(fact, labels, values, row)

    def _take_container(self, fact: str, labels: dict[str, str], values: Floats, row: int) -> None:
        if fact in ("request", "init_request", "limit", "init_limit"):
            amounts = self.requests if fact.endswith("request") else self.limits
            # nine decimals: averages of one and the same request differ in the last bit
            rounded = np.round(values[1:], 9)
            resource = labels.get("resource", "")
            if resource in RESOURCES:
                own = amounts[resource]
                own[row] = np.fmax(own[row], rounded)
            elif amounts is self.requests:
                raw = self._gpu_requests.setdefault(row, {})
                raw[resource] = np.fmax(raw.get(resource, rounded), rounded)
        if fact.startswith("init") and self.kinds[row] is ContainerKind.MAIN:
            self.kinds[row] = ContainerKind.INIT
        if fact == "init" and labels.get("restart_policy") == "Always":
            self.kinds[row] = ContainerKind.SIDECAR
        if fact == "restarts":
            self.restarts[row] = np.fmax(self.restarts[row], values)
        if fact == "started":
            earliest = values[~np.isnan(values)].min(initial=np.inf)
            self.first_started[row] = np.fmin(self.first_started[row], earliest)

    def _count_gpus(self, sharing: SharingOf) -> None:
        """Turn what is requested of divided GPUs into physical devices."""
        for row, raw in self._gpu_requests.items():
            pod = int(self._index.pods[row])
            for hour in range(self._axis.hour_count):
                given = {name: float(own[hour]) for name, own in raw.items() if not np.isnan(own[hour])}
                devices = gpu_devices(given, sharing(pod, hour))
                self.requests["gpu"][row, hour] = np.nan if devices is None else devices


def _fill_known(amounts: Floats) -> Floats:
    return fill_forward_then_back(amounts) if amounts.shape[1] else amounts


@dataclass(frozen=True)
class BinUsage:
    """What containers used, by 5-minute bin, NaN where nobody looked; shape (K, 12 H) each."""

    cpu_mean: Floats
    cpu_max_1m: Floats
    memory_mean: Floats
    memory_max: Floats


@dataclass(frozen=True)
class Lives:
    """When containers ran: half-open intervals, Unix seconds, shape (K,) each."""

    starts: Floats
    ends: Floats

    def bin_seconds(self, axis: Axis, look_back_seconds: float = float(BIN_SECONDS)) -> Floats:
        """Return how long each container ran in the time before each bin's end, shape (K, 12 H)."""
        cell_starts = axis.bin_starts + BIN_SECONDS - look_back_seconds
        return overlap_seconds(self.starts, self.ends, cell_starts, look_back_seconds)


def find_lives(pods: Pods, index: ContainerIndex, facts: ContainerFacts) -> Lives:
    """Return when containers ran: from their own start where they never restarted, else from their pod's."""
    starts, ends = pods.starts[index.pods], pods.ends[index.pods]
    has_never_restarted = np.nan_to_num(_first_known(facts.restarts)) == 0
    own = np.where(has_never_restarted, facts.first_started, np.nan)
    return Lives(np.where(np.isnan(own), starts, np.clip(own, starts, ends)), ends)


def spread_over_containers(
    frame: Frame, pods: Pods, index: ContainerIndex, lives: Lives, look_back_seconds: float
) -> Floats:
    """Return values by container and bin from series that name pods, not uids; shape (K, 12 H).

    A bin in which the container did not live, or whose look-back saw another pod of its name, is not its own.
    """
    axis = pods.axis
    dense = np.vstack([frame.dense(0, axis.bin_count), np.full((1, axis.bin_count), np.nan)])
    series_of = np.full(len(index), len(frame.labels), dtype=np.int64)
    for series, labels in enumerate(frame.labels):
        for pod in pods.find(labels):
            row = index.rows.get((pod, labels["container"]))
            if row is not None:
                series_of[row] = series
    values = dense[series_of]
    values[lives.bin_seconds(axis) <= 0] = np.nan
    owned = pods.owned_bins(look_back_seconds)
    for row, pod in enumerate(index.pods.tolist()):
        if pod in owned:
            values[row, ~owned[pod]] = np.nan
    return np.asarray(values)


def rate_while_running(rates: Floats, lives: Lives, axis: Axis, intervals: tuple[float, float]) -> Floats:
    """Return the mean CPU of the part of each bin in which a container ran.

    A rate divides by its whole look-back, so in the bin of a start or an end it is too low by the share of
    the look-back in which the container was not there.

    Parameters
    ----------
    rates : array, shape (K, 12 H)
    intervals : (look-back of the rate, scrape interval)
        Seconds. A rate exists from two samples on, so at least one interval was lived.
    """
    look_back, scrape = intervals
    lived = np.maximum(lives.bin_seconds(axis, look_back), scrape)
    return np.asarray(rates * (look_back / lived))


def container_seconds(
    pods: Pods, index: ContainerIndex, facts: ContainerFacts, lives: Lives, observed: Booleans
) -> Floats:
    """Return how long each container ran in each hour, shape (K, H).

    Init containers have no exported times: they ran in the bins in which they were observed. A pod that was
    Pending throughout and used nothing did not run.

    Parameters
    ----------
    observed : array of bool, shape (K, 12 H)
        Bins in which the container was seen.
    """
    axis = pods.axis
    seconds = overlap_seconds(lives.starts, lives.ends, axis.hour_starts, HOUR_SECONDS)
    by_hour = observed.reshape(len(index), axis.hour_count, BINS_PER_HOUR)
    is_init = facts.is_kind(ContainerKind.INIT)
    seen_seconds = by_hour.sum(axis=2) * float(BIN_SECONDS)
    seconds[is_init] = np.minimum(seen_seconds, seconds)[is_init]
    idle = pods.is_pending[index.pods] & ~by_hour.any(axis=2)
    return np.asarray(np.where(idle, 0.0, seconds))


def _first_known(values: Floats) -> Floats:
    filled = fill_forward_then_back(values)
    return np.asarray(filled[:, 0])


def mean_usage(bins: Floats, seconds: Floats, lives: Lives, axis: Axis) -> tuple[Floats, Floats]:
    """Return resource-seconds and the share of bins observed, by hour.

    Usage is the mean of the observed bins, each weighted by the time the container ran in it, times the
    running seconds; below half coverage it is NaN.

    Parameters
    ----------
    bins : array, shape (K, 12 H)
    seconds : array, shape (K, H)
        Running time.
    lives : Lives
    axis : Axis

    Returns
    -------
    usage_seconds, coverage : arrays, shape (K, H)
    """
    shape = (len(bins), axis.hour_count, BINS_PER_HOUR)
    weights = np.where(np.isnan(bins), 0.0, lives.bin_seconds(axis)).reshape(shape)
    observed = weights.sum(axis=2)
    total = (np.nan_to_num(bins).reshape(shape) * weights).sum(axis=2)
    mean = np.divide(total, observed, out=np.full(total.shape, np.nan), where=observed > 0)
    coverage = np.minimum(observed / np.maximum(seconds, 1e-9), 1.0)
    return np.asarray(np.where(coverage >= _LEAST_COVERAGE, mean * seconds, np.nan)), np.asarray(coverage)


def count_oom_kills(frame: Frame, pods: Pods, index: ContainerIndex, restarts: Floats) -> Floats:
    """Return OOM kills by container and hour, shape (K, H).

    "Killed for memory" is a state that stays until the next termination, so a kill counts in the hour in
    which its time is seen first. Where no time is exported (value 1), the restarts of the hours in that
    state count, or the state's first appearance.

    Parameters
    ----------
    frame : Frame
        Time of the last kill by bin, twelve bins before the window included.
    restarts : array, shape (K, H + 1)
        Restart counter at the end of each hour and of the one before, NaN where not exported: then nothing
        says that there was no kill either.
    """
    axis = pods.axis
    kills = np.where(np.isnan(restarts[:, 1:]), np.nan, 0.0)
    increments = np.diff(restarts, axis=1)
    wide = frame.dense(-BINS_PER_HOUR, axis.bin_count + BINS_PER_HOUR)
    by_hour = wide.reshape(len(frame.labels), axis.hour_count + 1, BINS_PER_HOUR)
    for series, labels in enumerate(frame.labels):
        for pod in pods.find(labels):
            row = index.rows.get((pod, labels.get("container", "")))
            if row is not None:
                kills[row] = np.fmax(kills[row], _kills_by_hour(by_hour[series], increments[row]))
    return kills


def _kills_by_hour(moments: Floats, restarts: Floats) -> Floats:
    kills = np.zeros(len(moments) - 1)
    for hour in range(1, len(moments)):
        before = set(moments[hour - 1][~np.isnan(moments[hour - 1])])
        now = set(moments[hour][~np.isnan(moments[hour])])
        if now == {1.0}:
            counted = restarts[hour - 1]
            kills[hour - 1] = counted if not np.isnan(counted) else float(not before)
        else:
            kills[hour - 1] = len(now - before - {1.0})
    return kills
