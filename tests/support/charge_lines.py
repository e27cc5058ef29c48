"""Charge lines as tests write them: in whole units of money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from models.chargeback.lines import UNITS, ChargeLine, LineKind

DAY = date(2026, 10, 5)


def line(kind: str, cost: float, **fields: Any) -> ChargeLine:
    """Return a line of cluster ``c`` on one day; list cost is twice the effective cost."""
    units = round(cost * UNITS)
    values: dict[str, Any] = {"cluster": "c", "currency": "USD", "day": DAY, "resource": "cpu", **fields}
    causes = {"used": units} if kind in ("team", "unowned") else {}
    return ChargeLine(
        kind=LineKind(kind),
        effective=units,
        list_units=2 * units,
        contracted=units,
        **{**causes, **values},
    )


def by_team(lines: Iterable[ChargeLine]) -> dict[str | None, float]:
    """Return what each team pays, in units of money; None is nobody."""
    found: dict[str | None, int] = {}
    for one in lines:
        found[one.team] = found.get(one.team, 0) + one.effective
    return {team: total / UNITS for team, total in found.items()}


def by_kind(lines: Iterable[ChargeLine], team: str | None) -> dict[str, float]:
    """Return the terms of what one team pays."""
    found: dict[str, int] = {}
    for one in lines:
        if one.team == team:
            found[one.kind.value] = found.get(one.kind.value, 0) + one.effective
    return {kind: total / UNITS for kind, total in found.items()}
