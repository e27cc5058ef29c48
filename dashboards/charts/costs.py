"""Charts of cost over time."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboards.charts.palette import BRAND, BRAND_PALE, EARLIER, FORECAST, GRID, INK, SOFT, WARNING
from service.boards.leadership_chart import DailyChart
from service.boards.texts import say

_Colours = list[tuple[str, str]]


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
    chart: DailyChart, currency: str, earlier: str, height: int = 190
) -> alt.Chart | alt.LayerChart:
    """Return bars of each day's cost and of the forecast, the earlier period and the budget as lines.

    Parameters
    ----------
    chart : DailyChart
        With at least one bar.
    currency : str
    earlier : str
        Legend text of the earlier period.
    height : int
        Pixels.
    """
    frame = pd.DataFrame([vars(bar) for bar in chart.bars])
    frame["series"] = frame["is_final"].map({True: say("chart.final_day"), False: say("chart.running_day")})
    colours = _colours(chart, earlier)
    scale = alt.Scale(domain=[name for name, _ in colours], range=[colour for _, colour in colours])
    day = alt.X(
        "day:O",
        timeUnit="yearmonthdate",
        title=None,
        axis=alt.Axis(format="%-d %b", labelOverlap=True, labelAngle=0),
    )
    color = alt.Color("series:N", scale=scale)
    bars = (
        alt.Chart(frame)
        .mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=day,
            y=alt.Y("cost:Q", title=currency, axis=alt.Axis(format="~s", tickCount=4), scale=_room(chart)),
            color=color,
            tooltip=[
                alt.Tooltip("day:T", title=say("chart.day"), format="%-d %b %Y"),
                alt.Tooltip("cost_text:N", title=say("chart.cost")),
                alt.Tooltip("earlier_text:N", title=earlier),
            ],
        )
    )
    layers = [bars, *_ahead(chart, day, color), *_lines(frame, chart, day, color, earlier)]
    return style(alt.layer(*layers), height)


def _room(chart: DailyChart) -> alt.Scale:
    if not chart.stages:
        return alt.Scale()
    # the names of stages stand above bars and lines
    heights = [bar.cost for bar in chart.bars] + [bar.earlier or 0.0 for bar in chart.bars]
    heights += [bar.upper for bar in chart.ahead] + [chart.budget_per_day or 0.0]
    return alt.Scale(domain=[0, max(heights) * 1.18], nice=False)


def _colours(chart: DailyChart, earlier: str) -> _Colours:
    found: _Colours = [(say("chart.final_day"), BRAND)]
    if not all(bar.is_final for bar in chart.bars):
        found.append((say("chart.running_day"), BRAND_PALE))
    if chart.ahead:
        found.append((say("chart.forecast"), FORECAST))
    if any(bar.earlier is not None for bar in chart.bars):
        found.append((earlier, EARLIER))
    if chart.budget_per_day is not None:
        found.append((say("chart.budget"), INK))
    return found


def _ahead(chart: DailyChart, day: alt.X, color: alt.Color) -> list[alt.Chart]:
    if not chart.ahead:
        return []
    frame = pd.DataFrame([vars(bar) for bar in chart.ahead])
    frame["series"] = say("chart.forecast")
    tooltip = [
        alt.Tooltip("day:T", title=say("chart.day"), format="%-d %b %Y"),
        alt.Tooltip("text:N", title=say("chart.forecast")),
    ]
    base = alt.Chart(frame)
    bars = base.mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
    band = base.mark_rule(strokeWidth=5, opacity=0.45, color=BRAND)
    return [
        bars.encode(x=day, y="value:Q", color=color, tooltip=tooltip),
        band.encode(x=day, y="lower:Q", y2="upper:Q", tooltip=tooltip),
    ]


def _lines(
    frame: pd.DataFrame, chart: DailyChart, day: alt.X, color: alt.Color, earlier: str
) -> list[alt.Chart]:
    found = []
    known = frame.dropna(subset=["earlier"]).assign(series=earlier)
    if len(known):
        line = alt.Chart(known).mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        tooltip = [alt.Tooltip("earlier_text:N", title=earlier)]
        found.append(line.encode(x=day, y="earlier:Q", color=color, tooltip=tooltip))
    if chart.budget_per_day is not None:
        budget = pd.DataFrame(
            [{"series": say("chart.budget"), "budget": chart.budget_per_day, "text": chart.budget_text}]
        )
        rule = alt.Chart(budget).mark_rule(strokeWidth=1.5, strokeDash=[5, 4])
        tooltip = [alt.Tooltip("text:N", title=say("chart.budget"))]
        found.append(rule.encode(y="budget:Q", color=color, tooltip=tooltip))
    if chart.stages:
        stages = pd.DataFrame([vars(mark) for mark in chart.stages])
        mark = alt.Chart(stages)
        hint = [alt.Tooltip("name:N", title=say("chart.stage"))]
        found.append(mark.mark_rule(color=WARNING, strokeWidth=2).encode(x=day, tooltip=hint))
        text = mark.mark_text(align="left", baseline="top", dx=4, dy=2, color=INK, fontSize=11)
        found.append(text.encode(x=day, y=alt.value(0), text="name:N"))
    return found
