"""The boards' entry: who reads, which boards they may open, and the frame around each of them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards.components.html import load_styles
from dashboards.components.page import board_page
from dashboards.session import current_principal
from service.boards.texts import say

ICON = Path(__file__).parent / "assets" / "icon.png"

st.set_page_config(page_title=say("app.name"), page_icon=str(ICON), layout="wide")
load_styles()
st.logo(str(ICON), size="small")

with board_page():
    current_principal()
    page = st.navigation(
        [
            st.Page(
                f"boards/{name}.py",
                title=say(f"nav.{name}"),
                help=say(f"nav.{name}.help"),
                icon=f":material/{icon}:",
                url_path=name if index else None,
                default=not index,
            )
            for index, (name, icon) in enumerate(
                (
                    ("leadership", "monitoring"),
                    ("changes", "waterfall_chart"),
                    ("suggestions", "tune"),
                    ("chargeback", "receipt_long"),
                    ("oversell", "layers"),
                    ("programme", "flag"),
                    ("health", "fact_check"),
                )
            )
        ],
        position="top",
    )
    page.run()
