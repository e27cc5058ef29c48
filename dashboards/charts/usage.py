"""Use of a container beside its request and the advised one."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboards.charts.costs import style
from dashboards.charts.palette import BAD, BRAND, GOOD, SOFT


def draw_usage(
    hours: Sequence[object],
    values: Sequence[float | None],
    lines: Sequence[tuple[str, float | None]],
    use_name: str,
    unit: str,
    height: int = 165,
) -> alt.Chart | alt.LayerChart:
    """Return an area of use by hour with horizontal lines for the request and the advice.

    Parameters
    ----------
    hours : sequence of datetime
    values : sequence of float or None
        Use in ``unit``; None leaves a hole.
    lines : sequence of (name, value)
        In ``unit``; those without a value are left out.
    use_name, unit : str
    height : int
        Pixels.
    """
    frame = pd.DataFrame({"hour": list(hours), "use": list(values)})
    frame["series"] = use_name
    known = [(name, value) for name, value in lines if value is not None]
    rules = pd.DataFrame({"series": [name for name, _ in known], "value": [value for _, value in known]})
    domain = [use_name, *(name for name, _ in lines)]
    scale = alt.Scale(domain=domain, range=[BRAND, BAD, GOOD][: len(domain)])
    colour = alt.Color("series:N", scale=scale)
    area = (
        alt.Chart(frame)
        .mark_area(line={"color": BRAND, "strokeWidth": 1.2}, color=BRAND, opacity=0.22)
        .encode(
            x=alt.X("hour:T", title=None, axis=alt.Axis(format="%-d %b", grid=False, labelColor=SOFT)),
            y=alt.Y("use:Q", title=unit, axis=alt.Axis(tickCount=4)),
            color=colour,
            tooltip=[
                alt.Tooltip("hour:T", title="Hour (UTC)", format="%-d %b %H:%M"),
                alt.Tooltip("use:Q", title=f"{use_name}, {unit}", format=",.3~f"),
            ],
        )
    )
    if rules.empty:
        return style(area, height)
    marks = (
        alt.Chart(rules)
        .mark_rule(strokeWidth=2, strokeDash=[6, 3])
        .encode(y="value:Q", color=colour, tooltip=["series:N", alt.Tooltip("value:Q", format=",.3~f")])
    )
    return style(area + marks, height)
