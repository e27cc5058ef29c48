"""OpenMetrics text: series with their samples on a scrape grid, written one after another.

promtool wants every sample of a metric in one block; within it each series is written from its first to its
last sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One series from ``start`` to ``end`` (Unix seconds, exclusive).

    Parameters
    ----------
    labels : mapping of str to str
        Empty values are left out: Prometheus does not tell an empty label from an absent one.
    values : float array or float
        One per sample of the grid in ``[start, end)``, or one for all.
    node : int or None
        Node whose target serves the series: its gaps leave samples out.
    is_integer : bool
        Written without decimals.
    """

    labels: Mapping[str, str]
    start: int
    end: int
    values: Float | float
    node: int | None = None
    is_integer: bool = False


@dataclass(frozen=True)
class Family:
    """A metric: name as queried, type, and its series."""

    name: str
    kind: str
    series: Iterable[Series]


class ScrapeGrid:
    """Moments of scraping, and those that failed.

    Parameters
    ----------
    start, end : int
        Unix seconds of the simulation.
    interval, offset : int
        Seconds between scrapes, and from a full interval to the scrape.
    gaps : sequence of (start, end, node or None)
    """

    def __init__(
        self, start: int, end: int, interval: int, offset: int, gaps: Iterable[tuple[int, int, int | None]]
    ) -> None:
        self.times = np.arange(start + offset, end, interval, dtype=np.int64)
        self._texts = [str(moment) for moment in self.times.tolist()]
        self._scraped = np.ones(len(self.times), dtype=bool)
        self._of_node: dict[int, NDArray[np.bool_]] = {}
        for begin, finish, node in gaps:
            hidden = (self.times >= begin) & (self.times < finish)
            if node is None:
                self._scraped &= ~hidden
            else:
                self._of_node[node] = self._of_node.get(node, np.ones(len(hidden), dtype=bool)) & ~hidden
        for node, seen in self._of_node.items():
            self._of_node[node] = seen & self._scraped

    def between(self, start: int, end: int) -> Int:
        """Return the moments in ``[start, end)``, failed ones included."""
        first, last = np.searchsorted(self.times, (start, end))
        return self.times[first:last]

    def samples(self, series: Series) -> tuple[list[str], Float | float]:
        """Return the time texts and the values of the samples of a series that were scraped."""
        first, last = (int(place) for place in np.searchsorted(self.times, (series.start, series.end)))
        seen = self._scraped if series.node is None else self._of_node.get(series.node, self._scraped)
        part = seen[first:last]
        if part.all():
            return self._texts[first:last], series.values
        kept = np.flatnonzero(part)
        texts = [self._texts[first + place] for place in kept.tolist()]
        return texts, series.values if isinstance(series.values, float) else series.values[kept]


def write_family(file: TextIO, family: Family, grid: ScrapeGrid) -> int:
    """Write a family and return its samples; a family without a sample leaves no trace."""
    count = 0
    for series in family.series:
        texts, values = grid.samples(series)
        if not texts:
            continue
        if count == 0:
            name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
            file.write(f"# TYPE {name} {family.kind}\n")
        count += len(texts)
        head = f"{family.name}{{{_labels(series.labels)}}} "
        if isinstance(values, float):
            head += f"{_number(values)} "
            file.write(head + f"\n{head}".join(texts) + "\n")
        else:
            numbers = _numbers(values, is_integer=series.is_integer)
            lines = [f"{head}{number} {text}\n" for number, text in zip(numbers, texts, strict=True)]
            file.write("".join(lines))
    return count


def _numbers(values: Float, *, is_integer: bool) -> Iterable[object]:
    if is_integer:
        return [int(value) for value in np.rint(values).tolist()]
    return [f"{value:.6f}" for value in values.tolist()]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items() if value)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
