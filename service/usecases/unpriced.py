"""Cost of a month that is not known, in words: which assets of which type lack a price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.runtime import Runtime
from service.usecases.prices import UnpricedType, unpriced_types

_MOST_TYPES = 6
_UNKNOWN = "unpriced"


def unpriced_problems(runtime: Runtime, month: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return per cluster what of a month has no cost, with the types of assets that lack a price.

    Parameters
    ----------
    runtime : Runtime
    month : str
        ``2026-10``.
    rows : sequence of mapping
        Rows of `cost_day` whose cost is not known, as far as the reader sees them; container-hours are
        counted once, by the rows of CPU.
    """
    hours: dict[str, float] = {}
    for row in rows:
        counted = row["container_hours"] if row.get("resource", "cpu") == "cpu" else None
        hours[row["cluster"]] = hours.get(row["cluster"], 0.0) + (counted or 0.0)
    types: dict[str, list[UnpricedType]] = {cluster: [] for cluster in hours}
    for one in unpriced_types(runtime, month) if hours else ():
        if one.provenance == _UNKNOWN and one.cluster in types:
            types[one.cluster].append(one)
    return [_problem(cluster, hours[cluster], types[cluster]) for cluster in sorted(hours)]


def _problem(cluster: str, hours: float, types: Sequence[UnpricedType]) -> str:
    """Word what a cluster lacks; pods on a node that nobody described lack the node, not a price."""
    shown = [f"{hours:,.0f} container-hours"] if hours else []
    ranked = sorted(types, key=lambda one: (-one.asset_hours, one.asset_kind, one.type_name or ""))
    shown += [_named(one) for one in ranked[:_MOST_TYPES]]
    rest = len(ranked) - _MOST_TYPES
    shown += [f"{rest} more types"] if rest > 0 else []
    cause = "no price fits, or the size is not known" if ranked else "node or price unknown"
    return (
        f"{cluster}: {', '.join(shown) or 'a part'} without a cost: {cause}; add prices with "
        "`millicore prices import`, then run `millicore allocate`"
    )


def _named(one: UnpricedType) -> str:
    kind = one.asset_kind.replace("_", " ")
    place = f" in {one.region}" if one.region else ""
    return f"{kind} {one.type_name or 'of no known type'}{place} ({one.asset_hours:,} hours)"
