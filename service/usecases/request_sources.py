"""Which histograms of requests are read: those that owners name, in the settings or by annotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from ingest.assembly.request_metric import RequestMetric, RequestScope
from service.runtime import Runtime
from service.setting_parts import RequestMetricRule
from service.usecases.cluster_objects import objects_at

REQUEST_METRIC_ANNOTATION = "millicore.io/request-metric"
"""On a workload: name of the buckets of a latency histogram that its pods export."""

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "CloneSet", "DeploymentConfig")


@runtime_checkable
class RequestSource(Protocol):
    """A source that can read histograms of requests."""

    def follow_requests(self, metrics: Sequence[RequestMetric]) -> None:
        """Read these from now on."""


def follow_request_metrics(runtime: Runtime, cluster: str, source: object) -> None:
    """Tell a source which histograms the owners named; nothing where it cannot read any."""
    if isinstance(source, RequestSource):
        source.follow_requests(named_metrics(runtime, cluster))


def named_metrics(runtime: Runtime, cluster: str) -> tuple[RequestMetric, ...]:
    """Return the histograms named by settings and annotations, each once: it costs one query.

    Raises
    ------
    UsageError
        If a name in the settings is not one of Prometheus.
    """
    found: dict[tuple[object, ...], RequestMetric] = {}
    named = [_from_rule(rule) for rule in _rules(runtime, cluster)] + _annotated(runtime, cluster)
    for one in named:
        identity: tuple[object, ...] = (one.metric, one.labels, one.namespace_label, one.pod_label)
        if not one.pod_label:
            identity = (*identity, one.scopes)
        known = found.get(identity)
        scopes = one.scopes if known is None else tuple(dict.fromkeys((*known.scopes, *one.scopes)))
        found[identity] = replace(one, scopes=scopes)
    return tuple(found.values())


def _rules(runtime: Runtime, cluster: str) -> list[RequestMetricRule]:
    return [rule for rule in runtime.settings.request_metrics if fnmatchcase(cluster, rule.cluster)]


def _from_rule(rule: RequestMetricRule) -> RequestMetric:
    return RequestMetric(
        metric=rule.metric,
        scopes=(RequestScope(rule.namespace, rule.workload, rule.workload_kind),),
        labels=tuple(sorted(rule.labels.items())),
        namespace_label=rule.namespace_label,
        pod_label=rule.pod_label,
    )


def _annotated(runtime: Runtime, cluster: str) -> list[RequestMetric]:
    found = []
    for kind, namespace, name, spec in objects_at(runtime, cluster, runtime.now(), _WORKLOADS):
        metric = (spec.get("annotations") or {}).get(REQUEST_METRIC_ANNOTATION)
        if metric:
            found.append((str(metric), RequestScope(namespace, name, kind)))
    return [RequestMetric(metric, (scope,)) for metric, scope in found if _is_name(metric)]


def _is_name(metric: str) -> bool:
    """Whether an annotation is a metric's name: what anybody may write must not stop the ingest."""
    return metric.replace(":", "_").isidentifier() and metric.isascii()
