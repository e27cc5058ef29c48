"""The doctor: what stands between this installation and true figures, and how to mend it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from ingest.prometheus.connection import PrometheusConnection
from ingest.prometheus.probe import ProbeReport, probe
from models.vocabulary.errors import MillicoreError
from service.runtime import Runtime, location_of
from service.setting_parts import ClusterSettings
from service.settings import Settings
from service.sources import kubernetes_settings, prometheus_settings
from service.usecases.ingest_status import ingest_status
from warehouse.checks import check_warehouse

LEAST_FREE_BYTES = 1 << 30
STALE_AFTER = timedelta(minutes=30)
"""A newest sample older than this means that scraping has stopped; a slow scrape takes five minutes."""


class CheckState(StrEnum):
    """Verdict of a check."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its state, what was found and what to do about it."""

    check: str
    state: CheckState
    detail: str
    remedy: str = ""


def examine(settings: Settings, *, heal: bool = False) -> list[Check]:
    """Look at everything that Millicore depends on; a check that fails hides none of the others.

    Parameters
    ----------
    settings : Settings
    heal : bool
        Set broken files of the lake aside, so that their hours are owed again.
    """
    checks = [_check_settings(settings), _check_disk(settings)]
    checks += _guarded("lake", partial(_check_lake, settings, heal=heal))
    checks += _guarded("warehouse", partial(_check_warehouse, settings))
    now = settings.clock()
    for cluster in settings.clusters:
        checks += _guarded(f"prometheus of {cluster.name}", partial(_check_prometheus, cluster, now))
        checks += _guarded(f"kubernetes of {cluster.name}", partial(_check_kubernetes, cluster))
    return checks


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    found: list[Check] = []
    try:
        found.extend(look())
    except MillicoreError as problem:
        found.append(Check(name, CheckState.FAILED, str(problem)))
    return found


def _check_settings(settings: Settings) -> Check:
    where = str(settings.config_file) if settings.config_file else "defaults and environment, no file"
    if not settings.clusters and settings.fixed_now is None:
        return Check(
            "settings", CheckState.DOUBTFUL, f"{where}; no cluster", "millicore connect --prometheus URL"
        )
    return Check("settings", CheckState.GOOD, f"{where}; {len(settings.clusters)} clusters")


def _check_disk(settings: Settings) -> Check:
    folder = settings.home.absolute()
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Check(
            "disk", CheckState.FAILED, f"{folder} cannot be written", "change its owner, or set home"
        )
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:,.1f} GB free at {folder}"
    if free < LEAST_FREE_BYTES:
        return Check("disk", CheckState.DOUBTFUL, detail, "free some space, or set home to a larger disk")
    return Check("disk", CheckState.GOOD, detail)


def _check_lake(settings: Settings, *, heal: bool) -> Iterator[Check]:
    for finding in check_warehouse(location_of(settings), heal=heal, probes_place=False):
        state = CheckState.GOOD if finding.is_good else CheckState.FAILED
        if finding.check.startswith("lost hours"):
            state = CheckState.DOUBTFUL
        yield Check(finding.check, state, finding.detail, finding.remedy)


def _check_warehouse(settings: Settings) -> Iterator[Check]:
    runtime = Runtime.wire(settings)
    try:
        kind = {True: "simulated", False: "real", None: "no"}[runtime.warehouse.clusters.is_simulated()]
        yield Check("warehouse", CheckState.GOOD, f"{runtime.warehouse.database.name}; holds {kind} data")
        yield from _check_hours(runtime)
        yield _check_prices(runtime)
        yield _check_ownership(runtime)
    finally:
        runtime.warehouse.close()


def _check_hours(runtime: Runtime) -> Iterator[Check]:
    for status in ingest_status(runtime):
        name = f"hours of {status.cluster}"
        if status.last_hour is None:
            yield Check(name, CheckState.DOUBTFUL, "none stored", "millicore ingest backfill --since 14d")
        elif status.owed:
            detail = f"{status.owed} owed since {status.oldest_owed:%Y-%m-%d %H:%M}Z"
            reason = f": {status.reasons[0]}" if status.reasons else ""
            remedy = "read its files again" if status.source == "files" else "millicore ingest run"
            yield Check(name, CheckState.DOUBTFUL, detail + reason, remedy)
        else:
            detail = f"{status.complete} complete, the newest {status.last_hour:%Y-%m-%d %H:%M}Z"
            yield Check(name, CheckState.GOOD, detail)


def _check_prices(runtime: Runtime) -> Check:
    rows = runtime.warehouse.prices.all()
    if rows:
        return Check("prices", CheckState.GOOD, f"{len(rows)} prices")
    settings = runtime.settings
    mode = f"assumed at {settings.assumed_price_vcpu_hour} {settings.assumed_price_currency} per vCPU-hour"
    detail = mode if settings.prices_mode == "assumed" else "every node is unpriced"
    return Check(
        "prices", CheckState.DOUBTFUL, f"no price list; {detail}", "millicore ingest files --prices FILE"
    )


def _check_ownership(runtime: Runtime) -> Check:
    rows = runtime.warehouse.ownership.all()
    if rows:
        return Check("ownership", CheckState.GOOD, f"{len(rows)} rules")
    return Check(
        "ownership",
        CheckState.DOUBTFUL,
        "no rules; teams are guessed from labels and namespaces",
        "millicore ingest files --ownership FILE",
    )


def _check_prometheus(cluster: ClusterSettings, now: datetime) -> Iterator[Check]:
    name = f"prometheus of {cluster.name}"
    if cluster.prometheus is None:
        yield Check(name, CheckState.DOUBTFUL, "not configured", "add prometheus: {url: ...} to the cluster")
        return
    connection = PrometheusConnection(prometheus_settings(cluster))
    try:
        report = probe(connection, now=now)
    finally:
        connection.close()
    for need in report.missing_required:
        yield Check(f"{name}: {need.name}", CheckState.FAILED, f"missing: {need.without}", need.remedy)
    for need in report.missing_optional:
        yield Check(f"{name}: {need.name}", CheckState.DOUBTFUL, f"missing: {need.without}", need.remedy)
    for remark in report.remarks:
        yield Check(f"{name}: scrape", CheckState.DOUBTFUL, remark)
    yield _check_freshness(name, report, now)


def _check_freshness(name: str, report: ProbeReport, now: datetime) -> Check:
    """Judge the newest sample of kube-state-metrics: an hour without any cannot be stored."""
    if report.oldest is None or report.newest is None:
        return Check(
            name,
            CheckState.FAILED,
            "answers, but holds no kube-state-metrics of this cluster",
            "check cluster_label and cluster_label_value, and that kube-state-metrics is scraped",
        )
    if now - report.newest > STALE_AFTER:
        return Check(
            name,
            CheckState.FAILED,
            f"answers, but its newest sample of kube-state-metrics is of {report.newest:%Y-%m-%d %H:%M}Z",
            "see on its page /targets why kube-state-metrics is not scraped; hours missed are gone for good",
        )
    return Check(name, CheckState.GOOD, f"answers; history since {report.oldest:%Y-%m-%d %H:%M}Z")


def _check_kubernetes(cluster: ClusterSettings) -> Iterator[Check]:
    name = f"kubernetes of {cluster.name}"
    settings = kubernetes_settings(cluster)
    if settings is None:
        yield Check(
            name,
            CheckState.DOUBTFUL,
            "not configured: labels and exact times come from metrics only",
            "set kubeconfig or in_cluster of the cluster",
        )
        return
    from ingest.kubernetes.inventory import KubernetesInventory

    inventory = KubernetesInventory(settings, cluster.name)
    try:
        inventory.snapshot()
        missing = inventory.state.missing
    finally:
        inventory.close()
    for kind, reason in missing.items():
        yield Check(f"{name}: {kind}", CheckState.DOUBTFUL, reason, "grant get, list and watch on it")
    if not missing:
        yield Check(name, CheckState.GOOD, "answers; everything may be read")
