"""Commands of the statement: what each payer owes, and the policies that say who pays for what is shared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.vocabulary.errors import InputError
from service.cli.chargeback_commands import group
from service.cli.commands import command
from service.cli.months import Month, parse_month
from service.cli.output import Column, Row, number
from service.cli.output import amount as amount_column
from service.cli.session import Session

if TYPE_CHECKING:
    from service.usecases.statement import Statement

_PAYER_TERMS = (
    "direct",
    "idle_share",
    "overhead_share",
    "shared_in",
    "shared_out",
    "oversell_gain",
)
_CAUSE_TERMS = ("used", "unused_request", "unmeasured")
_COMMON_TERMS = ("idle", "overhead", "bill_items", "disputes", "corrections", "rounding")
_TERMS = (*_PAYER_TERMS, *_CAUSE_TERMS, *_COMMON_TERMS)
_ABOUT = ("view", "policy")


def _columns(shown: Sequence[str]) -> tuple[Column, ...]:
    return (
        Column("cluster"),
        Column("payer"),
        Column("team", is_in_table=False),
        Column("cost_centre", "cost centre"),
        *(
            amount_column(name, name.replace("_", " ")) if name in shown else Column(name, is_in_table=False)
            for name in _TERMS
        ),
        amount_column("total"),
        Column("currency", ""),
        *(Column(name, is_in_table=False) for name in _ABOUT),
    )


_POLICY_COLUMNS = (
    number("version"),
    Column("effective_from", "from"),
    Column("policy_hash", "hash"),
    Column("principal", "by"),
    Column("recorded_at", "stored"),
    Column("note"),
    Column("document", is_in_table=False),
)
policy_group = typer.Typer(
    help="Who pays for idle, overhead, shared teams, unowned cost and bill items.", no_args_is_help=True
)
group.add_typer(policy_group, name="policy")


def register(app: typer.Typer) -> None:
    """Add nothing of its own: the commands belong to the group ``chargeback``, which must be there."""
    del app


@command(
    group,
    "statement",
    example="millicore chargeback statement --month 2026-10 --view payer",
    columns=_columns(_TERMS),
)
def show_statement(
    session: Session,
    month: Month,
    view: Annotated[
        str, typer.Option("--view", help="payer: what each owes. cause: what was used, unused and idle.")
    ] = "payer",
    team: Annotated[str | None, typer.Option("--team", help="Only this team.", metavar="NAME")] = None,
) -> None:
    """Show what each payer owes, in whole coins, with the view and the policy that made it."""
    from service.usecases.statement import View, statement

    if view not in tuple(View):
        raise typer.BadParameter(f"{view!r} is no view: write {' or '.join(View)}")
    found = statement(session.runtime, session.principal, month, View(view), team=team)
    about = {"view": found.view.value, "policy": found.policy.label}
    rows = [{**asdict(row), **about} for row in found.rows]
    session.rows(
        rows, _columns(_shown(found)), empty=f"Nothing of {month} is charged to {team or 'anybody'}."
    )
    state = f"{found.state} r{found.revision}" if found.revision else found.state
    session.say(f"{found.period} ({state}) by {found.view}, {found.policy.label}")
    for note in found.notes:
        session.say(note)


def _shown(found: Statement) -> tuple[str, ...]:
    """Return the terms of a view that a table shows: its own, and of the others those that are not 0."""
    own = ("direct",) if found.view == "payer" else _CAUSE_TERMS
    return tuple(name for name in _TERMS if name in own or any(getattr(row, name) for row in found.rows))


@command(
    policy_group,
    "list",
    example="millicore chargeback policy list",
    columns=_POLICY_COLUMNS,
)
def list_versions(session: Session) -> None:
    """List all versions of the policy, oldest first."""
    from service.usecases.policies import list_policies

    rows: list[Row] = [
        {**asdict(one), "document": json.dumps(one.document, sort_keys=True)}
        for one in list_policies(session.runtime, session.principal)
    ]
    session.rows(
        rows, _POLICY_COLUMNS, empty="No policy is stored: every cause is a line of its own. See docs."
    )


@command(
    policy_group,
    "show",
    example="millicore chargeback policy show --month 2026-10",
    columns=_POLICY_COLUMNS,
)
def show_policy(session: Session, month: Month) -> None:
    """Show the policy that a month follows; of a closed month, that of its close."""
    from models.chargeback.policy import policy_document
    from service.usecases.billing_months import BillingMonth
    from service.usecases.policies import month_policy

    session.principal.visible_teams()
    found = month_policy(session.runtime, BillingMonth.read(session.runtime, month))
    document = policy_document(found.policy)
    row: Row = {
        "version": found.version,
        "effective_from": found.effective_from,
        "policy_hash": found.policy_hash,
        "principal": found.principal,
        "recorded_at": None,
        "note": None,
        "document": json.dumps(document, sort_keys=True),
    }
    session.rows([row], _POLICY_COLUMNS)
    for name, rule in document.items():
        session.say(f"{name}: {json.dumps(rule)}")


@command(
    policy_group,
    "set",
    example='millicore chargeback policy set policy.yaml --from 2026-11 --note "agreed on 12 October"',
    columns=_POLICY_COLUMNS,
)
def set_version(
    session: Session,
    file: Annotated[Path, typer.Argument(help="YAML document; see docs/chargeback.md.", metavar="FILE")],
    effective_from: Annotated[
        str, typer.Option("--from", help="First month that follows it.", metavar="MONTH", parser=parse_month)
    ],
    note: Annotated[str | None, typer.Option("--note", help="Kept with the version.")] = None,
    *,
    restate: Annotated[
        bool, typer.Option("--restate", help="Also for closed months: their difference is then corrected.")
    ] = False,
) -> None:
    """Store the next version of the policy; earlier versions stay."""
    from ingest.files.text_files import read_small_text
    from service.usecases.policies import list_policies, set_policy

    try:
        stored = set_policy(
            session.runtime,
            session.principal,
            read_small_text(file),
            effective_from=effective_from,
            note=note,
            is_restated=restate,
        )
    except InputError as problem:
        raise InputError(
            problem.reason, file=problem.file or str(file), field=problem.field, value=problem.value
        ) from problem
    row: Row = {**asdict(stored), "document": json.dumps(stored.document, sort_keys=True)}
    session.rows([row], _POLICY_COLUMNS)
    later = [
        one
        for one in list_policies(session.runtime, session.principal)
        if one.effective_from > effective_from
    ]
    if later:
        first = min(later, key=lambda one: (one.effective_from, -one.version))
        session.say(f"From {first.effective_from} on, version {first.version} is followed as before.")
