"""Commands about what requests and replicas can carry: load tests and weighted requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.output import Column, as_ratio, number
from service.cli.session import Session

if TYPE_CHECKING:
    from service.usecases.request_metrics import MetricFit

load_test_group = typer.Typer(help="Load tests: what one replica carries.", no_args_is_help=True)
request_group = typer.Typer(help="Requests weighted by what they cost.", no_args_is_help=True)

_TEST_COLUMNS = (
    Column("team"),
    Column("workload"),
    Column("metric"),
    number("capacity_per_replica", "per replica"),
    Column("unit", ""),
    Column("service_level", "service level"),
    number("stop_rule_ratio", "stopped at", as_ratio),
    number("peak_demand", "stated peak"),
    Column("tested_at", "tested"),
    number("age_days", "days old"),
    Column("is_expired", "expired"),
    Column("is_newest", is_in_table=False),
    Column("source_file", is_in_table=False),
    Column("source_row", is_in_table=False),
)
_FIT_COLUMNS = (
    Column("team"),
    Column("workload"),
    Column("metric"),
    Column("fitted_at", "fitted"),
    Column("newest_hour", "newest hour"),
    number("held_out_r2", "R2 weighted"),
    number("plain_held_out_r2", "R2 plain"),
    number("weekly_change_ratio", "weekly change", as_ratio),
    number("sample_count", "samples"),
    number("base_cpu_cores", "base cores"),
    number("cpu_seconds_per_weighted_request", "CPU-s per weighted request"),
    Column("buckets", "weights"),
    Column("upper_bounds", is_in_table=False),
    Column("weights", is_in_table=False),
    Column("sparse_bounds", is_in_table=False),
    Column("reason", "why none"),
)
_Cluster = Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")]


def register(app: typer.Typer) -> None:
    """Add the groups ``load-test`` and ``request-metric``."""
    app.add_typer(load_test_group, name="load-test")
    app.add_typer(request_group, name="request-metric")


@command(load_test_group, "import", example="millicore load-test import tests.csv")
def import_tests(
    session: Session,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file, or a folder (docs/replicas.md).")],
) -> None:
    """Store load tests: capacity per replica at its service level."""
    from service.usecases.load_tests import import_load_tests

    stored = import_load_tests(session.create_warehouse(), session.principal, file)
    word = "load test" if len(stored) == 1 else "load tests"
    session.document({"row_count": len(stored)}, f"{len(stored)} {word} stored")


@command(load_test_group, "list", example="millicore load-test list --output json", columns=_TEST_COLUMNS)
def list_tests(session: Session, cluster: _Cluster = None) -> None:
    """Print load tests with their age; expired ones are ignored by replica advice."""
    from service.usecases.load_tests import list_load_tests

    found = list_load_tests(session.runtime, session.principal, cluster)
    rows = [
        {
            **vars(one.test),
            "team": one.team,
            "workload": str(one.test.workload),
            "age_days": round(one.age_days, 1),
            "is_expired": one.is_expired,
            "is_newest": one.is_newest,
        }
        for one in found
    ]
    session.rows(rows, _TEST_COLUMNS, empty="No load test is stored: `millicore load-test import FILE`.")


@command(request_group, "fit", example="millicore request-metric fit --cluster prod", columns=_FIT_COLUMNS)
def fit(
    session: Session,
    cluster: _Cluster = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Use only data before this time.")] = None,
) -> None:
    """Fit the weights of latency buckets to CPU, from the last 28 days, and print them."""
    from service.usecases.request_metrics import fit_request_metrics

    moment = parse_instant(as_of) if as_of else None
    _print(session, fit_request_metrics(session.runtime, session.principal, moment, cluster))


@command(request_group, "show", example="millicore request-metric show --output json", columns=_FIT_COLUMNS)
def show(session: Session, cluster: _Cluster = None) -> None:
    """Print the newest weights of each workload, and what is read but not fitted yet."""
    from service.usecases.request_metrics import show_request_metrics

    _print(session, show_request_metrics(session.runtime, session.principal, cluster))


def _print(session: Session, fits: list[MetricFit]) -> None:
    rows = [_row(one) for one in fits]
    session.rows(rows, _FIT_COLUMNS, empty="No request metric is read: name one in the settings.")


def _row(one: MetricFit) -> dict[str, Any]:
    weights = one.weights
    told = {} if weights is None else dict(vars(weights))
    buckets = None
    if weights is not None:
        buckets = [f"{b}: {w:.2f}" for b, w in zip(weights.upper_bounds, weights.weights, strict=True)]
    return {
        **told,
        "team": one.team,
        "workload": str(one.workload),
        "metric": one.metric,
        "fitted_at": one.fitted_at if weights is not None else None,
        "newest_hour": one.newest_hour,
        "buckets": buckets,
        "reason": one.reason,
    }
