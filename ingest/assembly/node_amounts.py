"""Capacity, allocatable and GPUs of machines by hour, also where one was replaced under its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from ingest.assembly.owners import LabelSets, read_label_sets
from models.kubernetes.gpu import (
    NOT_SHARED,
    GpuSharing,
    describe_gpus,
    gpu_capacity,
    gpu_devices,
    is_gpu_resource,
)
from models.vocabulary.windows import HOUR, HourWindow

_PLAIN = ("cpu", "memory", "pods")


@dataclass(frozen=True)
class NodeLives:
    """When the machines behind node names ran.

    Parameters
    ----------
    axis : Axis
    starts, ends : array, shape (N,)
    by_name : dict from node name to machines
    """

    axis: Axis
    starts: Floats
    ends: Floats
    by_name: Mapping[str, list[int]]

    def fact_hours(self) -> Integers:
        """Return the hour whose facts tell about each machine in each hour, shape (N, H), from -1 to H.

        Series of facts bear a node's name only. In an hour in which two machines bore one name their facts
        are mixed, so those of the hour before or after are taken, in which the machine was alone.
        """
        hours = self.axis.hour_count
        chosen = np.broadcast_to(np.arange(hours), (len(self.starts), hours)).copy()
        starts = np.asarray(self.axis.start + HOUR_SECONDS * np.arange(-1, hours + 1), dtype=np.float64)
        for members in self.by_name.values():
            if len(members) < 2:
                continue
            lived = overlap_seconds(self.starts[members], self.ends[members], starts, HOUR_SECONDS) > 0
            alone = lived & (lived.sum(axis=0) == 1)
            is_mixed = lived[:, 1:-1] & (lived[:, 1:-1].sum(axis=0) > 1)
            offsets = np.where(alone[:, :-2], -1, np.where(alone[:, 2:], 1, 0))
            chosen[members] += np.where(is_mixed, offsets, 0)
        return chosen


class NodeAmounts:
    """Amounts by resource, shape (N, H), NaN where not known; GPUs in physical devices.

    Parameters
    ----------
    lives : NodeLives
    facts : Frame
        Hourly facts ``capacity``, ``allocatable`` and ``labels`` by node name, an hour before and after the
        window included.
    """

    def __init__(self, lives: NodeLives, facts: Frame) -> None:
        self._lives = lives
        self._hours = lives.fact_hours()
        self.labels = self._read_labels(facts.only(fact="labels"))
        raw = {fact: self._read(facts.only(fact=fact)) for fact in ("capacity", "allocatable")}
        self.sharing = self._find_sharing(raw["capacity"])
        self.capacity = {name: self._plain(raw["capacity"], name) for name in _PLAIN}
        self.allocatable = {name: self._plain(raw["allocatable"], name) for name in _PLAIN}
        self.capacity["gpu"] = self._gpus(raw["capacity"], is_capacity=True)
        self.allocatable["gpu"] = self._gpus(raw["allocatable"], is_capacity=False)

    def _read(self, frame: Frame) -> dict[str, dict[int, Floats]]:
        """Return amounts by resource and machine, shape (H,) each."""
        values = frame.dense(-1, self._lives.axis.hour_count + 2)
        found: dict[str, dict[int, Floats]] = {}
        for series, labels in enumerate(frame.labels):
            own = found.setdefault(labels.get("resource", ""), {})
            for row in self._lives.by_name.get(labels.get("node", ""), []):
                # nine decimals: averages of one and the same amount differ in the last bit
                amounts = np.round(values[series, self._hours[row] + 1], 9)
                own[row] = np.fmax(own[row], amounts) if row in own else amounts
        return found

    def _plain(self, raw: Mapping[str, Mapping[int, Floats]], resource: str) -> Floats:
        amounts = np.full(self._hours.shape, np.nan)
        for row, values in raw.get(resource, {}).items():
            amounts[row] = values
        return fill_forward_then_back(amounts) if amounts.size else amounts

    def _read_labels(self, frame: Frame) -> LabelSets:
        axis = self._lives.axis
        rows_of = [self._lives.by_name.get(m.get("node", ""), []) for m in frame.labels]
        own = read_label_sets(frame, rows_of, len(self._lives.starts), axis)
        is_mixed: Booleans = self._hours != np.arange(axis.hour_count)
        if not is_mixed.any():
            return own
        wide_axis = Axis(HourWindow(axis.window.start - HOUR, axis.window.end + HOUR))
        wide = read_label_sets(
            replace(frame, steps=frame.steps + 1), rows_of, len(self._lives.starts), wide_axis
        )
        picked = np.take_along_axis(wide.ids, self._hours + 1, axis=1)
        return LabelSets(np.where(is_mixed, picked, own.ids), {**wide.maps, **own.maps})

    def _find_sharing(self, capacity: Mapping[str, Mapping[int, Floats]]) -> dict[int, list[GpuSharing]]:
        """Return, for machines with GPUs, how these are divided in each hour."""
        resources = [name for name in capacity if is_gpu_resource(name)]
        rows = sorted({row for name in resources for row in capacity[name]})
        found = {}
        for row in rows:
            amounts = [_amounts_at(capacity, resources, row, hour) for hour in range(self._hours.shape[1])]
            found[row] = [
                describe_gpus(own, self.labels.maps.get(self.labels.ids[row, hour] or "", {}))
                for hour, own in enumerate(amounts)
            ]
        return found

    def _gpus(self, raw: Mapping[str, Mapping[int, Floats]], *, is_capacity: bool) -> Floats:
        amounts = np.full(self._hours.shape, np.nan)
        resources = [name for name in raw if is_gpu_resource(name)]
        for row, sharing in self.sharing.items():
            for hour, own in enumerate(sharing):
                given = _amounts_at(raw, resources, row, hour)
                devices = gpu_capacity(given, own) if is_capacity else gpu_devices(given, own)
                amounts[row, hour] = np.nan if devices is None else devices
        known = fill_forward_then_back(amounts) if amounts.size else amounts
        # every resource of a node is exported, so a node without GPUs has none of them
        has_cpu = ~np.isnan(self._plain(raw, "cpu"))
        return np.where(np.isnan(known) & has_cpu, 0.0, known)

    def sharing_at(self, row: int, hour: int) -> GpuSharing:
        """Return how a machine divides its GPUs in an hour."""
        own = self.sharing.get(row)
        return NOT_SHARED if own is None else own[hour]


def _amounts_at(
    raw: Mapping[str, Mapping[int, Floats]], resources: list[str], row: int, hour: int
) -> dict[str, float]:
    values = {name: float(raw[name][row][hour]) for name in resources if row in raw[name]}
    return {name: value for name, value in values.items() if not np.isnan(value)}
