"""Commands that replay the past: what a policy or a forecast would have done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.model_commands import AsOf, ClusterName
from service.cli.output import Column, OutputFormat, as_ratio, number
from service.cli.session import Session

if TYPE_CHECKING:
    from recommender.backtest_matched import Match
    from recommender.backtest_scores import PolicyScore
    from service.usecases.policy_backtest import ClusterBacktest

backtest_group = typer.Typer(help="Policies and forecasts replayed on your own past.", no_args_is_help=True)

_INTERVALS = (
    "cpu_saved_ratio",
    "memory_saved_ratio",
    "cpu_samples_over_ratio",
    "oom_day_ratio",
    "cpu_changes_per_day",
    "memory_changes_per_day",
)


def _as_rate(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}"


def _as_risk(value: Any) -> str:
    return "-" if value is None else f"{value:.2%}".replace("%", " %")


SCORE_COLUMNS = (
    Column("cluster"),
    Column("kind", is_in_table=False),
    Column("workload", is_in_table=False),
    Column("container", is_in_table=False),
    Column("policy"),
    number("cpu_saved_ratio", "CPU saved", as_ratio),
    number("cpu_samples_over_ratio", "CPU over", _as_risk),
    number("cpu_excess_ratio", "CPU excess", _as_risk),
    number("cpu_slack_ratio", "CPU slack", as_ratio),
    number("cpu_changes_per_day", "CPU chg/d", _as_rate),
    number("memory_saved_ratio", "mem saved", as_ratio),
    number("oom_day_ratio", "OOM days", _as_risk),
    number("severe_oom_count", "severe OOM"),
    number("memory_slack_ratio", "mem slack", as_ratio),
    number("memory_changes_per_day", "mem chg/d", _as_rate),
    number("memory_days_to_safe", "days to safe"),
    number("coverage_ratio", "covered", as_ratio),
    *(
        Column(name, is_in_table=False)
        for name in (
            "changes_per_day",
            "cpu_days_to_safe",
            "cpu_slack_ratio_p50",
            "cpu_slack_ratio_p90",
            "memory_slack_ratio_p50",
            "memory_slack_ratio_p90",
            "cpu_stated_ratio",
            "memory_stated_ratio",
            "cpu_advised_core_days",
            "memory_advised_byte_days",
            "container_count",
            "container_days",
            "cpu_footprint_to_rival_ratio",
            "memory_footprint_to_rival_ratio",
        )
    ),
    *(Column(f"{name}_{side}_90", is_in_table=False) for name in _INTERVALS for side in ("lower", "upper")),
)


class Per(StrEnum):
    """Over what a score is."""

    FLEET = "fleet"
    WORKLOAD = "workload"


@dataclass(frozen=True)
class _Wanted:
    policy: str | None
    per: Per

    def has(self, score: PolicyScore) -> bool:
        return self.policy is None or self.policy.lower() in score.policy.lower()


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(backtest_group, name="backtest")


@command(
    backtest_group,
    "rightsizing",
    example="millicore backtest rightsizing --cluster prod-eu --risk-class balanced",
    columns=SCORE_COLUMNS,
)
def backtest_policies(
    session: Session,
    cluster: ClusterName = None,
    as_of: AsOf = None,
    risk_class: Annotated[
        list[str] | None,
        typer.Option("--risk-class", help="Our class, repeatable: cost, balanced, safe, batch, jvm."),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Only policies whose name holds this text.", metavar="TEXT")
    ] = None,
    per: Annotated[Per, typer.Option("--per", help="One row per fleet, or per workload's container.")] = (
        Per.FLEET
    ),
    days: Annotated[int, typer.Option("--days", help="Newest stored days that are read.", min=4)] = 42,
) -> None:
    """Replay right-sizing policies, ours and well-known ones, day by day over the stored past.

    Each day a policy sees only earlier days and sets that day's requests. Rows named "millicore at the risk
    of" a rival read our frontier at that rival's own share of CPU samples over and of OOM days.
    """
    from service.usecases.policy_backtest import backtest_rightsizing

    found = backtest_rightsizing(
        session.runtime,
        as_of=parse_instant(as_of) if as_of else None,
        cluster=cluster,
        risk_classes=risk_class or (),
        longest_days=days,
        progress=session.progress,
    )
    wanted = _Wanted(policy, per)
    rows = [row for result in found.values() for row in _rows(result, wanted, session.output)]
    session.rows(rows, SCORE_COLUMNS, empty="No cluster has enough history to replay.")
    for result in found.values():
        _say_span(session, result)


def _rows(result: ClusterBacktest, wanted: _Wanted, output: OutputFormat) -> Iterable[dict[str, Any]]:
    if wanted.per is Per.WORKLOAD:
        yield from _container_rows(result, wanted)
        return
    for score in result.scores:
        if wanted.has(score):
            yield _row(result.cluster, "policy", score)
    for row in _match_rows(result):
        if wanted.policy is None or wanted.policy.lower() in row["policy"].lower():
            yield row
    if output is not OutputFormat.TABLE:
        for score in result.frontier:
            if wanted.has(score):
                yield _row(result.cluster, "frontier", score)


def _container_rows(result: ClusterBacktest, wanted: _Wanted) -> Iterable[dict[str, Any]]:
    for replayed in result.replays:
        for number_of_row, key in enumerate(result.keys):
            score = replayed.score_container(number_of_row)
            if score.container_days and wanted.has(score):
                yield {
                    **_row(
                        f"{result.cluster}: {key.workload.namespace}/{key.workload.name}", "policy", score
                    ),
                    "cluster": result.cluster,
                    "workload": str(key.workload),
                    "container": key.container,
                }


def _row(cluster: str, kind: str, score: PolicyScore) -> dict[str, Any]:
    fields = asdict(score)
    intervals = fields.pop("intervals")
    for name, (lower, upper) in intervals.items():
        fields[f"{name}_lower_90"], fields[f"{name}_upper_90"] = lower, upper
    return {"cluster": cluster, "kind": kind, **fields}


def _match_rows(result: ClusterBacktest) -> Iterable[dict[str, Any]]:
    by_rival: dict[str, list[Match]] = {}
    for match in result.matches:
        by_rival.setdefault(match.rival, []).append(match)
    for rival, matches in by_rival.items():
        row: dict[str, Any] = {
            "cluster": result.cluster,
            "kind": "matched",
            "policy": f"millicore at the risk of {rival}",
        }
        for match in matches:
            risk = "cpu_samples_over_ratio" if match.resource == "cpu" else "oom_day_ratio"
            row[risk] = match.risk_ratio if match.is_inside else match.our_risk_ratio
            row[f"{match.resource}_saved_ratio"] = match.our_saved_ratio
            row[f"{match.resource}_changes_per_day"] = match.our_changes_per_day
            row[f"{match.resource}_footprint_to_rival_ratio"] = match.footprint_ratio
        yield row


def _say_span(session: Session, result: ClusterBacktest) -> None:
    if result.missing_days:
        more = f"{result.missing_days} more whole day{'s' if result.missing_days > 1 else ''}"
        session.doubt(f"{result.cluster}: nothing can be replayed yet; it needs {more} of history")
        return
    session.say(
        f"{result.cluster}: {result.scored_days} days scored after {result.warm_up_days} days of warm-up, "
        f"{result.first_day:%Y-%m-%d} to {result.end:%Y-%m-%d}. Use was censored by the limits then in force."
    )
