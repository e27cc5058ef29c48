"""Which pods lived when: identity by uid, and intervals from timestamps or, without them, from sightings."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ingest.assembly.frames import (
    HOUR_SECONDS,
    Axis,
    Booleans,
    Floats,
    Frame,
    Integers,
    overlap_seconds,
)
from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR

PodName = tuple[str, str]
_TERMINAL_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Pods:
    """The pods that a source saw on nodes in a window, one entry per uid.

    Parameters
    ----------
    axis : Axis
    namespaces, names, uids, nodes : list of str
        Length P, in order of namespace, name, uid.
    is_on_host_network : array of bool, shape (P,)
    starts, ends : array, shape (P,)
        Half-open interval in which the pod held its request, Unix seconds; infinite where it began before
        or outlived what was looked at.
    phases : array of str, shape (P, H)
        Phase at the end of the hour.
    is_pending : array of bool, shape (P, H)
        Whether the pod was Pending in all bins of the hour in which it was seen.
    gaps : array of bool, shape (12 H + 2,)
        Bins in which no pod at all was seen.
    """

    axis: Axis
    namespaces: list[str]
    names: list[str]
    uids: list[str]
    nodes: list[str]
    is_on_host_network: Booleans
    starts: Floats
    ends: Floats
    phases: npt.NDArray[np.object_]
    is_pending: Booleans
    gaps: Booleans
    by_name: dict[PodName, list[int]] = field(repr=False)
    by_uid: dict[str, int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.uids)

    def find(self, labels: dict[str, str]) -> list[int]:
        """Return the pods that a series is about: by its uid, else every pod of its name."""
        uid = labels.get("uid")
        if uid:
            return [self.by_uid[uid]] if uid in self.by_uid else []
        return self.by_name.get((labels.get("namespace", ""), labels.get("pod", "")), [])

    def hour_seconds(self) -> Floats:
        """Return how long each pod held its request in each hour, shape (P, H)."""
        return overlap_seconds(self.starts, self.ends, self.axis.hour_starts, HOUR_SECONDS)

    def owned_bins(self, look_back_seconds: float = float(BIN_SECONDS)) -> dict[int, Booleans]:
        """Return, for pods that share their name with another, the bins of the name that are theirs.

        Sources without uid (cAdvisor) name pods only: a bin belongs to the uid that lived in it. A bin whose
        look-back saw two of them mixes both and belongs to neither: its use counts as not measured.

        Parameters
        ----------
        look_back_seconds : float
            Time before the end of a bin from which samples come; a bin at least.

        Returns
        -------
        dict from pod to array of bool, shape (12 H,)
        """
        owned: dict[int, Booleans] = {}
        starts = self.axis.bin_starts + BIN_SECONDS - look_back_seconds
        for members in self.by_name.values():
            if len(members) < 2:
                continue
            lived = overlap_seconds(self.starts[members], self.ends[members], starts, look_back_seconds) > 0
            alone = lived.sum(axis=0) == 1
            owned.update((pod, np.asarray(lived[position] & alone)) for position, pod in enumerate(members))
        return owned


@dataclass(frozen=True)
class PodFrames:
    """What tells about pods: sightings and phases by bin, timestamps by hour."""

    info: Frame
    phase: Frame
    facts: Frame
    sample_seconds: float


def find_pods(frames: PodFrames, axis: Axis, cluster: str) -> Pods:
    """Return the pods of a window.

    Start: when it was scheduled, else started, else created, else first seen. End: when it completed, else
    first seen Succeeded or Failed, else last seen plus the time that sample stands for. Bins in which no
    pod at all was seen prove nothing about any.

    Parameters
    ----------
    frames : PodFrames
        ``info`` counts samples per bin by namespace, pod, uid, node, host_network.
    axis : Axis
    cluster : str
        Goes into the identity of pods whose source exports no uid.
    """
    identities, rows = _identify(frames.info, cluster)
    seen = np.zeros((len(identities), axis.bin_count + 2))
    if len(rows):
        np.fmax.at(seen, rows, np.nan_to_num(frames.info.dense(-1, axis.bin_count + 2)))
    gaps = np.asarray(~(seen > 0).any(axis=0))
    uids = [identity[2] for identity in identities]
    by_uid = {uid: index for index, uid in enumerate(uids)}
    by_name: dict[PodName, list[int]] = defaultdict(list)
    for index, identity in enumerate(identities):
        by_name[identity[0], identity[1]].append(index)
    sightings = _Sightings(seen, gaps, axis, frames.sample_seconds)
    shell = Pods(
        axis, [i[0] for i in identities], [i[1] for i in identities], uids, [i[3] for i in identities],
        np.asarray([i[4] == "true" for i in identities], dtype=bool), np.empty(0), np.empty(0),
        np.empty((0, 0), dtype=object), np.empty((0, 0), dtype=bool), gaps, dict(by_name), by_uid,
    )  # fmt: skip
    return _with_times(shell, sightings, frames)


def _identify(info: Frame, cluster: str) -> tuple[list[tuple[str, str, str, str, str]], Integers]:
    """Return identities in order, and for each series the row of its identity."""
    by_uid: dict[str, tuple[str, str, str, str, str]] = {}
    keys = []
    for m in info.labels:
        namespace, pod, node = m.get("namespace", ""), m.get("pod", ""), m.get("node", "")
        uid = m.get("uid") or _invent_uid(cluster, namespace, pod, node)
        keys.append(uid)
        by_uid.setdefault(uid, (namespace, pod, uid, node, m.get("host_network", "")))
    identities = sorted(by_uid.values())
    row = {identity[2]: index for index, identity in enumerate(identities)}
    return identities, np.asarray([row[uid] for uid in keys], dtype=np.int64)


def _invent_uid(cluster: str, namespace: str, pod: str, node: str) -> str:
    digest = hashlib.sha256("\x1f".join((cluster, namespace, pod, node)).encode()).hexdigest()
    return f"unnamed-{digest[:24]}"


@dataclass(frozen=True)
class _Sightings:
    """Samples per object and bin (one bin before and after the window), and what they say about its life."""

    counts: Floats
    gaps: Booleans
    axis: Axis
    sample_seconds: float

    def first_seen(self) -> Floats:
        """Return the start of each object's life as far as sightings tell, -inf if before them."""
        present = self.counts > 0
        first = np.argmax(present, axis=1)
        starts = self.axis.wide_bin_starts[first]
        before = np.concatenate([[0], np.cumsum(~self.gaps)])[first]
        seen_for = self._seen_seconds(first)
        begins = np.where(
            seen_for >= BIN_SECONDS - self.sample_seconds, starts, starts + BIN_SECONDS - seen_for
        )
        return np.asarray(np.where(before == 0, -np.inf, begins))

    def last_seen(self, starts: Floats) -> Floats:
        """Return the end of each object's life as far as sightings tell, +inf if after them."""
        present = self.counts > 0
        last = present.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1)
        bins = self.axis.wide_bin_starts[last]
        later = np.concatenate([np.cumsum((~self.gaps)[::-1])[::-1], [0]])[last + 1]
        seen_for = self._seen_seconds(last)
        ends = np.minimum(np.maximum(bins, starts) + seen_for, bins + BIN_SECONDS)
        full = seen_for >= BIN_SECONDS - self.sample_seconds
        ends = np.where(full, bins + BIN_SECONDS, ends)
        return np.asarray(np.where(later == 0, np.inf, ends))

    def _seen_seconds(self, bins: Integers) -> Floats:
        counts = self.counts[np.arange(len(bins)), bins]
        return np.asarray(np.minimum(counts * self.sample_seconds, float(BIN_SECONDS)))


def life_from_sightings(
    counts: Floats, gaps: Booleans, axis: Axis, sample_seconds: float, known_starts: Floats
) -> tuple[Floats, Floats]:
    """Return starts and ends of objects from how often they were seen.

    Parameters
    ----------
    counts : array, shape (P, 12 H + 2)
        Samples per bin, one bin before and after the window included.
    gaps : array of bool, shape (12 H + 2,)
        Bins in which nothing of the kind was seen.
    axis : Axis
    sample_seconds : float
        Time between samples: a sample stands for the half-open time until the next.
    known_starts : array, shape (P,)
        Exact starts, NaN where not known.

    Returns
    -------
    starts, ends : arrays, shape (P,)
        Unix seconds; infinite where life reaches beyond what was looked at.
    """
    if not len(counts):
        return np.empty(0), np.empty(0)
    sightings = _Sightings(counts, gaps, axis, sample_seconds)
    starts = np.where(np.isnan(known_starts), sightings.first_seen(), known_starts)
    return starts, sightings.last_seen(starts)


def _with_times(pods: Pods, sightings: _Sightings, frames: PodFrames) -> Pods:
    moments = {fact: _moment(pods, frames.facts, fact) for fact in ("scheduled", "start", "created")}
    known = np.full(len(pods), np.nan)
    for fact in ("created", "start", "scheduled"):
        known = np.where(np.isnan(moments[fact]), known, moments[fact])
    starts, ends = life_from_sightings(
        sightings.counts, sightings.gaps, pods.axis, sightings.sample_seconds, known
    )
    phases = _Phases(pods, frames.phase)
    # a pod seen finished at its first sighting still lived for the sample it was scheduled in
    seen_finished = np.maximum(phases.finished_at, starts + sightings.sample_seconds)
    ends = np.where(np.isnan(phases.finished_at), ends, np.minimum(ends, seen_finished))
    # the metric also speaks of a running pod of which one container has ended, so the phase must agree
    completion = _moment(pods, frames.facts, "completion")
    is_over = ~np.isnan(completion) & (~np.isnan(phases.finished_at) | (not frames.phase.labels))
    ends = np.maximum(np.where(is_over, completion, ends), starts)
    return replace(
        pods,
        starts=starts,
        ends=ends,
        phases=phases.by_hour(ends),
        is_pending=phases.pending_hours(sightings.counts),
    )


def _moment(pods: Pods, facts: Frame, fact: str) -> Floats:
    """Return one timestamp per pod, the last of the window, NaN where none is known."""
    moments = np.full(len(pods), np.nan)
    frame = facts.only(fact=fact)
    values = frame.dense(0, pods.axis.hour_count)
    for series, labels in enumerate(frame.labels):
        known = values[series][~np.isnan(values[series])]
        members = pods.find(labels)
        # a name without uid that several pods bore cannot say whose moment it is
        if len(known) and len(members) == 1:
            moments[members[0]] = known[-1]
    return moments


class _Phases:
    """Phases other than Running, by pod and bin."""

    def __init__(self, pods: Pods, phase: Frame) -> None:
        axis = pods.axis
        self._axis = axis
        self.finished_at = np.full(len(pods), np.nan)
        self._final = ["Succeeded"] * len(pods)
        self._open: dict[str, Booleans] = {}
        bins = phase.dense(-1, axis.bin_count + 1)
        for series, labels in enumerate(phase.labels):
            present = bins[series] == 1
            if present.any():
                for pod in pods.find(labels):
                    self._note(pod, labels.get("phase", ""), present, len(pods))

    def _note(self, pod: int, name: str, present: Booleans, pod_count: int) -> None:
        if name in _TERMINAL_PHASES:
            first = float(self._axis.wide_bin_starts[int(np.argmax(present))])
            self.finished_at[pod] = np.fmin(self.finished_at[pod], first)
            self._final[pod] = name
            return
        bins = self._open.setdefault(name, np.zeros((pod_count, self._axis.bin_count), dtype=bool))
        bins[pod] |= present[1:]

    def by_hour(self, ends: Floats) -> npt.NDArray[np.object_]:
        """Return the phase of each pod at the end of each hour, shape (P, H)."""
        count = len(ends)
        phases = np.full((count, self._axis.hour_count), "Running", dtype=object)
        for name, bins in self._open.items():
            at_end = bins.reshape(count, self._axis.hour_count, BINS_PER_HOUR)[:, :, -1]
            phases[at_end] = name
        is_over = ends[:, None] < self._axis.hour_starts[None, :] + HOUR_SECONDS
        is_known = ~np.isnan(self.finished_at)[:, None]
        final = np.asarray(self._final, dtype=object)[:, None]
        return np.where(is_over & is_known, final, phases)

    def pending_hours(self, counts: Floats) -> Booleans:
        """Return the hours in which a pod was Pending whenever it was seen, shape (P, H)."""
        shape = (len(counts), self._axis.hour_count, BINS_PER_HOUR)
        seen = (counts[:, 1:-1] > 0).reshape(shape)
        pending = self._open.get("Pending", np.zeros((len(counts), self._axis.bin_count), dtype=bool))
        bins = pending.reshape(shape)
        return np.asarray((bins | ~seen).all(axis=2) & bins.any(axis=2))
