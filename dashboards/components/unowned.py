"""Workloads without an owner, as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards.components import html
from dashboards.components.tables import PERCENT_FORMAT, percents, show_table
from service.boards.texts import say
from service.boards.unowned import UnownedCard


def show_unowned(card: UnownedCard) -> None:
    """Show how much has no owner, and the dearest workloads without one."""
    for text, _ in card.sentences:
        html.show_note(text)
    if not card.rows:
        html.show_note(say("unowned.none"))
        return
    names = {
        name: say(f"unowned.column.{name}")
        for name in ("workload", "cost", "currency", "share", "since", "candidates")
    }
    frame = pd.DataFrame(
        {
            say("health.column.cluster"): [row.cluster for row in card.rows],
            names["workload"]: [row.workload for row in card.rows],
            names["cost"]: [None if row.cost is None else float(row.cost) for row in card.rows],
            names["currency"]: [row.currency for row in card.rows],
            names["share"]: percents([row.share for row in card.rows]),
            names["since"]: [row.since for row in card.rows],
            names["candidates"]: [row.candidates for row in card.rows],
        }
    )
    columns = {
        names["workload"]: st.column_config.TextColumn(width="large"),
        names["cost"]: st.column_config.NumberColumn(format="%,.2f"),
        names["share"]: st.column_config.NumberColumn(format=PERCENT_FORMAT, width="small"),
    }
    show_table(frame, say("unowned.alt"), columns=columns, most_rows=10)
