"""Writing a chargeback file and its manifest: whole or not at all, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.allocation.apportion import apportion_many
from models.chargeback.lines import ChargeLine
from models.vocabulary.errors import StorageError
from service.exports.charge_columns import COLUMNS, ChargeContext, coins
from service.exports.csv_text import csv_text

_RATIO_UNITS = 10**12


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, with the hash of its bytes."""

    path: Path
    manifest: Path
    sha256: str
    line_count: int


def file_name(period: str, name: str, revision: int) -> str:
    """Return the name of a chargeback file: which close of the month it shows, or that it is a draft."""
    state = f"r{revision}" if revision else "DRAFT"
    return f"chargeback_{period}_{name}_{state}_millicore.csv"


def write_charges(
    target: Path,
    name: str,
    lines: Sequence[ChargeLine],
    context: ChargeContext,
    manifest: Mapping[str, Any],
) -> WrittenFile:
    """Write lines as CSV and a manifest beside it (``<file>.manifest.json``).

    Both are written beside their place and renamed, the manifest last; equal input gives equal bytes.

    Parameters
    ----------
    target : Path
        The CSV file.
    name : str
        Format: summary, detail or focus.
    lines : sequence of ChargeLine
        In the order of the file.
    context : ChargeContext
    manifest : mapping
        What the manifest says besides hash, file and totals.

    Raises
    ------
    StorageError
        If the file cannot be written; nothing of it is left.
    """
    columns = COLUMNS[name]
    rows = ([column.value(line, context) for column in columns] for line in lines)
    digest = _write(target, csv_text([column.name for column in columns], rows))
    described = {
        **manifest,
        "file": target.name,
        "format": name,
        "line_count": len(lines),
        "sha256": digest,
        "totals": _totals(lines),
    }
    path = target.with_name(f"{target.name}.manifest.json")
    _write(path, [json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False) + "\n"])
    return WrittenFile(target, path, digest, len(lines))


def _totals(lines: Iterable[ChargeLine]) -> list[dict[str, str]]:
    """Return the total per currency; currencies are never added."""
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.effective
    return [
        {"currency": currency, "effective_cost": coins(total, currency)}
        for currency, total in sorted(sums.items())
    ]


def allocated_ratios(lines: Sequence[ChargeLine]) -> dict[int, str]:
    """Return by ``id(line)`` its share of its origin charge: a cluster's node bill of a day in a currency.

    The shares of an origin add up to 1 exactly, in twelve decimals. Corrections have no origin here.
    """
    origins: dict[tuple[object, ...], list[ChargeLine]] = {}
    for line in lines:
        if line.correction is not None:
            continue
        origins.setdefault((line.currency, line.cluster, line.day), []).append(line)
    ratios = {}
    for members in origins.values():
        weights = np.array([max(line.effective, 0) for line in members], dtype=np.int64)
        for line, part in zip(members, apportion_many(_RATIO_UNITS, weights).tolist(), strict=True):
            ratios[id(line)] = f"{part // _RATIO_UNITS}.{part % _RATIO_UNITS:012d}"
    return ratios


def _write(target: Path, pieces: Iterable[str]) -> str:
    digest = hashlib.sha256()
    draft: Path | None = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, prefix=".chargeback-", delete=False) as out:
            draft = Path(out.name)
            for piece in pieces:
                content = piece.encode()
                digest.update(content)
                out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.chmod(0o644)
        draft.replace(target)
    except OSError as problem:
        raise StorageError(
            f"{target} cannot be written: {problem.strerror or problem}; nothing of it was stored"
        ) from problem
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    return digest.hexdigest()
