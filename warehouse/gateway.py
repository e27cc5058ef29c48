"""The warehouse as one thing: lake, ledgers and repositories, opened by two URLs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from models.vocabulary.errors import StorageError
from models.vocabulary.windows import HourWindow
from warehouse.agreement import check_lake_is_not_behind
from warehouse.database.access import Access
from warehouse.database.advice_days import AdviceDays
from warehouse.database.anomalies import CostAnomalies
from warehouse.database.applying import ApplyAttempts
from warehouse.database.audit import AuditLog
from warehouse.database.bills import BillFactors, BillRules, Bills
from warehouse.database.clusters import Clusters
from warehouse.database.connection import Database
from warehouse.database.derived import DerivedLedger
from warehouse.database.disputes import Disputes
from warehouse.database.events import CalendarEvents
from warehouse.database.facts import LAKE_CATALOGUE, read_fact, set_fact
from warehouse.database.fiscal_calendars import FiscalCalendars
from warehouse.database.initiatives import ApplicationTraits, Initiatives, SavingsLedger
from warehouse.database.journal import JournalMappings
from warehouse.database.leases import Leases
from warehouse.database.ledger import WindowLedger
from warehouse.database.life_effects import SuggestionEffects
from warehouse.database.life_exclusions import Exclusions, PeakSignatures
from warehouse.database.migration import check_migrated, upgrade
from warehouse.database.ownership import Ownership
from warehouse.database.periods import BillingPeriods
from warehouse.database.plans import Budgets, BusinessMetrics, ExchangeRates
from warehouse.database.policies import Policies
from warehouse.database.prices import PriceLists
from warehouse.database.recommendations import Recommendations
from warehouse.database.replicas import LoadTests, RequestMetricFits
from warehouse.fencing import Lease
from warehouse.lake.conform import catalogue_hash
from warehouse.lake.location import LakeRoot
from warehouse.lake.store import Lake
from warehouse.observed import ObservedWindow
from warehouse.pins import Pin
from warehouse.recording import OnStep, ignore_step, record_window


def _system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WarehouseLocation:
    """Where a warehouse is.

    Parameters
    ----------
    lake_url : str
        A folder or ``s3://bucket/prefix``.
    database_url : str
        ``sqlite:///file`` or ``postgresql+psycopg://user:password@host/name``.
    storage_options : mapping of str to str
        For S3: endpoint_url, region, access_key_id, secret_access_key, session_token, allow_http,
        conditional_put. Unknown ones are refused.
    query_threads : int or None
        Threads for queries of the lake; None takes all cores.
    """

    lake_url: str
    database_url: str = field(repr=False)
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    query_threads: int | None = None


class Warehouse:
    """Everything that Millicore stores. Use `open_warehouse`; the constructor connects to nothing.

    Parameters
    ----------
    location : WarehouseLocation
    now : callable
        The clock that dates ledger rows.
    """

    def __init__(self, location: WarehouseLocation, *, now: Callable[[], datetime] = _system_clock) -> None:
        self.location = location
        self.database = Database(location.database_url)
        self.lake = Lake(
            LakeRoot.parse(location.lake_url, location.storage_options),
            query_threads=location.query_threads,
        )
        self._now = now
        self.ledger = WindowLedger(self.database, now)
        self.derived = DerivedLedger(self.database)
        self.leases = Leases(self.database)
        self.clusters = Clusters(self.database)
        self.prices = PriceLists(self.database)
        self.ownership = Ownership(self.database)
        self.policies = Policies(self.database)
        self.recommendations = Recommendations(self.database)
        self.advice_days = AdviceDays(self.database)
        self.apply_attempts = ApplyAttempts(self.database)
        self.suggestion_effects = SuggestionEffects(self.database)
        self.exclusions = Exclusions(self.database)
        self.peak_signatures = PeakSignatures(self.database)
        self.load_tests = LoadTests(self.database)
        self.request_metric_fits = RequestMetricFits(self.database)
        self.periods = BillingPeriods(self.database)
        self.budgets = Budgets(self.database)
        self.fiscal_calendars = FiscalCalendars(self.database)
        self.anomalies = CostAnomalies(self.database)
        self.events = CalendarEvents(self.database)
        self.initiatives = Initiatives(self.database)
        self.savings_ledger = SavingsLedger(self.database)
        self.application_traits = ApplicationTraits(self.database)
        self.exchange_rates = ExchangeRates(self.database)
        self.business_metrics = BusinessMetrics(self.database)
        self.journal_mappings = JournalMappings(self.database)
        self.disputes = Disputes(self.database)
        self.bills = Bills(self.database)
        self.bill_rules = BillRules(self.database)
        self.bill_factors = BillFactors(self.database)
        self.access = Access(self.database)
        self.audit = AuditLog(self.database)

    def migrate(self) -> list[str]:
        """Create what is missing of lake and database; return what was done, in words.

        Running it again does nothing.
        """
        done = [f"database revision {revision}" for revision in upgrade(self.database)]
        done += [f"lake table {table}" for table in self.lake.create_tables()]
        with self.database.write() as connection:
            set_fact(connection, LAKE_CATALOGUE, catalogue_hash())
        return done

    def check(self) -> None:
        """Refuse a warehouse that cannot be reached or is not at this version's schema.

        Raises
        ------
        StorageError
            The message names the remedy; `LakeInconsistent` if the lake is older than the ledger.
        """
        check_migrated(self.database)
        with self.database.read() as connection:
            catalogue = read_fact(connection, LAKE_CATALOGUE)
        if catalogue != catalogue_hash():
            raise StorageError(
                f"the lake at {self.location.lake_url} is of another version: run `millicore migrate`"
            )
        self.lake.check_present()
        check_lake_is_not_behind(self.database, self.lake.versions())

    def record(self, observed: ObservedWindow, lease: Lease, *, on_step: OnStep = ignore_step) -> None:
        """Store an observed window in lake and ledger; see `warehouse.recording.record_window`."""
        record_window(observed, lease, lake=self.lake, database=self.database, now=self._now, on_step=on_step)

    def pin(self, *, cluster: str | None = None, window: HourWindow | None = None) -> Pin:
        """Fix what a page or run reads: the ledger rows of a window first, then all lake versions.

        Parameters
        ----------
        cluster : str, optional
            None reads the ledger rows of all clusters.
        window : HourWindow, optional
            None reads no ledger rows.
        """
        rows = () if window is None else tuple(self.ledger.rows(cluster, window))
        return Pin(self.lake.versions(), rows)

    def close(self) -> None:
        """Close connections and free memory."""
        self.lake.close()
        self.database.close()


def open_warehouse(location: WarehouseLocation, *, now: Callable[[], datetime] = _system_clock) -> Warehouse:
    """Open a warehouse that `migrate_warehouse` has created.

    Raises
    ------
    StorageError
        If it cannot be reached or is not at this version's schema; the message names the remedy.
    UsageError
        If a URL or a storage option is wrong.
    """
    warehouse = Warehouse(location, now=now)
    try:
        warehouse.check()
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def migrate_warehouse(location: WarehouseLocation) -> list[str]:
    """Create or upgrade the warehouse at a location; return what was done, in words."""
    warehouse = Warehouse(location)
    try:
        return warehouse.migrate()
    finally:
        warehouse.close()
