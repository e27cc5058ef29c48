"""The cost board: six figures, one sentence, where the money goes, who caused it, what to do."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from dashboards.charts.costs import draw_daily_cost
from dashboards.components import html
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.periods import choose_period
from dashboards.components.tables import show_teams
from dashboards.session import current_principal
from service.boards.leadership import LeadershipBoard
from service.boards.texts import say
from service.runtime import runtime

_CHART_HEIGHT = 196
_TEAM_ROWS = 20


def _show(board: LeadershipBoard) -> None:
    html.show_figures(board.figures)
    html.show_sentence(board.sentence)
    left, right = st.columns([1.72, 1])
    with left, st.container(border=True, height="stretch", key="mc_card_daily"):
        html.show_title(say("leadership.daily"), board.currency)
        _show_daily(board)
    with right, st.container(border=True, height="stretch", key="mc_card_causes"):
        html.show_title(say("leadership.causes"))
        html.show_causes(board.causes)
    left, right = st.columns([1.72, 1])
    with left, st.container(border=True, height="stretch", key="mc_card_teams"):
        _show_teams(board)
    with right:
        with st.container(border=True, key="mc_card_attention"):
            html.show_title(say("leadership.attention"))
            html.show_attention(board.attention)
        with st.container(border=True, height="stretch", key="mc_card_stages"):
            html.show_stages(board.stages, board.currency)


def _show_teams(board: LeadershipBoard) -> None:
    note = say("leadership.teams_note", total=board.total_text)
    if len(board.teams) == len(board.top_teams):
        html.show_title(say("leadership.teams"), note)
    else:
        title, more = st.columns([4, 1], vertical_alignment="center")
        with title:
            html.show_title(say("leadership.teams"), note)
        count = sum(row.kind == "team" for row in board.teams)
        with more.popover(say("team.all", count=f"{count:,}"), type="tertiary", width="stretch"):
            show_teams(board.teams, board.currency, _TEAM_ROWS)
    html.show_team_table(board.top_teams, board.currency)


def _show_daily(board: LeadershipBoard) -> None:
    if not board.chart.bars:
        html.show_note(say("sentence.no_data"))
        return
    earlier = say("chart.earlier") if board.period.compared is None else str(board.period.compared)
    chart = draw_daily_cost(board.chart, board.currency, earlier, _CHART_HEIGHT)
    st.altair_chart(chart, alt=say("leadership.daily_alt"))


with board_page():
    reader = current_principal()
    name = loaders.warehouse_name()
    heading, controls = st.columns([5, 1.1], vertical_alignment="center")
    with controls:
        period = choose_period(reader, name)
    with st.skeleton(height=560):
        cost_board = loaders.load_leadership(reader, name, period, None)
    with heading:
        html.show_header(cost_board.header)
    if cost_board.is_empty:
        show_empty(say("state.empty"))
    else:
        show_doubts(cost_board.header.marks)
        _show(cost_board)
        show_board_footer(runtime().settings.billing_zone, reader.id)
