"""All checks of a warehouse for `millicore doctor`, each with a plain remedy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models.vocabulary.errors import MillicoreError
from models.vocabulary.windows import HourWindow
from warehouse.agreement import check_lake_is_not_behind, forget_lost_days
from warehouse.database.migration import check_migrated
from warehouse.gateway import Warehouse, WarehouseLocation
from warehouse.lake.probes import Finding, check_tables, probe_place
from warehouse.reconcile import Mismatch, reconcile

__all__ = ["Finding", "check_warehouse"]


def check_warehouse(
    location: WarehouseLocation,
    window: HourWindow | None = None,
    *,
    heal: bool = False,
    probes_place: bool = True,
) -> list[Finding]:
    """Check database, storage, tables and, for a window, that ledger and lake agree.

    Works on a warehouse that `open_warehouse` refuses, since that is when it is needed.

    Parameters
    ----------
    location : WarehouseLocation
    window : HourWindow, optional
        Hours to reconcile, of all clusters; with ``heal`` every stored hour is.
    heal : bool
        Set bad files aside; their hours become owed, and what was derived from them is built again.
    probes_place : bool
        Whether to write a little to the storage, to see whether it does what the lake needs.
    """
    warehouse = Warehouse(location)
    try:
        findings = [_check_database(warehouse)]
        findings += probe_place(warehouse.lake.root) if probes_place else []
        bad_before = [finding for finding in check_tables(warehouse.lake.root) if not finding.is_good]
        findings += _set_aside(warehouse, bad_before) if heal else bad_before
        if any(not finding.is_good for finding in findings):
            return findings
        if heal:
            return findings + _heal(warehouse, bad_before)
        findings.append(_check_age(warehouse))
        if window is not None:
            findings += _check_agreement(warehouse, window)
        return findings
    finally:
        warehouse.close()


def _check_database(warehouse: Warehouse) -> Finding:
    try:
        check_migrated(warehouse.database)
    except MillicoreError as problem:
        return Finding("database", is_good=False, detail=str(problem), remedy="see the message")
    return Finding("database", is_good=True, detail=f"{warehouse.database.name} is at this version")


def _check_age(warehouse: Warehouse) -> Finding:
    try:
        check_lake_is_not_behind(warehouse.database, warehouse.lake.versions())
    except MillicoreError as problem:
        return Finding("lake", is_good=False, detail=str(problem), remedy="millicore doctor --heal")
    return Finding("lake", is_good=True, detail="every file is present, and as new as the ledger says")


def _set_aside(warehouse: Warehouse, bad: Sequence[Finding]) -> list[Finding]:
    """Set bad files aside and return what was found of the tables that had some."""
    checks = {finding.check for finding in bad}
    return [item for item in check_tables(warehouse.lake.root, heal=bool(bad)) if item.check in checks]


def _heal(warehouse: Warehouse, bad: Sequence[Finding]) -> list[Finding]:
    """Make hours owed that the lake has lost, and derived days stale."""
    damaged = {finding.check.rpartition(" ")[2] for finding in bad}
    days = forget_lost_days(warehouse.database, warehouse.lake.versions(), damaged)
    lost: list[Finding] = []
    for cluster in warehouse.clusters.list():
        span = warehouse.ledger.span(cluster.name)
        mismatches = [] if span is None else reconcile(warehouse, cluster.name, span)
        hours = [mismatch.hour for mismatch in mismatches if mismatch.is_owed_now]
        if hours:
            lost.append(_lost_hours(cluster.name, hours))
    rebuilt = f"{days} derived days are built again by the next `millicore allocate`"
    return [Finding("lake", is_good=True, detail=rebuilt if days else "it is whole"), *lost]


def _lost_hours(cluster: str, hours: Sequence[datetime]) -> Finding:
    span = f"{hours[0]:%Y-%m-%d %H:%M}Z to {hours[-1]:%Y-%m-%d %H:%M}Z"
    return Finding(
        f"lost hours of {cluster}",
        is_good=False,
        detail=f"{len(hours)} are owed again, {span}",
        remedy="`millicore ingest run`, or read the files again",
    )


def _check_agreement(warehouse: Warehouse, window: HourWindow) -> list[Finding]:
    findings = []
    for cluster in warehouse.clusters.list():
        check = f"ledger and lake of {cluster.name}"
        mismatches = reconcile(warehouse, cluster.name, window)
        good = [Finding(check, is_good=True, detail=f"they agree in {window}")]
        findings += [_disagreement(check, mismatch) for mismatch in mismatches] or good
    return findings


def _disagreement(check: str, mismatch: Mismatch) -> Finding:
    return Finding(
        check,
        is_good=False,
        detail=f"{mismatch.hour:%Y-%m-%dT%H:%MZ}: {mismatch.detail}",
        remedy="the hour is owed: `millicore ingest run` reads it again",
    )
