"""From settings to sources: the connections of each configured cluster."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol, runtime_checkable

from pydantic import SecretStr

from ingest.kubernetes.settings import KubernetesSettings
from ingest.prometheus.settings import PrometheusSettings
from ingest.source import UsageSource
from models.vocabulary.errors import UsageError
from service.setting_parts import ClusterSettings
from service.settings import Settings


class OpenSource(UsageSource, Protocol):
    """A source with connections to give back."""

    def close(self) -> None:
        """Close the connections."""


class SourceLoad(Protocol):
    """What reading asked of a server."""

    @property
    def query_count(self) -> int:
        """Queries sent, repeats included."""

    @property
    def sample_count(self) -> int:
        """Samples received."""

    @property
    def answer_bytes(self) -> int:
        """Bytes received."""


@runtime_checkable
class MeasuredSource(Protocol):
    """A source that counts what it asks of its server."""

    @property
    def load(self) -> SourceLoad:
        """Everything asked so far."""


def open_prometheus(cluster: ClusterSettings) -> OpenSource:
    """Return the source of a cluster's Prometheus.

    Raises
    ------
    UsageError
        If the cluster has none, or a value cannot be used.
    """
    from ingest.prometheus.source import PrometheusSource

    return PrometheusSource(prometheus_settings(cluster))


def kubernetes_settings(cluster: ClusterSettings) -> KubernetesSettings | None:
    """Return the connection of a cluster's API, or None if none is configured."""
    if cluster.kubeconfig is None and not cluster.in_cluster:
        return None
    return KubernetesSettings(
        kubeconfig=str(cluster.kubeconfig) if cluster.kubeconfig else None,
        context=cluster.kubernetes_context,
        in_cluster=cluster.in_cluster,
    )


def prometheus_settings(cluster: ClusterSettings) -> PrometheusSettings:
    """Return the connection of a cluster's Prometheus.

    Raises
    ------
    UsageError
        If the cluster has none, or a value cannot be used.
    """
    given = cluster.prometheus
    if given is None:
        raise UsageError(f"cluster {cluster.name} has no prometheus in the settings; add its url")
    label_value = given.cluster_label_value or (cluster.name if given.cluster_label else None)
    return PrometheusSettings(
        url=given.url,
        bearer_token=_revealed(given.bearer_token),
        username=given.username,
        password=_revealed(given.password),
        headers={name: value.get_secret_value() for name, value in given.headers.items()},
        tls_ca_file=str(given.tls_ca_file) if given.tls_ca_file else None,
        cluster_label=given.cluster_label,
        cluster_label_value=label_value,
        query_offset=timedelta(seconds=given.query_offset_seconds),
        max_concurrency=given.max_concurrency,
        read_timeout_seconds=given.timeout_seconds,
        sample_budget=given.sample_budget,
        retry_limit=given.retry_limit,
        scrape_interval_seconds=given.scrape_interval_seconds,
    )


def configured_clusters(settings: Settings, names: tuple[str, ...] = ()) -> list[ClusterSettings]:
    """Return the clusters of the settings, all or the named ones.

    Raises
    ------
    UsageError
        If none is configured, or a named one is not.
    """
    if not settings.clusters:
        raise UsageError(
            "no cluster is configured: run millicore connect --prometheus URL, or list it under clusters in "
            f"{settings.config_file or 'millicore.yaml'}"
        )
    known = {cluster.name: cluster for cluster in settings.clusters}
    for name in names:
        if name not in known:
            raise UsageError(f"cluster {name} is not configured; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
