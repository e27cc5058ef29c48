"""Importing providers' bills: a whole period or nothing, the same file twice changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest.bills.column_map import ColumnMap, load_map
from ingest.bills.lines import BillOptions, read_bill_lines
from ingest.bills.raw import find_bill_files
from ingest.bills.rule_files import load_bill_rules
from ingest.files.reading import hash_file
from models.billing.rules import BillRule
from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.identity import Principal, Role
from service.leasing import holding
from service.progress import Progress, SilentProgress
from service.runtime import Runtime
from warehouse.database.audit import AuditNote
from warehouse.database.bills import Bill, RuleSet
from warehouse.lake.bill_files import BillWriter, remove_bills
from warehouse.reads.bills import BillReads
from warehouse.recording import OnStep, ignore_step

BILL_JOB = "bills"
EVERY_CLUSTER = "(all clusters)"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class BillImport:
    """What an import did.

    Parameters
    ----------
    bills : tuple of Bill
        As they are stored now, one per provider, account and billing month.
    is_unchanged : bool
        The same files were imported before.
    closed_months : tuple of str
        Months among them that are closed: what the bill changes there is charged by a correction.
    """

    bills: tuple[Bill, ...]
    is_unchanged: bool
    closed_months: tuple[str, ...]


def import_bills(
    runtime: Runtime,
    principal: Principal,
    paths: Sequence[Path],
    map_name: str = "focus",
    options: BillOptions | None = None,
    *,
    progress: Progress | None = None,
    on_step: OnStep = ignore_step,
) -> BillImport:
    """Import bill files as one delivery; every bill in it replaces what was stored of its period.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin.
    paths : sequence of Path
        Files or folders that together are whole bills.
    map_name : str
        A shipped map, or the path of one of your own.
    options : BillOptions, optional
    progress : Progress, optional
    on_step : callable
        Called with a name after each step.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    InputError
        If any cell cannot be used; nothing is stored then.
    Conflict
        If a bill of the same account and month was imported with another map.
    """
    principal.require(Role.FINANCE)
    columns, chosen = load_map(map_name), options or BillOptions()
    files = find_bill_files(paths)
    hashes = [(file.name, hash_file(file)) for file in files]
    content_hash = _content_hash(sorted(digest for _, digest in hashes), columns, chosen)
    with holding(runtime, EVERY_CLUSTER, BILL_JOB):
        present = runtime.warehouse.bills.of_content(content_hash)
        if present and len(present) == present[0].files["bill_count"]:
            _remove_unknown(runtime)
            return _outcome(runtime, present, is_unchanged=True)
        work = _Import(runtime, principal, columns, chosen, content_hash, hashes, on_step)
        with (progress or SilentProgress()).task("importing bills", total=None) as advance:
            bills = work.run(files, advance)
        _remove_unknown(runtime)
        return _outcome(runtime, bills, is_unchanged=False)


def _remove_unknown(runtime: Runtime) -> None:
    """Remove lines of deliveries that the database does not know: replaced, dropped or never recorded."""
    lake = runtime.warehouse.lake
    known = {bill.partition_name for bill in runtime.warehouse.bills.list()}
    stored = BillReads(lake).partitions()
    remove_bills(lake, {name: month for name, month in stored.items() if name not in known})


def _outcome(runtime: Runtime, bills: Sequence[Bill], *, is_unchanged: bool) -> BillImport:
    months = sorted({bill.billing_month for bill in bills})
    found = ((month, runtime.warehouse.periods.get(month)) for month in months)
    closed = tuple(month for month, period in found if period is not None and period.is_frozen)
    return BillImport(tuple(bills), is_unchanged, closed)


def _content_hash(hashes: Sequence[str], columns: ColumnMap, options: BillOptions) -> str:
    content = (list(hashes), columns.name, columns.content_hash, sorted(asdict(options).items(), key=str))
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]


@dataclass
class _Sums:
    """What was seen of one bill so far."""

    line_count: int = 0
    totals: dict[str, list[Decimal]] = field(default_factory=dict)
    covered_until: datetime | None = None

    def add(self, rows: pa.Table) -> None:
        self.line_count += rows.num_rows
        sums = rows.group_by("currency", use_threads=False).aggregate(
            [("billed_cost", "sum"), ("effective_cost", "sum")]
        )
        for row in sums.to_pylist():
            known = self.totals.setdefault(row["currency"], [Decimal(0), Decimal(0)])
            known[0] += row["billed_cost_sum"]
            known[1] += row["effective_cost_sum"]
        used = rows.filter(pc.equal(rows.column("charge_category"), "Usage"))
        newest = pc.max(used.column("charge_end")).as_py()
        if newest is not None and (self.covered_until is None or newest > self.covered_until):
            self.covered_until = newest


_Key = tuple[str, str, str]
"""Provider, billing account and billing month."""


@dataclass
class _Import:
    """One delivery on its way into the lake."""

    runtime: Runtime
    principal: Principal
    columns: ColumnMap
    options: BillOptions
    content_hash: str
    hashes: Sequence[tuple[str, str]]
    on_step: OnStep
    sums: dict[_Key, _Sums] = field(default_factory=dict)

    def run(self, files: Sequence[Path], advance: Callable[[int], None]) -> list[Bill]:
        warehouse = self.runtime.warehouse
        with BillWriter(warehouse.lake) as writer:
            for lines in read_bill_lines(files, self.columns, self.options):
                self._write(writer, lines)
                advance(lines.num_rows)
            if not self.sums:
                raise InputError("holds no line", file=self._names)
            self._refuse_second_source()
            self.on_step("staged")
            writer.commit()
        self.on_step("committed")
        bills = [self._bill(key, sums) for key, sums in sorted(self.sums.items())]
        detail = {"files": self._described, "bills": [bill.bill_key for bill in bills]}
        now = self.runtime.now()
        note = AuditNote(self.principal.id, "import bill", self._names, now, detail)
        warehouse.bills.record(bills, note)
        self.on_step("recorded")
        return bills

    @property
    def _names(self) -> str:
        return ", ".join(name for name, _ in self.hashes)[:200]

    @property
    def _described(self) -> list[dict[str, str]]:
        return [{"name": name, "sha256": digest} for name, digest in self.hashes]

    def _write(self, writer: BillWriter, lines: pa.Table) -> None:
        names = ("provider", "billing_account")
        for name in names:
            index = lines.schema.get_field_index(name)
            lines = lines.set_column(index, name, lines.column(name).fill_null(UNKNOWN))
        keys = (*names, "billing_month")
        for key in lines.select(keys).group_by(list(keys), use_threads=False).aggregate([]).to_pylist():
            rows = lines
            for name, value in key.items():
                rows = rows.filter(pc.equal(rows.column(name), value))
            found: _Key = (key["provider"], key["billing_account"], key["billing_month"])
            self.sums.setdefault(found, _Sums()).add(rows)
            writer.write(found[2], self._partition(found), rows.drop_columns(["billing_month"]))

    def _bill_key(self, key: _Key) -> str:
        provider, account, month = key
        content = repr((provider, account, self.columns.name, self.options.invoice))
        return f"{month}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    def _partition(self, key: _Key) -> str:
        return f"{self._bill_key(key)}-{self.content_hash[:16]}"

    def _bill(self, key: _Key, sums: _Sums) -> Bill:
        provider, account, month = key
        return Bill(
            bill_key=self._bill_key(key),
            partition_name=self._partition(key),
            billing_month=month,
            provider=provider,
            billing_account=account,
            source=self.columns.name,
            invoice=self.options.invoice,
            files={"files": self._described, "bill_count": len(self.sums)},
            content_hash=self.content_hash,
            line_count=sums.line_count,
            totals=[
                {"currency": currency, "billed_cost": f"{billed:f}", "effective_cost": f"{effective:f}"}
                for currency, (billed, effective) in sorted(sums.totals.items())
            ],
            covered_until=sums.covered_until,
            imported_by=self.principal.id,
            imported_at=self.runtime.now(),
        )

    def _refuse_second_source(self) -> None:
        """Refuse to store one account's month twice, from two kinds of files: it would be charged twice."""
        for bill in self.runtime.warehouse.bills.list():
            key = (bill.provider, bill.billing_account, bill.billing_month)
            if key in self.sums and bill.source != self.columns.name:
                raise Conflict(
                    f"the bill of {bill.provider} account {bill.billing_account} for {bill.billing_month} "
                    f"was imported with the map {bill.source}: drop it first, `millicore bills drop "
                    f"{bill.bill_key}`"
                )


def drop_bill(runtime: Runtime, principal: Principal, bill_key: str) -> Bill:
    """Forget an imported bill; a closed month keeps what it charged.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    NotFound
        If there is no such bill.
    """
    principal.require(Role.FINANCE)
    with holding(runtime, EVERY_CLUSTER, BILL_JOB):
        note = AuditNote(principal.id, "drop bill", bill_key, runtime.now(), {})
        gone = runtime.warehouse.bills.drop(bill_key, note)
        _remove_unknown(runtime)
    return gone


def list_bills(runtime: Runtime, principal: Principal, month: str | None = None) -> list[Bill]:
    """Return the imported bills, newest month first.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    return runtime.warehouse.bills.list(month)


def import_rules(runtime: Runtime, principal: Principal, file: Path) -> RuleSet:
    """Store the rules of a file as the next version.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    InputError
        If a rule cannot decide anything: file, row and field are named.
    """
    principal.require(Role.FINANCE)
    return runtime.warehouse.bill_rules.save(load_bill_rules(file), principal.id, runtime.now())


def list_rules(runtime: Runtime, principal: Principal) -> list[BillRule]:
    """Return the rules that sort bill lines now, in their order.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    return runtime.warehouse.bill_rules.all()
