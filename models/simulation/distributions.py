"""Distributions fitted to recorded data, as constants with their source (docs/simulator.md says how well).

A ratio is drawn by its quantile function: linear in the logarithm between the recorded quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True)
class QuantileTable:
    """A distribution of positive values, given by quantiles.

    Parameters
    ----------
    levels, values : tuple of float
        Both rising; levels in [0, 1].
    source : str
        Where the quantiles were measured.
    """

    levels: tuple[float, ...]
    values: tuple[float, ...]
    source: str

    def at(self, level: Float | float) -> Float:
        """Return the quantile at each level, log-linear between the recorded ones."""
        return np.asarray(np.exp(np.interp(level, self.levels, np.log(self.values))), dtype=np.float64)


_LEVELS = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 1.0)

PLATFORM_CPU_USAGE_TO_REQUEST = QuantileTable(
    _LEVELS,
    (0.0025, 0.008, 0.0223, 0.033, 0.0588, 0.3543, 1.1477, 1.4343, 2.8),
    "openshift_cluster_3h: 440 pod-hours with usage and request",
)
"""CPU of what runs a cluster: 591 of the 602 recorded pod-hours are in openshift-* namespaces."""

APPLICATION_CPU_USAGE_TO_REQUEST = QuantileTable(
    _LEVELS,
    (0.02, 0.035, 0.056, 0.105, 0.118, 0.214, 0.402, 0.445, 1.3),
    "openshift_cluster_3h: geometric mean of the quantiles of 101 pod-hours requesting 100m or more and of "
    "18 requesting 200m or more; tails by judgement, the last 2 % above the request",
)
"""CPU of what a company runs. Only pods that request less than 100m were recorded above their request, and
requests of applications are larger; summed, these use 0.2 to 0.4 of what they request."""

PLATFORM_MEMORY_USAGE_TO_REQUEST = QuantileTable(
    _LEVELS,
    (0.02, 0.0657, 0.3045, 0.6382, 1.3058, 2.1374, 3.0388, 4.0108, 6.0),
    "openshift_cluster_3h: 437 pod-hours with usage and request; the last 5 % are cut at 6",
)
"""Memory of the same."""

APPLICATION_MEMORY_USAGE_TO_REQUEST = QuantileTable(
    (0.0, 0.05, 0.10, 0.25, 0.50, 0.65, 0.79, 0.93, 1.0),
    (0.04, 0.09, 0.15, 0.32, 0.50, 0.59, 0.70, 0.95, 1.50),
    "openshift_containers_15min: five applications at .36 .49 .51 .54 .70 between the 25th and 79th "
    "percentile; tails by judgement: a tenth uses under 15 % as provisioned machines do, 14 % come near "
    "their request, 7 % above it",
)
"""Memory of what a company runs: mostly requested too high, as the recorded applications, not operators."""

CPU_USAGE_WITHOUT_REQUEST_CORES = QuantileTable(
    _LEVELS,
    (0.0001, 0.00022, 0.0004, 0.0007, 0.0024, 0.0045, 0.0133, 0.105, 0.2),
    "openshift_cluster_3h: 455 pod-hours with usage",
)
CPU_NOISE_LOG_SD = QuantileTable(
    (0.0, 0.05, 0.25, 0.50, 0.75, 0.90, 1.0),
    (0.05, 0.09, 0.21, 0.29, 0.63, 0.98, 1.2),
    "azure_v1_avg_vm00_49: standard deviation of log CPU per machine, 27.8 days of 5 minutes",
)

PEAK_TO_MEAN = QuantileTable(
    _LEVELS,
    (1.05, 1.12, 1.17, 1.39, 1.91, 2.55, 4.29, 5.0, 5.0),
    "azure_v1_max over azure_v1_avg, 50 machines, 27.8 days: maximum over mean inside 5 minutes",
)
"""Cut at 5: a one-minute mean cannot exceed five times the five-minute mean that holds it. The cut touches
the upper 7 % of the recorded ratios (95th percentile 5.62)."""

SLOW_NOISE_SHARE = 0.55
"""Share of the log variance that moves over hours: lag-5-minute autocorrelation 0.549, lag-1-hour 0.536 of
log CPU, median of the 50 Azure machines."""

NO_CPU_REQUEST_SHARE = 0.025
NO_MEMORY_REQUEST_SHARE = 0.03
NO_CPU_LIMIT_SHARE = 0.762
NO_MEMORY_LIMIT_SHARE = 0.738
"""Shares of pod-hours without a request or limit, openshift_cluster_3h (602 pod-hours)."""

WEEKDAY_LEVEL = (1.125, 1.189, 1.214, 1.156, 0.973, 0.702, 0.607)
"""CPU by day of week, Monday first, relative to the mean: median of 21 pools, pools_dev_aug01_23."""

HOUR_LEVEL = (
    0.78, 0.82, 0.81, 0.87, 1.09, 0.66, 0.51, 0.37, 0.51, 1.07, 1.40, 1.43,
    1.15, 0.58, 1.31, 1.76, 1.60, 1.74, 1.10, 1.33, 1.12, 1.03, 0.75, 0.64,
)  # fmt: skip
"""CPU by hour of working day relative to its mean: median of 21 pools, pools_dev_aug01_23, scaled to a mean
of 1.02 as medians of each hour lose some of the mean."""
