"""Allocating what changed: node prices and allocation by cluster-day, then daily costs with owners."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from models.billing.factors import BillFactor
from models.billing.scale import hash_factors
from models.pricing.asset_book import ChargedKind, charged_kinds
from models.pricing.price_book import DefaultPrice, PriceBook
from models.vocabulary.errors import LakeInconsistent
from models.vocabulary.windows import DAY, HourWindow, day_start, month_bounds
from service.jobs.allocation import (
    CODE_VERSION,
    AllocationResult,
    AllocationTask,
    allocate_partition,
)
from service.jobs.asset_tables import AssetInputs, ChargedSpan
from service.leasing import HeldLease, holding
from service.progress import Progress, SilentProgress
from service.runtime import Runtime
from service.settings import Settings
from service.usecases.bill_factors import active_factors, factors_of_day
from service.usecases.cost_days import build_cost_days, build_workload_hours, label_sets
from service.usecases.ownership import ownership_book
from warehouse.lake.partition_files import partition_of, split_file_url
from warehouse.pins import Pin

ALLOCATION_JOB = "allocation"
DAYS_PER_COMMIT = 31
_NO_PRICE = ("assumed", "unpriced")
_ASSET_TABLES = {
    "volume_files": "volume_hour",
    "mount_files": "volume_mount_hour",
    "load_balancer_files": "load_balancer_hour",
    "flow_files": "network_flow_hour",
}
_PLURALS = {
    "volume": "volumes",
    "load_balancer": "load balancers",
    "network": "traffic",
    "control_plane": "control planes of some clusters",
}
_WHICH = {"network": " of it", "control_plane": " that fits them"}


@dataclass(frozen=True)
class AllocationReport:
    """What an allocation did.

    Parameters
    ----------
    days : mapping of str to tuple of date
        UTC days allocated, by cluster; without what was up to date.
    cost_dates : mapping of str to tuple of date
        Billing days whose daily costs were rebuilt, by cluster.
    container_hours : int
    node_hours_by_type : mapping
        Node-hours per (provenance, instance type) whose price is assumed or unknown.
    unknown_nodes : mapping of str to tuple of str
        Node keys that containers name and no node-hour describes, by cluster: their cost is null.
    asset_hours_by_type : mapping
        Hours of other assets per (provenance, kind and type, such as ``volume gp3``) without a price.
    notes : tuple of str
        What was seen and is not charged, in words.
    """

    days: Mapping[str, tuple[date, ...]]
    cost_dates: Mapping[str, tuple[date, ...]]
    container_hours: int
    node_hours_by_type: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unknown_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asset_hours_by_type: Mapping[tuple[str, str], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_fully_priced(self) -> bool:
        """Whether every asset-hour that was allocated had a price from the price list."""
        doubts = (self.node_hours_by_type, self.asset_hours_by_type, *self.unknown_nodes.values())
        return not any(doubts)


def allocate(
    runtime: Runtime,
    *,
    cluster: str | None = None,
    window: HourWindow | None = None,
    progress: Progress | None = None,
) -> AllocationReport:
    """Allocate every cluster-day whose observations or prices changed, and rebuild the costs they touch.

    Running it again changes nothing.

    Parameters
    ----------
    runtime : Runtime
    cluster : str or None
        None takes all clusters.
    window : HourWindow or None
        Only the days that it touches; None takes all that is stored.
    progress : Progress or None

    Raises
    ------
    LeaseLost
        If another process allocates the same cluster.
    StorageError
        If the lake or the database cannot be read or written.
    """
    shown = progress or SilentProgress()
    names = [cluster] if cluster is not None else [known.name for known in runtime.warehouse.clusters.list()]
    outcomes = {}
    for name in names:
        with holding(runtime, name, ALLOCATION_JOB) as held:
            outcomes[name] = _allocate_cluster(runtime, name, window, held, shown)
    results = [result for outcome in outcomes.values() for result in outcome.results]
    return AllocationReport(
        {name: outcome.days for name, outcome in outcomes.items()},
        {name: outcome.cost_dates for name, outcome in outcomes.items()},
        sum(result.container_hours for result in results),
        _without_price(result.node_hours_by_type for result in results),
        {
            name: tuple(sorted({node for result in outcome.results for node in result.unknown_nodes}))
            for name, outcome in outcomes.items()
        },
        _without_price(result.asset_hours_by_type for result in results),
        _notes(runtime, {kind for result in results for kind in result.uncharged}),
    )


def _without_price(counts: Iterable[Mapping[tuple[str, str], int]]) -> dict[tuple[str, str], int]:
    """Add up what has no price of its own, by (provenance, type)."""
    found: Counter[tuple[str, str]] = Counter()
    for count in counts:
        found.update({key: hours for key, hours in count.items() if key[0] in _NO_PRICE})
    return dict(sorted(found.items()))


def _notes(runtime: Runtime, uncharged: Iterable[ChargedKind]) -> tuple[str, ...]:
    """Say what is not charged, and why."""
    notes = []
    for kind, type_name in sorted(uncharged, key=lambda one: (one.asset_kind, one.type_name or "")):
        what = _PLURALS[kind] if type_name is None else f"{_PLURALS[kind]} of class {type_name}"
        verb = "are" if kind != "network" else "is"
        why = f"the price list has no {kind.replace('_', ' ')} price{_WHICH.get(kind, '')}"
        if runtime.settings.charged_asset_kinds is not None:
            why = "the setting charged_asset_kinds leaves them out"
        notes.append(f"{what} {verb} not charged: {why}")
    return tuple(notes)


@dataclass(frozen=True)
class _Outcome:
    days: tuple[date, ...]
    cost_dates: tuple[date, ...]
    results: tuple[AllocationResult, ...]


def _allocate_cluster(
    runtime: Runtime, cluster: str, window: HourWindow | None, held: HeldLease, progress: Progress
) -> _Outcome:
    whole = _window(runtime, cluster, window)
    if whole is None:
        return _Outcome((), (), ())
    # The ledger is read before the lake: an hour it calls complete has its rows in the pinned versions.
    observed = runtime.warehouse.derived.observed_hashes(cluster, whole)
    pin = runtime.warehouse.pin()
    prices = _Prices.of(runtime, cluster)
    inputs = {day: prices.day_hash(day, seen) for day, seen in observed.items()}
    dirty = runtime.warehouse.derived.dirty("allocation_hour", cluster, inputs, CODE_VERSION)
    results: list[AllocationResult] = []
    with progress.task(f"allocating {cluster}", total=len(dirty)) as advance:
        for days in _batches(dirty):
            done = []
            with runtime.executor() as executor:
                for result in executor.map(allocate_partition, _tasks(runtime, cluster, days, prices, pin)):
                    done.append(result)
                    advance(1)
            _commit(runtime, cluster, done, inputs, held)
            results += done
    build_workload_hours(runtime, cluster, inputs, CODE_VERSION, held)
    zone = runtime.warehouse.periods.billing_zone() or runtime.settings.zone
    book = ownership_book(runtime, cluster)
    dates = build_cost_days(runtime, cluster, _billing_days(whole, zone), book, zone, held)
    return _Outcome(tuple(dirty), tuple(dates), tuple(results))


def _window(runtime: Runtime, cluster: str, window: HourWindow | None) -> HourWindow | None:
    stored = runtime.warehouse.ledger.span(cluster)
    if stored is None:
        return None
    start = max(stored.start, window.start) if window else stored.start
    end = min(stored.end, window.end) if window else stored.end
    if start >= end:
        return None
    last = HourWindow(start, end)
    days = list(last.days())
    return HourWindow(day_start(days[0]), day_start(days[-1] + DAY))


def _billing_days(window: HourWindow, zone: ZoneInfo) -> tuple[date, date]:
    return window.start.astimezone(zone).date(), (window.end - DAY / 24).astimezone(zone).date()


@dataclass(frozen=True)
class _Prices:
    """Prices of one cluster: rows, default, the node labels that selectors look at, and what is charged."""

    book: PriceBook
    default: DefaultPrice | None
    labels: Mapping[str, Mapping[str, str]]
    zone: ZoneInfo
    asset_kinds: tuple[str, ...] | None
    factors: tuple[BillFactor, ...] = ()

    @classmethod
    def of(cls, runtime: Runtime, cluster: str) -> _Prices:
        rows = runtime.warehouse.prices.all()
        has_selector = any(row.node_selector for row in rows)
        labels = label_sets(runtime, cluster) if has_selector else {}
        zone = runtime.warehouse.periods.billing_zone() or runtime.settings.zone
        settings = runtime.settings
        return cls(
            PriceBook(rows, labels),
            default_price(settings),
            labels,
            zone,
            settings.charged_asset_kinds,
            tuple(active_factors(runtime)),
        )

    def day_hash(self, day: date, observed: str) -> str:
        """Return a hash of all that the allocation of a day depends on."""
        start, end = day_start(day), day_start(day + DAY)
        default = self.default.content_hash() if self.default else "strict"
        # Labels of a label set never change, so the sets that nodes name stand in the observed hash.
        kinds = [(span.start.isoformat(), sorted(map(repr, span.kinds))) for span in self.charged(day)]
        factors = hash_factors(factors_of_day(self.factors, day))
        parts = (
            observed,
            self.book.hash_between(start, end),
            default,
            kinds,
            *([factors] if factors else []),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def charged(self, day: date) -> tuple[ChargedSpan, ...]:
        """Return what is charged in the billing months that a day touches.

        Unless a setting names the asset kinds, these are the kinds with a price at some time of the month: an
        installation that prices nodes only must be able to close its months.
        """
        last = day_start(day + DAY) - DAY / 24
        spans = []
        for month in sorted({f"{hour.astimezone(self.zone):%Y-%m}" for hour in (day_start(day), last)}):
            start, end = month_bounds(month, self.zone)
            kinds = charged_kinds(self.book.rows, start, end)
            if self.asset_kinds is not None:
                kinds = frozenset(ChargedKind(kind, None) for kind in self.asset_kinds)
            spans.append(ChargedSpan(start, end, kinds))
        return tuple(spans)

    def of_day(self, day: date) -> PriceBook:
        start, end = day_start(day), day_start(day + DAY)
        return PriceBook((row for row in self.book.rows if row.applies_between(start, end)), self.labels)


def default_price(settings: Settings) -> DefaultPrice | None:
    """Return the price assumed for nodes without one, or None in strict mode."""
    if settings.prices_mode == "strict":
        return None
    return DefaultPrice(
        settings.assumed_price_vcpu_hour,
        settings.assumed_price_gib_hour,
        settings.assumed_price_gpu_hour,
        settings.assumed_price_currency,
        settings.assumed_price_date,
    )


def _batches(days: Sequence[date]) -> Iterator[list[date]]:
    for first in range(0, len(days), DAYS_PER_COMMIT):
        yield list(days[first : first + DAYS_PER_COMMIT])


def _tasks(
    runtime: Runtime, cluster: str, days: Sequence[date], prices: _Prices, pin: Pin
) -> list[AllocationTask]:
    window = HourWindow(day_start(min(days)), day_start(max(days) + DAY))
    files = {
        table: files_by_day(runtime.warehouse.lake.files(table, cluster=cluster, window=window, pin=pin))
        for table in ("container_hour", "pod_hour", "node_hour", *_ASSET_TABLES.values())
    }
    location = runtime.warehouse.location
    return [
        AllocationTask(
            cluster=cluster,
            day=day,
            container_files=files["container_hour"].get(day, ()),
            pod_files=files["pod_hour"].get(day, ()),
            node_files=files["node_hour"].get(day, ()),
            prices=prices.of_day(day).rows,
            default=prices.default,
            lake_url=location.lake_url,
            node_labels=prices.labels,
            storage_options=location.storage_options,
            assets=AssetInputs(
                **{name: files[table].get(day, ()) for name, table in _ASSET_TABLES.items()},
                charged=prices.charged(day),
            ),
            bill_factors=factors_of_day(prices.factors, day),
        )
        for day in days
    ]


def files_by_day(urls: Sequence[str]) -> dict[date, tuple[str, ...]]:
    """Return files of a table partitioned by day, by their day."""
    found: dict[date, list[str]] = {}
    for url in urls:
        day = date.fromisoformat(partition_of(split_file_url(url)[2])["day"])
        found.setdefault(day, []).append(url)
    return {day: tuple(members) for day, members in found.items()}


def _commit(
    runtime: Runtime,
    cluster: str,
    results: Sequence[AllocationResult],
    inputs: Mapping[date, str],
    held: HeldLease,
) -> None:
    """Make a batch of days part of the lake, prices first, then note from what they were built."""
    lease = held.renew()
    lake, derived = runtime.warehouse.lake, runtime.warehouse.derived
    partitions = [{"cluster": cluster, "day": result.day} for result in results]
    built = {result.day: inputs[result.day] for result in results}
    if len(built) != len(results):
        raise LakeInconsistent(f"a day of {cluster} was allocated twice in one run")
    version = lake.replace_partitions(
        "asset_price_hour", partitions, [result.asset_prices for result in results], fence=lease
    )
    derived.register("asset_price_hour", cluster, built, CODE_VERSION, version)
    version = lake.replace_partitions(
        "allocation_hour", partitions, [result.allocation for result in results], fence=lease
    )
    derived.register("allocation_hour", cluster, built, CODE_VERSION, version)
