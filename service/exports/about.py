"""A manifest in words, for people who open the file and not the JSON beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.exports.csv_text import safe_text


def about_lines(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield label and words for everything that a manifest says, in a fixed order."""
    yield "Month", f"{manifest['period']} ({manifest['billing_zone']})"
    yield "From", manifest["period_start"]
    yield "Until", f"{manifest['period_end']}, exclusive"
    yield "State", "draft: figures may change" if manifest["is_draft"] else "closed"
    yield "Invoice", manifest["invoice_id"]
    yield "Format", f"{manifest['format']}, column contract {manifest['contract_version']}"
    yield "Lines", f"{manifest['line_count']:,}"
    for total in manifest["totals"]:
        yield "Total", f"{total['effective_cost']} {total['currency']}"
    if "reporting_total" in manifest:
        reported = manifest["reporting_total"]
        yield "Total at the rates of the lines", f"{reported['effective_cost']} {reported['currency']}"
    for one in manifest["clusters"]:
        yield f"Cluster {safe_text(one['cluster'])}", f"{one['effective_cost']} {one['currency']}"
    for one in manifest["corrections"]:
        yield "Correction", f"{one['correction_id']} of {one['restates']}"
    yield from _doubts(manifest)
    yield "Allocation method", manifest["allocation_method"]
    if manifest.get("policy_version"):
        yield "Policy", str(manifest["policy_version"])
    for name, value in sorted(manifest["versions"].items()):
        yield f"Version of {name.replace('_', ' ')}", str(value)
    yield "Run", f"run-{manifest['run_id']}"
    yield from _closing(manifest.get("closing"))


def _doubts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in manifest["coverage"]:
        complete = f"{one['hours_complete']} of {one['hours_expected']} hours are complete"
        yield f"Coverage of {safe_text(one['cluster'])}", complete
    for one in manifest["assumed"]:
        yield "Assumed prices", f"{one['effective_cost']} {one['currency']} rest on them"
    for one in manifest["unpriced"]:
        words = f"{one['container_hours']:,.0f} container-hours in {safe_text(one['cluster'])} have no cost"
        yield "Without a price", words


def _closing(closing: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if closing is None:
        return
    yield "Revision", str(closing["revision"])
    yield "Prepared by", safe_text(str(closing["prepared_by"]))
    yield "Approved by", safe_text(str(closing["approved_by"]))
    if closing["is_single_person"]:
        yield "Persons", "one person prepared and approved it"
    yield "Closed at", str(closing["closed_at"])
    if closing["note"]:
        yield "Note", safe_text(str(closing["note"]))
    yield "Closed files", f"sha256 of their manifest: {closing['manifest_sha256']}"
