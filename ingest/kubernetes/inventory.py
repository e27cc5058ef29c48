"""The inventory of one cluster: read once, or followed for as long as the process lives."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from ingest.kubernetes.connection import KubernetesConnection, ResourceForbidden, ResourceUnknown
from ingest.kubernetes.history import InventoryRows, ObjectHistory
from ingest.kubernetes.lists import DropGuard, Listing, list_all
from ingest.kubernetes.resources import RESOURCES, Resource
from ingest.kubernetes.settings import KubernetesSettings
from ingest.kubernetes.watches import Changed, Confirmed, Listed, Missing, News, follow_resource
from models.vocabulary.errors import SourceError

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class InventoryState:
    """How the inventory stands, for data health.

    Parameters
    ----------
    missing : mapping of str to str
        Kind to what is off without it and why it cannot be read.
    suspicious : tuple of str
        Kinds whose last list was kept aside because half of the objects were gone.
    malformed : mapping of str to str
        Objects that are not understood, with the reason.
    request_counts : mapping of (str, str) to int
        Requests sent so far, by verb and resource.
    received_bytes : int
    """

    missing: Mapping[str, str]
    suspicious: tuple[str, ...]
    malformed: Mapping[str, str]
    request_counts: Mapping[tuple[str, str], int]
    received_bytes: int


class KubernetesInventory:
    """Reads what exists in one cluster and when it came, changed and went.

    Parameters
    ----------
    settings : KubernetesSettings
    cluster : str
        Slug written into every row.
    resources : tuple of Resource
        What to read; nodes and pods are required, the rest is left out by name when it is forbidden.
    clock : callable
        Returns now, aware.

    Raises
    ------
    SourceRefused
        If there are no usable credentials.
    """

    def __init__(
        self,
        settings: KubernetesSettings,
        cluster: str,
        resources: tuple[Resource, ...] = RESOURCES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.cluster = cluster
        self._settings, self._resources, self._clock = settings, resources, clock
        self._connection = KubernetesConnection(settings)
        self._history = ObjectHistory(cluster)
        self._guard = DropGuard()
        self._missing: dict[str, str] = {}
        self._suspicious: dict[str, None] = {}

    @property
    def state(self) -> InventoryState:
        """What is missing or doubtful, and what reading cost the server."""
        return InventoryState(
            dict(self._missing),
            tuple(self._suspicious),
            dict(self._history.malformed),
            dict(self._connection.request_counts),
            self._connection.received_bytes,
        )

    def remember(self, history: pa.Table, label_sets: pa.Table | None = None) -> None:
        """Take up stored rows, so that only changes since then are returned. See ``ObjectHistory``."""
        self._history.remember(history, label_sets)
        self._guard.remember(self._history.doubts)

    def snapshot(self) -> InventoryRows:
        """List every resource once and return the rows that are new since the last call.

        Raises
        ------
        SourceRefused
            If nodes or pods may not be listed; the missing right is named.
        SourceUnreachable
            If the server does not answer, or not as a Kubernetes API.
        """
        for resource in self._resources:
            try:
                self._take(Listed(list_all(self._connection, resource)))
            except (ResourceForbidden, ResourceUnknown) as problem:
                self._take(Missing(resource, problem))
        if not self._suspicious:
            self._history.confirm(self._clock())
        return self._history.take()

    def follow(
        self,
        on_change: Callable[[InventoryRows], object],
        stop: threading.Event,
        batch_seconds: float = 5.0,
    ) -> None:
        """List every resource once, then watch until ``stop`` is set; hand over new rows in batches.

        Each resource has a thread that mostly sleeps; rows are made and ``on_change`` is called in the
        calling thread only. The first batch comes when every resource has been listed.

        Parameters
        ----------
        on_change : callable
            Takes ``InventoryRows``. What it raises ends the watch and is raised here.
        stop : threading.Event
        batch_seconds : float
            Changes are collected this long before they are handed over.

        Raises
        ------
        SourceRefused
            If nodes or pods may not be listed or watched.
        """
        news: queue.SimpleQueue[News] = queue.SimpleQueue()
        with self._watchers(news):
            waiting = {resource.kind for resource in self._resources}
            due = time.monotonic()
            while not stop.is_set():
                was_waiting = bool(waiting)
                waiting -= self._take_next(news)
                if was_waiting and not waiting and not self._suspicious:
                    self._history.confirm(self._clock())
                if not waiting and time.monotonic() >= due:
                    due = time.monotonic() + batch_seconds
                    if rows := self._history.take():
                        on_change(rows)
        if not waiting and (rows := self._history.take()):
            on_change(rows)

    def close(self) -> None:
        """End all requests and give back the connections."""
        self._connection.stop()
        self._connection.close()

    @contextmanager
    def _watchers(self, news: queue.SimpleQueue[News]) -> Iterator[None]:
        threads = [
            threading.Thread(
                target=follow_resource,
                args=(self._connection, resource, news.put),
                name=f"watch {resource.plural} of {self.cluster}",
                daemon=True,
            )
            for resource in self._resources
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._connection.stop()
            for thread in threads:
                thread.join(self._settings.connect_timeout_seconds)
            self._reconnect()

    def _reconnect(self) -> None:
        stopped, self._connection = self._connection, KubernetesConnection(self._settings)
        self._connection.request_counts.update(stopped.request_counts)
        self._connection.received_bytes = stopped.received_bytes

    def _take_next(self, news: queue.SimpleQueue[News]) -> set[str]:
        """Take one piece of news; return the kind that is thereby listed (or known to be missing)."""
        try:
            piece = news.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return set()
        self._take(piece)
        if isinstance(piece, Listed):
            return {piece.listing.resource.kind}
        return {piece.resource.kind} if isinstance(piece, Missing) else set()

    def _take(self, piece: News) -> None:
        now = self._clock()
        if isinstance(piece, Changed):
            see = self._history.see_gone if piece.is_gone else self._history.see
            see(piece.resource.kind, piece.item, now)
        elif isinstance(piece, Listed):
            self._take_listing(piece, now)
        elif isinstance(piece, Confirmed):
            if piece.resource.kind == "Pod" and not self._suspicious:
                self._history.confirm(now)
        else:
            self._take_missing(piece.resource, piece.reason)

    def _take_listing(self, piece: Listed, now: datetime) -> None:
        kind = piece.listing.resource.kind
        self._missing.pop(kind, None)
        if self._guard.accepts(piece.listing, self._history.count(kind)):
            self._suspicious.pop(kind, None)
            self._history.see_all(kind, piece.listing.items, now)
        else:
            self._suspicious[kind] = None
            self._history.doubt(kind, len(piece.listing.items), now)

    def _take_missing(self, resource: Resource, reason: SourceError) -> None:
        if resource.is_required:
            raise reason
        if resource.is_custom and isinstance(reason, ResourceUnknown):
            # not installed, or no longer: there is nothing to miss, and what was known is gone
            logger.debug("%s is not installed here", resource.qualified)
            self._take_listing(Listed(Listing(resource, [], "", 0)), self._clock())
            return
        self._missing[resource.kind] = f"{resource.without_it}: {reason}"
        logger.warning("%s is not read: %s. Without it %s", resource.qualified, reason, resource.without_it)
