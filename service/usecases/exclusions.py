"""Exclusions from advice and signed calendar peaks: who may set them, and what the policy reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.vocabulary.errors import Forbidden, InputError, NotFound
from models.vocabulary.exclusions import ExcludedResource, Exclusion, ExclusionSet, PeakSignature
from models.vocabulary.identity import Principal, Role, WorkloadKey
from models.vocabulary.windows import to_utc
from service.runtime import Runtime
from service.usecases.unit_prices import read_teams

_DECIDES_ANYWHERE = frozenset({Role.PLATFORM, Role.ADMIN})
_LONGEST_TEXT = 255


@dataclass(frozen=True)
class ExclusionRequest:
    """What somebody asks to exclude; globs, ``*`` matches everything.

    ``team`` limits the rule to workloads of one team; None means all that the asker may decide for.
    """

    reason: str
    cluster: str = "*"
    namespace: str = "*"
    workload: str = "*"
    container: str = "*"
    resource: ExcludedResource = ExcludedResource.ALL
    until: datetime | None = None
    team: str | None = None


def read_exclusions(runtime: Runtime, cluster: str, at: datetime) -> ExclusionSet:
    """Return the exclusions of a cluster in force at an instant, for the policy.

    ``find(key, resource)`` of the result gives the rule that holds back advice on a container, or None.
    """
    rules = tuple(runtime.warehouse.exclusions.list(at=at))
    needs_teams = any(rule.teams is not None for rule in rules)
    return ExclusionSet(rules, read_teams(runtime, cluster, at) if needs_teams else {})


def read_signatures(runtime: Runtime, cluster: str, at: datetime) -> tuple[PeakSignature, ...]:
    """Return the calendar peaks of a cluster that owners signed for, in force at an instant."""
    return tuple(runtime.warehouse.peak_signatures.list(cluster, at=at))


def add_exclusion(runtime: Runtime, principal: Principal, asked: ExclusionRequest) -> Exclusion:
    """Exclude containers from advice: owners those of their own teams, the platform team any.

    Raises
    ------
    Forbidden
        If the principal may not decide, or not for the team that was named.
    InputError
        If the reason is empty, a glob is empty or too long, or ``until`` is not in the future.
    """
    now = runtime.now()
    _check_request(asked, now)
    return runtime.warehouse.exclusions.add(
        Exclusion(
            id="",
            cluster=asked.cluster,
            namespace=asked.namespace,
            workload=asked.workload,
            container=asked.container,
            resource=asked.resource,
            reason=asked.reason.strip(),
            until=None if asked.until is None else to_utc(asked.until),
            teams=_teams_of(principal, asked.team),
            created_by=principal.id,
            created_at=now,
        )
    )


def remove_exclusion(runtime: Runtime, principal: Principal, exclusion_id: str) -> Exclusion:
    """End an exclusion: owners those of their own teams only, the platform team any.

    Raises
    ------
    NotFound
        If there is none of that id, or the principal may not see it.
    Forbidden
        If the principal may see it but not decide about it.
    Conflict
        If it was removed before.
    """
    rule = runtime.warehouse.exclusions.get(exclusion_id)
    if not _sees(principal, rule):
        raise NotFound(f"there is no exclusion {exclusion_id}")
    if rule.teams is None and not principal.roles & _DECIDES_ANYWHERE:
        raise Forbidden(f"{principal.id} may not end a rule that holds for every team")
    for team in rule.teams or ():
        principal.require_decision_for(team)
    return runtime.warehouse.exclusions.remove(exclusion_id, principal.id, runtime.now())


def list_exclusions(
    runtime: Runtime, principal: Principal, *, is_history_wanted: bool = False
) -> list[Exclusion]:
    """Return the exclusions that the principal may see, oldest first.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Owners see rules of their teams and rules for everyone.
    is_history_wanted : bool
        Also those that are over or were removed.
    """
    at = None if is_history_wanted else runtime.now()
    return [rule for rule in runtime.warehouse.exclusions.list(at=at) if _sees(principal, rule)]


def sign_peak(
    runtime: Runtime,
    principal: Principal,
    workload: WorkloadKey,
    *,
    event: str = "*",
    days: int = 90,
    note: str | None = None,
) -> PeakSignature:
    """Sign that a workload may be reduced although no calendar peak is in its history.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        An owner of the workload's team, or the platform team.
    workload : WorkloadKey
    event : str
        Glob on the calendar event's name.
    days : int
        How long the signature holds.
    note : str, optional

    Raises
    ------
    NotFound
        If nothing is known of the workload, or the principal may not see it.
    Forbidden
        If the principal may see it but not decide for its team.
    InputError
        If ``days`` is not between 1 and 400, or the event is empty.
    """
    if not 1 <= days <= 400:
        raise InputError("must be 1 to 400", field="days", value=days)
    _check_glob("event", event)
    now = runtime.now()
    teams = read_teams(runtime, workload.cluster, now)
    visible = principal.visible_teams()
    if workload not in teams or (visible is not None and teams[workload] not in visible):
        raise NotFound(f"there is no workload {workload}")
    principal.require_decision_for(teams[workload])
    signature = PeakSignature(workload, event, principal.id, now, now + timedelta(days=days), note)
    return runtime.warehouse.peak_signatures.add(signature)


def _teams_of(principal: Principal, team: str | None) -> tuple[str, ...] | None:
    if team is not None:
        principal.require_decision_for(team)
        return (team,)
    if principal.roles & _DECIDES_ANYWHERE:
        return None
    if Role.OWNER in principal.roles and principal.teams:
        return tuple(sorted(principal.teams))
    raise Forbidden(f"{principal.id} may not exclude anything from advice")


def _sees(principal: Principal, rule: Exclusion) -> bool:
    teams = principal.visible_teams()
    return teams is None or rule.teams is None or bool(teams & set(rule.teams))


def _check_request(asked: ExclusionRequest, now: datetime) -> None:
    if not asked.reason.strip():
        raise InputError("is missing: say why", field="reason", value=asked.reason)
    for name in ("cluster", "namespace", "workload", "container"):
        _check_glob(name, getattr(asked, name))
    if asked.until is not None and to_utc(asked.until) <= now:
        raise InputError("must be a time in the future", field="until", value=asked.until)


def _check_glob(name: str, glob: str) -> None:
    if not glob.strip() or len(glob) > _LONGEST_TEXT:
        raise InputError("must be a glob of 1 to 255 characters, * for everything", field=name, value=glob)
