"""The cost board: six figures, one sentence, where the money goes, who caused it, what to do."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from dashboards.charts.costs import draw_daily_cost
from dashboards.components import html
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.tables import show_teams
from dashboards.session import current_principal
from models.vocabulary.identity import Principal
from service.boards.leadership import LeadershipBoard
from service.boards.texts import say
from service.runtime import runtime

_CHART_HEIGHT = 185
_TEAM_ROWS = 8


def _choose(principal: Principal, warehouse: str) -> tuple[str | None, str | None]:
    periods, default = loaders.load_periods(principal, warehouse)
    if not periods:
        return None, None
    texts = dict(periods)
    names = list(texts)
    chosen = st.selectbox(
        say("period.choose"),
        names,
        index=names.index(default),
        format_func=lambda name: texts[name],
        key="period",
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen, None


def _show(board: LeadershipBoard) -> None:
    html.show_figures(board.figures)
    html.show_sentence(board.sentence)
    left, middle, right = st.columns([1.9, 1.15, 0.95])
    with left, st.container(border=True, height="stretch", key="mc_card_daily"):
        html.show_title(say("leadership.daily"), board.currency)
        _show_daily(board)
    with middle, st.container(border=True, height="stretch", key="mc_card_causes"):
        html.show_title(say("leadership.causes"))
        html.show_causes(board.causes)
    with right, st.container(border=True, height="stretch", key="mc_card_attention"):
        html.show_title(say("leadership.attention"))
        html.show_attention(board.attention)
    left, right = st.columns([1.55, 1])
    with left, st.container(border=True, height="stretch", key="mc_card_teams"):
        html.show_title(say("leadership.teams"), say("leadership.teams_note", total=board.total_text))
        show_teams(board.teams, board.currency, _TEAM_ROWS)
    with right, st.container(border=True, height="stretch", key="mc_card_stages"):
        html.show_title(say("leadership.stages"))
        html.show_stages(board.stages, board.currency)


def _show_daily(board: LeadershipBoard) -> None:
    if not board.daily:
        html.show_note(say("sentence.no_data"))
        return
    names = (say("chart.final_day"), say("chart.running_day"), say("chart.earlier"))
    if board.period.compared is not None:
        names = (*names[:2], str(board.period.compared))
    chart = draw_daily_cost(board.daily, board.currency, names, _CHART_HEIGHT)
    st.altair_chart(chart, alt=say("leadership.daily_alt"))


with board_page():
    reader = current_principal()
    name = loaders.warehouse_name()
    heading, controls = st.columns([5, 1.1], vertical_alignment="center")
    with controls:
        period, currency = _choose(reader, name)
    with st.skeleton(height=560):
        cost_board = loaders.load_leadership(reader, name, period, currency)
    with heading:
        html.show_header(cost_board.header)
    if cost_board.is_empty:
        show_empty(say("state.empty"))
    else:
        show_doubts(cost_board.header.marks)
        _show(cost_board)
        show_board_footer(runtime().settings.billing_zone, reader.id)
