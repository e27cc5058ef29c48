"""The board of changes: why cost moved, what moved most, what left its range, how budgets stand."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import loaders
from dashboards.charts.changes import draw_waterfall
from dashboards.components import html
from dashboards.components.anomalies import show_anomalies
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.periods import choose_period
from dashboards.components.tables import PERCENT_FORMAT, percents, show_table
from dashboards.session import current_principal
from service.boards.changes import ChangesBoard
from service.boards.texts import say
from service.runtime import runtime

_CHART_HEIGHT = 230


def _show(board: ChangesBoard) -> None:
    html.show_figures(board.figures)
    html.show_sentence(board.sentence)
    left, right = st.columns([1.72, 1])
    with left, st.container(border=True, height="stretch", key="mc_card_waterfall"):
        html.show_title(say("changes.waterfall"), say("changes.waterfall_note") if board.steps else "")
        if board.steps:
            chart = draw_waterfall(board.steps, board.currency, _CHART_HEIGHT)
            st.altair_chart(chart, alt=say("changes.waterfall_alt"))
    with right, st.container(border=True, height="stretch", key="mc_card_anomalies"):
        html.show_title(say("changes.anomaly_list"))
        show_anomalies(board.anomalies)
    left, right = st.columns([1.72, 1])
    with left, st.container(border=True, height="stretch", key="mc_card_movers"):
        html.show_title(say("changes.movers"), board.currency)
        _show_movers(board)
    with right, st.container(border=True, height="stretch", key="mc_card_budgets"):
        html.show_title(say("changes.budgets"))
        _show_budgets(board)


def _show_movers(board: ChangesBoard) -> None:
    if not board.movers:
        html.show_note(board.sentence)
        return
    currency = board.currency
    money = st.column_config.NumberColumn(format="%,.2f")
    names = {
        name: say(f"changes.column.{name}", currency=currency)
        for name in ("name", "cluster", "before", "after", "change", "cause")
    }
    frame = pd.DataFrame(
        {
            names["name"]: [row.name for row in board.movers],
            names["cluster"]: [row.cluster for row in board.movers],
            names["before"]: [float(row.before) for row in board.movers],
            names["after"]: [float(row.after) for row in board.movers],
            names["change"]: [float(row.change) for row in board.movers],
            names["cause"]: [row.cause for row in board.movers],
        }
    )
    columns = {
        names["name"]: st.column_config.TextColumn(width="large"),
        names["before"]: money,
        names["after"]: money,
        names["change"]: st.column_config.NumberColumn(format="%+,.2f"),
    }
    show_table(frame, say("changes.movers_alt"), columns=columns, most_rows=8)


def _show_budgets(board: ChangesBoard) -> None:
    if board.budgets:
        names = {
            name: say(f"changes.column.{name}")
            for name in ("payer", "budget", "spent", "spent_ratio", "forecast", "state", "currency")
        }
        money = st.column_config.NumberColumn(format="%,.0f", width="small")
        frame = pd.DataFrame(
            {
                names["payer"]: [row.payer for row in board.budgets],
                names["spent_ratio"]: percents([row.spent_ratio for row in board.budgets]),
                names["state"]: [row.state for row in board.budgets],
                names["budget"]: [None if row.budget is None else float(row.budget) for row in board.budgets],
                names["spent"]: [float(row.spent) for row in board.budgets],
                names["currency"]: [row.currency for row in board.budgets],
                names["forecast"]: [row.forecast for row in board.budgets],
            }
        )
        columns = {
            names["budget"]: money,
            names["spent"]: money,
            names["spent_ratio"]: st.column_config.NumberColumn(format=PERCENT_FORMAT, width="small"),
        }
        show_table(frame, say("changes.budgets_alt"), columns=columns, most_rows=8)
    html.show_note(board.budget_note)


with board_page():
    reader = current_principal()
    name = loaders.warehouse_name()
    heading, controls = st.columns([5, 1.1], vertical_alignment="center")
    with controls:
        period = choose_period(reader, name)
    with st.skeleton(height=560):
        board = loaders.load_changes(reader, name, period)
    with heading:
        html.show_header(board.header)
    if board.is_empty:
        show_empty(say("state.empty"))
    else:
        show_doubts(board.header.marks)
        _show(board)
        show_board_footer(runtime().settings.billing_zone, reader.id)
