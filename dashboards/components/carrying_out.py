"""The change as text that people and pipelines take, and where it belongs."""

from __future__ import annotations

import streamlit as st

from dashboards.components import html
from service.boards.carrying_out import CarryingOut
from service.boards.texts import say


def show_carrying_out(carrying: CarryingOut, recommendation_id: str) -> None:
    """Show the channel, and the change in the form that the reader picks."""
    html.show_title(say("suggestions.patch"), say("suggestions.patch_help"))
    html.show_title(carrying.channel)
    for text in (carrying.reason, *carrying.warnings):
        html.show_note(f"{text[:1].upper()}{text[1:]}")
    if not carrying.patches:
        html.show_note(say("suggestions.patch_none"))
        return
    forms = {patch.name: patch for patch in carrying.patches}
    chosen = st.segmented_control(
        say("suggestions.patch_form"),
        list(forms),
        default=next(iter(forms)),
        required=True,
        format_func=lambda name: forms[name].label,
        key=f"form-{recommendation_id}",
        label_visibility="collapsed",
    )
    patch = forms[chosen or next(iter(forms))]
    st.code(patch.text, language=patch.language, wrap_lines=True)
    for note in patch.notes:
        html.show_note(note)
    with st.expander(say("suggestions.rollback")):
        st.code(patch.rollback, language=patch.language, wrap_lines=True)
