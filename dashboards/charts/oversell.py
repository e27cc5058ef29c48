"""Sold and safe multiple of each pool."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboards.charts.costs import style
from dashboards.charts.palette import BRAND, EARLIER, SOFT
from service.boards.oversell import OversellRow

_ROW_PIXELS = 30
_AXIS_PIXELS = 60


def draw_ratios(rows: Sequence[OversellRow], names: tuple[str, str, str]) -> alt.Chart | alt.LayerChart:
    """Return one line per pool: what is sold by requests and by limits, and how much may be sold.

    Parameters
    ----------
    rows : sequence of OversellRow
        Pools with known ratios.
    names : (sold by requests, sold by limits, safe) texts
    """
    sold, limits, safe = names
    frame = pd.DataFrame(
        [
            {"pool": f"{row.cluster} / {row.pool or row.name}", "series": series, "ratio": value}
            for row in rows
            for series, value in (
                (sold, row.sold_requests),
                (limits, row.sold_limits),
                (safe, row.safe),
            )
            if value is not None
        ]
    )
    span = alt.Chart(frame).mark_rule(color="#d5dce4", strokeWidth=3).encode(
        y=alt.Y("pool:N", title=None, axis=alt.Axis(labelLimit=220, grid=False)),
        x=alt.X("min(ratio):Q", title=None, axis=alt.Axis(format=".2f", tickCount=5)),
        x2="max(ratio):Q",
    )  # fmt: skip
    points = alt.Chart(frame).mark_point(filled=True, size=110, opacity=1).encode(
        y="pool:N",
        x="ratio:Q",
        color=alt.Color(
            "series:N", scale=alt.Scale(domain=[sold, limits, safe], range=[BRAND, SOFT, EARLIER])
        ),
        shape=alt.Shape(
            "series:N", scale=alt.Scale(domain=[sold, limits, safe], range=["circle", "square", "diamond"])
        ),
        tooltip=["pool:N", "series:N", alt.Tooltip("ratio:Q", format=".2f")],
    )  # fmt: skip
    one = (
        alt.Chart(pd.DataFrame({"ratio": [1.0]})).mark_rule(color=SOFT, strokeDash=[3, 3]).encode(x="ratio:Q")
    )
    pools = frame["pool"].nunique() if len(frame) else 1
    return style(span + points + one, max(pools, 2) * _ROW_PIXELS + _AXIS_PIXELS)
