"""The choice of the period that a cost board speaks about; it stands in the page's address."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from models.vocabulary.identity import Principal
from service.boards.texts import say


def choose_period(principal: Principal, warehouse: str) -> str | None:
    """Show the periods that can be chosen and return the chosen one; None while nothing is stored."""
    periods, default = loaders.load_periods(principal, warehouse)
    if not periods:
        return None
    texts = dict(periods)
    names = list(texts)
    return st.selectbox(
        say("period.choose"),
        names,
        index=names.index(default),
        format_func=lambda name: texts[name],
        key="period",
        bind="query-params",
        label_visibility="collapsed",
    )
