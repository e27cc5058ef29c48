"""Value types of an optimisation programme: initiatives, efforts, shares and the savings ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from models.vocabulary.errors import InputError
from models.vocabulary.money import Money


@dataclass(frozen=True)
class InitiativeScope:
    """What an initiative touches: globs by kind. An empty kind covers all; kinds combine by "and"."""

    clusters: tuple[str, ...] = ()
    node_pools: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()

    @property
    def is_placed(self) -> bool:
        """Whether it names clusters or pools, so that it covers whole node bills."""
        return bool(self.clusters or self.node_pools) and not self.names_workloads

    @property
    def names_workloads(self) -> bool:
        """Whether it covers only some of what runs on its nodes."""
        return bool(self.namespaces or self.teams or self.workloads)

    def covers_pool(self, cluster: str, node_pool: str) -> bool:
        """Whether nodes of a pool may be in it, workloads not looked at."""
        return _matches(cluster, self.clusters) and _matches(node_pool, self.node_pools)

    def covers_workload(self, cluster: str, namespace: str, name: str, team: str | None) -> bool:
        """Whether a workload is in it, its pool not looked at."""
        return (
            _matches(cluster, self.clusters)
            and _matches(namespace, self.namespaces)
            and _matches(name, self.workloads)
            and _matches(team or "", self.teams)
        )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Initiative:
    """An optimisation stage whose effect boards show before and after.

    Parameters
    ----------
    name, description : str
    started_at : datetime
    ended_at : datetime or None
        None while it runs; at or after the start.
    cluster, node_pool, team : str or None
        The place, where one of each is enough. With a cluster or pool, the team is who carries it out.
    scope : InitiativeScope
        Globs; where it is empty, the three fields above are the scope.
    owner : str or None
    target, forecast : Money or None
        Per month of 30 days: what is wanted, and what was expected at the start.
    forecast_basis : str or None
        What the forecast was read from, in words.
    difficulty_ratio : float or None
        0 (easy) to 1.
    is_core : bool or None
        Whether it touches core applications; None is not known.
    closed_at : datetime or None
    """

    name: str
    description: str
    started_at: datetime
    ended_at: datetime | None = None
    cluster: str | None = None
    node_pool: str | None = None
    team: str | None = None
    scope: InitiativeScope = field(default_factory=InitiativeScope)
    owner: str | None = None
    target: Money | None = None
    forecast: Money | None = None
    forecast_basis: str | None = None
    difficulty_ratio: float | None = None
    is_core: bool | None = None
    closed_at: datetime | None = None

    @property
    def whole_scope(self) -> InitiativeScope:
        """The scope, from the globs or else from cluster, pool and team."""
        if self.scope != InitiativeScope():
            return self.scope
        is_placed = self.cluster is not None or self.node_pool is not None
        return InitiativeScope(
            clusters=() if self.cluster is None else (self.cluster,),
            node_pools=() if self.node_pool is None else (self.node_pool,),
            teams=() if self.team is None or is_placed else (self.team,),
        )


def check_initiative(initiative: Initiative) -> None:
    """Refuse an initiative that ends before it starts or whose difficulty is not a ratio.

    Raises
    ------
    InputError
    """
    if not initiative.name.strip():
        raise InputError("is empty", field="name")
    if initiative.ended_at is not None and initiative.ended_at <= initiative.started_at:
        raise InputError("is not after started_at", field="ended_at", value=str(initiative.ended_at))
    check_ratio("difficulty", initiative.difficulty_ratio)
    if initiative.target is not None and initiative.target.amount <= 0:
        raise InputError("is not above 0", field="target", value=str(initiative.target.amount))


def check_ratio(name: str, value: float | None) -> None:
    """Refuse what is not between 0 and 1.

    Raises
    ------
    InputError
    """
    if value is not None and not 0 <= value <= 1:
        raise InputError("is not between 0 and 1", field=name, value=value)


@dataclass(frozen=True)
class Effort:
    """Work or money that went into an initiative."""

    initiative: str
    day: date
    person_days: Decimal
    spent: Money | None
    note: str
    principal: str


@dataclass(frozen=True)
class AgreedShare:
    """One party's part of an initiative's benefit; ratios are normalised over all parties."""

    party: str
    ratio: Decimal


@dataclass(frozen=True)
class ApplicationTrait:
    """What people know about an application (a namespace); None leaves it to the data."""

    cluster: str
    namespace: str
    difficulty_ratio: float | None = None
    is_core: bool | None = None


class SavingCategory(StrEnum):
    """Savings that are no infrastructure: beside unit costs, never in them."""

    PEOPLE = "people"
    LICENCES = "licences"
    MAINTENANCE = "maintenance"
    HARDWARE = "hardware"
    CONTRACTS = "contracts"
    OTHER = "other"


@dataclass(frozen=True)
class SavingLine:
    """One line of the savings ledger: a saving that no node bill shows.

    ``amount`` is of the whole line, from its day on; ``evidence`` says where it can be checked and
    ``approver`` who vouches for it.
    """

    id: str
    day: date
    category: SavingCategory
    description: str
    amount: Money
    evidence: str
    approver: str
    recorded_by: str
    initiative: str | None = None


def check_saving_line(line: SavingLine) -> None:
    """Refuse a line without description, evidence or approver, or whose amount is not above 0.

    Raises
    ------
    InputError
    """
    for name in ("description", "evidence", "approver"):
        if not str(getattr(line, name)).strip():
            raise InputError("is empty: a saving outside the bills needs one", field=name)
    if line.approver == line.recorded_by:
        raise InputError("is who records it; somebody else must vouch for it", field="approver")
    if line.amount.amount <= 0:
        raise InputError("is not above 0", field="amount", value=str(line.amount.amount))
