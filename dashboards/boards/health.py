"""The data health board: coverage calendar, gaps with reasons, freshness, what is missing, query load."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import loaders
from dashboards.charts.calendar import draw_calendar
from dashboards.components import html
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.tables import show_table
from dashboards.components.unowned import show_unowned
from dashboards.session import current_principal
from service.boards.health import HealthBoard
from service.boards.texts import say
from service.runtime import runtime


def _show_clusters(board: HealthBoard) -> None:
    rows = board.clusters
    frame = pd.DataFrame(
        {
            say("health.column.cluster"): [row.cluster for row in rows],
            say("health.column.source"): [row.source for row in rows],
            say("health.column.newest"): [row.newest for row in rows],
            say("health.column.age"): [row.age for row in rows],
            say("health.column.complete"): [row.complete for row in rows],
            say("health.column.partial"): [row.partial for row in rows],
            say("health.column.failed"): [row.failed for row in rows],
            say("health.column.lost"): [row.lost for row in rows],
            say("health.column.absent"): [row.absent for row in rows],
        }
    )
    show_table(frame, say("health.clusters_alt"), most_rows=8)


def _show_gaps(board: HealthBoard) -> None:
    if not board.gaps:
        html.show_note(say("health.no_gaps"))
        return
    rows = board.gaps
    frame = pd.DataFrame(
        {
            say("health.column.cluster"): [row.cluster for row in rows],
            say("health.column.from"): [row.start for row in rows],
            say("health.column.to"): [row.end for row in rows],
            say("health.column.hours"): [row.hour_count for row in rows],
            say("health.column.state"): [row.state for row in rows],
            say("health.column.reason"): [row.reason for row in rows],
            say("health.column.source"): [row.source for row in rows],
        }
    )
    wide = st.column_config.TextColumn(width="large")
    show_table(frame, say("health.gap_alt"), columns={say("health.column.reason"): wide}, most_rows=10)


def _show_missing(board: HealthBoard) -> None:
    if not board.missing:
        html.show_note(say("health.missing_none"))
        return
    rows = board.missing
    frame = pd.DataFrame(
        {
            say("health.column.cluster"): [row.cluster for row in rows],
            say("health.column.metric"): [row.metric for row in rows],
            say("health.column.without"): [row.without for row in rows],
            say("health.column.remedy"): [row.remedy for row in rows],
        }
    )
    wide = st.column_config.TextColumn(width="large")
    columns = {say("health.column.without"): wide, say("health.column.remedy"): wide}
    show_table(frame, say("health.missing_alt"), columns=columns, most_rows=10)


def _show_load(board: HealthBoard) -> None:
    if not board.load:
        html.show_note(say("health.load_none"))
        return
    rows = board.load
    number = st.column_config.NumberColumn(format="%.1f", width="small")
    names = [say(f"health.column.{name}") for name in ("queries", "samples", "bytes")]
    frame = pd.DataFrame(
        {
            say("health.column.cluster"): [row.cluster for row in rows],
            say("health.column.source"): [row.source for row in rows],
            names[0]: [row.queries_per_hour for row in rows],
            names[1]: [row.samples_per_hour for row in rows],
            names[2]: [row.mebibytes_per_hour for row in rows],
        }
    )
    show_table(frame, say("health.load_alt"), columns=dict.fromkeys(names, number), most_rows=8)


def _show(board: HealthBoard) -> None:
    html.show_figures(board.figures)
    with st.container(border=True, key="mc_card_calendar"):
        html.show_title(say("health.calendar"), say("health.calendar_note"))
        st.altair_chart(draw_calendar(board.calendar), alt=say("health.calendar_alt"))
    left, right = st.columns([1.25, 1])
    with left, st.container(border=True, height="stretch", key="mc_card_clusters"):
        html.show_title(say("health.clusters"))
        _show_clusters(board)
    with right, st.container(border=True, height="stretch", key="mc_card_load"):
        html.show_title(say("health.load"))
        _show_load(board)
    with st.container(border=True, key="mc_card_gaps"):
        html.show_title(say("health.gap_list"))
        _show_gaps(board)
    with st.container(border=True, key="mc_card_unowned"):
        html.show_title(say("unowned.title"))
        if reader.roles:
            show_unowned(loaders.load_unowned(reader, loaders.warehouse_name()))
    with st.container(border=True, key="mc_card_missing"):
        html.show_title(say("health.missing"))
        _show_missing(board)


with board_page():
    reader = current_principal()
    with st.skeleton(height=520):
        board = loaders.load_health(reader, loaders.warehouse_name())
    html.show_header(board.header)
    if board.is_empty:
        show_empty(say("health.empty"))
    else:
        show_doubts(board.header.marks)
        _show(board)
        show_board_footer(runtime().settings.billing_zone, reader.id)
