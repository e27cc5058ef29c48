"""Many low-risk suggestions accepted with one decision, after a look at them."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from dashboards.components import html
from dashboards.components.decisions import keep_outcome
from dashboards.session import current_principal
from models.vocabulary.errors import MillicoreError
from service.boards.deciding import BulkView, accept_previewed, preview_bulk
from service.boards.texts import say
from service.runtime import runtime


def show_bulk(team: str | None, cluster: str | None, currency: str) -> None:
    """Show the button that opens the preview."""
    if st.button(say("suggestions.bulk"), key="bulk", icon=":material/done_all:"):
        _preview(team, cluster, currency)


@st.dialog(say("suggestions.bulk"), width="large")
def _preview(team: str | None, cluster: str | None, currency: str) -> None:
    try:
        view = preview_bulk(runtime(), current_principal(), team, cluster, currency)
    except MillicoreError as problem:
        html.show_note(say("suggestions.conflict", problem=problem))
        return
    if not view.plan.accepted:
        html.show_note(say("suggestions.bulk_none"))
    html.show_sentence(view.sentence)
    if view.taken:
        html.show_title(say("suggestions.bulk_taken"))
        for name in view.taken:
            st.text(name)
    if view.left:
        html.show_pairs(say("suggestions.bulk_left"), view.left)
    if view.plan.accepted and st.button(
        say("suggestions.bulk_accept", count=len(view.plan.accepted)), key="bulk-accept", type="primary"
    ):
        _accept(view)


def _accept(view: BulkView) -> None:
    keep_outcome(lambda: accept_previewed(runtime(), current_principal(), view))
    loaders.forget_suggestions()
    st.rerun()
