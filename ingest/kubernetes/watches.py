"""One resource followed by list and watch, resumed wherever it breaks off."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest.kubernetes.connection import (
    KubernetesConnection,
    ResourceForbidden,
    ResourceUnknown,
    ResourceVersionExpired,
)
from ingest.kubernetes.lists import Listing, list_all
from ingest.kubernetes.resources import Resource
from models.vocabulary.errors import SourceError, SourceRefused, SourceUnreachable

logger = logging.getLogger(__name__)

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Listed:
    """A resource was listed in full."""

    listing: Listing


@dataclass(frozen=True)
class Changed:
    """An object came, changed or (``is_gone``) went."""

    resource: Resource
    item: JsonObject
    is_gone: bool


@dataclass(frozen=True)
class Confirmed:
    """The server said that nothing was missed up to now (a bookmark, or the planned end of a watch)."""

    resource: Resource


@dataclass(frozen=True)
class Missing:
    """A resource cannot be read; the reason names it. Fatal if the resource is required."""

    resource: Resource
    reason: SourceError


News = Listed | Changed | Confirmed | Missing


def follow_resource(
    connection: KubernetesConnection, resource: Resource, tell: Callable[[News], object]
) -> None:
    """List a resource once, then watch it until the connection is stopped.

    A watch that ends, breaks off or falls silent is resumed from the last version seen, with a jittered
    pause after trouble. Only an expired version (410, also as an ERROR event inside a 200) leads to
    another list. What cannot be read is told as :class:`Missing`, and the function returns.
    """
    version: str | None = None
    failures = 0
    while not connection.is_stopped:
        try:
            if version is None:
                listing = list_all(connection, resource)
                tell(Listed(listing))
                version = listing.version
            version = _watch_once(connection, resource, version, tell)
            failures = 0
        except _Interrupted as interruption:
            version = interruption.version
            failures = 1 if interruption.has_progress else failures + 1
            logger.info("Watch of %s resumes: %s", resource.qualified, interruption)
            connection.pause(failures)
        except ResourceVersionExpired:
            logger.info("Watch of %s expired; listing again", resource.qualified)
            version = None
            failures += 1
            connection.pause(failures)
        except (ResourceForbidden, ResourceUnknown, SourceRefused) as problem:
            tell(Missing(resource, problem))
            return
        except SourceUnreachable as problem:
            failures += 1
            logger.warning("%s cannot be listed now: %s", resource.qualified, problem)
            connection.pause(failures)


class _Interrupted(Exception):
    """A watch broke off; it can be resumed from the version."""

    def __init__(self, reason: str, version: str, *, has_progress: bool) -> None:
        super().__init__(reason)
        self.version = version
        self.has_progress = has_progress


def _watch_once(
    connection: KubernetesConnection, resource: Resource, version: str, tell: Callable[[News], object]
) -> str:
    """Read one watch to its planned end and return the version it reached."""
    parameters: dict[str, str | int] = {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": connection.settings.watch_timeout_seconds,
    }
    reached = version
    try:
        with connection.watch(resource.path, parameters, resource) as lines:
            for kind, item in _read_events(lines):
                if kind == "ERROR":
                    _raise_error_event(resource, item)
                reached = str((item.get("metadata") or {}).get("resourceVersion") or reached)
                tell(
                    Confirmed(resource) if kind == "BOOKMARK" else Changed(resource, item, kind == "DELETED")
                )
    except (ResourceVersionExpired, ResourceForbidden, ResourceUnknown):
        raise
    except (SourceUnreachable, msgspec.MsgspecError) as problem:
        raise _Interrupted(str(problem), reached, has_progress=reached != version) from problem
    tell(Confirmed(resource))
    return reached


def _read_events(lines: Iterator[bytes]) -> Iterator[tuple[str, JsonObject]]:
    for line in lines:
        event = msgspec.json.decode(line, type=dict)
        item = event.get("object")
        if not isinstance(item, dict) or not isinstance(event.get("type"), str):
            raise SourceUnreachable("a watch answered something that is not an event")
        yield event["type"], item


def _raise_error_event(resource: Resource, status: JsonObject) -> None:
    message = f"watch of {resource.qualified}: {status.get('message', 'no message')}"
    if status.get("code") == 410:
        raise ResourceVersionExpired(message)
    raise SourceUnreachable(message)
