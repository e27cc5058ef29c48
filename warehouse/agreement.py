"""Whether the lake is at least as new as the ledgers say, and what is forgotten where it is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import and_, delete, func, or_, select

from models.vocabulary.errors import LakeInconsistent
from warehouse.database.connection import Database
from warehouse.database.ledger_rows import STORED_STATES
from warehouse.database.schema import DERIVED_LEDGER, WINDOW_LEDGER

_D = DERIVED_LEDGER.c
_L = WINDOW_LEDGER.c
_NEWEST_ROWS = 500
"""Ledger rows that are looked at: versions only grow, so the newest rows name the highest."""


def check_lake_is_not_behind(database: Database, versions: Mapping[str, int]) -> None:
    """Refuse a lake that is older than what the ledgers have seen of it.

    Parameters
    ----------
    database : Database
    versions : mapping of str to int
        Newest version of each lake table, read after the call began or later.

    Raises
    ------
    LakeInconsistent
        Naming a table and the remedy.
    """
    for table, promised in sorted(_promised_versions(database).items()):
        if versions.get(table, -1) < promised:
            found = versions.get(table, "none")
            raise LakeInconsistent(
                f"the lake is older than the ledger: table {table} is at version {found}, the ledger has "
                f"seen {promised}. Put the newer lake back, or run `millicore doctor --heal` and read the "
                "hours again that it names"
            )


def _promised_versions(database: Database) -> dict[str, int]:
    newest = (
        select(_L.delta_versions)
        .where(_L.state.in_(STORED_STATES), _L.pending_run_id.is_(None))
        .order_by(_L.recorded_at.desc())
        .limit(_NEWEST_ROWS)
    )
    derived = select(_D.table_name, func.max(_D.delta_version)).group_by(_D.table_name)
    with database.read() as connection:
        promised = {str(table): int(version) for table, version in connection.execute(derived)}
        for (seen,) in connection.execute(newest):
            for table, version in seen.items():
                promised[table] = max(promised.get(table, version), int(version))
    return promised


def forget_lost_days(database: Database, versions: Mapping[str, int], damaged: Collection[str]) -> int:
    """Let derived days be built again that the lake has lost; return how many.

    Parameters
    ----------
    database : Database
    versions : mapping of str to int
        Newest version of each lake table.
    damaged : collection of str
        Tables of which files were lost: all their days are built again.
    """
    behind = [and_(_D.table_name == table, _D.delta_version > version) for table, version in versions.items()]
    lost = delete(DERIVED_LEDGER).where(or_(_D.table_name.in_(sorted(damaged)), *behind))
    with database.write() as connection:
        return int(connection.execute(lost).rowcount)
