"""All checks of a warehouse for `millicore doctor`, each with a plain remedy."""

from __future__ import annotations

from models.vocabulary.errors import MillicoreError
from models.vocabulary.windows import HourWindow
from warehouse.database.migration import check_migrated
from warehouse.gateway import Warehouse, WarehouseLocation
from warehouse.lake.probes import Finding, check_tables, probe_place
from warehouse.reconcile import Mismatch, reconcile

__all__ = ["Finding", "check_warehouse"]


def check_warehouse(
    location: WarehouseLocation, window: HourWindow | None = None, *, heal: bool = False
) -> list[Finding]:
    """Check database, storage, tables and, for a window, that ledger and lake agree.

    Works on a warehouse that `open_warehouse` refuses, since that is when it is needed.

    Parameters
    ----------
    location : WarehouseLocation
    window : HourWindow, optional
        Hours to reconcile, of all clusters.
    heal : bool
        Set bad files aside; their hours become owed by reconciling.
    """
    warehouse = Warehouse(location)
    try:
        findings = [_check_database(warehouse)]
        findings += probe_place(warehouse.lake.root)
        findings += check_tables(warehouse.lake.root, heal=heal)
        if window is not None and all(finding.is_good for finding in findings):
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
