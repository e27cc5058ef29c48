"""Savings that are no infrastructure: people, licences, contracts. Beside unit costs, never in them."""

from __future__ import annotations

import uuid
from dataclasses import replace

from models.initiatives.initiative import SavingLine
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime

_MAY_RECORD = (Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)


def add_saving(runtime: Runtime, principal: Principal, line: SavingLine) -> SavingLine:
    """Record a line with a new id; lines are never changed or deleted, so give them with care.

    Raises
    ------
    Forbidden
        If the principal may not record savings.
    InputError
        Without category, evidence or an approver who is somebody else.
    NotFound
        If its initiative does not exist.
    """
    principal.require(*_MAY_RECORD)
    if line.initiative is not None:
        runtime.warehouse.initiatives.get(line.initiative)
    stored = replace(line, id=str(uuid.uuid4()), recorded_by=principal.id)
    runtime.warehouse.savings_ledger.add(stored, runtime.now())
    return stored


def list_savings(runtime: Runtime, principal: Principal) -> list[SavingLine]:
    """Return all lines, by day."""
    principal.require(*_MAY_RECORD)
    return runtime.warehouse.savings_ledger.list()
