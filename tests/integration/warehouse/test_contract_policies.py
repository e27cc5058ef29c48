"""What the repository of sharing policies promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.vocabulary.identity import Principal, Role
from warehouse.database.audit import AuditNote
from warehouse.gateway import Warehouse

NOON = datetime(2026, 10, 12, 12, tzinfo=UTC)
FINANCE = Principal("ann", frozenset({Role.FINANCE}))


def _add(warehouse: Warehouse, month: str, minute: int, reason: str | None = None) -> int:
    at = NOON + timedelta(minutes=minute)
    note = AuditNote("ann", "set sharing policy", month, at, {"reason": reason})
    document = {"idle": {"to": "share", "scope": "pool"}, "shared": []}
    return warehouse.policies.add(month, document, f"hash{minute}", note).version


def test_versions_are_numbered_kept_and_audited(each_database: Warehouse) -> None:
    assert [_add(each_database, month, n, "agreed") for n, month in enumerate(("2026-10", "2026-12"))] == [
        1,
        2,
    ]
    first, second = each_database.policies.list()
    assert (first.version, first.effective_from, first.policy_hash) == (1, "2026-10", "hash0")
    assert (first.principal, first.note, first.recorded_at) == ("ann", "agreed", NOON)
    assert first.document == {"idle": {"to": "share", "scope": "pool"}, "shared": []}
    entries = each_database.audit.list(FINANCE)
    assert [entry.subject for entry in entries[:2]] == ["2026-12", "2026-10"]
    assert second.version == 2


def test_a_month_follows_the_latest_version_that_holds_for_it(each_database: Warehouse) -> None:
    assert each_database.policies.in_force("2026-10") is None
    for minute, month in enumerate(("2026-10", "2026-12", "2026-10")):
        _add(each_database, month, minute)
    in_force = {
        month: None if found is None else found.version
        for month in ("2026-09", "2026-10", "2026-11", "2026-12", "2027-01")
        for found in (each_database.policies.in_force(month),)
    }
    assert in_force == {"2026-09": None, "2026-10": 3, "2026-11": 3, "2026-12": 2, "2027-01": 2}
