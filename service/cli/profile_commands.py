"""The command that shows what the past use of containers looks like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from models.profiles.partners import Partner
from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.profile import HourlyValues, ResourceProfile
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.model_commands import AsOf, ClusterName
from service.cli.output import Column, as_ratio, number
from service.cli.session import Session

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_GIB = 2**30


def _as_hour_of_week(hour: Any) -> str:
    return "-" if hour is None else f"{_WEEKDAYS[hour // 24]} {hour % 24:02}:00Z"


def _as_period(hours: Any) -> str:
    return {None: "-", 24: "day", 168: "week"}.get(hours, f"{hours} h")


_COLUMNS = (
    Column("workload"),
    Column("container"),
    Column("workload_class", "class"),
    number("history_days", "days"),
    number("pod_count", "pods"),
    number("cpu_request_cores", "CPU request"),
    number("cpu_usage_cores_p95_decayed", "CPU p95"),
    number("cpu_usage_cores_max_5m", "CPU max"),
    number("memory_request_gib", "mem request GiB"),
    number("memory_max_gib", "mem max GiB"),
    Column("seasonality_period_hours", "repeats by", _as_period),
    number("seasonality_strength", "strength", as_ratio),
    Column("peak_hour_of_week", "peak at", _as_hour_of_week),
    number("cpu_peak_valley_ratio", "peak/valley"),
    number("outlier_pod_count", "odd pods"),
    Column("is_new_revision_unlike", "new revision unlike"),
    number("confidence", text=as_ratio),
)
_PARTNER_COLUMNS = (
    Column("workload"),
    Column("partner"),
    number("peak_cores", "peak"),
    number("partner_peak_cores", "partner's peak"),
    number("pooled_peak_cores", "peak together"),
    number("gain_ratio", "gain", as_ratio),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "profile", example="millicore profile --cluster prod-eu --output json", columns=_COLUMNS)(
        profile
    )


def profile(
    session: Session,
    cluster: ClusterName = None,
    as_of: AsOf = None,
    half_life: Annotated[
        str | None,
        typer.Option(
            "--half-life",
            help="Age at which a sample counts half: 36h, 7d, 2w, or as in millicore (7d), vpa (24h), "
            "koordinator (12h).",
        ),
    ] = None,
    workload: Annotated[
        str | None, typer.Option("--workload", help="Only workloads whose name holds this text.")
    ] = None,
    *,
    partners: Annotated[
        bool, typer.Option("--partners", help="Show which workloads peak at different times instead.")
    ] = False,
) -> None:
    """Show what the past use of every container looks like, or which workloads complement each other."""
    from models.profiles.options import HALF_LIFE, parse_half_life
    from service.usecases.profile_reads import list_partners, list_profiles

    runtime = session.runtime
    moment = parse_instant(as_of) if as_of else runtime.now()
    if partners:
        if half_life is not None:
            raise UsageError("--half-life says nothing about --partners: leave one of them out")
        found = list_partners(
            runtime, session.principal, as_of=moment, cluster=cluster, progress=session.progress
        )
        pairs = _partner_rows(found, workload)
        session.rows(pairs, _PARTNER_COLUMNS, empty="No two workloads to compare yet.")
        return
    fading: timedelta = parse_half_life(half_life) if half_life is not None else HALF_LIFE
    profiles = list_profiles(
        runtime,
        session.principal,
        as_of=moment,
        cluster=cluster,
        half_life=fading,
        progress=session.progress,
    )
    rows = [_row(item) for item in profiles if workload is None or workload in item.key.workload.name]
    if workload is not None and profiles and not rows:
        raise InputError("is part of no workload's name", field="--workload", value=workload)
    names = {column.name for column in _COLUMNS}
    extra = [Column(name, is_in_table=False) for name in (rows[0] if rows else ()) if name not in names]
    session.rows(rows, (*_COLUMNS, *extra), empty="No container has any history yet.")


def _row(item: ResourceProfile) -> dict[str, Any]:
    fields = asdict(item)
    fields.pop("key")
    hourly = {name: list(value) for name, value in fields.items() if isinstance(value, HourlyValues)}
    return {
        **fields,
        **hourly,
        "workload": str(item.key.workload),
        "container": item.key.container,
        "memory_request_gib": _gib(item.memory_request_bytes),
        "memory_max_gib": _gib(item.memory_usage_bytes_max),
        "outlier_pod_count": len(item.outlier_pods),
    }


def _partner_rows(found: Iterable[Partner[WorkloadKey]], workload: str | None) -> list[dict[str, Any]]:
    return [
        {**asdict(pair), "workload": str(pair.workload), "partner": str(pair.partner)}
        for pair in found
        if workload is None or workload in pair.workload.name
    ]


def _gib(size_bytes: float | None) -> float | None:
    return None if size_bytes is None else size_bytes / _GIB
