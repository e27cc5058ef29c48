"""What a warehouse holds, as hashes of sorted rows: equal hashes mean that nothing was lost or doubled."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from warehouse.lake.tables import OBSERVED_TABLES

_EVER = HourWindow(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


def digest(rows: list[object]) -> str:
    """Return the row count and the sha256 of the sorted rows."""
    content = "\n".join(sorted(map(repr, rows)))
    return f"{len(rows)} {hashlib.sha256(content.encode()).hexdigest()}"


def digest_tables(runtime: Runtime, names: tuple[str, ...] | None = None) -> dict[str, str]:
    """Return the digest of lake tables, of all observed ones by default."""
    chosen = names or tuple(table.name for table in OBSERVED_TABLES)
    found = {}
    for name in chosen:
        table = runtime.warehouse.lake.scan(name)
        found[name] = digest(list(zip(*(column.to_pylist() for column in table.columns), strict=True)))
    return found


def digest_ledger(runtime: Runtime) -> str:
    """Return the digest of what the ledger promises, without attempts, fences and versions."""
    rows = runtime.warehouse.ledger.rows(None, _EVER)
    return digest(
        [
            (row.cluster, row.source, row.hour, row.state, row.input_hash, row.row_count, row.is_pending)
            for row in rows
        ]
    )
