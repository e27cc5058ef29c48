"""Who and what: workloads, containers and the people who read about them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from models.vocabulary.errors import Forbidden, InputError

_CLUSTER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

TEAM_LABELS = ("team", "squad", "group", "owner")
"""Labels that name a team when no ownership rule does, in order of precedence."""


def check_cluster_name(name: str) -> str:
    """Return the name if it is a safe, immutable cluster slug.

    Raises
    ------
    InputError
        If it does not match ``[a-z0-9][a-z0-9._-]{0,62}`` or is ``null``, which Hive partition paths
        read back as a missing value.
    """
    if name == "null":
        raise InputError(
            "means a missing value and is not a cluster name: choose another", field="cluster", value=name
        )
    if not _CLUSTER_NAME.fullmatch(name):
        raise InputError(
            "is not a cluster name: use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit",
            field="cluster",
            value=name,
        )
    return name


@dataclass(frozen=True, order=True)
class WorkloadKey:
    """A workload: the last owner of a pod whose kind is known (Deployment, CronJob, Rollout, ...)."""

    cluster: str
    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.kind}/{self.name}"


@dataclass(frozen=True, order=True)
class ContainerKey:
    """A container of a workload, the thing that has requests and limits."""

    workload: WorkloadKey
    container: str

    def __str__(self) -> str:
        return f"{self.workload}/{self.container}"


class Role(StrEnum):
    """What a principal may do. Without a role nothing may be read."""

    LEADERSHIP = "leadership"
    FINANCE = "finance"
    OWNER = "owner"
    PLATFORM = "platform"
    ADMIN = "admin"


_SEES_ALL_TEAMS = frozenset({Role.LEADERSHIP, Role.FINANCE, Role.PLATFORM, Role.ADMIN})
_DECIDES_ANYWHERE = frozenset({Role.PLATFORM, Role.ADMIN})


@dataclass(frozen=True)
class Principal:
    """The person or service on whose behalf rows are read and decisions are taken.

    Parameters
    ----------
    id : str
        Stable identity, as written into events and audit.
    roles : frozenset of Role
        Deny by default: an empty set reads nothing.
    teams : frozenset of str
        The teams an ``owner`` acts for.
    """

    id: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    teams: frozenset[str] = field(default_factory=frozenset)

    @property
    def sees_all_teams(self) -> bool:
        """Whether rows of every team may be read."""
        return bool(self.roles & _SEES_ALL_TEAMS)

    def visible_teams(self) -> frozenset[str] | None:
        """Return the teams whose rows may be read; None means all.

        Raises
        ------
        Forbidden
            If the principal holds no role that reads anything.
        """
        if self.sees_all_teams:
            return None
        if Role.OWNER in self.roles:
            return self.teams
        raise Forbidden(f"{self.id} holds no role that may read costs")

    def require(self, *roles: Role) -> None:
        """Refuse unless one of the roles, or admin, is held.

        Raises
        ------
        Forbidden
            If none is held.
        """
        if not self.roles & {*roles, Role.ADMIN}:
            needed = " or ".join(sorted({*roles, Role.ADMIN}))
            raise Forbidden(f"{self.id} needs the role {needed}")

    def require_decision_for(self, team: str | None) -> None:
        """Refuse unless a suggestion of the team may be decided.

        Raises
        ------
        Forbidden
            If the principal is neither platform or admin nor an owner of the team.
        """
        if self.roles & _DECIDES_ANYWHERE:
            return
        if Role.OWNER in self.roles and team is not None and team in self.teams:
            return
        raise Forbidden(f"{self.id} may not decide for team {team or '(unowned)'}")
