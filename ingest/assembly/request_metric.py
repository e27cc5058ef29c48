"""Histograms of request latency that owners name (opt-in)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.ownership.globs import is_glob
from models.vocabulary.errors import UsageError

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class RequestScope:
    """Which workloads a histogram is about: globs on namespace and name, and the kind where no pod tells."""

    namespace: str
    workload: str
    workload_kind: str = "Deployment"


@dataclass(frozen=True)
class RequestMetric:
    """A histogram of request latency that the owners of some workloads named.

    Parameters
    ----------
    metric : str
        Name of its buckets, such as ``http_request_duration_seconds_bucket``.
    scopes : tuple of RequestScope
    labels : tuple of (label, value)
        Further selection.
    namespace_label, pod_label : str
        Labels that name the pod. An empty ``pod_label`` gives all that is selected to the workload of the
        only scope, which then holds no glob.

    Raises
    ------
    UsageError
        If a name is not one of Prometheus, or no pod is named and the scope is not one workload.
    """

    metric: str
    scopes: tuple[RequestScope, ...]
    labels: tuple[tuple[str, str], ...] = ()
    namespace_label: str = "namespace"
    pod_label: str = "pod"

    def __post_init__(self) -> None:
        if not _METRIC_NAME.fullmatch(self.metric):
            raise UsageError(f"request metric {self.metric!r} is not the name of a metric")
        names = [name for name, _ in self.labels]
        for name in (*names, self.namespace_label, *([self.pod_label] if self.pod_label else [])):
            if not _LABEL_NAME.fullmatch(name):
                raise UsageError(f"request metric {self.metric}: {name!r} is not the name of a label")
        if not self.pod_label and (len(self.scopes) != 1 or _is_many(self.scopes[0])):
            raise UsageError(
                f"request metric {self.metric} names no pod_label, so it must name one namespace and one "
                "workload without * or ?"
            )

    @property
    def query_name(self) -> str:
        """Return a name that differs wherever the query does."""
        told = ",".join(f"{name}={value}" for name, value in self.labels)
        return f"requests {self.metric}{{{told}}}"


def _is_many(scope: RequestScope) -> bool:
    return is_glob(scope.namespace) or is_glob(scope.workload)
