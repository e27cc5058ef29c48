"""What people took out of the advice: exclusions by glob, and calendar peaks that an owner signed for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from models.vocabulary.identity import ContainerKey, WorkloadKey


class ExcludedResource(StrEnum):
    """Which advice an exclusion holds back."""

    ALL = "all"
    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True)
class Exclusion:
    """One rule: containers that match every glob get no suggestion while it stands.

    Parameters
    ----------
    id : str
    cluster, namespace, workload, container : str
        Globs, ``*`` matches everything.
    resource : ExcludedResource
    reason : str
    until : datetime or None
        None stands until somebody removes it.
    teams : tuple of str or None
        Only workloads of these teams; None means whoever owns them (rules of the platform team).
    created_by : str
    created_at : datetime
    removed_by, removed_at : str, datetime or None
    """

    id: str
    cluster: str
    namespace: str
    workload: str
    container: str
    resource: ExcludedResource
    reason: str
    until: datetime | None
    teams: tuple[str, ...] | None
    created_by: str
    created_at: datetime
    removed_by: str | None = None
    removed_at: datetime | None = None

    def is_in_force(self, at: datetime) -> bool:
        """Whether it stands at an instant: made, not removed, not over."""
        return (
            self.created_at <= at
            and (self.removed_at is None or self.removed_at > at)
            and (self.until is None or self.until > at)
        )

    def covers(self, key: ContainerKey, team: str | None) -> bool:
        """Whether a container of a team matches its globs and its teams."""
        workload = key.workload
        return (
            (self.teams is None or team in self.teams)
            and fnmatchcase(workload.cluster, self.cluster)
            and fnmatchcase(workload.namespace, self.namespace)
            and fnmatchcase(workload.name, self.workload)
            and fnmatchcase(key.container, self.container)
        )

    @property
    def sentence(self) -> str:
        """Why a container is silent because of it, for people."""
        what = "" if self.resource is ExcludedResource.ALL else f" for {self.resource}"
        until = "" if self.until is None else f" until {self.until:%Y-%m-%d}"
        return f"excluded{what}{until} by {self.created_by}: {self.reason}"


@dataclass(frozen=True)
class ExclusionSet:
    """The exclusions in force at one instant, and whose each workload is.

    Parameters
    ----------
    rules : tuple of Exclusion
        Oldest first.
    teams : mapping of WorkloadKey to str or None
    """

    rules: tuple[Exclusion, ...] = ()
    teams: Mapping[WorkloadKey, str | None] | None = None

    def find(self, key: ContainerKey, resource: ExcludedResource) -> Exclusion | None:
        """Return the first rule that holds back advice on a resource of a container; None allows it.

        Parameters
        ----------
        key : ContainerKey
        resource : ExcludedResource
            ``ALL`` asks for rules about everything; ``CPU`` and ``MEMORY`` take these in.
        """
        wanted = {ExcludedResource.ALL, resource}
        team = (self.teams or {}).get(key.workload)
        return next((rule for rule in self.rules if rule.resource in wanted and rule.covers(key, team)), None)


@dataclass(frozen=True)
class PeakSignature:
    """An owner's word that a workload may be reduced although no calendar peak was seen in its history.

    Parameters
    ----------
    workload : WorkloadKey
    event : str
        Glob on the name of the calendar event; ``*`` signs for every one.
    signed_by : str
    signed_at : datetime
    until : datetime
        A signature does not hold for ever.
    note : str or None
    """

    workload: WorkloadKey
    event: str
    signed_by: str
    signed_at: datetime
    until: datetime
    note: str | None = None

    def is_for(self, workload: WorkloadKey, event: str, at: datetime) -> bool:
        """Whether it stands at an instant for an event of a workload."""
        return (
            self.workload == workload and self.signed_at <= at < self.until and fnmatchcase(event, self.event)
        )
