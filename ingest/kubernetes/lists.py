"""Whole lists of a resource, page by page, from one consistent version of the cluster."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.kubernetes.connection import KubernetesConnection, ResourceVersionExpired
from ingest.kubernetes.resources import Resource
from models.vocabulary.errors import SourceUnreachable

logger = logging.getLogger(__name__)

JsonObject = dict[str, Any]
_RESTARTS = 1
_DROP_RATIO = 0.5
_SMALLEST_JUDGED = 10
_AGREEMENT_RATIO = 0.1


@dataclass(frozen=True)
class Listing:
    """All objects of a resource at one version."""

    resource: Resource
    items: list[JsonObject]
    version: str
    page_count: int


def list_all(connection: KubernetesConnection, resource: Resource) -> Listing:
    """Return every object of a resource, read in pages of the settings' size.

    ``resourceVersion`` stays unset: with ``0`` a server would ignore the limit and answer everything at
    once. A continue token that has expired (410) restarts the list from scratch, once; pages of two
    versions are never mixed.

    Raises
    ------
    SourceRefused, SourceUnreachable
        As :meth:`KubernetesConnection.get`; also when the second reading expires as well.
    """
    for attempt in range(_RESTARTS + 1):
        try:
            return _read_pages(connection, resource)
        except ResourceVersionExpired:
            logger.warning("The list of %s expired between two pages; reading it again", resource.qualified)
            connection.pause(attempt + 1)
    raise SourceUnreachable(
        f"the list of {resource.qualified} at {connection.server} expired twice between pages: "
        "it is read too slowly, raise requests_per_minute or page_size"
    )


def _read_pages(connection: KubernetesConnection, resource: Resource) -> Listing:
    items: list[JsonObject] = []
    parameters: dict[str, str | int] = {"limit": connection.settings.page_size}
    pages = 0
    while True:
        page = connection.get(resource.path, parameters, resource)
        found = page.get("items")
        metadata = page.get("metadata")
        if not isinstance(metadata, dict) or not (found is None or isinstance(found, list)):
            raise SourceUnreachable(f"{connection.server} answered {resource.qualified} without a list")
        items += found or []
        pages += 1
        if not (token := metadata.get("continue")):
            return Listing(resource, items, str(metadata.get("resourceVersion", "")), pages)
        parameters["continue"] = token


class DropGuard:
    """Refuses a list that lost more than half of its objects without anyone having seen them go.

    A cache or proxy that lost its memory answers half a cluster with 200. The old objects are kept then;
    a next list that agrees with the refused one (within a tenth) is believed.
    """

    def __init__(self) -> None:
        self._refused: dict[str, int] = {}

    def remember(self, refused: Mapping[str, int]) -> None:
        """Take up what an earlier process refused: counts by kind."""
        self._refused.update(refused)

    def accepts(self, listing: Listing, known_count: int) -> bool:
        """Say whether a list may replace what is known.

        Parameters
        ----------
        listing : Listing
        known_count : int
            Objects known now: those of the last list, less those seen to go, plus those seen to come.
        """
        kind, count = listing.resource.kind, len(listing.items)
        is_drop = known_count >= _SMALLEST_JUDGED and count < known_count * _DROP_RATIO
        refused = self._refused.pop(kind, None)
        is_confirmed = refused is not None and abs(count - refused) <= max(refused * _AGREEMENT_RATIO, 1)
        if not is_drop or is_confirmed:
            return True
        self._refused[kind] = count
        logger.warning(
            "A list of %s has %d objects where %d are known; it is kept aside until another agrees",
            listing.resource.qualified,
            count,
            known_count,
        )
        return False
