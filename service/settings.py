"""Every setting of Millicore: one table of name, default, unit and help.

Layers, later ones win: default < YAML file < environment ``MILLICORE_<NAME>`` < flag of a command. The file
is the flag ``--config``, else ``MILLICORE_CONFIG``, else ``<home>/millicore.yaml``, else
``./millicore.yaml``; the last two may be absent. ``docs/settings.md`` is written from this table.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from models.vocabulary.identity import TEAM_LABELS
from service.setting_parts import (
    ChangeFreeze,
    ClusterSettings,
    Currency,
    MaintenanceWindow,
    Ratio,
    RequestMetricRule,
    RiskClassRule,
    Zone,
    _check_instant,
    setting,
)

ENV_PREFIX = "MILLICORE_"
CONFIG_FILE_NAME = "millicore.yaml"


class Settings(BaseSettings):
    """All settings of one process. Frozen; built by ``service.setting_sources.load_settings``."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, env_parse_none_str="null", title="settings"
    )

    # Where things live
    config_file: Path | None = setting(None, "YAML file of these settings (variable MILLICORE_CONFIG).")
    home: Path = setting(lambda: Path(".millicore"), "Folder of the lake and the SQLite database.")
    lake_url: str | None = setting(None, "Folder or s3:// URL of the lake; default <home>/lake.")
    database_url: SecretStr | None = setting(
        None, "sqlite:/// or postgresql+psycopg:// URL; default <home>/millicore.db; or database_url_file."
    )
    storage_options: dict[str, SecretStr] = setting(
        dict,
        "Options of the S3 store: endpoint_url, region, access_key_id, secret_access_key, ...; "
        "or storage_options_file.",
    )
    clusters: tuple[ClusterSettings, ...] = setting(
        (), "Clusters to read. Without any, PROMETHEUS_SERVER_ENDPOINT and CLUSTER_ID make one."
    )

    # Money
    reporting_currency: Currency = setting(
        "USD",
        "Currency of boards and reports. Once it is set, charges are also converted to it by dated rates.",
        "ISO 4217",
    )
    exchange_rate_rule: Literal["month_end", "daily"] = setting(
        "month_end", "Rate of a charge: that of the month's last day, or of the charge's own day."
    )
    exchange_rate_max_age_days: int = setting(
        7, "An exchange rate older than this is no rate: banks quote on working days.", "days", ge=0
    )
    exchange_rate_via: Currency | None = setting(
        None, "Currency through which two rates may be chained; unset chains none.", "ISO 4217"
    )
    billing_zone: Zone = setting("UTC", "Time zone that cuts billing days and months.", "IANA zone")
    prices_mode: Literal["assumed", "strict"] = setting(
        "assumed", "Cost of a node without a price: assumed from the defaults below, or left unpriced."
    )
    assumed_price_vcpu_hour: Decimal = setting(
        Decimal("0.031611"), "Assumed price of one vCPU.", "currency per vCPU-hour", ge=0
    )
    assumed_price_gib_hour: Decimal = setting(
        Decimal("0.004237"), "Assumed price of memory.", "currency per GiB-hour", ge=0
    )
    assumed_price_gpu_hour: Decimal = setting(
        Decimal("0.95"), "Assumed price of one GPU.", "currency per GPU-hour", ge=0
    )
    assumed_price_currency: Currency = setting("USD", "Currency of the assumed prices.", "ISO 4217")
    assumed_price_date: date = setting(
        date(2025, 1, 1), "Day the assumed prices were looked up; named wherever they are used."
    )
    charged_asset_kinds: tuple[Literal["volume", "load_balancer", "network", "control_plane"], ...] | None = (
        setting(None, "What is charged beside nodes; unset: the kinds that have a price in the month.")
    )
    minimum_monthly_saving: Decimal = setting(
        Decimal(5), "Suggestions below it are folded into small changes.", "reporting currency", ge=0
    )

    person_day_price: Decimal | None = setting(
        None, "What a day of work costs, for the payback of initiatives.", "reporting currency per day", ge=0
    )
    close_minimum_coverage_ratio: Ratio = setting(
        0.99, "A month is closed only when this share of each cluster's hours is complete.", "ratio"
    )
    close_settle_hours: int = setting(
        24, "A month may be closed this long after its end: samples and bills come late.", "h", ge=0
    )

    fiscal_year_start_month: int = setting(
        1, "Month in which the fiscal year begins; it is named after the year in which it ends.", ge=1, le=12
    )
    anomaly_sigmas: float = setting(
        4.0, "A day's cost is an anomaly this many robust deviations from what was expected.", "sigmas", gt=0
    )
    anomaly_excess_ratio: Ratio = setting(
        0.2, "An anomaly differs from the expected cost by at least this share.", "ratio"
    )
    anomaly_minimum_excess: Decimal = setting(
        Decimal(20), "An anomaly differs by at least this much per day.", "currency of the cost per day", ge=0
    )

    dispute_deadline_days: int = setting(
        30, "A dispute that is not decided this long after it was opened is overdue.", "days", ge=1
    )

    bill_policy: Literal["none", "true_up", "scale"] = setting(
        "true_up",
        "How a provider's bill meets allocation: only reconciled (none), closed by one line per cluster "
        "(true_up), or priced into every hour (scale).",
    )
    bill_blend: Literal["blend", "as_landed"] = setting(
        "blend",
        "Whom commitments help when bills are priced in: all nodes of a family and region alike, or the node "
        "on which the discount landed.",
    )
    bill_gap_tolerance_ratio: Ratio = setting(
        0.01,
        "A month is closed only when bill and allocated cost of each cluster differ by no more.",
        "share of the bill",
    )

    # Ownership
    ownership_sources: tuple[Path, ...] = setting(
        (), "Files that describe the CMDBs to synchronise owners with (docs/ownership.md)."
    )
    ownership_sync_max_removed_ratio: Ratio = setting(
        0.2, "A sync in which more of a source's entities vanish is refused.", "ratio"
    )
    schedule_ownership_minute: int = setting(
        5, "Minute of the hour of the sync with the CMDBs.", "min", ge=0, le=59
    )
    team_label_keys: tuple[str, ...] = setting(
        TEAM_LABELS, "Labels that name a team, the first has precedence; met with any prefix and spelling."
    )
    name_strip_prefixes: tuple[str, ...] = setting(
        (), "Words taken off the front of a name before it is compared with the CMDB's, such as prod-."
    )
    name_strip_suffixes: tuple[str, ...] = setting((), "The same for the end of a name, such as -svc.")
    unowned_alarm_ratio: Ratio = setting(
        0.02, "Share of workload cost without a known owner above which the figure is an alarm.", "ratio"
    )

    # Ingest
    settle_delay_minutes: int = setting(10, "An hour is read this long after its end.", "min", ge=0)
    late_reread_hours: int = setting(3, "The newest hours that are read again for late samples.", "h", ge=0)
    lease_ttl_seconds: int = setting(600, "A writer that is silent this long loses its lease.", "s", ge=5)
    first_backfill_days: int = setting(14, "How far the first run of a cluster reaches back.", "days", ge=1)
    watch_kubernetes: bool = setting(
        True,  # noqa: FBT003
        "Let the scheduler watch the API of clusters with a kubeconfig.",
    )

    # Models
    risk_class: Literal["cost", "balanced", "safe", "batch", "jvm"] = setting(
        "balanced", "Right-sizing preset where no rule matches."
    )
    risk_class_rules: tuple[RiskClassRule, ...] = setting((), "Presets by cluster, namespace, workload.")
    hysteresis_ratio: Ratio = setting(0.10, "Smaller changes of a request are not suggested.", "ratio")
    minimum_history_days: float = setting(7.0, "No suggestion on less history.", "days", ge=1)
    verification_days: int = setting(
        7, "Clean days until an applied suggestion's saving is verified.", "days", ge=1, le=90
    )
    accepted_reminder_days: float = setting(
        7.0, "An acceptance that nobody applied is reminded of after so long.", "days", gt=0
    )
    accepted_expiry_days: float = setting(
        30.0, "An acceptance that nobody applied expires after so long.", "days", gt=0
    )
    bulk_cpu_over_request_ratio: Ratio = setting(
        0.02, "Highest share of samples over the CPU request that may be accepted in bulk.", "ratio"
    )
    bulk_memory_over_limit_day_ratio: Ratio = setting(
        0.0, "Highest share of days over the memory limit that may be accepted in bulk.", "ratio"
    )
    profile_window_days: int = setting(
        28, "Days of history that profiles and suggestions read.", "days", ge=1
    )
    request_metrics: tuple[RequestMetricRule, ...] = setting(
        (), "Histograms of requests to read: one query each per hour. Also by annotation (docs/replicas.md)."
    )
    replica_target_ratio: Ratio = setting(
        0.7, "Share of its CPU request that a replica should use where no autoscaler says so.", "ratio"
    )
    replica_minimum: int = setting(
        2, "Fewest replicas advised for what nothing scales and runs as many today.", ge=1
    )
    load_test_max_age_days: int = setting(90, "Load tests older than this are ignored.", "days", ge=1)
    cpu_request_minimum_cores: float = setting(0.010, "No CPU request is advised below it.", "cores", gt=0)
    cpu_request_maximum_cores: float | None = setting(
        None, "No CPU request is raised above it; unset: only nodes, LimitRanges and quotas.", "cores", gt=0
    )
    memory_request_minimum_mib: float = setting(16.0, "No memory request is advised below it.", "MiB", ge=1)
    memory_request_maximum_mib: float | None = setting(
        None, "No memory request is raised above it; unset as for CPU.", "MiB", ge=1
    )
    advise_without_requests: bool = setting(
        False,  # noqa: FBT003
        "Also advise containers without requests, which changes their quality-of-service class.",
    )
    compress_requests: bool = setting(
        False,  # noqa: FBT003
        "CPU requests follow use as a share of the limit, which stays (also by annotation).",
    )
    runbook_url: str | None = setting(None, "Runbook for taking a change back, linked in every suggestion.")
    fleet_guard_workload_ratio_per_day: Ratio = setting(
        0.2, "Share of a cluster's workloads that may get new or larger reductions in a day.", "ratio"
    )
    fleet_guard_cpu_ratio_per_day: Ratio = setting(
        0.1, "Share of a cluster's requested CPU that may be advised away in a day.", "ratio"
    )
    fleet_guard_memory_ratio_per_day: Ratio = setting(0.1, "The same for memory.", "ratio")
    fleet_guard_free_workloads: int = setting(
        100, "Clusters with at most so many workloads are judged at once: the shares do not bind.", ge=0
    )
    data_breaker_usage_ratio_min: Ratio = setting(
        0.7, "CPU use below this share of the usual one, with as many pods, stops all reductions.", "ratio"
    )
    data_breaker_zero_ratio_rise: Ratio = setting(
        0.1, "So much more of the containers than usual at exactly zero CPU stops all reductions.", "ratio"
    )
    data_breaker_measured_ratio_drop: Ratio = setting(
        0.2, "So much less of the running time measured than usual stops all reductions.", "ratio"
    )
    oversell_theta: Ratio = setting(0.80, "Peak use of a node that an oversold node may reach.", "ratio")
    oversell_ratio_max: float = setting(3.0, "Largest oversell ratio ever advised.", "ratio", ge=1)
    oversell_violation_target: Ratio = setting(
        0.01, "Share of node-days whose peak may exceed the prediction.", "ratio"
    )
    oversell_memory: bool = setting(False, "Also advise overselling memory.")  # noqa: FBT003

    # Applying
    apply_enabled: bool = setting(
        False,  # noqa: FBT003
        "Let people change workloads in a cluster (docs/applying.md).",
    )
    apply_clusters: tuple[str, ...] = setting(
        ("*",), "Globs of the clusters that may be changed, once applying is enabled."
    )
    apply_max_workloads_per_day: int = setting(
        20, "Most workloads of a cluster that are changed within 24 hours.", "workloads", ge=1
    )
    apply_overwritable_managers: tuple[str, ...] = setting(
        ("kubectl*",), "Globs of field managers whose values --method strategic may overwrite."
    )
    maintenance_windows: tuple[MaintenanceWindow, ...] = setting((), "When clusters may be changed.")
    change_freezes: tuple[ChangeFreeze, ...] = setting((), "When nothing may be changed, and why.")

    # Retention
    retention_bins_days: int = setting(35, "5-minute values are kept this long.", "days", ge=8)
    retention_container_hour_days: int = setting(100, "Container hours are kept this long.", "days", ge=35)
    retention_histogram_days: int = setting(400, "Daily histograms are kept this long.", "days", ge=35)
    retention_cost_day_months: int = setting(37, "Daily costs are kept this long.", "months", ge=13)

    # Running
    workers: int = setting(0, "Worker processes for heavy work; 0 works in this process.", "processes", ge=0)
    http_host: str = setting("127.0.0.1", "Address that serve listens on.")
    http_port: int = setting(8710, "Port that serve listens on.", "TCP port", ge=0, le=65_535)
    trusted_proxy_header: str | None = setting(
        None, "Header in which an authenticating proxy names the user; unset trusts no header."
    )
    trusted_proxy_addresses: tuple[str, ...] = setting(
        (), "Addresses or networks from which that header is believed."
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", "What is written to stderr.")
    schedule_ingest_minute: int = setting(15, "Minute of the hour of the hourly ingest.", "min", ge=0, le=59)
    schedule_models_hour: int = setting(2, "Hour (UTC) of the nightly models.", "h", ge=0, le=23)
    fixed_now: Annotated[datetime | None, AfterValidator(_check_instant)] = setting(
        None, "A moment that counts as now, for demonstrations on simulated data."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read flags only: ``load_settings`` layers file and environment, so that it can name each."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def lake_location(self) -> str:
        """URL or folder of the lake."""
        return self.lake_url or str(self.home.absolute() / "lake")

    @property
    def database_location(self) -> str:
        """SQLAlchemy URL of the database, with its password: never log it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home.absolute() / 'millicore.db'}"

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the SQLite file of the home folder, which only this user opens."""
        return self.database_url is None

    @property
    def conversion_currency(self) -> str | None:
        """Currency to which charges are converted: the reporting currency, once somebody chose it."""
        return self.reporting_currency if "reporting_currency" in self.model_fields_set else None

    @property
    def zone(self) -> ZoneInfo:
        """The billing zone."""
        return ZoneInfo(self.billing_zone)

    def cluster(self, name: str) -> ClusterSettings | None:
        """Return the settings of a cluster, or None if it is not configured."""
        return next((cluster for cluster in self.clusters if cluster.name == name), None)

    def clock(self) -> datetime:
        """Return now in UTC, or the fixed moment of a demonstration."""
        return self.fixed_now or datetime.now(UTC)
