"""The close of a month: a button for finance, and a dialog that lists the checks before it asks."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from dashboards.components import html
from dashboards.session import current_principal
from service.boards.closing import ClosingResult, close_month, list_problems, read_closing
from service.boards.formats import Tone
from service.boards.texts import say
from service.runtime import runtime

_RESULT = "closing_result"


def show_closing(month: str) -> None:
    """Show who closed a month, or the button that asks for it."""
    result: ClosingResult | None = st.session_state.pop(_RESULT, None)
    if result is not None:
        html.show_state(result.text, Tone.GOOD if result.is_done else Tone.WARNING)
        _show_problems(result.problems)
    card = read_closing(runtime(), current_principal(), month)
    html.show_note(card.text)
    if card.may_close and st.button(say("chargeback.closing.button"), key="close_month", width="stretch"):
        _ask(month)


@st.dialog(say("chargeback.closing.title"))
def _ask(month: str) -> None:
    problems = list_problems(runtime(), current_principal(), month)
    if problems:
        html.show_state(say("chargeback.closing.refused"), Tone.WARNING)
        _show_problems(problems)
        return
    html.show_state(say("chargeback.closing.green", month=month), Tone.GOOD)
    html.show_note(say("chargeback.closing.warning"))
    note = st.text_input(say("chargeback.closing.note"), key="close_note", max_chars=500)
    if st.button(say("chargeback.closing.confirm", month=month), key="close_confirm", type="primary"):
        st.session_state[_RESULT] = close_month(runtime(), current_principal(), month, note)
        loaders.load_chargeback.clear()
        loaders.load_verification.clear()
        st.rerun()


def _show_problems(problems: tuple[str, ...]) -> None:
    for problem in problems:
        st.text(problem)
