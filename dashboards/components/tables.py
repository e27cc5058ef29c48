"""Tables of the boards, drawn on a canvas by st.dataframe: labels stay text, numbers align and sort."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.charts.palette import BAD, GOOD, INK, SOFT
from service.boards.formats import NOT_KNOWN
from service.boards.inbox import InboxRow, SilenceRow
from service.boards.leadership_teams import TeamRow
from service.boards.texts import say, say_or

MOST_ROWS = 2000
ROW_HEIGHT = 28
_HEADER_HEIGHT = 31
PERCENT_FORMAT = "%.1f %%"
"""For `percents`: the grid's own percent format drops trailing zeros, 3 % beside 3.11 %."""


def table_height(row_count: int, most_rows: int) -> int:
    """Return the height in pixels that shows the rows without scrolling, up to a number of rows."""
    return min(row_count, most_rows) * ROW_HEIGHT + _HEADER_HEIGHT + 2


def percents(ratios: Sequence[float | None]) -> list[float | None]:
    """Return plain ratios as numbers of a hundred."""
    return [None if ratio is None else ratio * 100 for ratio in ratios]


def _amount(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def show_teams(rows: Sequence[TeamRow], currency: str, most_rows: int) -> None:
    """Show the team table; its last row is the sum of the others."""
    names = {
        "team": say("column.team"),
        "cost": say("column.cost", currency=currency),
        "share": say("column.share"),
        "change": say("column.change", currency=currency),
        "ratio": say("column.change_ratio"),
        "use": say("column.request_use"),
        "trend": say("column.trend"),
    }
    frame = pd.DataFrame(
        {
            names["team"]: [row.label for row in rows],
            names["cost"]: [_amount(row.cost) for row in rows],
            names["share"]: percents([row.share for row in rows]),
            names["change"]: [_amount(row.change) for row in rows],
            names["ratio"]: percents([row.change_ratio for row in rows]),
            names["use"]: percents([row.cpu_use_ratio for row in rows]),
            names["trend"]: [list(row.trend) or None for row in rows],
        }
    )
    changes: list[Hashable] = [names["change"], names["ratio"]]
    kinds = [row.kind for row in rows]
    styled = frame.style.map(_change_colour, subset=changes).apply(
        lambda _: [_row_colour(kind) for kind in kinds], subset=[names["team"]]
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        styled,
        hide_index=True,
        height=table_height(len(rows), most_rows),
        row_height=ROW_HEIGHT,
        column_config={
            names["team"]: st.column_config.TextColumn(width="medium"),
            names["cost"]: number(format="%,.2f"),
            names["share"]: number(format=PERCENT_FORMAT, width="small"),
            names["change"]: number(format="%+,.2f"),
            names["ratio"]: number(format=PERCENT_FORMAT, width="small"),
            names["use"]: number(format=PERCENT_FORMAT, width="small"),
            names["trend"]: st.column_config.BarChartColumn(width="small", color=SOFT, y_min=0),
        },
        placeholder=NOT_KNOWN,
        alt=say("leadership.teams_alt"),
    )


def _change_colour(value: Any) -> str:
    if value is None or pd.isna(value) or value == 0:
        return f"color: {SOFT}"
    return f"color: {BAD if value > 0 else GOOD}"


def _row_colour(kind: str) -> str:
    weight = "; font-weight: 600" if kind == "total" else ""
    return f"color: {INK if kind in ('team', 'total') else SOFT}{weight}"


def show_suggestions(rows: Sequence[InboxRow], currency: str, most_rows: int, chosen: int) -> int:
    """Show the list of suggestions and return the position of the chosen row."""
    shown = rows[:MOST_ROWS]
    saving = say("suggestions.column.saving", currency=currency)
    states = [say_or(f"state.{row.state}", row.state) for row in shown]
    frame = pd.DataFrame(
        {
            say("suggestions.column.workload"): [f"{row.workload} / {row.container}" for row in shown],
            saving: [_amount(row.saving) if row.currency in (None, currency) else None for row in shown],
            say("suggestions.column.cpu"): [row.cpu for row in shown],
            say("suggestions.column.memory"): [row.memory for row in shown],
            say("suggestions.column.raised"): [row.raised for row in shown],
            say("suggestions.column.risk"): percents([row.risk_ratio for row in shown]),
            say("suggestions.column.cluster"): [row.cluster for row in shown],
            say("suggestions.column.team"): [row.team for row in shown],
        }
        # only where it tells rows apart: the table then fits beside the detail
        | ({say("suggestions.column.state"): states} if len(set(states)) > 1 else {})
    )
    styled = frame.style.map(_saving_colour, subset=[saving])
    event = st.dataframe(
        styled,
        key="suggestion_list",
        hide_index=True,
        height=table_height(len(shown), most_rows),
        row_height=ROW_HEIGHT,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [chosen]}},
        column_config={
            saving: st.column_config.NumberColumn(format="%+,.2f", width=84),
            say("suggestions.column.risk"): st.column_config.NumberColumn(
                format=PERCENT_FORMAT, width=64, help=say("suggestions.column.risk_help")
            ),
            say("suggestions.column.workload"): st.column_config.TextColumn(width=160),
            say("suggestions.column.cpu"): st.column_config.TextColumn(width=84),
            say("suggestions.column.memory"): st.column_config.TextColumn(width=86),
            say("suggestions.column.raised"): st.column_config.TextColumn(width=62),
            say("suggestions.column.cluster"): st.column_config.TextColumn(width=66),
            say("suggestions.column.team"): st.column_config.TextColumn(width=84),
        },
        placeholder=NOT_KNOWN,
        alt=say("suggestions.list_alt"),
    )
    selected = event.selection.rows
    return int(selected[0]) if selected else chosen


def _saving_colour(value: Any) -> str:
    if value is None or pd.isna(value) or value == 0:
        return f"color: {SOFT}"
    return f"color: {GOOD if value > 0 else BAD}"


def show_table(
    frame: pd.DataFrame,
    alt: str,
    *,
    most_rows: int = 12,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Show a plain table with the boards' row height."""
    shown = frame.head(MOST_ROWS)
    st.dataframe(
        shown,
        hide_index=True,
        height=table_height(len(shown), most_rows),
        row_height=ROW_HEIGHT,
        column_config=dict(columns or {}),
        placeholder=NOT_KNOWN,
        alt=alt,
    )


def show_silences(rows: Sequence[SilenceRow]) -> None:
    """Show the reasons for silence with their counts."""
    frame = pd.DataFrame(
        {
            say("suggestions.silence_meaning"): [row.meaning for row in rows],
            say("suggestions.silence_count"): [row.container_count for row in rows],
        }
    )
    show_table(
        frame,
        say("suggestions.silence"),
        columns={
            say("suggestions.silence_meaning"): st.column_config.TextColumn(width="large"),
            say("suggestions.silence_count"): st.column_config.NumberColumn(
                format="localized", width="small"
            ),
        },
    )
