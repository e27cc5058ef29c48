"""Ownership rules that follow from projects and services of a CMDB."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.ownership.entities import EntityKind, EntityVersion
from models.ownership.name_matches import NameKind, NameMatch
from models.ownership.rules import END_OF_TIME, OwnershipRow, RuleOrigin

_OWNING = (EntityKind.PROJECT, EntityKind.SERVICE)


@dataclass(frozen=True)
class _Payer:
    """Who pays for an entity in a stretch of time."""

    team: str
    cost_centre: str | None
    start: datetime
    end: datetime


def cmdb_rules(versions: Sequence[EntityVersion], matches: Iterable[NameMatch] = ()) -> list[OwnershipRow]:
    """Return the rules of all versions that have a team and a place in a cluster, in a fixed order.

    A project or service that names its place (namespace, workload, selectors) has one rule for it. Else it
    has one for each namespace or workload whose name was matched with its own (`NameMatch`), while both
    the match and the version hold. A service without a team has that of its project.

    Parameters
    ----------
    versions : sequence of EntityVersion
        Of all sources.
    matches : iterable of NameMatch
    """
    by_entity: dict[tuple[EntityKind, str], list[NameMatch]] = defaultdict(list)
    for match in matches:
        by_entity[match.entity_kind, match.entity].append(match)
    parents: dict[tuple[str, str], list[EntityVersion]] = defaultdict(list)
    for version in versions:
        if version.kind is EntityKind.PROJECT:
            parents[version.source, version.name].append(version)
    rows = [
        row
        for version in versions
        if version.kind in _OWNING
        for payer in _payers(version, parents.get((version.source, version.facts.parent or ""), ()))
        for row in _rows(version, payer, by_entity.get(version.key, ()))
    ]
    return sorted(rows, key=lambda row: (row.scope, row.valid_from, row.team, row.source_file or ""))


def _payers(version: EntityVersion, parents: Sequence[EntityVersion]) -> Iterator[_Payer]:
    facts = version.facts
    if facts.team:
        yield _Payer(facts.team, facts.cost_centre, version.valid_from, version.ends_at)
        return
    for parent in parents:
        start, end = max(version.valid_from, parent.valid_from), min(version.ends_at, parent.ends_at)
        if parent.facts.team and start < end:
            yield _Payer(parent.facts.team, facts.cost_centre or parent.facts.cost_centre, start, end)


def _rows(version: EntityVersion, payer: _Payer, matches: Iterable[NameMatch]) -> Iterator[OwnershipRow]:
    facts = version.facts
    if facts.has_place:
        yield _row(version, payer, facts.namespace or "*", facts.workload)
        return
    for match in matches:
        start, end = max(payer.start, match.valid_from), min(payer.end, match.ends_at)
        if start < end:
            bounded = _Payer(payer.team, payer.cost_centre, start, end)
            if match.name_kind is NameKind.NAMESPACE:
                yield _row(version, bounded, match.name, None)
            elif match.name_kind is NameKind.WORKLOAD:
                namespace, _, workload = match.name.partition("/")
                yield _row(version, bounded, namespace, workload)


def _row(version: EntityVersion, payer: _Payer, namespace: str, workload: str | None) -> OwnershipRow:
    return OwnershipRow(
        cluster=version.facts.cluster or "*",
        namespace=namespace,
        team=payer.team,
        valid_from=payer.start,
        valid_to=None if payer.end == END_OF_TIME else payer.end,
        label_selector=version.facts.label_selector,
        cost_centre=payer.cost_centre,
        source_file=f"{version.source}: {version.kind.value} {version.name}",
        annotation_selector=version.facts.annotation_selector,
        workload=workload,
        origin=RuleOrigin.CMDB,
    )
