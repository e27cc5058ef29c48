"""What whole workloads used, requested and ran, in bins of five minutes: sums over their pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.windows import BINS_PER_HOUR

Floats = npt.NDArray[np.float64]

_COVERED = 0.95
"""Share of running pods that must be seen in an hour for it to count as whole."""


@dataclass(frozen=True, eq=False)
class ContainerBins:
    """One container of a workload over N bins, summed over its pods.

    Parameters
    ----------
    usage, request : mapping of str to array, shape (N,)
        By ``cpu`` (cores) and ``memory`` (bytes); NaN where nothing was measured, or no request is set.
    seen, running : array, shape (N,)
        Pods with a value in the bin; pods that ran, as the mean of the hour.
    is_rollout : array of bool, shape (N,)
        Whether pods of several revisions ran in the bin's hour.
    """

    usage: Mapping[str, Floats]
    request: Mapping[str, Floats]
    seen: Floats
    running: Floats
    is_rollout: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class WorkloadBins:
    """A workload over N bins from ``start`` on, by container (init containers left out)."""

    key: WorkloadKey
    start: datetime
    containers: Mapping[str, ContainerBins]

    @property
    def bin_count(self) -> int:
        """Number of bins N."""
        return len(next(iter(self.containers.values())).seen) if self.containers else 0

    def replicas(self) -> Floats:
        """Return the pods of each bin, shape (N,); NaN in hours in which no pod is known.

        Pods that ran without a metric count too.
        """
        seen = np.max([one.seen * missing_factor(one) for one in self.containers.values()], axis=0)
        running = np.max([one.running for one in self.containers.values()], axis=0)
        return np.asarray(np.where(running > 0, seen, np.nan))

    def is_rollout(self) -> npt.NDArray[np.bool_]:
        """Return whether several revisions ran in the hour of each bin, shape (N,)."""
        found = np.array([one.is_rollout for one in self.containers.values()], dtype=bool)
        return np.asarray(found.any(axis=0), dtype=bool)

    def usage(self, resource: str, container: str | None = None) -> Floats:
        """Return use summed over pods and containers, shape (N,); NaN where a container was not measured.

        Pods that ran without a metric count as the others of their hour, never as 0.
        """
        parts = [one.usage[resource] * missing_factor(one) for one in self._counted(container)]
        return np.asarray(np.sum(parts, axis=0)) if parts else np.full(self.bin_count, np.nan)

    def request_per_pod(self, resource: str, container: str | None = None) -> Floats:
        """Return the request of one pod (or of the container in it), shape (N,); NaN where one has none."""
        parts = [
            np.divide(one.request[resource], one.running, where=one.running > 0, out=_nan(one.running))
            for one in self._counted(container)
        ]
        return np.asarray(np.sum(parts, axis=0)) if parts else np.full(self.bin_count, np.nan)

    def has_missing_pods(self, container: str | None = None) -> bool:
        """Whether pods ran without a metric in some hour."""
        return any(bool((missing_factor(one) > 1).any()) for one in self._counted(container))

    def _counted(self, container: str | None) -> list[ContainerBins]:
        if container is None:
            return list(self.containers.values())
        return [self.containers[container]] if container in self.containers else []


def missing_factor(container: ContainerBins) -> Floats:
    """Return running / seen pods of each bin's hour where pods were not seen, else 1; shape (N,)."""
    seen = container.seen.reshape(-1, BINS_PER_HOUR).mean(axis=1)
    running = container.running.reshape(-1, BINS_PER_HOUR).mean(axis=1)
    factor = np.ones(len(seen))
    short = (seen > 0) & (seen < _COVERED * running)
    factor[short] = running[short] / seen[short]
    return np.repeat(factor, BINS_PER_HOUR)


def hourly_peaks(values: Floats) -> Floats:
    """Return the largest bin of each hour, shape (N / 12,); NaN for an hour without any."""
    by_hour = values.reshape(-1, BINS_PER_HOUR)
    peaks = np.where(np.isnan(by_hour), -np.inf, by_hour).max(axis=1)
    return np.asarray(np.where(np.isinf(peaks), np.nan, peaks))


def _nan(like: Floats) -> Floats:
    return np.full(like.shape, np.nan)
