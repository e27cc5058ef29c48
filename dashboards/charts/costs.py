"""Charts of cost over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from dashboards.charts.palette import BRAND, BRAND_PALE, EARLIER, GRID, SOFT


def style(chart: alt.Chart | alt.LayerChart, height: int) -> alt.Chart | alt.LayerChart:
    """Return a chart in the boards' style: no frame, light grid, small axes."""
    return (
        chart.properties(height=height, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=GRID, domain=False, ticks=False, labelColor=SOFT, titleColor=SOFT, labelFontSize=11,
            titleFontSize=11, titleFontWeight="normal", labelPadding=6,
        )
        .configure_legend(
            orient="top", title=None, labelColor=SOFT, labelFontSize=12, padding=0, offset=4,
            symbolSize=90, symbolOpacity=1
        )
    )  # fmt: skip


def draw_daily_cost(
    rows: Sequence[Mapping[str, object]], currency: str, names: tuple[str, str, str], height: int = 190
) -> alt.Chart | alt.LayerChart:
    """Return bars of each day's cost, pale while not final, with the earlier period as a line.

    Parameters
    ----------
    rows : sequence of mapping
        ``day, cost, cost_text, earlier, earlier_text, is_final`` as `daily_rows` returns them.
    currency : str
    names : tuple of str
        Legend texts: final day, day not final yet, earlier period.
    height : int
        Pixels.
    """
    frame = pd.DataFrame(list(rows))
    final, running, earlier = names
    frame["series"] = frame["is_final"].map({True: final, False: running})
    frame["earlier_series"] = earlier
    domain, colours = [final], [BRAND]
    if not frame["is_final"].all():
        domain, colours = [*domain, running], [*colours, BRAND_PALE]
    has_earlier = bool(frame["earlier"].notna().any())
    if has_earlier:
        domain, colours = [*domain, earlier], [*colours, EARLIER]
    scale = alt.Scale(domain=domain, range=colours)
    day = alt.X(
        "day:O", timeUnit="yearmonthdate", title=None, axis=alt.Axis(format="%-d %b", labelOverlap=True)
    )
    tooltip = [
        alt.Tooltip("day:T", title="Day", format="%-d %b %Y"),
        alt.Tooltip("cost_text:N", title="Cost"),
        alt.Tooltip("earlier_text:N", title=earlier),
    ]
    bars = (
        alt.Chart(frame)
        .mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=day,
            y=alt.Y("cost:Q", title=currency, axis=alt.Axis(format="~s", tickCount=4)),
            color=alt.Color("series:N", scale=scale),
            tooltip=tooltip,
        )
    )
    if not has_earlier:
        return style(bars, height)
    line = (
        alt.Chart(frame.dropna(subset=["earlier"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(x=day, y="earlier:Q", color=alt.Color("earlier_series:N", scale=scale), tooltip=tooltip)
    )
    return style(bars + line, height)
