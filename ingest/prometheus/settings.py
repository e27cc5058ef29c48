"""How to reach one Prometheus, and how hard it may be asked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from models.vocabulary.errors import UsageError

LONGEST_CONCURRENCY = 16
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data"})


@dataclass(frozen=True)
class PrometheusSettings:
    """Address, credentials and limits of a Prometheus, Thanos, Mimir or VictoriaMetrics.

    Secrets never appear in ``repr`` nor in any message.

    Parameters
    ----------
    url : str
        Root of the HTTP API, without ``/api/v1``; a path prefix is kept.
    bearer_token : str or None
    username, password : str or None
        Basic authentication; not together with a bearer token.
    headers : mapping of str to str
        Sent with every request, for example ``X-Scope-OrgID`` for the tenant of a Mimir.
    tls_ca_file : str or None
        Certificate authority of the server, PEM.
    tls_verify : bool
        Whether the certificate is checked. Turn off for tests only.
    cluster_label, cluster_label_value : str or None
        Label (and its value) that tells clusters apart when several share the server.
    container_matcher : str
        Extra matcher on cAdvisor series. ``image!=""`` would drop every container of runtimes whose series
        tell no image (some CRI and Windows set-ups), so there is none by default.
    query_offset : timedelta
        How long after its end an hour is complete in the server.
    max_concurrency : int
        Most queries at one time; the actual number falls when the server pushes back.
    connect_timeout_seconds, read_timeout_seconds : float
        Always in force. The second also limits the whole answer.
    retry_limit : int
        Repeats of one query after the first attempt.
    retry_budget_seconds : float
        Total time that one ``observe`` may wait between attempts.
    sample_budget : int
        Samples that one answer should hold at most; ranges are cut accordingly.
    answer_limit_bytes : int
        An answer larger than this is refused and asked for in smaller pieces.
    scrape_interval_seconds : float or None
        Overrides what is found for cAdvisor.
    cpu_burst : "auto", "on" or "off"
        Whether the greatest 1-minute CPU rate of each bin is asked for; auto asks when the scrape interval
        is at most 30 s.
    history_limit : timedelta
        How far back the first sample is looked for.

    Raises
    ------
    UsageError
        If a value cannot be used; the setting is named.
    """

    url: str
    bearer_token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls_ca_file: str | None = None
    tls_verify: bool = True
    cluster_label: str | None = None
    cluster_label_value: str | None = None
    container_matcher: str = ""
    query_offset: timedelta = timedelta(minutes=10)
    max_concurrency: int = 4
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 120.0
    retry_limit: int = 4
    retry_budget_seconds: float = 300.0
    sample_budget: int = 5_000_000
    answer_limit_bytes: int = 512 * 1024 * 1024
    scrape_interval_seconds: float | None = None
    cpu_burst: Literal["auto", "on", "off"] = "auto"
    history_limit: timedelta = timedelta(days=100)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))
        _check_url(self.url)
        self._check_credentials()
        self._check_limits()
        if self.cluster_label is not None and not _LABEL_NAME.fullmatch(self.cluster_label):
            raise UsageError(f"cluster label {self.cluster_label!r} is not a label name")
        if (self.cluster_label is None) != (self.cluster_label_value is None):
            raise UsageError("cluster_label and cluster_label_value go together: give both or neither")

    def _check_credentials(self) -> None:
        if self.bearer_token and (self.username or self.password):
            raise UsageError("give either a bearer token or a user name with password, not both")
        if bool(self.username) != bool(self.password):
            raise UsageError("basic authentication needs both a user name and a password")
        secrets = {"bearer token": self.bearer_token or "", **self.headers}
        for name, value in secrets.items():
            if "\n" in value or "\r" in value:
                raise UsageError(f"the {name} of the Prometheus connection holds a line break")

    def _check_limits(self) -> None:
        if not 1 <= self.max_concurrency <= LONGEST_CONCURRENCY:
            raise UsageError(f"max_concurrency {self.max_concurrency} is not in 1 to {LONGEST_CONCURRENCY}")
        limits: dict[str, float] = {
            "connect_timeout_seconds": self.connect_timeout_seconds,
            "read_timeout_seconds": self.read_timeout_seconds,
            "sample_budget": self.sample_budget,
            "answer_limit_bytes": self.answer_limit_bytes,
        }
        for name, value in limits.items():
            if not value > 0:
                raise UsageError(f"{name} {value} is not greater than 0")

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, so that compressing answers costs more than it saves."""
        host = urlsplit(self.url).hostname or ""
        return host == "localhost" or host.startswith("127.") or host == "::1"

    @property
    def cluster_matchers(self) -> tuple[str, ...]:
        """Matchers that select the cluster's series; empty when the server holds one cluster only."""
        if self.cluster_label is None or self.cluster_label_value is None:
            return ()
        return (f"{self.cluster_label}={quote(self.cluster_label_value)}",)


def quote(text: str) -> str:
    """Return the text as a PromQL string, so that no value can end the string it stands in."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _check_url(url: str) -> None:
    """Refuse what is not an HTTP address, and addresses that serve credentials of the machine itself."""
    try:
        parts: SplitResult = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as problem:
        raise UsageError(f"the Prometheus URL cannot be read: {problem}") from problem
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"Prometheus URL {_without_user(parts)!r}: write http://host:9090 or https://host")
    if parts.username or parts.password:
        raise UsageError("the Prometheus URL holds a user name; give user name and password as settings")
    if _is_forbidden_host(host):
        raise UsageError(f"Prometheus URL: {host} is a link-local or metadata address, which is never asked")


def _without_user(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_forbidden_host(host: str) -> bool:
    if host.lower().rstrip(".") in _METADATA_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local or mapped.is_multicast or str(mapped) == "100.100.100.200")
