"""Price lists: taking a new version in, showing what holds, and naming what a month lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from ingest.files.price_files import load_family_weights
from ingest.files.reading import hash_file
from ingest.prices.format_names import PriceFormat
from ingest.prices.formats import read_price_list
from ingest.prices.published import Wanted
from models.pricing.findings import (
    PriceProblem,
    SeenNodes,
    find_ambiguous,
    find_holes,
    find_mixed_currencies,
    list_problems,
)
from models.pricing.price_book import NodeKind, PriceBook
from models.pricing.price_list import ASSET_KINDS, PriceRow
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow, day_start, parse_instant
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.cost_days import label_sets
from warehouse.database.audit import AuditNote
from warehouse.reads.price_types import PriceTypeReads


@dataclass(frozen=True)
class ImportRequest:
    """What to import.

    Parameters
    ----------
    path : Path
        A file, or a folder of files of one format.
    price_format : PriceFormat
    regions, types, asset_kinds : tuple of str
        Keep only these; empty keeps all.
    cluster : str or None
        Keep only the regions and instance types of the nodes of this cluster.
    valid_from : datetime or None
        See `ingest.prices.formats.read_price_list`.
    replace_from : datetime or None
        See `models.pricing.merge.merge_price_rows`.
    term_years : int
    offering_class, payment : str
        Which reservation is taken; see `ingest.prices.published.Wanted`.
    machine_types : Path or None
        Further machine types of Google Cloud.
    """

    path: Path
    price_format: PriceFormat = PriceFormat.MILLICORE
    regions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    cluster: str | None = None
    valid_from: datetime | None = None
    replace_from: datetime | None = None
    term_years: int = 1
    offering_class: str = "standard"
    payment: str = "No Upfront"
    machine_types: Path | None = None
    asset_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    read_count : int
        Rows of the file that were wanted.
    added_count, ended_count, removed_count, unchanged_count : int
        See `models.pricing.merge.PriceMerge`.
    changes_from : datetime or None
        First instant whose price is another now; None: nothing changed.
    skipped : mapping of str to int
        Rows of the file that were passed over, by reason.
    doubts : tuple of str
        What is odd in the new rows but was taken as it stands.
    """

    read_count: int
    added_count: int
    ended_count: int
    removed_count: int
    unchanged_count: int
    changes_from: datetime | None
    skipped: Mapping[str, int] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnpricedType:
    """Asset-hours of a month whose cost is assumed or not known, by type."""

    cluster: str
    asset_kind: str
    type_name: str | None
    region: str | None
    purchase_option: str | None
    provenance: str
    asset_hours: int


def import_prices(runtime: Runtime, principal: Principal, request: ImportRequest) -> ImportReport:
    """Take a price list into the stored one, keeping what held before; all or nothing.

    Importing the same file twice changes nothing. Days whose prices changed are allocated again by the next
    ``allocate``; others are not touched.

    Raises
    ------
    Forbidden
        If the principal is neither finance, platform nor admin.
    InputError
        If the file cannot be used, or changes what is older than the newest stored row of an asset.
    Conflict
        If a price of a closed month would change.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    found = read_price_list(
        request.path, request.price_format, _wanted(runtime, request), machine_types=request.machine_types
    )
    now = runtime.now()
    rows = [replace(row, imported_at=now, imported_by=principal.id) for row in found.rows]
    detail = {
        "format": request.price_format.value,
        "files": {row.source_file: row.source_sha256 for row in rows},
        "valid_from": _text(request.valid_from),
        "replace_from": _text(request.replace_from),
    }
    note = AuditNote(principal.id, "import prices", str(request.path), now, detail)
    merged = runtime.warehouse.prices.merge(rows, note, replace_from=request.replace_from)
    doubts = list_problems(rows, min(row.valid_from for row in rows), max(row.ends_at for row in rows))
    return ImportReport(
        len(rows),
        merged.added_count,
        merged.ended_count,
        merged.removed_count,
        merged.unchanged_count,
        merged.changes_from,
        dict(found.skipped.most_common()),
        tuple(f"{one.type_name or one.asset_kind}: {one.detail}" for one in doubts if one.kind == "order"),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _wanted(runtime: Runtime, request: ImportRequest) -> Wanted:
    regions, types = set(request.regions), set(request.types)
    if request.cluster is not None:
        seen_regions, seen_types = _seen(runtime, request.cluster)
        regions |= seen_regions
        types |= seen_types
    return Wanted(
        frozenset(regions),
        frozenset(types),
        request.valid_from,
        request.term_years,
        request.offering_class,
        request.payment,
        _known_kinds(request.asset_kinds),
    )


def _known_kinds(names: Sequence[str]) -> frozenset[str]:
    unknown = sorted(set(names) - set(ASSET_KINDS))
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no kind of asset: write {', '.join(ASSET_KINDS)}")
    return frozenset(names)


def _seen(runtime: Runtime, cluster: str) -> tuple[set[str], set[str]]:
    """Return the regions and instance types of a cluster's nodes, as far back as hours are stored."""
    stored = runtime.warehouse.ledger.span(runtime.warehouse.clusters.get(cluster).name)
    if stored is None:
        raise UsageError(f"no hour of {cluster} is stored yet: name --region and --type instead of --cluster")
    kinds = PriceTypeReads(runtime.warehouse.lake).node_kinds(cluster, stored)
    regions = {row["region"] for row in kinds if row["region"]}
    return regions, {row["instance_type"] for row in kinds if row["instance_type"]}


def list_prices(
    runtime: Runtime,
    principal: Principal,
    *,
    at: datetime | None = None,
    regions: Sequence[str] = (),
    types: Sequence[str] = (),
) -> list[PriceRow]:
    """Return the rows that are valid at an instant (now by default), by asset.

    Rows with a time window are among them whether or not the instant lies in their hours.
    """
    principal.require(Role.FINANCE, Role.PLATFORM, Role.LEADERSHIP)
    moment = at or runtime.now()
    rows = [
        row
        for row in runtime.warehouse.prices.all()
        if row.valid_from <= moment < row.ends_at
        and (not regions or row.region in regions)
        and (not types or row.instance_type in types)
    ]
    return sorted(rows, key=lambda row: row.asset_key)


def check_prices(runtime: Runtime, principal: Principal, month: str) -> list[PriceProblem]:
    """Return what to fix in the price list for a month, from the nodes that ran in it.

    Holes are looked for in the observed hours, whether or not they were allocated yet.

    Raises
    ------
    InputError
        If the text is not a month.
    """
    principal.require(Role.FINANCE, Role.PLATFORM, Role.LEADERSHIP)
    window = _month_window(runtime, month)
    rows = runtime.warehouse.prices.all()
    problems = list_problems(rows, window.start, window.end)
    inside = [row for row in rows if row.applies_between(window.start, window.end)]
    for cluster in runtime.warehouse.clusters.list():
        problems += [
            replace(one, cluster=cluster.name)
            for one in _cluster_problems(runtime, cluster.name, window, inside)
        ]
    return problems


def _cluster_problems(
    runtime: Runtime, cluster: str, window: HourWindow, rows: Sequence[PriceRow]
) -> list[PriceProblem]:
    has_selector = any(row.node_selector for row in rows)
    labels = label_sets(runtime, cluster) if has_selector else {}
    kinds = PriceTypeReads(runtime.warehouse.lake).node_kinds(cluster, window, with_labels=has_selector)
    seen = [
        SeenNodes(NodeKind(*(row[name] for name in NodeKind._fields)), row["hour"], row["node_hours"])
        for row in kinds
    ]
    used = {one.kind.label_set_id for one in seen}
    book = PriceBook(rows, labels)
    return [
        *find_holes(book, seen),
        *find_mixed_currencies(book, seen),
        *find_ambiguous(rows, {name: one for name, one in labels.items() if name in used}),
    ]


def _month_window(runtime: Runtime, month: str) -> HourWindow:
    return BillingMonth.read(runtime, month).hours


def unpriced_types(runtime: Runtime, month: str) -> list[UnpricedType]:
    """Return the types whose hours of a month were allocated without a price of their own.

    Their cost is assumed from the default price, or not known; both stand against closing the month.

    Parameters
    ----------
    runtime : Runtime
    month : str
        ``2026-10``, cut in the billing zone.

    Raises
    ------
    InputError
        If the text is not a month.
    """
    found = PriceTypeReads(runtime.warehouse.lake).types_without_price(_month_window(runtime, month))
    return [UnpricedType(**row) for row in found]


def import_family_weights(runtime: Runtime, principal: Principal, path: Path) -> int:
    """Store how prices are split by instance family, in place of all weights before; return their number.

    Raises
    ------
    Forbidden
        If the principal is neither finance, platform nor admin.
    InputError
        If a row of the file cannot be used; nothing is stored then.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    weights = load_family_weights(path)
    detail = {"count": len(weights), "sha256": hash_file(path) if path.is_file() else None}
    note = AuditNote(principal.id, "import price weights", str(path), runtime.now(), detail)
    runtime.warehouse.prices.replace_weights(weights, note)
    return len(weights)


def parse_moment(runtime: Runtime, text: str) -> datetime:
    """Return an instant; a bare date is midnight in the billing zone.

    Raises
    ------
    UsageError
        If the text is neither.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse_instant(text)
    return day_start(day, runtime.warehouse.periods.billing_zone() or runtime.settings.zone)
