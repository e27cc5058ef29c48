"""Labels that a scrape without ``honorLabels`` has renamed, and the way back.

Prometheus puts the labels of the scraped target (namespace, pod, container of kube-state-metrics itself) in
the place of those that a series carries, and keeps the series' own ones as ``exported_namespace``,
``exported_pod`` and so on. Read as they stand, every pod of the cluster would bear the name of the exporter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.prometheus.connection import PrometheusConnection

_IDENTITY_LABELS = ("namespace", "pod", "container", "node")
_PREFIX = "exported_"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PROOFS = {
    "cadvisor": ("container_memory_working_set_bytes",),
    "kube_state": ("kube_pod_info", "kube_pod_container_resource_requests"),
}
"""Metrics of each exporter that together carry all labels which can be renamed."""


@dataclass(frozen=True)
class Told:
    """How the series of one exporter tell who they speak of.

    Parameters
    ----------
    renamed : tuple of str
        Labels that stand as ``exported_…``; empty when the scrape honours labels.
    """

    renamed: tuple[str, ...] = ()

    def __call__(self, expression: str) -> str:
        """Return an instant vector with its own labels back in place.

        Series that have no exported label (from before or after a change of the scrape) stay as they are.
        """
        for label in self.renamed:
            expression = f'label_replace({expression},"{label}","$1","{_PREFIX}{label}","(.+)")'
        return expression

    def matchers(self, given: Iterable[str]) -> tuple[str, ...]:
        """Return matchers on the series' own labels instead of the target's."""
        return tuple(self._own(matcher) for matcher in given)

    def _own(self, matcher: str) -> str:
        name = _NAME.match(matcher)
        return f"{_PREFIX}{matcher}" if name and name[0] in self.renamed else matcher


@dataclass(frozen=True)
class ScrapeStyle:
    """Which labels are renamed on the series of cAdvisor and of kube-state-metrics."""

    cadvisor: Told = field(default_factory=Told)
    kube_state: Told = field(default_factory=Told)

    @property
    def is_renamed(self) -> bool:
        """Whether any label is renamed."""
        return bool(self.cadvisor.renamed or self.kube_state.renamed)


HONOURED = ScrapeStyle()
"""Nothing is renamed, as with ``honorLabels: true``."""


def find_style(connection: PrometheusConnection, start: int, end: int) -> ScrapeStyle:
    """Return which labels are renamed between two instants (Unix seconds): two questions to the index.

    Raises
    ------
    SourceError
        If the server cannot be read.
    """
    cluster = ",".join(connection.settings.cluster_matchers)
    found = {}
    for exporter, metrics in _PROOFS.items():
        selectors = tuple(f"{metric}{{{cluster}}}" for metric in metrics)
        labels = set(connection.label_names(start, end, selectors))
        found[exporter] = Told(tuple(name for name in _IDENTITY_LABELS if f"{_PREFIX}{name}" in labels))
    return ScrapeStyle(**found)
