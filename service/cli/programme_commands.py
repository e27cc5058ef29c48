"""Commands of an optimisation programme: what comes first, the pilot, nodes that can go, other savings."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from models.initiatives.initiative import ApplicationTrait, SavingCategory, SavingLine
from models.initiatives.priorities import PilotRules, PriorityWeights, RankedCandidate
from models.vocabulary.errors import UsageError
from models.vocabulary.money import Money
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.initiative_commands import group as initiative_group
from service.cli.output import Column, amount, as_ratio, number
from service.cli.session import Session

savings_group = typer.Typer(
    help="Savings that are no infrastructure: people, licences, contracts.", no_args_is_help=True
)

_CANDIDATE_COLUMNS = (
    Column("name", "application"),
    number("score", text=lambda value: f"{value:.3f}"),
    number("wave"),
    number("cost_ratio", "cost share", as_ratio),
    number("difficulty_ratio", "difficulty", as_ratio),
    amount("expected_saving", "requested saving"),
    number("confidence_ratio", "confidence", as_ratio),
    Column("is_core", "core"),
    Column("workload_class", "shape", is_in_table=False),
    Column("weights_version", is_in_table=False),
)
_POOL_COLUMNS = (
    Column("cluster"),
    Column("node_pool", "pool"),
    number("node_count", "nodes"),
    number("removable_now", "could go now"),
    number("removable_then", "with all suggestions"),
    amount("bankable_saving_per_month", "bankable/month"),
    amount("removable_saving_per_month_now", "of it now"),
    amount("bankable_by_suggestions_per_month", "by suggestions"),
    Column("currency"),
    number("pinned_pod_count", "pinned pods"),
    Column("removable_nodes", "lock, evict, switch off in this order"),
    Column("note", is_in_table=False),
)
_NODE_COLUMNS = (
    Column("cluster"),
    Column("node_pool", "pool"),
    number("position", "order"),
    Column("node"),
    Column("state"),
    number("movable_pod_count", "pods to move"),
    Column("next_step", "next"),
)
_JOINT_COLUMNS = (
    Column("cluster"),
    Column("node_pool", "pool"),
    number("node_count", "nodes needed"),
    number("saved_by_suggestions", "fewer by suggestions"),
    number("saved_by_oversell", "by oversell"),
    number("saved_by_both", "by both together"),
    Column("note"),
)
_LINE_COLUMNS = (
    Column("day"),
    Column("category"),
    Column("description"),
    amount("amount"),
    Column("currency"),
    Column("evidence"),
    Column("approver"),
    Column("initiative"),
    Column("recorded_by", is_in_table=False),
    Column("id", is_in_table=False),
)
_WEIGHT_COLUMNS = (
    number("version"),
    number("cost_share", text=str),
    number("ease", text=str),
    number("expected_saving", text=str),
    number("non_core", text=str),
)


def register(app: typer.Typer) -> None:
    """Add the group ``savings``; the other commands stand below ``initiative``."""
    app.add_typer(savings_group, name="savings")


@command(
    initiative_group, "candidates", example="millicore initiative candidates", columns=_CANDIDATE_COLUMNS
)
def candidates(session: Session) -> None:
    """List applications (namespaces), the one to optimise first on top; core ones are never in wave 1."""
    from service.usecases.initiatives_candidates import list_candidates

    found = list_candidates(session.runtime, session.principal)
    weights = ", ".join(f"{name} {value:g}" for name, value in asdict(found.weights).items())
    session.say(f"weights {found.weights_version}: {weights}; savings in {found.currency} per month")
    rows = [_candidate(one, found.weights_version) for one in found.ranked]
    session.rows(rows, _CANDIDATE_COLUMNS, empty="No application has a cost yet.")


@command(
    initiative_group,
    "pilot",
    example="millicore initiative pilot --from 0.01 --to 0.05",
    columns=_CANDIDATE_COLUMNS,
)
def pilot(
    session: Session,
    cost_from: Annotated[float, typer.Option("--from", help="Smallest share of the cost.")] = 0.01,
    cost_to: Annotated[float, typer.Option("--to", help="Largest share of the cost.")] = 0.05,
) -> None:
    """Name the application to begin with: in the cost band, not core, of a usual shape; or none."""
    from service.usecases.initiatives_candidates import choose_pilot

    found = choose_pilot(session.runtime, session.principal, PilotRules(cost_from, cost_to))
    session.rows([_candidate(found, None)], _CANDIDATE_COLUMNS)


@command(
    initiative_group, "trait", example="millicore initiative trait prod-eu/checkout --difficulty 0.8 --core"
)
def trait(
    session: Session,
    application: Annotated[str, typer.Argument(help="CLUSTER/NAMESPACE.")],
    difficulty: Annotated[float | None, typer.Option("--difficulty", help="0 (easy) to 1.")] = None,
    core: Annotated[bool | None, typer.Option("--core/--not-core", help="A core application.")] = None,
) -> None:
    """State how hard an application is to optimise and whether it is core; what is not given is estimated."""
    from service.usecases.initiatives_candidates import set_traits

    cluster, _, namespace = application.partition("/")
    if not cluster or not namespace:
        raise UsageError(f"{application!r} is not like prod-eu/checkout")
    set_traits(session.runtime, session.principal, ApplicationTrait(cluster, namespace, difficulty, core))
    session.report(f"stored for {application}")


@command(
    initiative_group, "weights", example="millicore initiative weights --ease 0.4", columns=_WEIGHT_COLUMNS
)
def weights(
    session: Session,
    cost_share: Annotated[float | None, typer.Option("--cost-share", help="Of the cost share.")] = None,
    ease: Annotated[float | None, typer.Option("--ease", help="Of 1 - difficulty.")] = None,
    saving: Annotated[float | None, typer.Option("--saving", help="Of saving x confidence.")] = None,
    non_core: Annotated[float | None, typer.Option("--non-core", help="Of not being core.")] = None,
) -> None:
    """Print the weights of the score, or store changed ones as a new version."""
    from service.usecases.initiatives_candidates import set_weights

    present, version = session.runtime.warehouse.application_traits.weights()
    asked = {"cost_share": cost_share, "ease": ease, "expected_saving": saving, "non_core": non_core}
    given = {name: value for name, value in asked.items() if value is not None}
    if given:
        present = PriorityWeights(**{**asdict(present), **given})
        version = set_weights(session.runtime, session.principal, present)
    session.rows([{"version": version, **asdict(present)}], _WEIGHT_COLUMNS)


@command(
    initiative_group,
    "bankable",
    example="millicore initiative bankable --cluster prod-eu --nodes",
    columns=_POOL_COLUMNS,
)
def bankable(
    session: Session,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Only this one.")] = None,
    *,
    nodes: Annotated[
        bool, typer.Option("--nodes", help="Each of these nodes with its state and what to do next.")
    ] = False,
    with_oversell: Annotated[
        bool, typer.Option("--with-oversell", help="Beside what the oversell plan saves, alone and together.")
    ] = False,
) -> None:
    """List per pool the nodes that could go if all open suggestions were applied and pods packed anew."""
    from service.usecases.bankable import estimate_bankable
    from service.usecases.bankable_oversell import estimate_with_oversell
    from service.usecases.node_removals import list_removals

    if nodes and with_oversell:
        raise UsageError("--nodes and --with-oversell are different lists: ask for one of them")
    if with_oversell:
        joint = estimate_with_oversell(session.runtime, session.principal, cluster=cluster)
        session.rows([asdict(one) for one in joint], _JOINT_COLUMNS, empty="No pool is known to you.")
        return
    if nodes:
        removals = list_removals(session.runtime, session.principal, cluster=cluster)
        session.rows([asdict(one) for one in removals], _NODE_COLUMNS, empty="No node could go.")
        return
    found = estimate_bankable(session.runtime, session.principal, cluster=cluster)
    for note in sorted({pool.note for pool in found if pool.note}):
        session.say(f"note: {note}")
    rows = [
        {
            **asdict(pool),
            "bankable_by_suggestions_per_month": pool.bankable_by_suggestions_per_month,
            "removable_nodes": list(pool.removable_nodes),
        }
        for pool in found
    ]
    session.rows(rows, _POOL_COLUMNS, empty="No pool is known, or you do not see nodes.")


@command(savings_group, "list", example="millicore savings list", columns=_LINE_COLUMNS)
def list_lines(session: Session) -> None:
    """List savings that no node bill shows; they are in no unit cost and in no realised saving."""
    from service.usecases.savings_ledger import list_savings

    found = list_savings(session.runtime, session.principal)
    session.rows([_line(one) for one in found], _LINE_COLUMNS, empty="No line: `millicore savings add`.")


@command(
    savings_group,
    "add",
    example="millicore savings add licences 12000 --description Monitoring --evidence INV-7 --approver cfo",
    columns=_LINE_COLUMNS,
)
def add_line(  # noqa: PLR0913 - one option per field
    session: Session,
    category: Annotated[SavingCategory, typer.Argument(help="What kind of saving.")],
    amount_text: Annotated[str, typer.Argument(metavar="AMOUNT", help="Of the whole line.")],
    description: Annotated[str, typer.Option("--description", help="What is saved.")],
    evidence: Annotated[str, typer.Option("--evidence", help="Where it can be checked.")],
    approver: Annotated[str, typer.Option("--approver", help="Who vouches for it; not yourself.")],
    currency: Annotated[str | None, typer.Option("--currency", help="Default: reporting currency.")] = None,
    day: Annotated[str | None, typer.Option("--day", help="From when on; default today.")] = None,
    initiative: Annotated[str | None, typer.Option("--initiative", help="What brought it.")] = None,
) -> None:
    """Record a saving that is no infrastructure, with its evidence and who approved it."""
    from service.usecases.savings_ledger import add_saving

    runtime, by = session.create_warehouse(), session.principal
    when = runtime.now() if day is None else parse_instant(day)
    try:
        saved = Money(Decimal(amount_text), currency or session.settings.reporting_currency)
    except InvalidOperation as problem:
        raise UsageError(f"the amount is not a number: {amount_text!r}") from problem
    line = SavingLine("", when.date(), category, description, saved, evidence, approver, by.id, initiative)
    session.rows([_line(add_saving(runtime, by, line))], _LINE_COLUMNS)


def _line(line: SavingLine) -> dict[str, object]:
    return {**vars(line), "amount": line.amount.amount, "currency": line.amount.currency}


def _candidate(one: RankedCandidate, version: int | None) -> dict[str, object]:
    return {**asdict(one.candidate), "score": one.score, "wave": one.wave, "weights_version": version}
