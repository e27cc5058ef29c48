"""The oversell board: what is sold, how far more may be sold, what bounds it, what could act on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary.errors import Forbidden
from models.vocabulary.identity import Principal
from service.boards.figures import BoardHeader, Figure
from service.boards.formats import moment, multiple
from service.boards.headers import build_header, read_final_days
from service.boards.texts import say, say_or
from service.runtime import Runtime
from service.usecases.oversell import list_oversell
from warehouse.reads.costs import CostReads

_GIB = 2.0**30


@dataclass(frozen=True)
class OversellRow:
    """One pool or node and resource. Amounts are in cores or GiB, ratios plain numbers, None not known."""

    scope: str
    cluster: str
    pool: str
    name: str
    resource: str
    node_count: int
    allocatable: float | None
    requested: float | None
    predicted_peak: float | None
    sold_requests: float | None
    sold_limits: float | None
    safe: float | None
    risk_stated: float | None
    risk_backtest: float | None
    history_days: float | None
    actuator: str
    rail: str

    @property
    def has_room(self) -> bool:
        """Whether more than the nodes can allocate may be sold."""
        return self.safe is not None and self.safe > 1.0


@dataclass(frozen=True)
class OversellBoard:
    """All that the oversell board shows."""

    header: BoardHeader
    computed: str
    figures: tuple[Figure, ...]
    rows: tuple[OversellRow, ...]
    clusters: tuple[str, ...]

    def of(self, scope: str, resource: str, cluster: str | None) -> tuple[OversellRow, ...]:
        """Return the rows of a scope (pool or node) and resource, of one cluster or all."""
        return tuple(
            row
            for row in self.rows
            if row.scope == scope and row.resource == resource and cluster in (None, row.cluster)
        )


def read_oversell(runtime: Runtime, principal: Principal) -> OversellBoard:
    """Return the newest plan of every cluster.

    Raises
    ------
    Forbidden
        If the principal sees only some teams: nodes belong to no team.
    """
    try:
        found = list_oversell(runtime, principal).to_pylist()
    except Forbidden:
        raise Forbidden(say("oversell.not_allowed")) from None
    costs = CostReads(runtime.warehouse.lake, runtime.warehouse.pin())
    final, is_simulated = read_final_days(runtime, principal, costs)
    rows = tuple(build_row(row) for row in found)
    computed = max((row["computed_at"] for row in found), default=None)
    return OversellBoard(
        header=build_header(runtime, say("oversell.title"), final, is_simulated=is_simulated),
        computed=_computed_text(computed),
        figures=build_figures(rows),
        rows=rows,
        clusters=tuple(sorted({row.cluster for row in rows})),
    )


def _computed_text(computed: datetime | None) -> str:
    return "" if computed is None else say("oversell.computed", at=moment(computed))


def actuators_text(rows: tuple[OversellRow, ...]) -> str:
    """Return what can act on the ratios of pools: once where all share it, else with its pools."""
    pools: dict[str, set[str]] = {}
    for row in rows:
        pools.setdefault(row.actuator, set()).add(f"{row.cluster} / {row.pool}")
    if len(pools) < 2:
        return "".join(say("oversell.acts_through", actuator=text) for text in pools)
    return "; ".join(
        say("oversell.acts_through_in", actuator=text, pools=", ".join(sorted(names)))
        for text, names in sorted(pools.items())
    )


def build_row(row: dict[str, Any]) -> OversellRow:
    """Word a row of the plan."""
    per = _GIB if row["resource"] == "memory" else 1.0

    def amount(name: str) -> float | None:
        return None if row[name] is None else row[name] / per

    rail = row["guard_rail"] or "none"
    return OversellRow(
        scope=row["scope"],
        cluster=row["cluster"],
        pool=row["node_pool"] or "",
        name=row["name"],
        resource=row["resource"],
        node_count=row["node_count"] or 0,
        allocatable=amount("allocatable"),
        requested=amount("requested"),
        predicted_peak=amount("predicted_peak"),
        sold_requests=row["oversell_ratio_requests"],
        sold_limits=row["oversell_ratio_limits"],
        safe=row["safe_oversell_ratio"],
        risk_stated=row["violation_ratio_stated"],
        risk_backtest=row["violation_ratio_backtest"],
        history_days=row["history_days"],
        actuator=row["actuator"] or say("actuator.none"),
        rail=say_or(f"rail.{rail}", rail.replace("_", " ")),
    )


def build_figures(rows: tuple[OversellRow, ...]) -> tuple[Figure, ...]:
    """Return the figures of all pools' CPU."""
    pools = [row for row in rows if row.scope == "pool" and row.resource == "cpu"]
    allocatable = sum(row.allocatable or 0.0 for row in pools if row.requested is not None)
    requested = sum(row.requested or 0.0 for row in pools if row.allocatable is not None)
    room = [row for row in pools if row.has_room]
    best = max((row for row in pools if row.safe is not None), key=lambda row: row.safe or 0.0, default=None)
    bound = [row for row in pools if row.rail != say("rail.none")]
    return (
        Figure(
            "sold",
            say("oversell.sold"),
            multiple(requested / allocatable if allocatable else None),
            note=say("oversell.sold_note"),
            explanation=say("oversell.sold_help"),
        ),
        Figure(
            "room",
            say("oversell.safe_pools"),
            say("oversell.of_pools", count=len(room), pools=len(pools)),
            explanation=say("oversell.safe_pools_help"),
        ),
        Figure(
            "best",
            say("oversell.best"),
            multiple(best.safe if best else None),
            note=f"{best.cluster} / {best.pool}" if best else "",
            explanation=say("oversell.explain"),
        ),
        Figure(
            "bound",
            say("oversell.bound"),
            say("oversell.of_pools", count=len(bound), pools=len(pools)),
            explanation=say("oversell.bound_help"),
        ),
    )
