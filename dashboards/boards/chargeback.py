"""The chargeback board: months, checks before closing, lines as the file has them, the files themselves."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import loaders
from dashboards.components import html
from dashboards.components.closing import show_closing
from dashboards.components.disputes import show_disputes
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.tables import PERCENT_FORMAT, percents, show_table
from dashboards.session import current_principal
from service.boards.chargeback import ChargebackBoard
from service.boards.payers import PayerTable
from service.boards.texts import say
from service.runtime import runtime

_LINE_ROWS = 19


def _choose_month(board: ChargebackBoard) -> str | None:
    months = list(dict.fromkeys(row.month for row in board.months))
    chosen: str | None = st.selectbox(
        say("chargeback.month"),
        months,
        index=months.index(board.month) if board.month in months else 0,
        key="month",
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen


def _show_lines(board: ChargebackBoard) -> None:
    amount = say("chargeback.column.amount", currency=board.currency)
    lines = board.lines
    everything = say("team.total")
    frame = pd.DataFrame(
        {
            say("health.column.cluster"): [*(line.cluster for line in lines), ""],
            say("chargeback.column.kind"): [*(line.kind for line in lines), say("chargeback.kind.total")],
            say("chargeback.column.team"): [*(line.team for line in lines), everything],
            say("chargeback.column.cost_centre"): [*(line.cost_centre for line in lines), ""],
            amount: [*(float(line.amount) for line in lines), float(board.total)],
            say("chargeback.column.share"): percents(
                [*(line.share for line in lines), 1.0 if lines else None]
            ),
        }
    )
    show_table(
        frame,
        say("chargeback.lines_alt"),
        most_rows=_LINE_ROWS,
        columns={
            amount: st.column_config.NumberColumn(format="%,.2f"),
            say("chargeback.column.share"): st.column_config.NumberColumn(
                format=PERCENT_FORMAT, width="small"
            ),
        },
    )


def _show_payers(table: PayerTable, currency: str) -> None:
    total = say("chargeback.column.amount", currency=currency)
    rows = table.rows
    frame = pd.DataFrame(
        {
            say("payers.column.payer"): [row.payer for row in rows],
            say("health.column.cluster"): [row.cluster for row in rows],
            say("chargeback.column.cost_centre"): [row.cost_centre for row in rows],
        }
        | {name: [float(row.terms[index]) for row in rows] for index, name in enumerate(table.columns)}
        | {total: [float(row.total) for row in rows]}
    )
    money = st.column_config.NumberColumn(format="%,.2f")
    show_table(
        frame,
        say("chargeback.payers_alt"),
        most_rows=_LINE_ROWS,
        columns=dict.fromkeys((*table.columns, total), money),
    )
    html.show_note(" ".join((table.policy_text, *table.notes)))


def _show_who_pays(board: ChargebackBoard) -> None:
    title, choice = st.columns([2, 1], vertical_alignment="center")
    with choice:
        view = st.segmented_control(
            say("chargeback.view"),
            ("payers", "lines"),
            default="payers",
            required=True,
            format_func=lambda name: say(f"chargeback.view.{name}"),
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    with title:
        html.show_title(say("chargeback.payers"), board.month or "")
    if view == "lines" or board.payers is None:
        _show_lines(board)
    else:
        _show_payers(board.payers, board.currency)


def _show_months(board: ChargebackBoard) -> None:
    total = say("chargeback.column.total", currency=board.currency)
    rows = [row for row in board.months if row.currency == board.currency]
    frame = pd.DataFrame(
        {
            say("chargeback.column.month"): [row.month for row in rows],
            say("chargeback.column.state"): [row.state for row in rows],
            total: [float(row.total) for row in rows],
            say("chargeback.column.coverage"): [row.coverage for row in rows],
            say("chargeback.column.assumed"): [row.assumed for row in rows],
            say("chargeback.column.closed"): [row.closed for row in rows],
        }
    )
    show_table(
        frame,
        say("chargeback.months_alt"),
        most_rows=6,
        columns={total: st.column_config.NumberColumn(format="%,.2f")},
    )


with board_page():
    reader = current_principal()
    name = loaders.warehouse_name()
    heading, controls = st.columns([5, 1.1], vertical_alignment="center")
    with st.skeleton(height=520):
        board = loaders.load_chargeback(reader, name, None)
        if board.month is not None:
            with controls:
                chosen = _choose_month(board)
            board = loaders.load_chargeback(reader, name, chosen)
    with heading:
        html.show_header(board.header)
    if board.month is None:
        show_empty(say("chargeback.empty"))
    else:
        show_doubts(board.header.marks)
        html.show_figures(board.figures)
        left, right = st.columns([1.7, 1])
        with left, st.container(border=True, height="stretch", key="mc_card_lines"):
            _show_who_pays(board)
        with right:
            with st.container(border=True, key="mc_card_files"):
                html.show_title(say("chargeback.files"))
                if board.downloads:
                    html.show_downloads(board.downloads)
                    html.show_note(say("chargeback.download_note"))
                else:
                    html.show_note(say("chargeback.download_not_allowed"))
            with st.container(border=True, key="mc_card_checks"):
                html.show_title(say("chargeback.checks"))
                checks = board.checks
                if reader.sees_all_teams:
                    with st.skeleton(height=60):
                        checks = (*loaders.load_verification(reader, name, board.month), *checks)
                html.show_checks(checks)
            with st.container(border=True, key="mc_card_closing"):
                html.show_title(say("chargeback.closing"))
                show_closing(board.month)
            with st.container(border=True, key="mc_card_disputes"):
                html.show_title(say("chargeback.disputes"))
                show_disputes(loaders.load_disputes(reader, name, board.month))
            with st.container(border=True, key="mc_card_months"):
                html.show_title(say("chargeback.months"))
                _show_months(board)
        show_board_footer(runtime().settings.billing_zone, reader.id)
