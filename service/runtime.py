"""The composition root: settings, warehouse, clock and executor, wired once per process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from models.vocabulary.errors import StorageError
from service.engine import open_executor
from service.setting_sources import load_settings
from service.settings import Settings
from warehouse.gateway import Warehouse, WarehouseLocation, migrate_warehouse, open_warehouse


@dataclass(frozen=True)
class Runtime:
    """What a use case needs from outside, and all that it may use.

    Parameters
    ----------
    settings : Settings
    warehouse : Warehouse
    now : callable
        Returns the current instant in UTC (the fixed one of a demonstration).
    executor : callable
        Returns a ``concurrent.futures.Executor``, to be used as a context manager:
        ``with runtime.executor() as executor: executor.map(job, partitions)``.
    """

    settings: Settings
    warehouse: Warehouse
    now: Callable[[], datetime]
    executor: Callable[[], Executor]

    @classmethod
    def wire(cls, settings: Settings, *, migrate: bool = False) -> Runtime:
        """Open the warehouse of the settings.

        Raises
        ------
        StorageError
            If it cannot be opened or, without ``migrate``, has not been created.
        """
        location = location_of(settings)
        if migrate:
            migrate_warehouse(location)
        return cls(
            settings, open_warehouse(location), settings.clock, partial(open_executor, settings.workers)
        )

    @classmethod
    def for_test(cls, home: Path, *, now: datetime | None = None, **settings: Any) -> Runtime:
        """Return a runtime on a new warehouse in a folder, blind to files and environment.

        Parameters
        ----------
        home : Path
            Folder for the lake and the SQLite database; created when absent.
        now : datetime or None
            A fixed clock.
        **settings
            Any settings.
        """
        found = load_settings(environment={}, home=home, fixed_now=now, **settings)
        return cls.wire(found, migrate=True)

    def at(self, moment: datetime) -> Runtime:
        """Return the same runtime with its clock fixed at the moment."""
        return replace(self, now=lambda: moment)


def location_of(settings: Settings) -> WarehouseLocation:
    """Return where the warehouse of the settings lies; the home folder is created.

    Raises
    ------
    StorageError
        If the home folder cannot be created.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(
            f"the home folder {settings.home} cannot be created: {problem.strerror}. "
            "Choose another with --home"
        ) from problem
    options = {name: value.get_secret_value() for name, value in settings.storage_options.items()}
    return WarehouseLocation(settings.lake_location, settings.database_location, options)


_lock = threading.Lock()
_wired: list[Runtime] = []


def runtime(settings: Settings | None = None) -> Runtime:
    """Return the runtime of this process, wiring it at the first call.

    Parameters
    ----------
    settings : Settings or None
        Used by the first call only; None reads file and environment.
    """
    with _lock:
        if not _wired:
            _wired.append(Runtime.wire(settings or load_settings()))
        return _wired[-1]


@contextmanager
def using(replacement: Runtime) -> Iterator[Runtime]:
    """Let ``runtime()`` return another runtime inside the block (tests, the demo)."""
    with _lock:
        _wired.append(replacement)
    try:
        yield replacement
    finally:
        with _lock:
            _wired.remove(replacement)
