"""What reading cost the sources: queries, samples and bytes per hour of data, from the audit log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from models.vocabulary.identity import Principal
from warehouse.database.connection import Database
from warehouse.database.schema import AUDIT_ENTRY

READ_SOURCE: Final = "read source"
"""Audit action of an ingest run; ``subject`` is the cluster, ``detail`` holds ``source``, ``hour_count``,
``query_count``, ``sample_count`` and ``answer_bytes``."""


@dataclass(frozen=True)
class SourceLoad:
    """What the runs since an instant asked of one cluster's source."""

    cluster: str
    source: str
    hour_count: int
    query_count: int
    sample_count: int
    answer_bytes: int


class LoadReads:
    """Reads of the recorded query load.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, principal: Principal, moment: datetime) -> list[SourceLoad]:
        """Return the load of each cluster and source since the moment."""
        principal.visible_teams()
        columns = AUDIT_ENTRY.c
        statement = select(columns.subject, columns.detail).where(
            columns.action == READ_SOURCE, columns.occurred_at >= moment
        )
        names = ("hour_count", "query_count", "sample_count", "answer_bytes")
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(names))
        with self._database.read() as connection:
            for cluster, detail in connection.execute(statement):
                found = sums[(cluster, str(detail.get("source", "")))]
                for index, name in enumerate(names):
                    found[index] += int(detail.get(name, 0))
        return [SourceLoad(*key, *values) for key, values in sorted(sums.items())]
