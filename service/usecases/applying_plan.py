"""How a suggestion would reach its workload: channel, method, patch, and what stands against it now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.applying.attempt import ApplyMethod
from models.kubernetes.channels import Channel, ChannelDecision
from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.identity import Principal
from service.patches import PatchFormat, PatchText, ResourceChange, change_of, render
from service.runtime import Runtime
from service.usecases.applying_live import default_method
from service.usecases.applying_place import Place, read_place
from service.usecases.applying_rules import find_blocks, is_enabled
from warehouse.database.applying import ApplyAttempt
from warehouse.database.recommendations import StoredRecommendation

_FORMATS = {
    Channel.LIVE: PatchFormat.KUBECTL,
    Channel.GIT: PatchFormat.KUSTOMIZE,
    Channel.HELM: PatchFormat.HELM,
}


@dataclass(frozen=True)
class ApplyPlan:
    """How a suggestion would reach its workload.

    Parameters
    ----------
    stored : StoredRecommendation
    channel : Channel
    reason : str
        Why this channel, in a sentence.
    method : ApplyMethod or None
        How it would be sent; None where it must not be patched live.
    patch : PatchText or None
        In the form that suits the channel; None where no patch can say it.
    warnings, blocks : tuple of str
        What to know; what forbids it now.
    last_attempt : ApplyAttempt or None
        The newest attempt, dry runs included; None where nobody tried.
    """

    stored: StoredRecommendation
    channel: Channel
    reason: str
    method: ApplyMethod | None
    patch: PatchText | None
    warnings: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    last_attempt: ApplyAttempt | None = None


def read_change(
    runtime: Runtime, principal: Principal, recommendation_id: str, *, is_rollback: bool = False
) -> tuple[ResourceChange, Place, StoredRecommendation]:
    """Return the change that a suggestion means, with its place and the suggestion itself.

    Raises
    ------
    NotFound
        If there is none, or the principal may not see it.
    InputError
        If its values cannot be applied.
    """
    stored = runtime.warehouse.recommendations.get(recommendation_id, principal)
    advice = stored.recommendation
    place = read_place(runtime, advice.key, runtime.now())
    if advice.is_injected and place.decision.channel in (Channel.LIVE, Channel.NONE):
        text = f"a webhook injects {advice.key.container} into the pods: ask the platform team"
        place = replace(place, decision=ChannelDecision(Channel.PLATFORM_TEAM, text))
    change = change_of(
        advice, stored.wanted, is_rollback=is_rollback, may_change_quality=place.may_change_quality
    )
    change = replace(
        change,
        key=place.key,
        container=place.container,
        container_count=place.container_count,
        helm_path=place.helm_path,
    )
    return change, place, stored


def plan_apply(
    runtime: Runtime, principal: Principal, recommendation_id: str, *, is_rollback: bool = False
) -> ApplyPlan:
    """Return how a suggestion would be carried out; the API is not asked and nothing is recorded.

    Raises
    ------
    NotFound
        If there is none, or the principal may not see it.
    InputError
        If its values cannot be applied.
    """
    change, place, stored = read_change(runtime, principal, recommendation_id, is_rollback=is_rollback)
    channel = place.decision.channel
    is_live = channel is Channel.LIVE
    blocks = find_blocks(runtime, change.key.workload, stored.team) if is_live else []
    if is_live and not is_enabled(runtime, change.key.workload.cluster):
        blocks.insert(0, "applying is switched off (setting apply_enabled): carry the patch out by hand")
    return ApplyPlan(
        stored,
        channel,
        place.decision.reason,
        default_method(change.kind) if is_live else None,
        _patch_for(change, channel, is_rollback=is_rollback),
        place.warnings if is_live else (),
        tuple(blocks),
        next(iter(runtime.warehouse.apply_attempts.list(principal, recommendation_id=stored.id)), None),
    )


def _patch_for(change: ResourceChange, channel: Channel, *, is_rollback: bool) -> PatchText | None:
    try:
        return render(change, _FORMATS.get(channel, PatchFormat.STRATEGIC), is_rollback=is_rollback)
    except (UsageError, InputError):
        return None
