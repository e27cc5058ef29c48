"""Which pod-days a profile goes by: not the CPU of outliers, not revisions that the newest one is unlike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray
from models.profiles.days import ContainerDays
from models.profiles.merge import KeptDays
from models.profiles.outliers import Outliers, find_outliers
from models.profiles.pod_days import PodDays, largest_per, sum_per
from models.profiles.revisions import Revisions, compare_revisions
from models.profiles.rows import BoolArray


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept and why the rest is not.

    Parameters
    ----------
    pod_days : KeptDays
    cpu_scale, memory_scale : ndarray of float, shape (containers, days)
        Kept over observed: mean CPU and largest memory of a day; NaN where nothing of a day is kept.
    outliers : Outliers
    revisions : Revisions
    """

    pod_days: KeptDays
    cpu_scale: FloatArray
    memory_scale: FloatArray
    outliers: Outliers
    revisions: Revisions

    def explain(self, row: int) -> str:
        """Return in words why the profile of a container follows its newest revision alone."""
        ratios = (("CPU", self.revisions.cpu_ratio[row]), ("memory", self.revisions.memory_ratio[row]))
        what = " and ".join(f"{ratio:.2g} times the {name}" for name, ratio in ratios if not np.isnan(ratio))
        return f"the newest revision uses {what} of those before it, so the profile follows it"


def keep_days(days: ContainerDays, pods: PodDays, *, has_identity: BoolArray, is_batch: BoolArray) -> Kept:
    """Judge pods and revisions of all containers.

    Parameters
    ----------
    days : ContainerDays
    pods : PodDays
    has_identity, is_batch : ndarray of bool, shape (containers,)
        Whether pods are not interchangeable, and whether they are runs of a job.
    """
    shape = next(iter(days.totals.values())).shape
    outliers = find_outliers(pods, has_identity)
    revisions = compare_revisions(pods, days.count, days.first_day.weekday(), is_batch)
    kept = KeptDays(revisions.keeps_cpu & ~outliers.is_left_out, revisions.keeps_memory)
    return Kept(
        kept, _cpu_scale(pods, kept.cpu, shape), _memory_scale(pods, kept.memory, shape), outliers, revisions
    )


def _cpu_scale(pods: PodDays, kept: BoolArray, shape: tuple[int, int]) -> FloatArray:
    if kept.all():
        return np.ones(shape)
    cell, size = pods.container * shape[1] + pods.day, shape[0] * shape[1]
    means = []
    for mask in (kept, np.ones(pods.count, dtype=np.bool_)):
        total = sum_per(cell[mask], pods.cpu_total[mask], size)
        samples = sum_per(cell[mask], pods.cpu_samples[mask], size)
        means.append(np.divide(total, samples, out=np.full(size, np.nan), where=samples > 0))
    return _scale(cell, kept, means[0], means[1]).reshape(shape)


def _memory_scale(pods: PodDays, kept: BoolArray, shape: tuple[int, int]) -> FloatArray:
    if kept.all():
        return np.ones(shape)
    cell, size = pods.container * shape[1] + pods.day, shape[0] * shape[1]
    own = largest_per(cell[kept], pods.memory_max[kept], size)
    return _scale(cell, kept, own, largest_per(cell, pods.memory_max, size)).reshape(shape)


def _scale(cell: np.ndarray, kept: BoolArray, own: FloatArray, observed: FloatArray) -> FloatArray:
    """Return own over observed where something was dropped, else 1."""
    changed = np.zeros(len(own), dtype=np.bool_)
    changed[cell[~kept]] = True
    ratio = np.divide(own, observed, out=np.ones(len(own)), where=observed > 0)
    return np.where(changed, np.where(np.isnan(own), np.nan, ratio), 1.0)
