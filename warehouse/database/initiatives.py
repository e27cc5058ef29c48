"""Optimisation programmes: initiatives, what went into them, who shares, saving lines, priorities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from models.initiatives.initiative import (
    AgreedShare,
    ApplicationTrait,
    Effort,
    Initiative,
    InitiativeScope,
    SavingCategory,
    SavingLine,
    check_initiative,
    check_ratio,
    check_saving_line,
)
from models.initiatives.priorities import PriorityWeights
from models.vocabulary.errors import Conflict, InputError, NotFound
from models.vocabulary.money import Money
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.initiative_tables import (
    APPLICATION_TRAIT,
    INITIATIVE_EFFORT,
    INITIATIVE_SHARE,
    PRIORITY_WEIGHT,
    SAVING_LINE,
)
from warehouse.database.schema import INITIATIVE
from warehouse.database.statements import insert_or_update, wait_for_turn

_STAGE_FIELDS = ("name", "description", "started_at", "ended_at", "cluster", "node_pool", "team")
_I = INITIATIVE.c


class Initiatives:
    """All optimisation stages of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, initiative: Initiative, note: AuditNote | None = None) -> None:
        """Store an initiative; one of the same name is replaced, its efforts and shares stay.

        Raises
        ------
        InputError
            If it ends before it starts, or target and forecast differ in currency.
        """
        check_initiative(initiative)
        with self._database.write() as connection:
            insert_or_update(connection, INITIATIVE, [_to_row(initiative)])
            if note is not None:
                append_entry(connection, note)

    def save_stage(self, initiative: Initiative) -> None:
        """Store what a file says of a stage; the plan of people stays, and a closed one as it is."""
        check_initiative(initiative)
        row = {name: getattr(initiative, name) for name in _STAGE_FIELDS}
        with self._database.write() as connection:
            closed = select(_I.closed_at).where(_I.name == initiative.name)
            if connection.execute(closed).scalar_one_or_none() is None:
                insert_or_update(connection, INITIATIVE, [row])

    def list(self) -> list[Initiative]:
        """Return all initiatives, oldest first."""
        statement = select(INITIATIVE).order_by(_I.started_at, _I.name)
        with self._database.read() as connection:
            return [_from_row(dict(row)) for row in connection.execute(statement).mappings()]

    def get(self, name: str) -> Initiative:
        """Return one initiative.

        Raises
        ------
        NotFound
        """
        found = next((one for one in self.list() if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no initiative {name!r}: `millicore initiative list` names all")
        return found

    def close(self, name: str, at: datetime, result: Mapping[str, Any], note: AuditNote) -> None:
        """Mark an initiative as closed and keep what was measured then.

        Raises
        ------
        NotFound
            If there is none of that name.
        Conflict
            If somebody else closed it meanwhile.
        """
        self.get(name)
        statement = update(INITIATIVE).where(_I.name == name, _I.closed_at.is_(None))
        with self._database.write() as connection:
            closed = connection.execute(statement.values(closed_at=at, result=dict(result)))
            if closed.rowcount == 0:
                raise Conflict(f"the initiative {name!r} is closed already")
            append_entry(connection, note)

    def result(self, name: str) -> Mapping[str, Any] | None:
        """Return what was measured when it was closed, None while it is open."""
        with self._database.read() as connection:
            found: Mapping[str, Any] | None = connection.execute(
                select(_I.result).where(_I.name == name)
            ).scalar_one_or_none()
        return found

    def add_effort(self, effort: Effort, at: datetime) -> None:
        """Record work or money that went into an initiative; nothing is ever changed or deleted.

        Raises
        ------
        NotFound
            If there is no such initiative.
        InputError
            If nothing was spent, or less than nothing.
        """
        self.get(effort.initiative)
        spent = effort.spent
        amounts = [effort.person_days, Decimal(0) if spent is None else spent.amount]
        if min(amounts) < 0 or max(amounts) == 0:
            raise InputError("must be above 0 in person-days or money", field="effort", value=str(amounts[0]))
        row = {
            "initiative": effort.initiative,
            "day": effort.day,
            "person_days": effort.person_days,
            "amount": None if spent is None else spent.amount,
            "currency": None if spent is None else spent.currency,
            "note": effort.note,
            "principal": effort.principal,
            "recorded_at": at,
        }
        with self._database.write() as connection:
            connection.execute(insert(INITIATIVE_EFFORT), [row])

    def efforts(self, name: str) -> Sequence[Effort]:
        """Return what went into an initiative, in the order in which it was recorded."""
        columns = INITIATIVE_EFFORT.c
        statement = select(INITIATIVE_EFFORT).where(columns.initiative == name).order_by(columns.id)
        with self._database.read() as connection:
            return [
                Effort(
                    row.initiative,
                    row.day,
                    row.person_days,
                    None if row.amount is None else Money(row.amount, row.currency),
                    row.note,
                    row.principal,
                )
                for row in connection.execute(statement)
            ]

    def agree(self, name: str, shares: Sequence[AgreedShare], note: AuditNote) -> None:
        """Store who gets which part of the benefit, instead of what was agreed before."""
        self.get(name)
        rows = [{"initiative": name, **asdict(share)} for share in shares]
        with self._database.write() as connection:
            connection.execute(delete(INITIATIVE_SHARE).where(INITIATIVE_SHARE.c.initiative == name))
            connection.execute(insert(INITIATIVE_SHARE), rows)
            append_entry(connection, note)

    def shares(self, name: str) -> Sequence[AgreedShare]:
        """Return the agreed shares, by party."""
        columns = INITIATIVE_SHARE.c
        statement = select(INITIATIVE_SHARE).where(columns.initiative == name).order_by(columns.party)
        with self._database.read() as connection:
            return [AgreedShare(row.party, row.ratio) for row in connection.execute(statement)]


class SavingsLedger:
    """Savings that are no infrastructure: people, licences, contracts. Lines are never changed or deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, line: SavingLine, at: datetime) -> None:
        """Record a line.

        Raises
        ------
        InputError
            Without category, evidence or an approver who is somebody else.
        """
        check_saving_line(line)
        values = {
            **{name: value for name, value in vars(line).items() if name not in ("amount", "category")},
            "category": line.category.value,
            "amount": line.amount.amount,
            "currency": line.amount.currency,
            "recorded_at": at,
        }
        with self._database.write() as connection:
            connection.execute(insert(SAVING_LINE), [values])

    def list(self) -> list[SavingLine]:
        """Return all lines, by day."""
        columns = SAVING_LINE.c
        statement = select(SAVING_LINE).order_by(columns.day, columns.recorded_at, columns.id)
        with self._database.read() as connection:
            return [
                SavingLine(
                    row.id,
                    row.day,
                    SavingCategory(row.category),
                    row.description,
                    Money(row.amount, row.currency),
                    row.evidence,
                    row.approver,
                    row.recorded_by,
                    row.initiative,
                )
                for row in connection.execute(statement)
            ]


class ApplicationTraits:
    """What people know about applications, and the weights of the priority score."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, trait: ApplicationTrait, by: str, at: datetime) -> None:
        """Store what is known about an application, instead of what was known before.

        Raises
        ------
        InputError
            If the difficulty is not between 0 and 1.
        """
        check_ratio("difficulty", trait.difficulty_ratio)
        row = {**vars(trait), "set_by": by, "set_at": at}
        row["is_core"] = None if trait.is_core is None else int(trait.is_core)
        with self._database.write() as connection:
            insert_or_update(connection, APPLICATION_TRAIT, [row])

    def all(self) -> dict[tuple[str, str], ApplicationTrait]:
        """Return what is known, by (cluster, namespace)."""
        with self._database.read() as connection:
            return {
                (row.cluster, row.namespace): ApplicationTrait(
                    row.cluster,
                    row.namespace,
                    row.difficulty_ratio,
                    None if row.is_core is None else bool(row.is_core),
                )
                for row in connection.execute(select(APPLICATION_TRAIT))
            }

    def weights(self) -> tuple[PriorityWeights, int]:
        """Return the newest weights and their version; the defaults are version 0."""
        columns = PRIORITY_WEIGHT.c
        with self._database.read() as connection:
            row = connection.execute(
                select(PRIORITY_WEIGHT).order_by(columns.version.desc()).limit(1)
            ).one_or_none()
        return (PriorityWeights(), 0) if row is None else (PriorityWeights(**row.weights), row.version)

    def save_weights(self, weights: PriorityWeights, by: str, at: datetime) -> int:
        """Store a new version of the weights and return its number."""
        with self._database.write() as connection:
            wait_for_turn(connection, "weights of priorities")
            last = connection.execute(select(func.max(PRIORITY_WEIGHT.c.version))).scalar_one()
            version = (last or 0) + 1
            row = {"version": version, "weights": asdict(weights), "set_by": by, "set_at": at}
            connection.execute(insert(PRIORITY_WEIGHT), [row])
        return version


def _to_row(initiative: Initiative) -> dict[str, Any]:
    amounts = [one for one in (initiative.target, initiative.forecast) if one is not None]
    if len({one.currency for one in amounts}) > 1:
        raise InputError("differs between target and forecast", field="currency", value=amounts[1].currency)
    scope = {name: list(globs) for name, globs in vars(initiative.scope).items() if globs}
    return {
        **{name: getattr(initiative, name) for name in _STAGE_FIELDS},
        "scope": scope or None,
        "owner": initiative.owner,
        "currency": amounts[0].currency if amounts else None,
        "target_per_month": None if initiative.target is None else initiative.target.amount,
        "forecast_per_month": None if initiative.forecast is None else initiative.forecast.amount,
        "forecast_basis": initiative.forecast_basis,
        "difficulty_ratio": initiative.difficulty_ratio,
        "is_core": None if initiative.is_core is None else int(initiative.is_core),
        "closed_at": initiative.closed_at,
    }


def _from_row(row: Mapping[str, Any]) -> Initiative:
    def amount(name: str) -> Money | None:
        return None if row[name] is None else Money(row[name], row["currency"])

    scope = {name: tuple(globs) for name, globs in (row["scope"] or {}).items()}
    return Initiative(
        **{name: row[name] for name in _STAGE_FIELDS},
        scope=InitiativeScope(**scope),
        owner=row["owner"],
        target=amount("target_per_month"),
        forecast=amount("forecast_per_month"),
        forecast_basis=row["forecast_basis"],
        difficulty_ratio=row["difficulty_ratio"],
        is_core=None if row["is_core"] is None else bool(row["is_core"]),
        closed_at=row["closed_at"],
    )
