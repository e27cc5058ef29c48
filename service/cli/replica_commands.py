"""Commands about replicas: advice, schedules for the next day, and the audit of autoscalers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from models.vocabulary.errors import UsageError
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.windows import parse_instant, parse_window
from service.cli.commands import command
from service.cli.output import Column, amount, as_ratio, number
from service.cli.session import Session

group = typer.Typer(help="Replicas: how many, when, and what autoscalers achieve.", no_args_is_help=True)

_WORKLOAD = (
    Column("cluster", is_in_table=False),
    Column("team"),
    Column("namespace", is_in_table=False),
    Column("workload_kind", is_in_table=False),
    Column("workload_name", is_in_table=False),
    Column("workload"),
)
LIST_COLUMNS = (
    *_WORKLOAD,
    Column("scaler", "scaled by"),
    Column("basis"),
    Column("metric"),
    number("metric_total", "peak"),
    number("target_per_replica", "per replica"),
    Column("unit", ""),
    number("replica_count_now", "now"),
    number("replica_count_needed", "needed"),
    number("replica_count_advised", "advised"),
    number("minimum_replicas", "min"),
    number("maximum_replicas", "max"),
    number("load_per_replica_ratio", "load", as_ratio),
    Column("bound"),
    amount("monthly_cost_now", "cost/month"),
    amount("monthly_cost_advised", "then"),
    Column("currency", ""),
    Column("flags"),
    Column("sentence", is_in_table=False),
    Column("reason", "why none"),
)
AUDIT_COLUMNS = (
    *_WORKLOAD,
    Column("scaler", "scaled by"),
    Column("metric"),
    Column("container"),
    Column("target_kind", is_in_table=False),
    number("target"),
    number("achieved"),
    number("minimum_replicas", "min"),
    number("maximum_replicas", "max"),
    number("replica_count_mean", "replicas"),
    number("time_at_minimum_ratio", "at min", as_ratio),
    number("time_at_maximum_ratio", "at max", as_ratio),
    number("excess_replica_hours", "excess replica-h"),
    number("excess_by_minimum_hours", "of it by min"),
    amount("excess_cost", "excess cost"),
    Column("currency", ""),
    number("flaps_per_day", "flaps/day"),
    Column("counted_hours", is_in_table=False),
    number("excluded_hours", "event hours"),
    Column("findings"),
    Column("reason", "why none"),
)
NEEDED_COLUMNS = (
    number("replica_count_now", "now"),
    number("replica_count_needed", "needed"),
    number("replica_count_advised", "advised"),
    number("metric_total", "total"),
    number("missing_count", "without metric"),
    Column("bound"),
)
_Cluster = Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")]


def register(app: typer.Typer) -> None:
    """Add the group ``replicas``."""
    app.add_typer(group, name="replicas")


@command(group, "list", example="millicore replicas list --all --output csv", columns=LIST_COLUMNS)
def list_advice(
    session: Session,
    cluster: _Cluster = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Use only data before this time.")] = None,
    *,
    with_static: Annotated[
        bool, typer.Option("--all", help="Also workloads that nothing scales: at their present request.")
    ] = False,
    is_floor: Annotated[
        bool, typer.Option("--floor", help="Round down; each replica then carries more than its target.")
    ] = False,
) -> None:
    """Print how many replicas carry the peak of the coming week, with what-if cost."""
    from service.usecases.replicas import ReplicaQuestion, list_replicas

    moment = parse_instant(as_of) if as_of else None
    found = list_replicas(
        session.runtime, session.principal, ReplicaQuestion(cluster, moment, is_floor, with_static)
    )
    rows = []
    for one in found:
        advice: dict[str, Any] = {} if one.advice is None else dict(vars(one.advice))
        scaler = None if one.scaler is None else one.scaler.label
        row = {**advice, **_named(one.workload, one.team), "scaler": scaler, "reason": one.reason}
        row["basis"] = None if one.advice is None else one.advice.basis.value
        rows.append(row)
    session.rows(rows, LIST_COLUMNS, empty="Nothing scales itself, and no load test is stored.")
    if any("load_test_expired" in (row.get("flags") or ()) for row in rows):
        session.doubt("load tests are ignored because they are too old: `millicore load-test list`")


@command(
    group, "schedule", example="millicore replicas schedule prod/shop/Deployment/web --zone Europe/Berlin"
)
def schedule(
    session: Session,
    workload: Annotated[str, typer.Argument(help="cluster/namespace/kind/name.")],
    zone: Annotated[
        str | None, typer.Option("--zone", help="Time zone that cuts the day; default the billing zone.")
    ] = None,
    written_as: Annotated[
        str, typer.Option("--format", help="auto (by what scales it), keda or hpa.")
    ] = "auto",
    ready_seconds: Annotated[
        float, typer.Option("--ready-seconds", help="From the order of a pod to its first request.")
    ] = 120.0,
    steps: Annotated[int, typer.Option("--steps", help="Most steps of the day.")] = 6,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Use only data before this time.")] = None,
) -> None:
    """Print the least replicas of each hour of the next day, as KEDA triggers or kubectl lines."""
    from recommender.schedules import ScheduleRules
    from service.usecases.replica_schedules import ScheduleFormat, ScheduleQuestion, plan_next_day

    if written_as not in list(ScheduleFormat):
        raise UsageError(f"--format {written_as}: write auto, keda or hpa")
    question = ScheduleQuestion(
        workload=parse_workload(workload),
        zone=zone or session.settings.billing_zone,
        as_of=parse_instant(as_of) if as_of else None,
        rules=ScheduleRules(ready_seconds, steps),
        written_as=ScheduleFormat(written_as),
    )
    found = plan_next_day(session.runtime, session.principal, question)
    session.document(
        {
            **_named(found.workload, found.team),
            "zone": found.zone,
            "metric": found.metric,
            "first_hour": found.schedule.first,
            "needed_by_hour": found.schedule.needed,
            "steps": found.schedule.steps,
            "added_replica_hours": found.schedule.added_replica_hours,
            "text": found.text,
        },
        found.text,
    )


@command(group, "audit", example="millicore replicas audit --window 14d", columns=AUDIT_COLUMNS)
def audit(
    session: Session,
    cluster: _Cluster = None,
    window: Annotated[str, typer.Option("--window", help="7d, or 2026-11-01/2026-11-08.")] = "7d",
    *,
    with_events: Annotated[
        bool, typer.Option("--with-events", help="Count sale events of the calendar too.")
    ] = False,
) -> None:
    """Print what autoscalers achieved: use against target, time at their bounds, money beyond need."""
    from service.usecases.hpa_audit import audit_autoscalers

    runtime = session.runtime
    found = audit_autoscalers(
        runtime,
        session.principal,
        cluster=cluster,
        window=parse_window(window, now=runtime.now(), zone=session.settings.zone),
        with_events=with_events,
    )
    rows: list[dict[str, Any]] = []
    for one in found:
        base = {**_named(one.workload, one.team), "scaler": one.name, "reason": one.reason}
        if one.audit is None:
            rows.append(base)
            continue
        shared = {name: value for name, value in vars(one.audit).items() if name not in {"key", "scaler"}}
        shared["minimum_replicas"] = one.audit.scaler.minimum_replicas
        shared["maximum_replicas"] = one.audit.scaler.maximum_replicas
        shared["findings"] = [finding.value for finding in one.audit.findings]
        rows += [{**base, **shared, **vars(metric)} for metric in one.audit.metrics]
    session.rows(rows, AUDIT_COLUMNS, empty="No autoscaler is known: they are read from the Kubernetes API.")


@command(
    group,
    "needed",
    example="millicore replicas needed --target 50 --metric 80 --metric 80 --metric 80 --metric 80",
    columns=NEEDED_COLUMNS,
)
def needed(
    session: Session,
    target: Annotated[float, typer.Option("--target", help="What one replica should carry.")],
    metric: Annotated[list[float], typer.Option("--metric", help="Of one replica; once per replica.")],
    missing: Annotated[int, typer.Option("--missing", min=0, help="Replicas without a metric.")] = 0,
    *,
    is_floor: Annotated[
        bool, typer.Option("--floor", help="Round down; each replica then carries more than its target.")
    ] = False,
    as_seen: Annotated[
        bool, typer.Option("--missing-as-seen", help="Those without a metric use what the others use.")
    ] = False,
) -> None:
    """Print how many replicas an autoscaler would ask for; a what-if that reads no data."""
    from recommender.replicas import MissingRule, ReplicaRules, count_replicas

    rule = MissingRule.AS_SEEN if as_seen else MissingRule.AS_HPA
    rules = ReplicaRules(target, is_floor=is_floor, missing=rule)
    values: list[float | None] = [*metric, *[None] * missing]
    found = count_replicas(values, rules)
    row = {
        "replica_count_now": len(values),
        "replica_count_needed": found.needed,
        "replica_count_advised": found.advised,
        "metric_total": found.total,
        "missing_count": found.missing_count,
        "bound": found.bound,
    }
    session.rows([row], NEEDED_COLUMNS)


def parse_workload(text: str) -> WorkloadKey:
    """Return a workload from ``cluster/namespace/kind/name``.

    Raises
    ------
    UsageError
        If it has other parts.
    """
    parts = text.split("/")
    if len(parts) != 4 or not all(parts):
        raise UsageError(f"{text!r} is not a workload: write cluster/namespace/kind/name")
    return WorkloadKey(*parts)


def _named(workload: WorkloadKey, team: str | None) -> dict[str, Any]:
    return {
        "cluster": workload.cluster,
        "team": team,
        "namespace": workload.namespace,
        "workload_kind": workload.kind,
        "workload_name": workload.name,
        "workload": str(workload),
    }
