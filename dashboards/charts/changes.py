"""The waterfall of a change."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboards.charts.costs import style
from dashboards.charts.palette import BAD, BRAND, GOOD, INK
from service.boards.changes import Step

_COLOURS = {"total": BRAND, "more": BAD, "less": GOOD}
_HEADROOM = 0.35
"""The axis begins below the smallest bar by this share of the range, so that small causes can be seen."""


def draw_waterfall(steps: Sequence[Step], currency: str, height: int) -> alt.Chart | alt.LayerChart:
    """Return one bar per step, each beginning where the one before ended.

    Parameters
    ----------
    steps : sequence of Step
        Not empty.
    currency : str
    height : int
        Pixels.
    """
    floor = _floor(steps)
    frame = pd.DataFrame(
        [
            {
                "label": step.label,
                "low": max(min(step.start, step.end), floor),
                "high": max(step.start, step.end),
                "text": step.text,
                "kind": step.kind,
            }
            for step in steps
        ]
    )
    order = [step.label for step in steps]
    top = float(frame["high"].max())
    scale = alt.Scale(domain=[floor, top + (top - floor) * 0.08], zero=False, nice=False)
    x = alt.X("label:N", sort=order, title=None, axis=alt.Axis(labelAngle=0, labelLimit=120))
    bars = alt.Chart(frame).mark_bar(size=44, cornerRadius=2).encode(
        x=x,
        y=alt.Y("low:Q", title=currency, scale=scale, axis=alt.Axis(format="~s", tickCount=4)),
        y2="high:Q",
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
            legend=None,
        ),
        tooltip=["label:N", "text:N"],
    )  # fmt: skip
    words = alt.Chart(frame).mark_text(dy=-7, color=INK, fontSize=11).encode(
        x=x, y=alt.Y("high:Q", scale=scale), text="text:N"
    )  # fmt: skip
    return style(bars + words, height)


def _floor(steps: Sequence[Step]) -> float:
    """Return where the axis begins: 0 where the causes are large, else a little below the lowest level."""
    levels = [level for step in steps for level in (step.start, step.end) if step.kind != "total"]
    levels += [step.end for step in steps if step.kind == "total"]
    lowest, highest = min(levels), max(levels)
    return max(lowest - max((highest - lowest) * _HEADROOM, highest * 0.01), 0.0)
