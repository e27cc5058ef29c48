"""A simulated company, written as files, OpenMetrics or Kubernetes objects."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ingest.simulated.openmetrics import MetricsOptions
from ingest.simulated.write import SimulationOptions, SimulationSummary, write_simulation
from models.vocabulary.errors import UsageError
from service.progress import Progress, SilentProgress

__all__ = ["SimulationOptions", "SimulationSummary", "choose_metrics", "simulate"]

METRIC_SETS = ("full", "stock")


def choose_metrics(metric_set: str, interval_seconds: int) -> MetricsOptions:
    """Return how OpenMetrics are written.

    Parameters
    ----------
    metric_set : str
        ``full``, or ``stock`` for what an installation exports without further settings.
    interval_seconds : int
        Between scrapes.

    Raises
    ------
    UsageError
        If there is no such set, or the interval is not between 1 and 299 seconds.
    """
    if metric_set not in METRIC_SETS:
        known = " or ".join(METRIC_SETS)
        raise UsageError(f"{metric_set!r} is not a set of metrics: choose {known}")
    return MetricsOptions(interval_seconds=interval_seconds, is_stock=metric_set == "stock")


def simulate(
    scenario: str,
    folder: Path,
    *,
    seed: int,
    formats: Collection[str] = ("files",),
    options: SimulationOptions | None = None,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Write a scenario below a folder; the same arguments give the same bytes.

    Parameters
    ----------
    scenario : str
        ``demo``, ``fortnight`` or ``fleet``.
    formats : collection of str
        Of ``files, openmetrics, api``.

    Raises
    ------
    UsageError
        If scenario, format or option is not known.
    """
    with (progress or SilentProgress()).task(f"simulating {scenario}", total=100) as advance:
        shown = 0

        def show(done: int, expected: int) -> None:
            nonlocal shown
            percent = done * 100 // max(expected, 1)
            advance(percent - shown)
            shown = percent

        return write_simulation(scenario, folder, seed=seed, formats=formats, options=options, progress=show)
