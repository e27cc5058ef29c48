"""Inventories of the Kubernetes API test server, quick to give up, and a thread that follows one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.kubernetes_api import TOKEN, ApiServer

from ingest.kubernetes.history import InventoryRows
from ingest.kubernetes.inventory import KubernetesInventory
from ingest.kubernetes.resources import BY_KIND
from ingest.kubernetes.settings import KubernetesSettings

NODES_AND_PODS = (BY_KIND["Node"], BY_KIND["Pod"])


def settings(server: ApiServer, **changes: Any) -> KubernetesSettings:
    quick = {
        "page_size": 10,
        "backoff_seconds": 0.01,
        "backoff_limit_seconds": 0.05,
        "requests_per_minute": 6000,
    }
    return KubernetesSettings(**{"server": server.url, "token": TOKEN, **quick, **changes})


def inventory_of(server: ApiServer, **changes: Any) -> KubernetesInventory:
    return KubernetesInventory(settings(server, **changes), "prod")


def kinds(rows: InventoryRows) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind in rows.object_history["kind"].to_pylist():
        counts[kind] = counts.get(kind, 0) + 1
    return counts


@contextmanager
def following(
    server: ApiServer, **changes: Any
) -> Iterator[tuple[KubernetesInventory, list[dict[str, Any]]]]:
    """Follow nodes and pods in a thread; gives the rows as they come."""
    inventory = KubernetesInventory(settings(server, **changes), "prod", NODES_AND_PODS)
    rows: list[dict[str, Any]] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=inventory.follow,
        args=(lambda new: rows.extend(new.object_history.to_pylist()), stop),
        kwargs={"batch_seconds": 0.05},
    )
    thread.start()
    wait_until(lambda: any(row["kind"] == "Pod" for row in rows))
    try:
        yield inventory, rows
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
