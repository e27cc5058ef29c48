"""Carrying suggestions out: as a patch for people and pipelines, or live where that is switched on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.applying.attempt import RESULT_TEXTS, ApplyMethod
from models.vocabulary.errors import Conflict, UsageError
from service.cli.commands import command
from service.cli.output import Column, Row
from service.cli.recommend_commands import SuggestionId, group, stored_suggestion
from service.cli.session import Session

if TYPE_CHECKING:
    from models.kubernetes.channels import ChannelDecision
    from service.patches import PatchText
    from warehouse.database.applying import ApplyAttempt


class _Format(StrEnum):
    """Forms of a patch; the same as `service.patches.PatchFormat`, which takes longer to import."""

    STRATEGIC = "strategic"
    JSON = "json"
    KUBECTL = "kubectl"
    KUSTOMIZE = "kustomize"
    HELM = "helm"
    RESIZE = "resize"
    GIT = "git"


ATTEMPT_COLUMNS = (
    Column("attempted_at", "when"),
    Column("recommendation_id", is_in_table=False),
    Column("short_id", "id"),
    Column("principal", "who"),
    Column("action"),
    Column("workload"),
    Column("container"),
    Column("method"),
    Column("is_dry_run", "dry run"),
    Column("result"),
    Column("message", "what was said"),
    Column("conflicts", is_in_table=False),
    Column("details", is_in_table=False),
    Column("values", is_in_table=False),
    Column("status", is_in_table=False),
)
_PLAN_COLUMNS = (
    Column("id", is_in_table=False),
    Column("workload"),
    Column("container"),
    Column("channel"),
    Column("method"),
    Column("reason"),
    Column("blocks", "not now because"),
    Column("warnings", "mind"),
)

Rollback = Annotated[bool, typer.Option("--rollback", help="The way back: the old values.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Ask the server only; nothing is changed.")]
Method = Annotated[
    ApplyMethod | None,
    typer.Option("--method", help="Default server_side; json for custom resources; resize for running pods."),
]
Etag = Annotated[
    str | None, typer.Option("--etag", help="Refuse if the suggestion has changed since this etag was read.")
]


def register(app: typer.Typer) -> None:
    """Say that the commands of this module belong to the group ``recommend``, which is in the app."""
    del app


@command(group, "patch", example="millicore recommend patch 3f2a --git manifests/deploy.yaml")
def patch(
    session: Session,
    suggestion: SuggestionId,
    form: Annotated[
        _Format | None, typer.Option("--format", help="Default strategic; git with --git.")
    ] = None,
    git: Annotated[
        list[Path] | None,
        typer.Option("--git", help="Manifest to change; may be given again for its autoscaler's."),
    ] = None,
    output_file: Annotated[Path | None, typer.Option("--output-file", help="Write it there.")] = None,
    *,
    rollback: Rollback = False,
    as_command: Annotated[
        bool, typer.Option("--command", help="The kubectl line: short for --format kubectl.")
    ] = False,
) -> None:
    """Print what a suggestion changes, or its way back; nothing is changed in the cluster."""
    from service.patches import PatchFormat, render
    from service.patches.manifests import git_patch
    from service.usecases.applying import read_change

    chosen = PatchFormat(form or (_Format.KUBECTL if as_command else _Format.STRATEGIC))
    if git and (form not in (None, _Format.GIT) or as_command):
        raise UsageError(f"--git makes a Git patch and does not go with --format {chosen}")
    stored = stored_suggestion(session, suggestion)
    change, place, _ = read_change(session.runtime, session.principal, stored.id, is_rollback=rollback)
    if git:
        text = git_patch(change, git, is_rollback=rollback)
    else:
        text = render(change, chosen, is_rollback=rollback)
    _write(session, text, output_file)
    for note in (*text.notes, say_channel(place.decision)):
        session.say(f"note: {note}")


@command(group, "plan", example="millicore recommend plan 3f2a", columns=_PLAN_COLUMNS)
def plan(session: Session, suggestion: SuggestionId, *, rollback: Rollback = False) -> None:
    """Say how a suggestion reaches its workload: live, Git, Helm, a custom resource, the platform team."""
    from service.usecases.applying import plan_apply

    stored = stored_suggestion(session, suggestion)
    found = plan_apply(session.runtime, session.principal, stored.id, is_rollback=rollback)
    key = stored.recommendation.key
    row = {
        "id": stored.id,
        "workload": str(key.workload),
        "container": key.container,
        "channel": found.channel.value,
        "method": None if found.method is None else found.method.value,
        "reason": found.reason,
        "blocks": found.blocks,
        "warnings": found.warnings,
    }
    session.rows([row], _PLAN_COLUMNS)


@command(group, "apply", example="millicore recommend apply 3f2a --dry-run", columns=ATTEMPT_COLUMNS)
def apply(
    session: Session,
    suggestion: SuggestionId,
    method: Method = None,
    etag: Etag = None,
    *,
    dry_run: DryRun = False,
) -> None:
    """Change the workload in its cluster: dry run on the server first, then the patch (off by default)."""
    _attempt(session, suggestion, method, etag, dry_run=dry_run, is_rollback=False)


@command(group, "rollback", example="millicore recommend rollback 3f2a", columns=ATTEMPT_COLUMNS)
def rollback_suggestion(
    session: Session,
    suggestion: SuggestionId,
    method: Method = None,
    etag: Etag = None,
    *,
    dry_run: DryRun = False,
) -> None:
    """Put the old values back in the cluster, in the same way."""
    _attempt(session, suggestion, method, etag, dry_run=dry_run, is_rollback=True)


@command(group, "attempts", example="millicore recommend attempts --output json", columns=ATTEMPT_COLUMNS)
def attempts(
    session: Session,
    suggestion: Annotated[str | None, typer.Argument(help="Only of this suggestion.")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")] = None,
) -> None:
    """List who tried to change what in the clusters, and what came of it."""
    from service.usecases.applying import list_attempts

    wanted = None if suggestion is None else stored_suggestion(session, suggestion).id
    found = list_attempts(session.runtime, session.principal, recommendation_id=wanted, cluster=cluster)
    session.rows([_row(one) for one in found], ATTEMPT_COLUMNS, empty="Nothing was tried.")


def _attempt(
    session: Session,
    suggestion: str,
    method: ApplyMethod | None,
    etag: str | None,
    *,
    dry_run: bool,
    is_rollback: bool,
) -> None:
    from service.usecases.applying import ApplyRequest
    from service.usecases.applying import apply as carry_out

    stored = stored_suggestion(session, suggestion)
    request = ApplyRequest(stored.id, etag, method, dry_run, is_rollback)
    found = carry_out(session.runtime, session.principal, request)
    session.rows([_row(found)], ATTEMPT_COLUMNS)
    for note in (*(found.answer.get("details") or ()), *(found.answer.get("warnings") or ())):
        session.say(f"note: {note}")
    if not found.result.is_success:
        raise Conflict(f"nothing was changed, {RESULT_TEXTS[found.result]}: {found.message}")
    session.say(RESULT_TEXTS[found.result])


def say_channel(decision: ChannelDecision) -> str:
    """Return the channel and its reason; where none is known, the reason says so alone."""
    is_known = decision.channel.value != "none"
    return f"{decision.channel.value}: {decision.reason}" if is_known else decision.reason


def _write(session: Session, text: PatchText, output_file: Path | None) -> None:
    if output_file is None:
        session.document(text.document, text.text)
        return
    try:
        output_file.write_text(text.text, encoding="utf-8", newline="")
    except OSError as problem:
        raise UsageError(f"{output_file} cannot be written: {problem.strerror}") from problem
    session.say(f"wrote {output_file}")


def _row(attempt: ApplyAttempt) -> Row:
    answer = attempt.answer
    conflicts = [f"{one['manager']}: {one['field']}" for one in answer.get("conflicts") or ()]
    return {
        "attempted_at": attempt.attempted_at,
        "recommendation_id": attempt.recommendation_id,
        "short_id": attempt.recommendation_id[:8],
        "principal": attempt.principal,
        "action": attempt.action,
        "workload": str(attempt.key.workload),
        "container": attempt.key.container,
        "method": attempt.method.value,
        "is_dry_run": attempt.is_dry_run,
        "result": attempt.result.value,
        "message": attempt.message,
        "conflicts": conflicts,
        "details": list(answer.get("details") or ()),
        "values": answer.get("values"),
        "status": answer.get("status"),
    }
