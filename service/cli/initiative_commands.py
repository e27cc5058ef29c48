"""Commands of optimisation initiatives: planned, measured, closed, their benefit shared."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from models.initiatives.initiative import Effort, Initiative, InitiativeScope
from models.vocabulary.errors import UsageError
from models.vocabulary.money import Money
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.output import Column, OutputFormat, amount, as_ratio, number
from service.cli.session import Session
from service.cli.share_texts import parse_shares, read_lever_savings

if TYPE_CHECKING:
    from service.usecases.initiatives import InitiativeStatus

group = typer.Typer(
    help="Optimisation initiatives: target, before and after, realised.", no_args_is_help=True
)

_COLUMNS = (
    Column("name"),
    Column("state"),
    Column("started_at", "began"),
    Column("ended_at", "ended"),
    Column("currency"),
    amount("target_per_month", "target/month"),
    amount("forecast_per_month", "forecast/month"),
    amount("realised_per_month", "realised/month"),
    amount("saving_lower_80_per_month", "from"),
    amount("saving_upper_80_per_month", "to (80 %)"),
    number("saving_ratio", "saved", as_ratio),
    number("payback_months", "payback, months"),
    Column("reason", "why"),
    Column("owner", is_in_table=False),
    Column("closed_at", is_in_table=False),
)
_DETAIL_COLUMNS = (
    *_COLUMNS,
    Column("description", is_in_table=False),
    Column("scope", is_in_table=False),
    Column("forecast_basis", is_in_table=False),
    number("difficulty_ratio", "difficulty", as_ratio),
    Column("is_core", "core"),
    amount("saving_per_month", "left the bill/month"),
    amount("before_per_day", "before/day"),
    amount("after_per_day", "after/day"),
    amount("counterfactual_per_day", "without it/day"),
    Column("compared_days", "days compared"),
    Column("peers", "untouched pools"),
    Column("left_out_peers", "not parallel", is_in_table=False),
    number("clean_day_count", "clean days"),
    number("person_days", "person-days"),
    Column("spent"),
)
_SHARE_COLUMNS = (Column("party"), number("ratio"), amount("saving_per_month"), Column("currency"))
_Name = Annotated[str, typer.Argument(help="Name of the initiative.")]
_Globs = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the group ``initiative``."""
    app.add_typer(group, name="initiative")


@command(
    group,
    "add",
    example='millicore initiative add "Spot for batch" --start 2026-12-01 --cluster prod-eu --target 900',
    columns=_COLUMNS,
)
def add(  # noqa: PLR0913 - one option per field
    session: Session,
    name: _Name,
    start: Annotated[str, typer.Option("--start", help="Day or instant it begins.", metavar="WHEN")],
    end: Annotated[str | None, typer.Option("--end", help="When it is done.", metavar="WHEN")] = None,
    description: Annotated[str, typer.Option("--description", help="What is done.")] = "",
    cluster: Annotated[_Globs, typer.Option("--cluster", help="Glob; may be given more than once.")] = None,
    pool: Annotated[_Globs, typer.Option("--pool", help="Glob on node pools.")] = None,
    namespace: Annotated[_Globs, typer.Option("--namespace", help="Glob on namespaces.")] = None,
    team: Annotated[_Globs, typer.Option("--team", help="Glob on teams.")] = None,
    workload: Annotated[_Globs, typer.Option("--workload", help="Glob on workloads.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Wanted saving per month.")] = None,
    forecast: Annotated[
        str | None, typer.Option("--forecast", help="Expected saving; without it what its pools could bank.")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Default: reporting currency.")] = None,
    difficulty: Annotated[float | None, typer.Option("--difficulty", help="0 (easy) to 1.")] = None,
    core: Annotated[bool | None, typer.Option("--core/--not-core", help="Touches core applications.")] = None,
) -> None:
    """Plan an initiative; one of the same name is replaced, its efforts and shares stay."""
    from service.usecases.initiatives import add_initiative, status_of

    runtime = session.create_warehouse()
    code = currency or session.settings.reporting_currency
    planned = add_initiative(
        runtime,
        session.principal,
        Initiative(
            name=name,
            description=description,
            started_at=parse_instant(start),
            ended_at=None if end is None else parse_instant(end),
            scope=InitiativeScope(
                tuple(cluster or ()),
                tuple(pool or ()),
                tuple(namespace or ()),
                tuple(team or ()),
                tuple(workload or ()),
            ),
            owner=owner,
            target=_money(target, code, "--target"),
            forecast=_money(forecast, code, "--forecast"),
            forecast_basis=None if forecast is None else "given by hand",
            difficulty_ratio=difficulty,
            is_core=core,
        ),
    )
    session.rows([_row(status_of(runtime, session.principal, planned))], _COLUMNS)


@command(group, "list", example="millicore initiative list", columns=_COLUMNS)
def list_all(session: Session) -> None:
    """List initiatives with target, forecast and realised saving per month of 30 days."""
    from service.usecases.initiatives import list_initiatives

    found = list_initiatives(session.runtime, session.principal)
    session.rows([_row(one) for one in found], _COLUMNS, empty="No initiative: `millicore initiative add`.")


@command(group, "show", example='millicore initiative show "Spot for batch"', columns=_DETAIL_COLUMNS)
def show(session: Session, name: _Name) -> None:
    """Show one initiative with what was compared."""
    from service.usecases.initiatives import show_initiative

    _show_detail(session, show_initiative(session.runtime, session.principal, name))


@command(group, "measure", example='millicore initiative measure "Spot for batch"', columns=_DETAIL_COLUMNS)
def measure(session: Session, name: _Name) -> None:
    """Measure what left the node bill against pools that were not touched; exit 3 while it is not known."""
    from service.usecases.initiatives import show_initiative

    status = show_initiative(session.runtime, session.principal, name)
    if status.measurement.realised_per_month is None:
        session.doubt(f"the realised saving of {name!r} is not known: {status.measurement.reason}")
    _show_detail(session, status)


@command(group, "close", example='millicore initiative close "Spot for batch"', columns=_COLUMNS)
def close(
    session: Session,
    name: _Name,
    ended_at: Annotated[str | None, typer.Option("--ended-at", help="Its end, if it has none.")] = None,
) -> None:
    """Close an initiative and keep what was measured; it is not changed any more."""
    from service.usecases.initiatives import close_initiative

    moment = None if ended_at is None else parse_instant(ended_at)
    session.rows([_row(close_initiative(session.runtime, session.principal, name, moment))], _COLUMNS)


@command(group, "effort", example='millicore initiative effort "Spot for batch" --person-days 3.5')
def effort(
    session: Session,
    name: _Name,
    person_days: Annotated[str, typer.Option("--person-days", help="Work that went into it.")] = "0",
    spent: Annotated[str | None, typer.Option("--spent", help="Money that went into it.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Default: reporting currency.")] = None,
    day: Annotated[str | None, typer.Option("--day", help="Default today.", metavar="DAY")] = None,
    note: Annotated[str, typer.Option("--note", help="What for.")] = "",
) -> None:
    """Record work or money that went into an initiative, for its payback."""
    from service.usecases.initiatives import add_effort

    runtime = session.runtime
    when = runtime.now() if day is None else parse_instant(day)
    code = currency or session.settings.reporting_currency
    days = _decimal(person_days, "--person-days")
    add_effort(
        runtime,
        session.principal,
        Effort(name, when.date(), days, _money(spent, code, "--spent"), note, session.principal.id),
    )
    session.report(f"recorded for {name!r}")


@command(
    group,
    "share",
    example='millicore initiative share "Spot for batch" --agree platform=50 --agree batch=50',
    columns=_SHARE_COLUMNS,
)
def share(
    session: Session,
    name: _Name,
    agree: Annotated[_Globs, typer.Option("--agree", help="PARTY=PARTS, once per party; stored.")] = None,
    levers: Annotated[
        str | None,
        typer.Option("--levers", help="CSV of levers (joined by +) and saving: split by Shapley value."),
    ] = None,
) -> None:
    """Split the realised saving by agreed shares, or levers by Shapley values; the parts add up exactly."""
    from models.initiatives.benefits import split_by_shapley
    from service.usecases.initiatives import agree_shares, share_benefit

    runtime, principal = session.runtime, session.principal
    if levers is not None:
        parts = split_by_shapley(read_lever_savings(levers))
        code = session.settings.reporting_currency
        rows = [{"party": party, "saving_per_month": part, "currency": code} for party, part in parts.items()]
        session.rows([{"ratio": None, **row} for row in rows], _SHARE_COLUMNS)
        return
    if agree:
        agree_shares(runtime, principal, name, parse_shares(agree))
    benefit, _ = share_benefit(runtime, principal, name)
    ratios = {one.party: one.ratio for one in runtime.warehouse.initiatives.shares(name)}
    session.rows(
        [
            {
                "party": party,
                "ratio": ratios[party],
                "saving_per_month": part.amount,
                "currency": part.currency,
            }
            for party, part in benefit.items()
        ],
        _SHARE_COLUMNS,
    )


def _show_detail(session: Session, status: InitiativeStatus) -> None:
    """Write one initiative: for people a line per fact that is known, for machines one row."""
    row = _detail(status)
    if session.output is not OutputFormat.TABLE:
        session.rows([row], _DETAIL_COLUMNS)
        return
    scope = vars(status.initiative.whole_scope)
    shown = {
        **row,
        "scope": "; ".join(
            f"{kind.replace('_', ' ')} {', '.join(globs)}" for kind, globs in scope.items() if globs
        ),
    }
    lines = [
        f"{column.heading or column.name.replace('_', ' ')}: {column.text(shown[column.name])}"
        for column in _DETAIL_COLUMNS
        if shown[column.name] not in (None, "", [])
    ]
    session.document(row, "\n".join(lines))


def _row(status: InitiativeStatus) -> dict[str, object]:
    one, measured = status.initiative, status.measurement
    currency = measured.currency or (one.target or one.forecast or Money.zero("USD")).currency
    is_known = measured.currency or one.target or one.forecast
    return {
        "name": one.name,
        "state": measured.state.replace("_", " "),
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "currency": currency if is_known else None,
        "target_per_month": None if one.target is None else one.target.amount,
        "forecast_per_month": None if one.forecast is None else one.forecast.amount,
        "realised_per_month": measured.realised_per_month,
        "saving_lower_80_per_month": measured.saving_lower_80_per_month,
        "saving_upper_80_per_month": measured.saving_upper_80_per_month,
        "saving_ratio": measured.saving_ratio,
        "payback_months": status.payback_months,
        "reason": measured.reason,
        "owner": one.owner,
        "closed_at": one.closed_at,
    }


def _detail(status: InitiativeStatus) -> dict[str, object]:
    one, measured = status.initiative, status.measurement
    days = measured.days
    spans = "" if days is None else f"{days[0]} to {days[1]}, {days[2]} to {days[3]}"
    scope = {kind: list(globs) for kind, globs in vars(one.whole_scope).items() if globs}
    return {
        **_row(status),
        "description": one.description,
        "scope": scope,
        "forecast_basis": one.forecast_basis,
        "difficulty_ratio": one.difficulty_ratio,
        "is_core": one.is_core,
        "saving_per_month": measured.saving_per_month,
        "before_per_day": measured.before_per_day,
        "after_per_day": measured.after_per_day,
        "counterfactual_per_day": measured.counterfactual_per_day,
        "compared_days": spans,
        "peers": list(measured.peers),
        "left_out_peers": list(measured.left_out_peers),
        "clean_day_count": measured.soak.clean_day_count,
        "person_days": status.person_days,
        "spent": ", ".join(str(money) for money in status.spent),
    }


def _money(text: str | None, currency: str, option: str) -> Money | None:
    return None if text is None else Money(_decimal(text, option), currency)


def _decimal(text: str, option: str) -> Decimal:
    from decimal import InvalidOperation

    try:
        return Decimal(text)
    except InvalidOperation as problem:
        raise UsageError(f"{option} is not a number: {text!r}") from problem
