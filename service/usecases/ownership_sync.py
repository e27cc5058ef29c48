"""Synchronising owners with a CMDB: compared with what was stated before, refused or stored as a whole."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingest.ownership.source import read_cmdb
from models.ownership.cmdb_rules import cmdb_rules
from models.ownership.cycles import check_no_cycle
from models.ownership.entities import EntityKind, EntityRecord, EntityVersion
from models.ownership.history import SyncPlan, plan_sync
from models.ownership.name_matches import DecidedPair, matches_of
from models.ownership.names import normal_form
from models.ownership.precedence import check_rule_set
from models.vocabulary.errors import Conflict, MillicoreError, SourceError
from models.vocabulary.identity import Principal, Role
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.name_review import reconcile_names
from service.usecases.ownership_sources import load_source
from warehouse.database.cmdb import SyncRecord

SYNC_JOB = "ownership"
_EVERYWHERE = "all"
_SCHEDULER = Principal("millicore", frozenset({Role.PLATFORM}))
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyncReport:
    """What a sync did.

    ``defects`` are teams in force without an owner contact or cost centre, projects and services without a
    team: in words.
    """

    source: str
    row_count: int
    added_count: int
    changed_count: int
    removed_count: int
    unchanged_count: int
    merged_name_count: int
    proposed_name_count: int
    defects: tuple[str, ...]


def sync_owners(runtime: Runtime, principal: Principal, file: Path, *, force: bool = False) -> SyncReport:
    """Read a CMDB and store what changed, with its history; then match its names with those of clusters.

    Running it again changes nothing. If anything is wrong, nothing is stored.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    file : Path
        Describes the source; see docs/ownership.md.
    force : bool
        Store it although more entities vanish than ``ownership_sync_max_removed_ratio`` allows.

    Raises
    ------
    SourceError, InputError
        If the source cannot be read, or a row cannot be used.
    Conflict
        If too many entities vanish: counts are named.
    Forbidden
        If the principal is neither finance, platform nor admin.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    source = load_source(runtime, file)
    records = read_cmdb(source, runtime.settings.zone)
    with holding(runtime, _EVERYWHERE, SYNC_JOB):
        now = runtime.now()

        def planned(
            versions: list[EntityVersion], decisions: list[DecidedPair]
        ) -> tuple[SyncPlan, SyncRecord] | None:
            own = [version for version in versions if version.source == source.name]
            plan = plan_sync(source.name, own, records, now, source.first_valid_from)
            counts.append(plan)
            if plan.is_empty and own:
                return None
            _check_removed(plan, source.name, runtime.settings.ownership_sync_max_removed_ratio, force=force)
            _check_outcome(versions, plan, decisions)
            return plan, _record(source.name, principal, plan, records, now, force=force)

        counts: list[SyncPlan] = []
        runtime.warehouse.ownership.cmdb.sync(source.name, planned)
        found = reconcile_names(runtime)
    plan = counts[-1]
    return SyncReport(
        source.name,
        len(records),
        plan.added_count,
        plan.changed_count,
        plan.removed_count,
        plan.unchanged_count,
        found.merged_count,
        found.proposed_count,
        tuple(owner_defects(runtime, source.name)),
    )


def sync_all(runtime: Runtime) -> None:
    """Synchronise every source of the setting ``ownership_sources``; one that fails keeps none of the others.

    Raises
    ------
    SourceError
        Naming every source that failed, so that the scheduler tries again soon.
    """
    problems = []
    for file in runtime.settings.ownership_sources:
        try:
            report = sync_owners(runtime, _SCHEDULER, file)
        except MillicoreError as problem:
            problems.append(f"{file.name}: {problem}")
            continue
        _log.info(
            "%s: %s added, %s changed, %s ended",
            report.source,
            report.added_count,
            report.changed_count,
            report.removed_count,
        )
    if problems:
        raise SourceError("; ".join(problems))


def owner_defects(runtime: Runtime, source: str | None = None) -> list[str]:
    """Return in words what the CMDB leaves open of entities in force: no team, contact or cost centre."""
    now = runtime.now()
    versions = runtime.warehouse.ownership.cmdb.versions(source)
    in_force = [version for version in versions if version.holds_at(now)]
    projects = {one.name: one for one in in_force if one.kind is EntityKind.PROJECT}
    found = []
    for version in in_force:
        facts = version.facts
        if version.kind is EntityKind.TEAM:
            lacks = [
                what
                for what, value in (
                    ("owner contact", facts.owner_contact),
                    ("cost centre", facts.cost_centre),
                )
                if not value
            ]
            if lacks:
                found.append(f"team {version.name} has no {' and no '.join(lacks)}")
        elif version.kind in (EntityKind.PROJECT, EntityKind.SERVICE) and not facts.team:
            parent = projects.get(facts.parent or "")
            if parent is None or not parent.facts.team:
                found.append(f"{version.kind.value} {version.name} has no team")
    return found


def _check_removed(plan: SyncPlan, source: str, most: float, *, force: bool) -> None:
    if plan.removed_ratio > most and not force:
        raise Conflict(
            f"{source} no longer states {plan.removed_count} of {plan.in_force_count} entities "
            f"({plan.removed_ratio:.0%}), and at most {most:.0%} may vanish at once "
            "(setting ownership_sync_max_removed_ratio). Nothing was changed: check the source, or run the "
            "sync with --force"
        )


def _check_outcome(
    versions: Sequence[EntityVersion], plan: SyncPlan, decisions: Sequence[DecidedPair]
) -> None:
    """Refuse a sync after which teams would be their own parents, or rules contradict each other."""
    gone = set(plan.superseded)
    after = [*(version for version in versions if version not in gone), *plan.written]
    for moment in sorted({version.valid_from for version in plan.written}):
        parents = {
            normal_form(version.name): [normal_form(version.facts.parent)]
            for version in after
            if version.kind is EntityKind.TEAM and version.facts.parent and version.holds_at(moment)
        }
        check_no_cycle(parents, f"parents of teams lead in a circle at {moment:%Y-%m-%d}", field="parent")
    check_rule_set(cmdb_rules(after, matches_of(decisions)))


def _record(
    source: str,
    principal: Principal,
    plan: SyncPlan,
    records: Sequence[EntityRecord],
    at: datetime,
    *,
    force: bool,
) -> SyncRecord:
    return SyncRecord(
        source,
        at,
        principal.id,
        len(records),
        plan.added_count,
        plan.changed_count,
        plan.removed_count,
        plan.unchanged_count,
        force,
    )
