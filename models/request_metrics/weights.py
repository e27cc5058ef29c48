"""Weights that turn requests into one metric of load: ``MQPS(t) = sum over buckets w_b q_b(t)``.

Plain requests per second say little about load where requests differ: a slow one may cost a hundred fast
ones. The weights come from the workload's own CPU,

    cpu(t) = base + sum_b c_b q_b(t) + error,   base >= 0, c_b >= 0

by non-negative least squares with a ridge. The ridge is the prior that a request of any bucket costs about
the mean request, give or take ``PRIOR_SPREAD`` times: with the error's variance ``s^2`` and the mean cost
``m`` it adds ``s^2 / (PRIOR_SPREAD m)^2 (c_b - m)^2``, which decides for buckets with hardly any request and
is drowned out by evidence in all others. Weights are ``w_b = c_b / mean(c)``, so their mean is 1.

The quality is told on held-out time: fitted on the first part, judged on the last, beside plain requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from models.request_metrics.buckets import Floats, RequestRates
from models.vocabulary.errors import InputError

PRIOR_SPREAD = 3.0
HELD_OUT_RATIO = 0.3
BINS_PER_WEEK = 7 * 288
MINIMUM_BINS = 288
"""Five-minute values with both CPU and requests, a day's worth, below which nothing is fitted."""

_SPARSE_REQUESTS = 100.0
_MATERIAL_SHARE = 0.05


@dataclass(frozen=True)
class RequestWeights:
    """What a request of each bucket counts, and how well that explains CPU.

    Parameters
    ----------
    upper_bounds : tuple of str
    weights : tuple of float
        Mean 1; same order.
    base_cpu_cores : float
        CPU that the workload uses without any request.
    cpu_seconds_per_weighted_request : float
    held_out_r2, plain_held_out_r2 : float or None
        Share of the variance of CPU, on the last 30 % of the time, that weighted and plain requests explain
        when fitted on the rest; None where CPU does not vary. Below 0 is worse than the mean.
    weekly_change_ratio : float or None
        Largest change of a weight from one week to the next, among buckets that cause at least 5 % of the
        CPU; None under two whole weeks.
    sample_count : int
        Bins with CPU and requests.
    sparse_bounds : tuple of str
        Buckets with under 100 requests: their weight is mostly the mean.
    """

    upper_bounds: tuple[str, ...]
    weights: tuple[float, ...]
    base_cpu_cores: float
    cpu_seconds_per_weighted_request: float
    held_out_r2: float | None
    plain_held_out_r2: float | None
    weekly_change_ratio: float | None
    sample_count: int
    sparse_bounds: tuple[str, ...] = ()

    def weigh(self, rates: RequestRates) -> Floats:
        """Return weighted requests per second, shape (N,); NaN where a bucket was not observed.

        Raises
        ------
        InputError
            If the histogram has other buckets than the weights.
        """
        if rates.upper_bounds != self.upper_bounds:
            raise InputError(
                "are other buckets than those of the weights: fit again (`millicore request-metric fit`)",
                field="le",
                value=", ".join(rates.upper_bounds),
            )
        return np.asarray(np.array(self.weights) @ rates.rates, dtype=np.float64)

    def to_document(self) -> dict[str, Any]:
        """Return plain values for JSON; `read_weights` reads them back."""
        return asdict(self)


def read_weights(document: Mapping[str, Any]) -> RequestWeights:
    """Return what `RequestWeights.to_document` wrote."""
    lists = {name: tuple(document[name]) for name in ("upper_bounds", "weights", "sparse_bounds")}
    return RequestWeights(**{**document, **lists})


def fit_weights(
    rates: RequestRates, cpu_usage_cores: Floats, bin_seconds: float = 300.0
) -> RequestWeights | str:
    """Fit weights of latency buckets to CPU.

    Parameters
    ----------
    rates : RequestRates
        B buckets, N bins in order of time.
    cpu_usage_cores : array, shape (N,)
        NaN where not measured; such bins are left out.
    bin_seconds : float

    Returns
    -------
    RequestWeights or str
        The reason why there are none.
    """
    known = ~np.isnan(rates.rates).any(axis=0) & ~np.isnan(cpu_usage_cores)
    load, cpu = rates.rates[:, known].T, cpu_usage_cores[known]
    if len(cpu) < MINIMUM_BINS:
        return f"{len(cpu)} five-minute values with CPU and requests; {MINIMUM_BINS} are needed"
    if not load.any():
        return "no request was counted"
    base, costs = _fit(load, cpu)
    if not costs.any():
        return "CPU does not rise with requests"
    scale = float(costs.mean())
    counts = load.sum(axis=0) * bin_seconds
    return RequestWeights(
        upper_bounds=rates.upper_bounds,
        weights=tuple((costs / scale).tolist()),
        base_cpu_cores=base,
        cpu_seconds_per_weighted_request=scale,
        held_out_r2=_held_out_r2(load, cpu),
        plain_held_out_r2=_held_out_r2(load.sum(axis=1, keepdims=True), cpu),
        weekly_change_ratio=_weekly_change(rates, cpu_usage_cores),
        sample_count=len(cpu),
        sparse_bounds=tuple(
            bound for bound, count in zip(rates.upper_bounds, counts, strict=True) if count < _SPARSE_REQUESTS
        ),
    )


def _fit(load: Floats, cpu: Floats) -> tuple[float, Floats]:
    """Return base CPU and cost per request of each bucket (core-seconds), all >= 0."""
    total = load.sum()
    mean_cost = float(cpu.sum() / total) if total > 0 else 0.0
    first = _solve(load, cpu, 0.0, mean_cost)
    error = cpu - first[0] - load @ first[1:]
    freedom = max(len(cpu) - load.shape[1] - 1, 1)
    variance = float(error @ error) / freedom
    ridge = variance / (PRIOR_SPREAD * mean_cost) ** 2 if mean_cost > 0 else 0.0
    found = _solve(load, cpu, ridge, mean_cost)
    return float(found[0]), found[1:]


def _solve(load: Floats, cpu: Floats, ridge: float, prior: float) -> Floats:
    """Solve least squares with non-negative base and costs; the base carries no ridge."""
    from scipy.optimize import nnls

    buckets = load.shape[1]
    # a trace of ridge keeps buckets without any request determined: they cost the mean
    strength = np.sqrt(max(ridge, 1e-9 * float((load**2).sum()) / max(buckets, 1)))
    matrix = np.zeros((len(cpu) + buckets, buckets + 1))
    matrix[: len(cpu), 0] = 1.0
    matrix[: len(cpu), 1:] = load
    matrix[len(cpu) :, 1:] = strength * np.eye(buckets)
    wanted = np.concatenate([cpu, np.full(buckets, strength * prior)])
    found, _ = nnls(matrix, wanted)
    return np.asarray(found, dtype=np.float64)


def _held_out_r2(load: Floats, cpu: Floats) -> float | None:
    """Fit on the first part of the time and return R squared on the last part."""
    split = int(len(cpu) * (1 - HELD_OUT_RATIO))
    base, costs = _fit(load[:split], cpu[:split])
    error = cpu[split:] - base - load[split:] @ costs
    spread = cpu[split:] - cpu[split:].mean()
    total = float(spread @ spread)
    return 1.0 - float(error @ error) / total if total > 0 else None


def _weekly_change(rates: RequestRates, cpu: Floats) -> float | None:
    """Return the largest relative change of a material weight between neighbouring whole weeks."""
    weeks = []
    for start in range(0, len(cpu) - BINS_PER_WEEK + 1, BINS_PER_WEEK):
        part = slice(start, start + BINS_PER_WEEK)
        known = ~np.isnan(rates.rates[:, part]).any(axis=0) & ~np.isnan(cpu[part])
        if known.sum() >= MINIMUM_BINS:
            load = rates.rates[:, part][:, known].T
            _, costs = _fit(load, cpu[part][known])
            weeks.append((costs, costs * load.sum(axis=0)))
    changes = []
    for (before, caused), (after, _) in pairwise(weeks):
        if before.sum() <= 0 or after.sum() <= 0:
            continue
        material = (caused >= _MATERIAL_SHARE * caused.sum()) & (before > 0)
        relative = after / after.mean() / (before / before.mean()).clip(1e-12) - 1
        changes.append(float(np.abs(relative[material]).max()))
    return max(changes) if changes else None
