"""A simulated company, written as files, OpenMetrics or Kubernetes objects."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ingest.simulated.write import SimulationOptions, SimulationSummary, write_simulation
from service.progress import Progress, SilentProgress

__all__ = ["SimulationOptions", "SimulationSummary", "simulate"]


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
