"""The oversell board: per pool and node what is sold, what is safe, what bounds it and what acts on it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards import loaders
from dashboards.charts.oversell import draw_ratios
from dashboards.components import html
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.tables import PERCENT_FORMAT, percents, show_table
from dashboards.session import current_principal
from service.boards.oversell import OversellBoard, OversellRow, actuators_text
from service.boards.texts import say
from service.runtime import runtime

_RESOURCES = ("cpu", "memory")


def _frame(rows: Sequence[OversellRow], *, is_node: bool) -> pd.DataFrame:
    names: dict[str, list[object]] = {
        say("health.column.cluster"): [row.cluster for row in rows],
        say("oversell.column.pool"): [row.pool or row.name for row in rows],
    }
    if is_node:
        names[say("oversell.column.node")] = [row.name for row in rows]
    else:
        names[say("oversell.column.nodes")] = [row.node_count for row in rows]
    return pd.DataFrame(
        names
        | {
            say("oversell.column.allocatable"): [row.allocatable for row in rows],
            say("oversell.column.requested"): [row.requested for row in rows],
            say("oversell.column.peak"): [row.predicted_peak for row in rows],
            say("oversell.column.sold_requests"): [row.sold_requests for row in rows],
            say("oversell.column.sold_limits"): [row.sold_limits for row in rows],
            say("oversell.column.safe"): [row.safe for row in rows],
            say("oversell.column.risk_stated"): percents([row.risk_stated for row in rows]),
            say("oversell.column.risk_backtest"): percents([row.risk_backtest for row in rows]),
            say("oversell.column.rail"): [row.rail for row in rows],
            say("oversell.column.history"): [row.history_days for row in rows],
        }
    )


def _show_rows(rows: Sequence[OversellRow], unit: str, alt: str, *, is_node: bool, most_rows: int) -> None:
    number = st.column_config.NumberColumn
    amount = number(format=f"%.1f {unit}")
    ratio = number(format="%.2f\N{MULTIPLICATION SIGN}")
    share = number(format=PERCENT_FORMAT)
    show_table(
        _frame(rows, is_node=is_node),
        alt,
        most_rows=most_rows,
        columns={
            say("oversell.column.allocatable"): amount,
            say("oversell.column.requested"): amount,
            say("oversell.column.peak"): amount,
            say("oversell.column.sold_requests"): ratio,
            say("oversell.column.sold_limits"): ratio,
            say("oversell.column.safe"): ratio,
            say("oversell.column.risk_stated"): share,
            say("oversell.column.risk_backtest"): share,
            say("oversell.column.history"): number(format="%.1f"),
        },
    )


def _show(board: OversellBoard) -> None:
    html.show_figures(board.figures)
    left, right, _ = st.columns([1, 1.2, 3])
    everything = say("suggestions.all")
    resource = left.segmented_control(
        say("oversell.resource"),
        _RESOURCES,
        default="cpu",
        required=True,
        format_func=lambda name: say(f"resource.{name}"),
        key="resource",
        bind="query-params",
    )
    cluster = right.selectbox(
        say("oversell.cluster"), [everything, *board.clusters], key="oversell_cluster", bind="query-params"
    )
    chosen, wanted = resource or "cpu", None if cluster == everything else cluster
    unit = "GiB" if chosen == "memory" else "cores"
    pools, nodes = board.of("pool", chosen, wanted), board.of("node", chosen, wanted)
    with st.container(border=True, key="mc_card_ratios"):
        html.show_title(say("oversell.chart"), board.computed)
        names = (
            say("oversell.column.sold_requests"),
            say("oversell.column.sold_limits"),
            say("oversell.safe_end"),
        )
        if any(row.sold_requests is not None for row in pools):
            st.altair_chart(draw_ratios(pools, names), alt=say("oversell.chart_alt"))
        html.show_note(say("oversell.explain"))
    with st.container(border=True, key="mc_card_pools"):
        html.show_title(say("oversell.pools"))
        _show_rows(pools, unit, say("oversell.pools_alt"), is_node=False, most_rows=8)
        html.show_note(actuators_text(pools))
    with st.container(border=True, key="mc_card_nodes"):
        html.show_title(say("oversell.nodes"))
        _show_rows(nodes, unit, say("oversell.nodes_alt"), is_node=True, most_rows=12)


with board_page():
    reader = current_principal()
    with st.skeleton(height=520):
        board = loaders.load_oversell(reader, loaders.warehouse_name())
    html.show_header(board.header)
    if board.rows:
        show_doubts(board.header.marks)
        _show(board)
        show_board_footer(runtime().settings.billing_zone, reader.id)
    else:
        show_empty(say("oversell.empty"))
