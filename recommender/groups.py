"""What an owner edits once: the same container of the same workload in several clusters or environments."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from models.vocabulary.identity import ContainerKey
from models.vocabulary.recommendation import Recommendation, ResourceValues


def group_id(key: ContainerKey, name: str | None = None) -> str:
    """Return what the same container has in common wherever it runs.

    Namespace, kind, name and container, so that clusters do not matter; or a name that the owner gave by the
    annotation or label ``millicore.io/group``, so that namespaces do not matter either.

    Parameters
    ----------
    key : ContainerKey
    name : str, optional
    """
    workload = key.workload
    place = name or f"{workload.namespace}/{workload.kind}/{workload.name}"
    return hashlib.sha256(f"{place}/{key.container}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class SuggestionGroup:
    """Suggestions for one thing that is edited once.

    Parameters
    ----------
    group_id : str
    members : tuple of Recommendation
        One per place.
    advised : ResourceValues
        The largest advised value of each field: it is enough everywhere. A request is None where no member
        sets one; a limit is None where any member goes without, because no limit is the widest one.
    """

    group_id: str
    members: tuple[Recommendation, ...]
    advised: ResourceValues


def group_suggestions(suggestions: Sequence[Recommendation]) -> list[SuggestionGroup]:
    """Return the groups in order of their first member."""
    found: dict[str, list[Recommendation]] = {}
    for suggestion in suggestions:
        found.setdefault(suggestion.group_id or group_id(suggestion.key), []).append(suggestion)
    return [
        SuggestionGroup(name, tuple(members), _largest([one.advised for one in members]))
        for name, members in found.items()
    ]


def _largest(values: Sequence[ResourceValues]) -> ResourceValues:
    def largest_request(name: str) -> float | None:
        known = [value for one in values if (value := getattr(one, name)) is not None]
        return max(known) if known else None

    def widest_limit(name: str) -> float | None:
        # a place without a limit may hold a request above the limits of the others
        is_free_somewhere = any(getattr(one, name) is None for one in values)
        return None if is_free_somewhere else largest_request(name)

    return ResourceValues(
        largest_request("cpu_request_cores"),
        widest_limit("cpu_limit_cores"),
        largest_request("memory_request_bytes"),
        widest_limit("memory_limit_bytes"),
    )
