"""Ingest from files: usage with nodes, price list, ownership rules, budgets, stages, in any combination."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingest.files.asset_hours import AssetPaths
from ingest.files.lists import load_budgets, load_initiatives, load_ownership, load_prices
from ingest.files.source import FileSource
from models.initiatives.initiative import Initiative
from models.ownership.rules import check_ownership_rows
from models.pricing.price_list import check_price_rows
from models.vocabulary.windows import HOUR, HourWindow, floor_hour
from service.progress import Progress, SilentProgress
from service.runtime import Runtime
from service.usecases.ingest import IngestOutcome, IngestPlan, ingest_owed

SIMULATION_MARK = "truth.json"
"""File that ``millicore simulate`` leaves beside what it writes."""


@dataclass(frozen=True)
class InputFiles:
    """Files to read, each optional; each may be a folder of files."""

    usage: Path | None = None
    nodes: Path | None = None
    prices: Path | None = None
    ownership: Path | None = None
    budgets: Path | None = None
    initiatives: Path | None = None
    volumes: Path | None = None
    mounts: Path | None = None
    load_balancers: Path | None = None
    network: Path | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return not any((self.usage, self.prices, self.ownership, self.budgets, self.initiatives))

    @property
    def is_simulated(self) -> bool:
        """Whether the usage was written by ``millicore simulate``, which leaves a mark beside it."""
        if self.usage is None:
            return False
        folder = self.usage if self.usage.is_dir() else self.usage.parent
        return any(_bears_mark(place / SIMULATION_MARK) for place in (folder, folder.parent))


@dataclass(frozen=True)
class FilesResult:
    """What was stored: outcomes per cluster, and one line per list that was loaded."""

    outcomes: tuple[IngestOutcome, ...]
    loaded: tuple[str, ...]


def ingest_files(runtime: Runtime, files: InputFiles, progress: Progress | None = None) -> FilesResult:
    """Check all files from end to end, then store them.

    A list (prices, ownership, budgets) replaces the one that is stored. Hours are replaced where the files
    say something else than before, so reading the same files twice changes nothing.

    Raises
    ------
    InputError
        If any cell of any file cannot be used; nothing is stored then.
    Conflict
        If another source has stored one of the hours, or simulated and real data would be mixed.
    """
    store_lists = _read_lists(runtime, files)
    if files.usage is None:
        return FilesResult((), tuple(store() for store in store_lists))
    with FileSource([files.usage], _paths(files.nodes), _asset_paths(files)) as source:
        for cluster in source.clusters():
            runtime.warehouse.clusters.register(cluster, is_simulated=files.is_simulated)
        loaded = tuple(store() for store in store_lists)
        outcomes = tuple(
            _ingest_cluster(runtime, source, cluster, progress or SilentProgress())
            for cluster in source.clusters()
        )
    return FilesResult(outcomes, loaded)


def _asset_paths(files: InputFiles) -> AssetPaths:
    return AssetPaths(
        volumes=_paths(files.volumes),
        mounts=_paths(files.mounts),
        load_balancers=_paths(files.load_balancers),
        network=_paths(files.network),
    )


def _paths(path: Path | None) -> tuple[Path, ...]:
    return () if path is None else (path,)


def _read_lists(runtime: Runtime, files: InputFiles) -> list[Callable[[], str]]:
    """Read and check every list; return what stores each and says so."""
    warehouse = runtime.warehouse
    stores: list[Callable[[], str]] = []
    if files.prices is not None:
        prices = load_prices(files.prices)
        check_price_rows(prices)
        stores.append(_storing(_counted(prices, "price"), lambda: warehouse.prices.replace(prices)))
    if files.ownership is not None:
        rules = load_ownership(files.ownership)
        check_ownership_rows(rules)
        stores.append(_storing(_counted(rules, "ownership rule"), lambda: warehouse.ownership.replace(rules)))
    if files.budgets is not None:
        budgets = load_budgets(files.budgets)
        stores.append(_storing(_counted(budgets, "budget"), lambda: warehouse.budgets.replace(budgets)))
    if files.initiatives is not None:
        stages = load_initiatives(files.initiatives)
        stores.append(_storing(_counted(stages, "optimisation stage"), lambda: _save_stages(runtime, stages)))
    return stores


def _save_stages(runtime: Runtime, stages: Iterable[Initiative]) -> None:
    for stage in stages:
        runtime.warehouse.initiatives.save_stage(stage)


def _counted(rows: Sequence[object], name: str) -> str:
    return f"{len(rows)} {name}{'' if len(rows) == 1 else 's'}"


def _storing(what: str, store: Callable[[], None]) -> Callable[[], str]:
    def run() -> str:
        store()
        return f"stored {what}"

    return run


def _ingest_cluster(runtime: Runtime, source: FileSource, cluster: str, progress: Progress) -> IngestOutcome:
    oldest, newest = source.oldest(cluster), source.newest(cluster)
    assert oldest is not None
    assert newest is not None
    window = HourWindow(floor_hour(oldest), _ceil_hour(newest))
    return ingest_owed(runtime, IngestPlan(source, cluster, window, reread=window), progress=progress)


def _bears_mark(path: Path) -> bool:
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("is_simulated") is True


def _ceil_hour(moment: datetime) -> datetime:
    floored = floor_hour(moment)
    return floored if floored == moment else floored + HOUR
