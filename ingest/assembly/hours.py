"""What became of each hour of a window: state, coverage, rows and a hash of what was delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from models.vocabulary.windows import HourWindow
from warehouse.observed import HourReport, WindowState


@dataclass(frozen=True)
class HourVerdict:
    """State, coverage and reason of one hour."""

    state: WindowState
    coverage_ratio: float | None
    note: str = ""


def report_hours(
    window: HourWindow, tables: Mapping[str, pa.Table], verdicts: Sequence[HourVerdict]
) -> tuple[HourReport, ...]:
    """Return one report per hour of the window.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        Hour tables, each in the order of its key; other tables have no hour and are left out of the hash.
    verdicts : sequence of HourVerdict
        One per hour, oldest first.
    """
    by_table = {name: rows for name, rows in sorted(tables.items()) if "hour" in rows.column_names}
    reports = []
    for hour, verdict in zip(window.hours(), verdicts, strict=True):
        row_count, digest = _digest_hour(by_table, hour)
        reports.append(
            HourReport(hour, verdict.state, verdict.coverage_ratio, row_count, digest, verdict.note)
        )
    return tuple(reports)


def _digest_hour(tables: Mapping[str, pa.Table], hour: datetime) -> tuple[int, str]:
    digest = hashlib.sha256()
    row_count = 0
    for name, rows in tables.items():
        own = rows.filter(pc.equal(rows["hour"], pa.scalar(hour, rows["hour"].type))).combine_chunks()
        row_count += own.num_rows
        digest.update(name.encode())
        with pa.ipc.new_stream(_HashSink(digest), own.schema) as stream:
            stream.write_table(own)
    return row_count, digest.hexdigest()[:32]


class _HashSink:
    """A file that only hashes what is written to it."""

    closed = False

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        """Hash the bytes."""
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
