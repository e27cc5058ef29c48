"""Calendar of stored hours: one square per cluster and day."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboards.charts.costs import style
from dashboards.charts.palette import HOUR_STATE_COLOURS
from service.boards.health import CalendarCell
from service.boards.texts import say

_ROW_PIXELS = 26
_AXIS_PIXELS = 62


def draw_calendar(cells: Sequence[CalendarCell]) -> alt.Chart | alt.LayerChart:
    """Return the calendar: colour is the state that decides the day, strength its complete hours."""
    frame = pd.DataFrame(
        [
            {
                "cluster": cell.cluster,
                "day": pd.Timestamp(cell.day),
                "state": cell.state_text,
                "hours": cell.hours_text,
                "note": cell.note,
            }
            for cell in cells
        ]
    )
    shown = [name for name in HOUR_STATE_COLOURS if say(f"hour.{name}") in set(frame["state"])]
    scale = alt.Scale(
        domain=[say(f"hour.{name}") for name in shown], range=[HOUR_STATE_COLOURS[name] for name in shown]
    )
    chart = (
        alt.Chart(frame)
        .mark_rect(cornerRadius=3, stroke="white", strokeWidth=2)
        .encode(
            x=alt.X(
                "day:O",
                timeUnit="yearmonthdate",
                title=None,
                axis=alt.Axis(format="%-d %b", labelOverlap=True, labelAngle=0, grid=False),
            ),
            y=alt.Y("cluster:N", title=None, axis=alt.Axis(labelLimit=200, grid=False)),
            color=alt.Color("state:N", scale=scale),
            tooltip=[
                alt.Tooltip("cluster:N", title=say("health.column.cluster")),
                alt.Tooltip("day:T", title="Day", format="%-d %b %Y"),
                alt.Tooltip("state:N", title=say("health.column.state")),
                alt.Tooltip("hours:N", title=say("health.column.hours")),
                alt.Tooltip("note:N", title=say("health.column.reason")),
            ],
        )
    )
    return style(chart, max(frame["cluster"].nunique(), 1) * _ROW_PIXELS + _AXIS_PIXELS)
