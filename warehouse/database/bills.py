"""Imported bills, the rules that sort their lines, and the factors by which prices become the bill's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select

from models.billing.buckets import Bucket
from models.billing.factors import BillFactor
from models.billing.rules import BillRule, check_bill_rules, hash_bill_rules
from models.vocabulary.errors import Conflict, NotFound
from models.vocabulary.windows import month_bounds
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.bill_tables import BILL, BILL_FACTOR, BILL_RULE, BILL_RULE_SET
from warehouse.database.connection import Database
from warehouse.database.schema import BILLING_PERIOD
from warehouse.database.statements import insert_or_update


@dataclass(frozen=True)
class Bill:
    """One bill of one billing month, as it was last imported.

    Parameters
    ----------
    bill_key : str
        What an import of the same bill replaces.
    partition_name : str
        Value of ``bill_line.bill`` of its lines.
    source : str
        Name of the column map.
    files : mapping
        Names and sha256 of the files of its delivery, and how many bills they held.
    content_hash : str
        Hash of files, map and options: an import of the same changes nothing.
    totals : sequence of mapping
        ``{"currency", "billed_cost", "effective_cost"}`` with exact texts.
    covered_until : datetime or None
        Newest end of a charge of usage.
    """

    bill_key: str
    partition_name: str
    billing_month: str
    provider: str
    billing_account: str
    source: str
    invoice: str | None
    files: Mapping[str, Any]
    content_hash: str
    line_count: int
    totals: Sequence[Mapping[str, str]]
    covered_until: datetime | None
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True)
class RuleSet:
    """A version of the rules."""

    version: int
    content_hash: str
    rule_count: int
    imported_by: str
    imported_at: datetime


class Bills:
    """All imported bills."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, bills: Sequence[Bill], note: AuditNote) -> None:
        """Make deliveries the current ones, all or none."""
        with self._database.write() as connection:
            insert_or_update(connection, BILL, [asdict(bill) for bill in bills])
            append_entry(connection, note)

    def drop(self, bill_key: str, note: AuditNote) -> Bill:
        """Forget a bill and return it; its lines are read no more.

        Raises
        ------
        NotFound
            If there is no such bill.
        """
        with self._database.write() as connection:
            row = connection.execute(select(BILL).where(BILL.c.bill_key == bill_key)).first()
            if row is None:
                raise NotFound(f"there is no bill {bill_key}: see `millicore bills list`")
            connection.execute(delete(BILL).where(BILL.c.bill_key == bill_key))
            append_entry(connection, note)
        return Bill(**row._mapping)

    def of_content(self, content_hash: str) -> list[Bill]:
        """Return the bills that came from a delivery of this content."""
        statement = select(BILL).where(BILL.c.content_hash == content_hash).order_by(BILL.c.bill_key)
        with self._database.read() as connection:
            return [Bill(**row._mapping) for row in connection.execute(statement)]

    def list(self, month: str | None = None) -> list[Bill]:
        """Return bills, newest month first; of one month if it is given."""
        statement = select(BILL).order_by(
            BILL.c.billing_month.desc(), BILL.c.provider, BILL.c.billing_account, BILL.c.bill_key
        )
        if month is not None:
            statement = statement.where(BILL.c.billing_month == month)
        with self._database.read() as connection:
            return [Bill(**row._mapping) for row in connection.execute(statement)]


class BillRules:
    """All versions of the rules that sort bill lines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, rules: Sequence[BillRule], principal: str, at: datetime) -> RuleSet:
        """Store rules as the next version; the same rules again make no new one.

        Raises
        ------
        InputError
            If a rule cannot decide anything.
        """
        check_bill_rules(rules)
        digest = hash_bill_rules(rules)
        with self._database.write() as connection:
            newest = connection.execute(
                select(BILL_RULE_SET).order_by(BILL_RULE_SET.c.version.desc()).limit(1)
            ).first()
            if newest is not None and newest.content_hash == digest:
                return RuleSet(**newest._mapping)
            saved = RuleSet(newest.version + 1 if newest else 1, digest, len(rules), principal, at)
            connection.execute(insert(BILL_RULE_SET).values(asdict(saved)))
            rows = [_rule_values(saved.version, position, rule) for position, rule in enumerate(rules)]
            if rows:
                connection.execute(insert(BILL_RULE), rows)
            detail = {"version": saved.version, "content_hash": digest}
            append_entry(connection, AuditNote(principal, "import bill rules", "bill rules", at, detail))
        return saved

    def all(self) -> list[BillRule]:
        """Return the rules of the newest version in their order."""
        newest = select(func.max(BILL_RULE_SET.c.version)).scalar_subquery()
        statement = select(BILL_RULE).where(BILL_RULE.c.version == newest).order_by(BILL_RULE.c.position)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [_rule(dict(row._mapping)) for row in rows]

    def versions(self) -> list[RuleSet]:
        """Return all versions, newest first."""
        statement = select(BILL_RULE_SET).order_by(BILL_RULE_SET.c.version.desc())
        with self._database.read() as connection:
            return [RuleSet(**row._mapping) for row in connection.execute(statement)]


class BillFactors:
    """Factors of list prices per month."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, month: str, factors: Sequence[BillFactor], at: datetime) -> None:
        """Store the factors of a month instead of all present ones of it.

        Raises
        ------
        Conflict
            If the month is closed: its costs stay as they are.
        """
        columns = BILLING_PERIOD.c
        newest = (
            select(columns.state).where(columns.period == month).order_by(columns.revision.desc()).limit(1)
        )
        rows = [
            {**_stored(factor), "billing_month": month, "position": position, "computed_at": at}
            for position, factor in enumerate(factors)
        ]
        with self._database.write() as connection:
            state = connection.execute(newest).scalar()
            if state is not None and state != "open":
                raise Conflict(f"{month} is closed: what a bill changes in it is charged by a correction")
            connection.execute(delete(BILL_FACTOR).where(BILL_FACTOR.c.billing_month == month))
            if rows:
                connection.execute(insert(BILL_FACTOR), rows)

    def all(self, bounds: Mapping[str, tuple[datetime, datetime]] | None = None) -> list[BillFactor]:
        """Return all factors.

        Parameters
        ----------
        bounds : mapping, optional
            Start and end of months in the billing zone; UTC months where absent.
        """
        statement = select(BILL_FACTOR).order_by(BILL_FACTOR.c.billing_month, BILL_FACTOR.c.position)
        with self._database.read() as connection:
            rows = [dict(row._mapping) for row in connection.execute(statement)]
        found = []
        for row in rows:
            month = row.pop("billing_month")
            start, end = (bounds or {}).get(month) or month_bounds(month)
            values = {name: value for name, value in row.items() if name not in ("position", "computed_at")}
            found.append(BillFactor(start=start, end=end, **values))
        return found

    def months(self) -> list[str]:
        """Return the months that have factors."""
        statement = select(BILL_FACTOR.c.billing_month).distinct().order_by(BILL_FACTOR.c.billing_month)
        with self._database.read() as connection:
            return list(connection.execute(statement).scalars())


def _stored(factor: BillFactor) -> dict[str, Any]:
    return {name: value for name, value in asdict(factor).items() if name not in ("start", "end")}


def _rule_values(version: int, position: int, rule: BillRule) -> dict[str, Any]:
    values = {name: value for name, value in asdict(rule).items() if not name.startswith("source_")}
    return {**values, "bucket": rule.bucket.value, "version": version, "position": position}


def _rule(row: Mapping[str, Any]) -> BillRule:
    values = {name: value for name, value in row.items() if name not in ("version", "position")}
    return BillRule(**{**values, "bucket": Bucket(values["bucket"])})
