"""Names of clusters and of CMDBs brought together; what is only near waits for a person."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.ownership.cmdb_rules import cmdb_rules
from models.ownership.entities import EntityKind
from models.ownership.label_keys import team_label
from models.ownership.name_matches import DecidedPair, MatchDecision, NameKind, NamePair, matches_of
from models.ownership.names import NameAlias, check_aliases
from models.ownership.precedence import check_rule_set
from models.ownership.reconciliation import Entity, NameRules, Reconciliation, reconcile, reconcile_workloads
from models.vocabulary.errors import InputError, NotFound
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from warehouse.database.name_reviews import ALWAYS, Decision, ReviewedPair
from warehouse.reads.ownership import OwnershipReads

_SEEN_DAYS = 100
_MACHINE = Principal("millicore", frozenset({Role.PLATFORM}))
_READERS = (Role.LEADERSHIP, Role.FINANCE, Role.PLATFORM)


@dataclass(frozen=True)
class NamesFound:
    """How many names a reconciliation merged by rule, proposes, and found nothing for."""

    merged_count: int
    proposed_count: int
    unmatched_count: int


def reconcile_names(runtime: Runtime) -> NamesFound:
    """Compare the names that clusters used lately with the entities of CMDBs in force, and store the result.

    Names that a rule makes equal count as one from now on; near ones are put into the review queue.
    """
    entities = _entities(runtime)
    rules = NameRules(runtime.settings.name_strip_prefixes, runtime.settings.name_strip_suffixes)
    reads = OwnershipReads(runtime.warehouse.lake)
    today = runtime.now().astimezone(runtime.settings.zone).date()
    workloads = reads.workloads(_MACHINE, today - timedelta(days=_SEEN_DAYS), today)
    labels = (json.loads(text) for text in reads.label_sets())
    teams = {team for one in labels if (team := team_label(one, runtime.settings.team_label_keys))}
    found = (
        _without_same_names(reconcile(NameKind.TEAM, teams, entities, rules)),
        reconcile(NameKind.NAMESPACE, {namespace for namespace, _ in workloads}, entities, rules),
        reconcile_workloads(workloads, entities, rules),
    )
    merged, doubtful = _that_agree(runtime, [pair for one in found for pair in one.merged])
    proposed = [*doubtful, *(pair for one in found for pair in one.proposed)]
    runtime.warehouse.ownership.reviews.store(merged, proposed, runtime.now())
    return NamesFound(len(merged), len(proposed), sum(len(one.unmatched) for one in found))


def _that_agree(runtime: Runtime, merged: list[NamePair]) -> tuple[list[NamePair], list[NamePair]]:
    """Part pairs into those whose rules agree with all others, and those left for a person to decide."""
    ownership = runtime.warehouse.ownership
    versions, known = ownership.cmdb.versions(), ownership.reviews.decisions()

    def agree(pairs: list[NamePair]) -> bool:
        new = [DecidedPair(pair, MatchDecision.MERGED, ALWAYS, -1) for pair in pairs]
        decided = {one.pair.id for one in known}
        matches = matches_of([*known, *(one for one in new if one.pair.id not in decided)])
        try:
            check_rule_set(cmdb_rules(versions, matches))
        except InputError:
            return False
        return True

    if agree(merged):
        return merged, []
    kept: list[NamePair] = []
    doubtful: list[NamePair] = []
    for pair in merged:
        if agree([*kept, pair]):
            kept.append(pair)
        else:
            doubtful.append(replace(pair, score=0.99, evidence=f"{pair.evidence}; another entity claims it"))
    return kept, doubtful


def _entities(runtime: Runtime) -> list[Entity]:
    """Return entities in force; projects and services that state their place need no name to be found by."""
    now = runtime.now()
    return [
        version.key
        for version in runtime.warehouse.ownership.cmdb.versions()
        if version.holds_at(now) and (version.kind is EntityKind.TEAM or not version.facts.has_place)
    ]


def _without_same_names(found: Reconciliation) -> Reconciliation:
    """Leave out labels that name a team as the CMDB writes it: there is nothing to bring together."""
    merged = tuple(pair for pair in found.merged if pair.name != pair.entity)
    return Reconciliation(merged, found.proposed, found.unmatched)


def list_reviews(
    runtime: Runtime, principal: Principal, decision: str | None = "waiting"
) -> list[ReviewedPair]:
    """Return pairs of names, those that wait by default, the nearest first.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    decision : str or None
        waiting, merged, accepted or rejected; None is all.

    Raises
    ------
    Forbidden
        If the principal may not see the names of all teams.
    """
    principal.require(*_READERS)
    pairs = runtime.warehouse.ownership.reviews.pairs()
    return [pair for pair in pairs if decision in (None, state_of(pair))]


def state_of(pair: ReviewedPair) -> str:
    """Return waiting, or what was decided last."""
    return "waiting" if pair.latest is None else pair.latest.decision.value


@dataclass(frozen=True)
class Verdict:
    """What a person says about a pair; ``effective_from`` None is now."""

    decision: MatchDecision
    reason: str
    effective_from: datetime | None = None


def decide_review(runtime: Runtime, principal: Principal, pair_id: str, verdict: Verdict) -> ReviewedPair:
    """Accept or reject a pair of names. From the effective date on the names count as one, or no longer.

    Raises
    ------
    NotFound
        If there is no such pair.
    Conflict
        If that is what was decided last.
    InputError
        If no reason is given, or accepting would give a name two meanings or make rules contradict.
    Forbidden
        If the principal is neither finance, platform nor admin.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    now = runtime.now()
    effective = verdict.effective_from or now
    if verdict.decision.is_in_force:
        _check_acceptable(runtime, pair_id, effective)
    decision = Decision(verdict.decision, principal.id, verdict.reason, effective, now)
    return runtime.warehouse.ownership.reviews.decide(pair_id, decision)


def _check_acceptable(runtime: Runtime, pair_id: str, effective_from: datetime) -> None:
    """Refuse what could not be followed, before it is stored."""
    ownership = runtime.warehouse.ownership
    pair = _pair(ownership.reviews.pairs(), pair_id)
    known = ownership.reviews.decisions()
    decided = [one for one in known if one.pair.id == pair_id]
    sequence = max((one.sequence for one in decided), default=-1) + 1
    after = [*known, DecidedPair(pair, MatchDecision.ACCEPTED, effective_from, sequence)]
    matches = matches_of(after)
    if pair.name_kind is NameKind.TEAM:
        aliases = [
            NameAlias(match.name, match.entity, match.valid_from, match.valid_to)
            for match in matches
            if match.name_kind is NameKind.TEAM
        ]
        check_aliases([*ownership.written_aliases(), *aliases])
    else:
        check_rule_set(cmdb_rules(ownership.cmdb.versions(), matches))


def _pair(pairs: list[ReviewedPair], pair_id: str) -> NamePair:
    for one in pairs:
        if one.pair.id == pair_id:
            return one.pair
    raise NotFound(f"there is no pair of names {pair_id}: `millicore ownership review list` shows all")
