"""The life of a suggestion: what a run finds applied, and who speaks for the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.vocabulary.identity import ContainerKey
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.recommendation import Recommendation, ResourceValues
from models.vocabulary.windows import HOUR
from recommender.subject import is_same

_NAMES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")


@dataclass(frozen=True)
class InForce:
    """Requests and limits that the cluster showed in an hour."""

    values: ResourceValues
    hour_end: datetime


def values_in_force(profiles: Sequence[ResourceProfile]) -> dict[ContainerKey, InForce]:
    """Return what the newest hour of each profile showed; containers that were not seen are absent."""
    return {
        profile.key: InForce(
            ResourceValues(*(getattr(profile, name) for name in _NAMES)),
            profile.window_end - profile.last_seen_hours_ago * HOUR,
        )
        for profile in profiles
        if profile.last_seen_hours_ago is not None
    }


def is_applied(recommendation: Recommendation, seen: Mapping[ContainerKey, InForce], since: datetime) -> bool:
    """Whether the cluster runs with the advised values in an hour that began after ``since``.

    Parameters
    ----------
    recommendation : Recommendation
    seen : mapping of ContainerKey to InForce
    since : datetime
        When the suggestion was made or accepted; older hours prove nothing.
    """
    found = seen.get(recommendation.key)
    if found is None or found.hour_end - HOUR < since:
        return False
    return all(is_same(getattr(found.values, name), getattr(recommendation.advised, name)) for name in _NAMES)
