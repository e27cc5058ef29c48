"""Budget and initiative files: what was planned, and what was done about cost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ingest.files.cells import decimal_cell
from ingest.files.columns import BUDGET_COLUMNS, INITIATIVE_COLUMNS
from ingest.files.reading import find_files, read_rows
from models.initiatives.initiative import Initiative
from models.vocabulary.errors import InputError
from models.vocabulary.money import Money
from models.vocabulary.windows import month_bounds
from warehouse.database.plans import Budget

_SCOPE_KINDS = ("all", "team", "cost_centre", "cluster")


def load_budgets(path: Path) -> list[Budget]:
    """Return the budgets of a file, or of all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for a budget that stands twice.
    """
    budgets: dict[tuple[str, str, str, str], Budget] = {}
    for file in find_files([path]):
        for number, row in enumerate(read_rows(file, BUDGET_COLUMNS), start=1):
            budget = _budget(str(file), number, {name: str(value) for name, value in row.items()})
            key = (budget.scope_kind, budget.scope, budget.month, budget.amount.currency)
            if key in budgets:
                raise InputError(
                    "has a budget twice", file=str(file), row=number, field="scope", value=budget.scope
                )
            budgets[key] = budget
    return list(budgets.values())


def _budget(file: str, number: int, row: dict[str, str]) -> Budget:
    amount = decimal_cell(file, number, "amount", row["amount"])
    assert amount is not None
    if amount < 0:
        raise InputError("is negative", file=file, row=number, field="amount", value=row["amount"])
    if row["scope_kind"] not in _SCOPE_KINDS:
        reason = f"is not one of {', '.join(_SCOPE_KINDS)}"
        raise InputError(reason, file=file, row=number, field="scope_kind", value=row["scope_kind"])
    try:
        month_bounds(row["month"])
        money = Money(amount, row["currency"])
    except InputError as problem:
        raise InputError(
            problem.reason, file=file, row=number, field=problem.field, value=problem.value
        ) from problem
    return Budget(row["scope_kind"], row["scope"], row["month"], money)


def load_initiatives(path: Path) -> list[Initiative]:
    """Return the optimisation stages of a file, or of all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for a name that stands twice and an end before the start.
    """
    initiatives: dict[str, Initiative] = {}
    for file in find_files([path]):
        for number, row in enumerate(read_rows(file, INITIATIVE_COLUMNS), start=1):
            name, started_at, ended_at = str(row["name"]), row["started_at"], row["ended_at"]
            assert isinstance(started_at, datetime)
            if name in initiatives:
                raise InputError("is there twice", file=str(file), row=number, field="name", value=name)
            if isinstance(ended_at, datetime) and ended_at < started_at:
                raise InputError(
                    "is before started_at", file=str(file), row=number, field="ended_at", value=str(ended_at)
                )
            cluster, node_pool, team = (
                None if row[key] is None else str(row[key]) for key in ("cluster", "node_pool", "team")
            )
            initiatives[name] = Initiative(
                name=name,
                description=str(row["description"] or ""),
                started_at=started_at,
                ended_at=ended_at if isinstance(ended_at, datetime) else None,
                cluster=cluster,
                node_pool=node_pool,
                team=team,
            )
    return list(initiatives.values())
