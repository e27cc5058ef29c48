"""Reading a price list by the name of its format: ours, or as a cloud publishes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.files.price_files import load_prices
from ingest.files.reading import find_files, hash_file
from ingest.prices.alibaba import read_alibaba
from ingest.prices.aws import read_aws
from ingest.prices.azure import read_azure
from ingest.prices.format_names import PriceFormat
from ingest.prices.google import read_google
from ingest.prices.google_machines import read_machines
from ingest.prices.published import Found, Wanted
from ingest.prices.spot import read_spot_history
from models.pricing.merge import clip_rows
from models.pricing.price_list import PriceRow, check_price_rows
from models.vocabulary.errors import InputError

_SUFFIXES = (".csv", ".json", ".gz")


def read_price_list(
    path: Path, price_format: PriceFormat, wanted: Wanted, *, machine_types: Path | None = None
) -> Found:
    """Return the prices of a file or of all files of a folder, checked, with the hash of their file.

    Parameters
    ----------
    path : Path
    price_format : PriceFormat
    wanted : Wanted
        Rows to keep. ``valid_from`` is when the prices of a list begin that has one price per asset (AWS,
        Azure, Google Cloud, Alibaba Cloud); dated rows (ours, histories of spot prices) are cut there.
    machine_types : Path or None
        Machine types of Google Cloud beside those that are built in.

    Raises
    ------
    InputError
        If a file is of another format, a price cannot be used, or two rows price one asset at one time
        (names file, row, field and value); or nothing of what is wanted stands in it.
    """
    if price_format is PriceFormat.MILLICORE:
        files = find_files([path])
        found = _ours(path, wanted)
    else:
        files = _published_files(path)
        found = _read(files, price_format, wanted, machine_types)
    found.rows = _with_hashes(_without_repeats(_of_kinds(found, wanted)), files)
    check_price_rows(found.rows)
    if not found.rows:
        passed = ", ".join(f"{count} {reason}" for reason, count in found.skipped.most_common(3))
        raise InputError(f"holds no price that is wanted ({passed or 'no rows'})", file=str(path))
    return found


def _ours(path: Path, wanted: Wanted) -> Found:
    found = Found()
    for row in load_prices(path):
        if row.region is not None and not wanted.has_region(row.region):
            found.skipped["other region"] += 1
        elif row.asset_kind == "node" and row.instance_type and not wanted.has_type(row.instance_type):
            found.skipped["other type"] += 1
        else:
            found.rows.append(row)
    return _cut(found, wanted)


def _cut(found: Found, wanted: Wanted) -> Found:
    if wanted.valid_from is not None:
        kept = clip_rows(found.rows, wanted.valid_from)
        found.skipped["ended before --valid-from"] += len(found.rows) - len(kept)
        found.skipped, found.rows = +found.skipped, kept
    return found


def _read(
    files: Sequence[Path], price_format: PriceFormat, wanted: Wanted, machine_types: Path | None
) -> Found:
    if price_format is PriceFormat.GOOGLE:
        return read_google(files, wanted, read_machines(machine_types) if machine_types else None)
    if price_format is PriceFormat.SPOT_HISTORY:
        return _cut(read_spot_history(files, wanted), wanted)
    readers = {
        PriceFormat.AWS: read_aws,
        PriceFormat.AZURE: read_azure,
        PriceFormat.ALIBABA: read_alibaba,
    }
    return readers[price_format](files, wanted)


def _published_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
        if not files:
            raise InputError("holds no .csv, .json or .gz file", file=str(path))
        return files
    if not path.exists():
        raise InputError("does not exist", file=str(path))
    return [path]


def _of_kinds(found: Found, wanted: Wanted) -> Found:
    if wanted.asset_kinds:
        kept = [row for row in found.rows if row.asset_kind in wanted.asset_kinds]
        found.skipped["other kind of asset"] += len(found.rows) - len(kept)
        found.skipped, found.rows = +found.skipped, kept
    return found


def _without_repeats(found: Found) -> list[PriceRow]:
    """Return the rows without those that say the same as an earlier one."""
    seen: dict[tuple[object, ...], PriceRow] = {}
    for row in found.rows:
        key = (row.asset_key, row.terms, row.valid_from, row.valid_to)
        if key in seen:
            found.skipped["stands twice"] += 1
        seen.setdefault(key, row)
    return list(seen.values())


def _with_hashes(rows: Iterable[PriceRow], files: Iterable[Path]) -> list[PriceRow]:
    hashes = {str(file): hash_file(file) for file in files}
    return [replace(row, source_sha256=hashes.get(row.source_file or "")) for row in rows]
