"""First contact with a cluster's Prometheus: look, say what it will cost and what is missing, take it up."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ingest.prometheus.connection import PrometheusConnection
from ingest.prometheus.probe import ProbeReport, probe
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import StorageError, UsageError
from models.vocabulary.identity import check_cluster_name
from service.runtime import location_of
from service.setting_parts import ClusterSettings
from service.setting_sources import load_settings, read_config_file
from service.settings import CONFIG_FILE_NAME, Settings
from service.sources import prometheus_settings
from warehouse.gateway import open_warehouse

DEFAULT_NAME = "default"


@dataclass(frozen=True)
class ConnectRequest:
    """What a person says about the cluster to connect; only the URL is needed.

    Secrets are given as files, so that none stands in a command line or in the settings file.
    """

    url: str
    cluster: str | None = None
    cluster_label: str | None = None
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    headers: tuple[str, ...] = ()
    tls_ca_file: Path | None = None
    kubeconfig: Path | None = None

    def entry(self, name: str, label: tuple[str, str] | None) -> dict[str, Any]:
        """Return the cluster's entry for the settings file.

        Parameters
        ----------
        name : str
        label : tuple of str or None
            Label and value that tell this cluster apart in a shared server.
        """
        connection = {
            "url": self.url,
            "bearer_token_file": _text(self.bearer_token_file),
            "username": self.username,
            "password_file": _text(self.password_file),
            "headers": dict(map(_parse_header, self.headers)) or None,
            "tls_ca_file": _text(self.tls_ca_file),
            "cluster_label": label[0] if label else None,
            "cluster_label_value": label[1] if label else None,
        }
        entry = {"name": name, "prometheus": _without_none(connection), "kubeconfig": _text(self.kubeconfig)}
        return _without_none(entry)


@dataclass(frozen=True)
class Contact:
    """What was found at first contact.

    Parameters
    ----------
    entry : dict
        The cluster as the settings file will hold it.
    cluster : ClusterSettings
        The same, checked.
    report : ProbeReport
    """

    entry: dict[str, Any]
    cluster: ClusterSettings
    report: ProbeReport


def make_contact(request: ConnectRequest, now: datetime) -> Contact:
    """Look at a Prometheus; nothing is written anywhere.

    Raises
    ------
    SourceError
        If it cannot be reached or refuses the credentials.
    UsageError
        If it holds several clusters and none was named, or a value cannot be used.
    """
    first = _checked(request.entry(request.cluster or DEFAULT_NAME, None))
    report = _probe(first, now)
    label = _choose_label(request, report)
    name = check_cluster_name(request.cluster or (_slug(label[1]) if label else DEFAULT_NAME))
    if label is None and not request.cluster and len(report.cluster_values) == 1:
        name = check_cluster_name(_slug(report.cluster_values[0]))
    entry = request.entry(name, label)
    cluster = _checked(entry)
    return Contact(entry, cluster, report if label is None else _probe(cluster, now))


def _probe(cluster: ClusterSettings, now: datetime) -> ProbeReport:
    connection = PrometheusConnection(prometheus_settings(cluster))
    try:
        return probe(connection, now=now)
    finally:
        connection.close()


def _checked(entry: Mapping[str, Any]) -> ClusterSettings:
    """Check an entry as the settings file will be checked, its secrets read from their files."""
    return load_settings(environment={}, clusters=[dict(entry)]).clusters[0]


def _choose_label(request: ConnectRequest, report: ProbeReport) -> tuple[str, str] | None:
    """Return label and value of the cluster to read, None where the server holds one only."""
    label = request.cluster_label or report.cluster_label
    if label is None or (len(report.cluster_values) < 2 and not request.cluster_label):
        return None
    if request.cluster is None:
        known = ", ".join(report.cluster_values[:10])
        raise UsageError(
            f"{request.url} holds {len(report.cluster_values)} clusters by the label {label} ({known}); "
            "name one with --cluster, and connect the others after it"
        )
    by_slug = {_slug(value): value for value in report.cluster_values}
    value = by_slug.get(request.cluster)
    if value is None:
        raise UsageError(
            f"no series has {label}={request.cluster}; there are {', '.join(report.cluster_values[:10])}"
        )
    return label, value


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:63] or DEFAULT_NAME


def _parse_header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"header {text!r}: write NAME=VALUE")
    return name, value


def _text(path: Path | None) -> str | None:
    return str(path.absolute()) if path else None


def _without_none(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}


def price_states(types: Mapping[str, int], prices: Sequence[PriceRow], settings: Settings) -> list[str]:
    """Return one line per node type: how many nodes, and what their price will be."""
    priced = {row.instance_type for row in prices if row.asset_kind == "node"}
    assumed = (
        f"no price: assumed {settings.assumed_price_vcpu_hour} {settings.assumed_price_currency} "
        f"per vCPU-hour, {settings.assumed_price_gib_hour} per GiB-hour of {settings.assumed_price_date}"
    )
    missing = assumed if settings.prices_mode == "assumed" else "no price: its cost stays unknown"
    return [
        f"{count} x {kind}: {'priced' if kind in priced else missing}"
        for kind, count in sorted(types.items())
    ]


def known_prices(settings: Settings) -> list[PriceRow]:
    """Return the prices of the warehouse, none if there is no warehouse yet."""
    if settings.is_embedded and not (settings.home / "millicore.db").exists():
        return []
    try:
        warehouse = open_warehouse(location_of(settings))
    except StorageError:
        return []  # not migrated yet; what really is wrong shows when the warehouse is opened to be used
    try:
        return warehouse.prices.all()
    finally:
        warehouse.close()


def config_path(settings: Settings) -> Path:
    """Return the settings file that connect writes: the one that was read, else beside where we are."""
    return settings.config_file or Path(CONFIG_FILE_NAME)


def write_cluster(path: Path, entry: Mapping[str, Any]) -> bool:
    """Add a cluster to a settings file, or replace the one of its name; everything else stays.

    The file is readable by its owner only. A file that is changed is kept beside as ``.before``.

    Returns
    -------
    bool
        Whether anything changed.
    """
    content: dict[str, Any] = {}
    if path.exists():
        read_config_file(path)  # refuse to build on a file that is wrong
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    known = {str(cluster.get("name")): cluster for cluster in content.get("clusters") or ()}
    # replaced where it stands, so that connecting again changes nothing
    changed = {**content, "clusters": list({**known, str(entry["name"]): dict(entry)}.values())}
    if changed == content:
        return False
    if path.exists():
        path.replace(path.with_suffix(path.suffix + ".before"))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("# Settings of Millicore; docs/settings.md lists them all.\n")
        yaml.safe_dump(changed, file, sort_keys=False)
    return True
