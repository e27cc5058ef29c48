"""Carrying out suggestions: the plan, the attempt in the cluster, and the way back.

The order is fixed: rights and etag, state, switch, who owns the field, windows and freezes, changes of the
day, the object as it is now, LimitRange and quota, dry run on the server, and only then the patch. Whatever
comes of it is recorded. A suggestion stays accepted until the cluster itself shows the change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ingest.kubernetes.apply import KubernetesWriter
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult
from models.kubernetes.channels import Channel
from models.vocabulary.errors import Conflict, UsageError
from models.vocabulary.identity import Principal
from models.vocabulary.suggestion_life import RecommendationState, StaleContent
from service.patches import ResourceChange
from service.patches.change import full_sections
from service.runtime import Runtime
from service.sources import kubernetes_settings
from service.usecases.applying_live import check_method, default_method, examine, find_refusals
from service.usecases.applying_plan import ApplyPlan, plan_apply, read_change
from service.usecases.applying_rules import check_enabled, find_blocks
from service.usecases.applying_scaler import has_scaler, patch_scaler
from service.usecases.applying_sending import send
from warehouse.database.applying import ApplyAttempt
from warehouse.database.recommendations import StoredRecommendation

__all__ = [
    "ApplyPlan",
    "ApplyRequest",
    "apply",
    "list_attempts",
    "plan_apply",
    "read_change",
]

_State = RecommendationState
_MAY_APPLY = frozenset({_State.ACCEPTED})
_MAY_TRY = frozenset({_State.PROPOSED, _State.ACCEPTED})
_MAY_ROLL_BACK = frozenset(
    {_State.ACCEPTED, _State.APPLIED, _State.VERIFIED, _State.ROLLED_BACK, _State.FAILED}
)


@dataclass(frozen=True)
class ApplyRequest:
    """What is asked for.

    Parameters
    ----------
    recommendation_id : str
    etag : str or None
        What the asker saw; None takes what is stored.
    method : ApplyMethod or None
        None takes the kind's default.
    is_dry_run : bool
        Ask the server only.
    is_rollback : bool
        Put the old values back.
    """

    recommendation_id: str
    etag: str | None = None
    method: ApplyMethod | None = None
    is_dry_run: bool = False
    is_rollback: bool = False


def apply(runtime: Runtime, principal: Principal, request: ApplyRequest) -> ApplyAttempt:
    """Carry a suggestion out in its cluster, or only ask the server, and record what came of it.

    Returns
    -------
    ApplyAttempt
        Also where a rule or the API refused: its result says so.

    Raises
    ------
    NotFound, Forbidden
        If there is none, or the principal may not decide for its team.
    StaleContent, Conflict
        If it changed since it was read, or its state does not allow it.
    UsageError
        If applying is switched off, the cluster has no connection, or the method does not fit.
    InputError
        If its values cannot be applied.
    SourceRefused, SourceUnreachable
        If the API cannot be read; nothing was changed then.
    """
    change, place, stored = read_change(
        runtime, principal, request.recommendation_id, is_rollback=request.is_rollback
    )
    principal.require_decision_for(stored.team)
    _check_request(stored, request)
    check_enabled(runtime, change.key.workload.cluster)
    if place.decision.channel not in (Channel.LIVE, Channel.NONE):
        outcome = ApplyOutcome(ApplyResult.BLOCKED, place.decision.reason)
        return _record(runtime, principal, stored, request, _Tried(change, ApplyMethod.SERVER_SIDE, outcome))
    method = request.method or default_method(change.kind)
    check_method(change.kind, method)
    blocks = [] if request.is_dry_run else find_blocks(runtime, change.key.workload, stored.team)
    if request.is_rollback:
        # the way back is open at any time: the day's budget and windows guard changes, not safety
        blocks = []
    if blocks:
        outcome = ApplyOutcome(ApplyResult.BLOCKED, "; ".join(blocks))
        return _record(runtime, principal, stored, request, _Tried(change, method, outcome))
    writer = _open_writer(runtime, change.key.workload.cluster)
    try:
        attempting = _Attempting(writer, change, method, place.warnings)
        return _try(runtime, principal, stored, request, attempting)
    finally:
        writer.close()


def list_attempts(
    runtime: Runtime,
    principal: Principal,
    *,
    recommendation_id: str | None = None,
    cluster: str | None = None,
) -> list[ApplyAttempt]:
    """Return the attempts that the principal may see, the newest first."""
    return runtime.warehouse.apply_attempts.list(
        principal, recommendation_id=recommendation_id, cluster=cluster
    )


@dataclass(frozen=True)
class _Attempting:
    """What an attempt works with."""

    writer: KubernetesWriter
    change: ResourceChange
    method: ApplyMethod
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Tried:
    """What was tried, and what came of it."""

    change: ResourceChange
    method: ApplyMethod
    outcome: ApplyOutcome
    warnings: tuple[str, ...] = ()


def _try(
    runtime: Runtime,
    principal: Principal,
    stored: StoredRecommendation,
    request: ApplyRequest,
    attempting: _Attempting,
) -> ApplyAttempt:
    """Dry-run on the server, and patch if that passed and more was asked for; each is recorded."""
    dry = replace(request, is_dry_run=True)
    outcome = _send(runtime, attempting, dry)
    tried = _Tried(attempting.change, attempting.method, outcome, attempting.warnings)
    attempt = _record(runtime, principal, stored, dry, tried)
    if request.is_dry_run or not outcome.result.is_success:
        return attempt
    outcome = _send(runtime, attempting, request)
    return _record(runtime, principal, stored, request, replace(tried, outcome=outcome))


def _send(runtime: Runtime, attempting: _Attempting, request: ApplyRequest) -> ApplyOutcome:
    writer, change, method = attempting.writer, attempting.change, attempting.method
    overwritable = runtime.settings.apply_overwritable_managers
    target = examine(writer, change, method)
    if isinstance(target, ApplyOutcome):
        return target
    if request.is_dry_run:
        refusals = find_refusals(writer, target)
        if refusals:
            return ApplyOutcome(ApplyResult.REFUSED, "; ".join(refusals))
    outcome = send(writer, target, method, overwritable, is_dry_run=request.is_dry_run)
    if not has_scaler(change) or not outcome.result.is_success:
        return outcome
    scaled = patch_scaler(
        writer,
        change,
        overwritable,
        is_dry_run=request.is_dry_run,
        is_rollback=request.is_rollback,
    )
    if scaled.result.is_success:
        return replace(outcome, details=(*outcome.details, "the autoscaler's target changed with it"))
    if request.is_dry_run:
        return scaled
    return _take_back(runtime, attempting, scaled)


def _take_back(runtime: Runtime, attempting: _Attempting, scaled: ApplyOutcome) -> ApplyOutcome:
    """Put the workload's values back because its autoscaler could not follow."""
    change = attempting.change
    back = replace(change, before=change.after, after=change.before, hpa=None)
    target = examine(attempting.writer, back, attempting.method)
    if isinstance(target, ApplyOutcome):
        done = target
    else:
        overwritable = runtime.settings.apply_overwritable_managers
        done = send(attempting.writer, target, attempting.method, overwritable, is_dry_run=False)
    is_back = done.result.is_success
    said = "the workload has its old values again" if is_back else f"and not taken back: {done.message}"
    return replace(scaled, message=f"the autoscaler could not follow ({scaled.message}); {said}")


def _check_request(stored: StoredRecommendation, request: ApplyRequest) -> None:
    if request.etag is not None and request.etag != stored.etag:
        raise StaleContent("the suggestion has changed since it was read: look at it again")
    if request.is_rollback:
        allowed, remedy = _MAY_ROLL_BACK, "only what was carried out can be taken back"
    else:
        allowed, remedy = (_MAY_TRY if request.is_dry_run else _MAY_APPLY), "accept it first"
    if stored.state not in allowed:
        raise Conflict(f"the suggestion is {stored.state}: {remedy}")


def _open_writer(runtime: Runtime, cluster: str) -> KubernetesWriter:
    configured = runtime.settings.cluster(cluster)
    settings = kubernetes_settings(configured) if configured is not None else None
    if settings is None:
        raise UsageError(f"cluster {cluster} has no kubeconfig in the settings: its API cannot be reached")
    return KubernetesWriter(settings)


def _record(
    runtime: Runtime,
    principal: Principal,
    stored: StoredRecommendation,
    request: ApplyRequest,
    tried: _Tried,
) -> ApplyAttempt:
    outcome = tried.outcome
    answer: dict[str, Any] = {
        "values": full_sections(tried.change.after),
        "status": outcome.status,
        "conflicts": [{"manager": one.manager, "field": one.field} for one in outcome.conflicts],
        "details": list(outcome.details),
        "warnings": list(tried.warnings),
        "etag": stored.etag,
    }
    attempt = ApplyAttempt(
        stored.id,
        stored.recommendation.key,
        stored.team,
        principal.id,
        runtime.now(),
        "rollback" if request.is_rollback else "apply",
        tried.method,
        request.is_dry_run,
        outcome.result,
        outcome.message,
        answer,
    )
    runtime.warehouse.apply_attempts.add(attempt)
    return attempt
