"""One thread per cluster that follows its API and stores what changes."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from ingest.kubernetes.history import InventoryRows
from models.vocabulary.errors import LeaseLost, MillicoreError
from service.leasing import HeldLease, holding, keeping_alive
from service.runtime import Runtime
from service.scheduler.clock import Backoff
from service.setting_parts import ClusterSettings
from service.usecases.inventory import INVENTORY_JOB, open_inventory, store_inventory

_log = logging.getLogger(__name__)

_BATCH_SECONDS = 30.0
"""Changes are stored this often: a busy cluster makes few commits."""


class ClusterWatch:
    """Follows one cluster's API in a thread, under the lease (inventory, cluster), until it is stopped.

    An error ends the watch; it begins anew with one full list after a pause that grows.

    Parameters
    ----------
    runtime : Runtime
    cluster : ClusterSettings
    batch_seconds : float
        How long changes are collected before they are stored.
    backoff : Backoff
        Pauses between attempts.
    """

    def __init__(
        self,
        runtime: Runtime,
        cluster: ClusterSettings,
        batch_seconds: float = _BATCH_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        self._runtime = runtime
        self._cluster = cluster
        self._batch_seconds = batch_seconds
        self._backoff = backoff or Backoff()
        self._stop = threading.Event()
        self._round_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {cluster.name}", daemon=True)
        self.failure_count = 0

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self, *, is_waiting: bool = True) -> None:
        """End the watch; wait until what was seen is stored, unless told not to."""
        self._stop.set()
        self._round_over.set()
        if is_waiting:
            self._thread.join(60.0)

    def _run(self) -> None:
        failures_in_a_row = 0
        while not self._stop.is_set():
            began = datetime.now(UTC)
            try:
                self._follow()
            except MillicoreError as problem:
                _log.warning("watch of %s: %s", self._cluster.name, problem)
            except Exception:  # noqa: BLE001
                # true boundary: a watch that died silently would leave hours without exact times
                _log.exception("watch of %s failed", self._cluster.name)
            else:
                continue
            self.failure_count += 1
            # an hour of watching proves that the trouble before it is over
            failures_in_a_row = 1 if datetime.now(UTC) - began > timedelta(hours=1) else failures_in_a_row + 1
            self._stop.wait(self._backoff.delay(failures_in_a_row).total_seconds())

    def _follow(self) -> None:
        """Watch until told to stop or until the lease is lost, which a quiet cluster must not cost it."""
        self._round_over.clear()
        if self._stop.is_set():
            return
        ttl = timedelta(seconds=self._runtime.settings.lease_ttl_seconds)
        with (
            holding(self._runtime, self._cluster.name, INVENTORY_JOB) as held,
            keeping_alive(held, ttl, self._round_over),
        ):
            inventory = open_inventory(self._runtime, self._cluster)
            if inventory is None:
                self._stop.set()
                return
            try:
                inventory.follow(lambda rows: self._store(rows, held), self._round_over, self._batch_seconds)
            finally:
                inventory.close()
        if not self._stop.is_set():
            raise LeaseLost(f"another process has taken over the inventory of {self._cluster.name}")

    def _store(self, rows: InventoryRows, held: HeldLease) -> None:
        store_inventory(self._runtime, rows, held.renew())
