"""How a suggestion reaches its workload: the channel, the change in several forms, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.identity import Principal
from service.boards.texts import say, say_or
from service.patches import PatchFormat, ResourceChange, render
from service.runtime import Runtime
from service.usecases.applying import plan_apply, read_change

_SHOWN = (
    PatchFormat.STRATEGIC,
    PatchFormat.KUBECTL,
    PatchFormat.KUSTOMIZE,
    PatchFormat.HELM,
    PatchFormat.JSON,
    PatchFormat.RESIZE,
)
_LANGUAGES = {PatchFormat.KUBECTL: "bash", PatchFormat.RESIZE: "bash", PatchFormat.JSON: "json"}


@dataclass(frozen=True)
class PatchView:
    """The change in one form; ``rollback`` is the same with the old values."""

    name: str
    label: str
    language: str
    text: str
    notes: tuple[str, ...]
    rollback: str


@dataclass(frozen=True)
class CarryingOut:
    """Where the change belongs and how it is written.

    Parameters
    ----------
    channel, reason : str
        Who owns the field, and how that is known.
    warnings : tuple of str
    patches : tuple of PatchView
        Empty where no patch can say it; ``reason`` says why.
    """

    channel: str
    reason: str
    warnings: tuple[str, ...]
    patches: tuple[PatchView, ...]


def read_carrying_out(runtime: Runtime, principal: Principal, recommendation_id: str) -> CarryingOut:
    """Return how a suggestion would be carried out; nothing is asked of a cluster.

    Raises
    ------
    NotFound
        If there is none, or the principal may not see it.
    """
    try:
        plan = plan_apply(runtime, principal, recommendation_id)
        change, _, _ = read_change(runtime, principal, recommendation_id)
        back, _, _ = read_change(runtime, principal, recommendation_id, is_rollback=True)
    except InputError as problem:
        return CarryingOut(say("channel.none"), str(problem), (), ())
    return CarryingOut(
        say_or(f"channel.{plan.channel}", plan.channel),
        plan.reason,
        (*plan.warnings, *plan.blocks),
        tuple(view for form in _SHOWN if (view := _view(form, change, back)) is not None),
    )


def _view(form: PatchFormat, change: ResourceChange, back: ResourceChange) -> PatchView | None:
    """Return one form, None where it cannot say this change."""
    try:
        patch, rollback = render(change, form), render(back, form, is_rollback=True)
    except UsageError:
        return None
    return PatchView(
        form.value,
        say(f"patch.{form}"),
        _LANGUAGES.get(form, "yaml"),
        patch.text,
        patch.notes,
        rollback.text,
    )
