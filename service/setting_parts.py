"""The nested parts of the settings table, and how a row of it is declared."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.config import JsonDict

from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name
from models.vocabulary.money import check_currency
from models.vocabulary.selector import parse_selector
from models.vocabulary.windows import to_utc


def setting(default: Any, help_text: str, unit: str = "", **limits: Any) -> Any:
    """Return a row of the settings table (a pydantic field) with its unit and help."""
    extra: JsonDict = {"unit": unit}
    if callable(default):
        return Field(default_factory=default, description=help_text, json_schema_extra=extra, **limits)
    return Field(default, description=help_text, json_schema_extra=extra, **limits)


def _checked(text: str, check: Any) -> str:
    try:
        return str(check(text))
    except InputError as problem:
        raise ValueError(problem.reason) from problem


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError) as problem:
        raise ValueError("is not an IANA time zone like Europe/Berlin") from problem
    return name


def _check_selector(text: str) -> str:
    try:
        parse_selector(text)
    except InputError as problem:
        raise ValueError(problem.reason) from problem
    return text


def _check_instant(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError("has no time zone: write 2026-11-20T00:00:00Z")
    return to_utc(moment) if moment is not None else None


def _check_wall_clock(value: object) -> object:
    # YAML takes 22:00 without quotes for the number 1320, which would become 22 minutes past midnight
    if isinstance(value, str | time) and not str(value).endswith(("Z", "z")) and "+" not in str(value):
        return value
    raise ValueError('is not a time of day in quotes like "22:00"')


ClusterName = Annotated[str, AfterValidator(lambda text: _checked(text, check_cluster_name))]
Currency = Annotated[str, AfterValidator(lambda text: _checked(text, check_currency))]
Selector = Annotated[str, AfterValidator(_check_selector)]
Zone = Annotated[str, AfterValidator(_check_zone)]
WallClock = Annotated[time, BeforeValidator(_check_wall_clock)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    """A nested part of the settings: unknown keys are refused, values are not changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PrometheusConnection(_Part):
    """How to reach the Prometheus (or Thanos, Mimir, VictoriaMetrics) of one cluster."""

    url: str = setting(..., "Base URL, without /api/v1.")
    bearer_token: SecretStr | None = setting(None, "Bearer token; or bearer_token_file.")
    username: str | None = setting(None, "User for basic authentication.")
    password: SecretStr | None = setting(None, "Password for basic authentication; or password_file.")
    headers: dict[str, SecretStr] = setting(dict, "Extra headers, such as X-Scope-OrgID for a tenant.")
    tls_ca_file: Path | None = setting(None, "Certificate authority to trust instead of the system's.")
    cluster_label: str | None = setting(None, "Label that tells clusters apart in a shared Prometheus.")
    cluster_label_value: str | None = setting(None, "Value of that label for this cluster; default its name.")
    query_offset_seconds: int = setting(600, "How long after its end an hour is complete there.", "s", ge=0)
    max_concurrency: int = setting(4, "Queries in flight at once.", "queries", ge=1, le=16)
    timeout_seconds: float = setting(120.0, "Longest wait for one answer.", "s", gt=0)
    sample_budget: int = setting(5_000_000, "Most samples that one answer may hold.", "samples", ge=1_000)
    retry_limit: int = setting(4, "Repeats of a query after its first attempt.", "attempts", ge=0)
    scrape_interval_seconds: float | None = setting(None, "Overrides what is found.", "s", gt=0)


class ClusterSettings(_Part):
    """One cluster that Millicore reads."""

    name: ClusterName = setting(..., "Immutable slug; part of every row.")
    display_name: str | None = setting(None, "Name on screens.")
    provider: str | None = setting(None, "Cloud provider, such as aws.")
    region: str | None = setting(None, "Region, where nodes do not name theirs.")
    prometheus: PrometheusConnection | None = setting(None, "See the table of prometheus settings.")
    kubeconfig: Path | None = setting(None, "Kubeconfig for exact times, labels and constraints.")
    kubernetes_context: str | None = setting(None, "Context in that kubeconfig; default its current one.")
    in_cluster: bool = setting(False, "Use the service account of the pod Millicore runs in.")  # noqa: FBT003


class RiskClassRule(_Part):
    """Which workloads get which right-sizing preset; the first rule that matches decides."""

    cluster: str = setting("*", "Glob on the cluster's name.")
    namespace: str = setting("*", "Glob on the namespace.")
    workload: str = setting("*", "Glob on the workload's name.")
    label_selector: Selector = setting("", "Labels of the workload or its pod template, such as tier=core.")
    risk_class: Literal["cost", "balanced", "safe", "batch", "jvm"] = setting(..., "The preset.")


class RequestMetricRule(_Part):
    """A latency histogram that tells the load of some workloads, named by their owner."""

    cluster: str = setting("*", "Glob on the cluster's name.")
    namespace: str = setting("*", "Glob on the namespace.")
    workload: str = setting("*", "Glob on the workload's name.")
    workload_kind: str = setting("Deployment", "Kind of the workload where no label names a pod.")
    metric: str = setting(..., "Name of the buckets, such as http_request_duration_seconds_bucket.")
    labels: dict[str, str] = setting(dict, "Further labels that its series carry.")
    namespace_label: str = setting("namespace", "Label that names the pod's namespace.")
    pod_label: str = setting("pod", "Label that names the pod; empty if none does: then name one workload.")


class _ChangeScope(_Part):
    """Which workloads a rule about changing clusters is about."""

    cluster: str = setting("*", "Glob on the cluster's name.")
    namespace: str = setting("*", "Glob on the namespace.")
    team: str = setting("*", "Glob on the team; unowned workloads match * only.")


class MaintenanceWindow(_ChangeScope):
    """A stretch of the week in which clusters may be changed; without any, every time is open."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = setting(
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "Weekdays on which it opens."
    )
    opens: WallClock = setting(..., "Wall clock of the zone, such as 22:00.")
    closes: WallClock = setting(..., "Not later than opens means the next day.")
    zone: Zone = setting("UTC", "Time zone of both.", "IANA zone")


class ChangeFreeze(_ChangeScope):
    """A stretch of time in which nothing is changed."""

    start: Annotated[datetime, AfterValidator(_check_instant)] = setting(..., "First moment, with its zone.")
    end: Annotated[datetime, AfterValidator(_check_instant)] = setting(..., "First moment after it.")
    reason: str = setting(..., "Why; told to whoever tries.")
