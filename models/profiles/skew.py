"""How unequal the pods of a workload are, and what each of its revisions used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from models.profiles.columns import list_values
from models.profiles.histogram import read_percentiles
from models.profiles.merge import KeptDays, MergedHistograms
from models.profiles.outliers import Outliers
from models.profiles.pod_days import PodDays, largest_per
from models.profiles.revisions import Revisions
from models.profiles.rows import BoolArray, HistogramRows
from models.vocabulary.profile import OutlierPod, RevisionUse

_PROBABILITY = 0.95
_LONGEST_LIST = 10
"""Revisions and outlier pods that a profile names at most, the newest or largest."""


@dataclass(frozen=True, eq=False)
class PodSkew:
    """p95 and maximum over the pods of each container, shape (n,); NaN where nothing was measured."""

    cpu_p95: FloatArray
    cpu_max: FloatArray
    memory_p95: FloatArray


def measure_skew(rows: HistogramRows, pods: PodDays, kept: KeptDays, merged: MergedHistograms) -> PodSkew:
    """Return the nearest-rank p95 over pods of each pod's own CPU p95 and of its largest memory."""
    containers = rows.container_count
    single = read_percentiles(merged.cpu, [_PROBABILITY], CPU_BUCKETS)[:, 0]
    cpu_p95, cpu_max, memory_p95 = single.copy(), single.copy(), merged.maxima["memory_max_5m"].copy()
    several = merged.pod_count > 1
    chosen = several[pods.container]
    if chosen.any():
        size = int(pods.pod.max(initial=0)) + 1
        keys, code = np.unique(pods.container[chosen] * size + pods.pod[chosen], return_inverse=True)
        of_pod_day = np.full(pods.count, -1, dtype=np.int64)
        of_pod_day[chosen] = code
        owner = keys // size
        of_row = np.where(kept.cpu[pods.slot], of_pod_day[pods.slot], -1)
        each = rows.cpu.percentile(of_row, len(keys), _PROBABILITY, CPU_BUCKETS)
        use = kept.memory & chosen
        memory = largest_per(of_pod_day[use], pods.memory_max[use], len(keys))
        cpu_p95 = np.where(several, _rank_per(owner, each, containers), cpu_p95)
        cpu_max = np.where(several, largest_per(owner, each, containers), cpu_max)
        memory_p95 = np.where(several, _rank_per(owner, memory, containers), memory_p95)
    return PodSkew(cpu_p95, cpu_max, memory_p95)


def _rank_per(group: np.ndarray, values: FloatArray, groups: int) -> FloatArray:
    """Return the nearest-rank p95 per group of its known values."""
    known = ~np.isnan(values)
    group, values = group[known], values[known]
    order = np.lexsort((values, group))
    count = np.bincount(group, minlength=groups)
    first = np.cumsum(count) - count
    rank = np.maximum(np.ceil(count * _PROBABILITY).astype(np.int64) - 1, 0)
    answer = np.full(groups, np.nan)
    some = count > 0
    answer[some] = values[order][(first + rank)[some]]
    return answer


def list_revisions(
    rows: HistogramRows, pods: PodDays, revisions: Revisions, merged: MergedHistograms, first_day: date
) -> dict[int, tuple[RevisionUse, ...]]:
    """Return what each revision of a container used, oldest first, by position of the container."""
    entries = len(revisions.container)
    alone = np.bincount(revisions.container, minlength=rows.container_count) == 1
    is_alone = alone[revisions.container]
    cpu = read_percentiles(merged.cpu, [_PROBABILITY], CPU_BUCKETS)[revisions.container, 0]
    wanted = np.append(~is_alone, False)[revisions.of_pod_day]
    if wanted.any():
        group = np.where(wanted, revisions.of_pod_day, -1)[pods.slot]
        several = rows.cpu.percentile(group, entries, _PROBABILITY, CPU_BUCKETS)
        cpu = np.where(is_alone, cpu, several)
    known = revisions.of_pod_day >= 0
    memory = largest_per(revisions.of_pod_day[known], pods.memory_max[known], entries)
    names = rows.texts("revision", pods.first_row[revisions.first_row])
    found: dict[int, list[RevisionUse]] = {}
    columns = zip(
        revisions.container.tolist(),
        names,
        revisions.first_day.tolist(),
        revisions.last_day.tolist(),
        revisions.samples.tolist(),
        list_values("cpu", cpu),
        list_values("memory", memory),
        strict=True,
    )
    for row, name, first, last, samples, p95, peak in columns:
        use = RevisionUse(
            name, first_day + timedelta(days=first), first_day + timedelta(days=last), int(samples), p95, peak
        )
        found.setdefault(row, []).append(use)
    return {row: tuple(uses[-_LONGEST_LIST:]) for row, uses in found.items()}


def list_outliers(
    rows: HistogramRows, pods: PodDays, outliers: Outliers, has_identity: BoolArray, first_day: date
) -> dict[int, tuple[OutlierPod, ...]]:
    """Return the pods that stood out, each once per resource with its newest day, by container."""
    found: dict[int, dict[tuple[str, str], OutlierPod]] = {}
    for resource, flagged, ratio in (
        ("cpu", outliers.cpu, outliers.cpu_ratio),
        ("memory", outliers.memory, outliers.memory_ratio),
    ):
        entries = np.flatnonzero(flagged)
        names = rows.texts("pod_uid", pods.first_row[entries]) if len(entries) else []
        for entry, name in zip(entries.tolist(), names, strict=True):
            row = int(pods.container[entry])
            is_left_out = resource == "cpu" and bool(outliers.is_left_out[entry])
            found.setdefault(row, {})[(resource, name)] = OutlierPod(
                pod_uid=name,
                resource=resource,
                day=first_day + timedelta(days=int(pods.day[entry])),
                ratio=float(ratio[entry]),
                is_left_out=is_left_out,
                reason=_reason(
                    resource,
                    float(ratio[entry]),
                    is_left_out=is_left_out,
                    has_identity=bool(has_identity[row]),
                ),
            )
    return {
        row: tuple(sorted(each.values(), key=lambda pod: (-pod.day.toordinal(), pod.resource, pod.pod_uid)))[
            :_LONGEST_LIST
        ]
        for row, each in found.items()
    }


def _reason(resource: str, ratio: float, *, is_left_out: bool, has_identity: bool) -> str:
    what = f"used {ratio:.1f} times the {'CPU' if resource == 'cpu' else 'memory'} of the median replica"
    if is_left_out:
        return f"{what}; left out of the profile"
    if resource == "memory":
        return f"{what}; kept, because a memory maximum that is too low kills"
    if has_identity:
        return f"{what}; kept, because pods of this kind are not interchangeable"
    return f"{what}; kept, because different replicas took turns in it"
