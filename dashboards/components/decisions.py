"""Accept, edit, reject, snooze, exclude, withdraw: recorded with who did it and what they saw."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboards import loaders
from dashboards.components import html
from dashboards.session import current_principal
from models.vocabulary.errors import MillicoreError
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from service.boards.deciding import (
    SNOOZE_DAYS,
    Decision,
    accept_edited,
    accept_everywhere,
    decide,
    exclude_container,
)
from service.boards.formats import Tone
from service.boards.suggestion import SuggestionDetail
from service.boards.texts import say
from service.runtime import runtime

_OUTCOME = "decision_outcome"


def show_outcome() -> None:
    """Show once what became of the last decision: recorded, or why not."""
    outcome: Decision | None = st.session_state.pop(_OUTCOME, None)
    if outcome is not None:
        html.show_state(outcome.text, Tone.GOOD if outcome.is_recorded else Tone.WARNING)


def show_decision(detail: SuggestionDetail) -> None:
    """Show what the reader may do with a suggestion, else why not."""
    if detail.may_withdraw:
        html.show_note(say("suggestions.decided", state=detail.state_text))
        st.button(
            say("suggestions.withdraw"),
            key=f"withdraw-{detail.id}",
            icon=":material/undo:",
            on_click=_record,
            args=(detail, RecommendationState.PROPOSED),
        )
    elif not detail.is_open:
        html.show_note(say("suggestions.decided", state=detail.state_text))
    elif not detail.may_decide:
        html.show_note(detail.why_not)
    else:
        _show_choices(detail)


def _show_choices(detail: SuggestionDetail) -> None:
    accept, edit, reject, snooze, exclude = st.columns([1, 1.35, 1, 1, 1])
    accept.button(
        say("suggestions.accept"),
        key=f"accept-{detail.id}",
        type="primary",
        icon=":material/check:",
        width="stretch",
        on_click=_record,
        args=(detail, RecommendationState.ACCEPTED),
    )
    with edit.popover(say("suggestions.edit"), icon=":material/edit:", width="stretch"):
        _show_edit(detail)
    with reject.popover(say("suggestions.reject"), icon=":material/close:", width="stretch"):
        _show_rejection(detail)
    with snooze.popover(say("suggestions.snooze"), icon=":material/snooze:", width="stretch"):
        _show_snooze(detail)
    with exclude.popover(say("suggestions.exclude"), icon=":material/block:", width="stretch"):
        _show_exclusion(detail)
    if detail.group_size > 1:
        st.button(
            say("suggestions.accept_everywhere", count=detail.group_size),
            key=f"everywhere-{detail.id}",
            help=say("suggestions.accept_everywhere_help", count=detail.group_size),
            on_click=keep_outcome,
            args=(lambda: accept_everywhere(runtime(), current_principal(), (detail.id, detail.etag)),),
        )


def _show_edit(detail: SuggestionDetail) -> None:
    html.show_note(say("suggestions.edit_note"))
    for name, text in detail.wanted_texts:
        label = say(f"suggestions.{name.removesuffix('_cores').removesuffix('_bytes')}")
        st.text_input(label, text, key=f"{name}-{detail.id}", max_chars=24)
    st.checkbox(say("suggestions.edit_sign"), key=f"sign-{detail.id}")
    st.button(
        say("suggestions.edit"),
        key=f"edit-{detail.id}",
        type="primary",
        on_click=_accept_edited,
        args=(detail,),
    )


def _accept_edited(detail: SuggestionDetail) -> None:
    shown = dict(detail.wanted_texts)
    typed = {name: str(st.session_state.get(f"{name}-{detail.id}") or "") for name in shown}
    is_signed = bool(st.session_state.get(f"sign-{detail.id}"))
    seen = ((detail.id, detail.etag), shown)
    keep_outcome(lambda: accept_edited(runtime(), current_principal(), seen, typed, is_signed=is_signed))


def _show_exclusion(detail: SuggestionDetail) -> None:
    html.show_note(say("suggestions.exclude_note"))
    reason = st.text_input(say("suggestions.exclude_reason"), key=f"why-{detail.id}", max_chars=500)
    days = st.selectbox(
        say("suggestions.exclude_days"),
        (*SNOOZE_DAYS, None),
        format_func=lambda count: (
            say("suggestions.exclude_forever")
            if count is None
            else say("suggestions.snooze_choice", days=count)
        ),
        key=f"exclude-days-{detail.id}",
    )
    st.button(
        say("suggestions.exclude"),
        key=f"exclude-{detail.id}",
        disabled=not reason.strip(),
        help=None if reason.strip() else say("suggestions.exclude_missing"),
        on_click=keep_outcome,
        args=(lambda: exclude_container(runtime(), current_principal(), detail.id, reason, days),),
    )


def _show_rejection(detail: SuggestionDetail) -> None:
    reason = st.selectbox(
        say("suggestions.reason"),
        list(RejectionReason),
        index=None,
        placeholder=say("suggestions.reason_placeholder"),
        format_func=lambda choice: say(f"reason.{choice}"),
        key=f"reason-{detail.id}",
    )
    note = st.text_input(say("suggestions.note"), key=f"note-{detail.id}", max_chars=500)
    st.button(
        say("suggestions.reject"),
        key=f"reject-{detail.id}",
        disabled=reason is None,
        help=None if reason else say("suggestions.reason_missing"),
        on_click=_record,
        args=(detail, RecommendationState.REJECTED, reason, None, note or None),
    )


def _show_snooze(detail: SuggestionDetail) -> None:
    days = st.selectbox(
        say("suggestions.snooze_days"),
        SNOOZE_DAYS,
        format_func=lambda count: say("suggestions.snooze_choice", days=count),
        key=f"days-{detail.id}",
    )
    st.button(
        say("suggestions.snooze"),
        key=f"snooze-{detail.id}",
        on_click=_record,
        args=(detail, RecommendationState.SNOOZED, None, days),
    )


def _record(
    detail: SuggestionDetail,
    state: RecommendationState,
    reason: RejectionReason | None = None,
    days: int | None = None,
    note: str | None = None,
) -> None:
    # the right to decide is looked up anew: a page may be hours old
    keep_outcome(
        lambda: decide(
            runtime(),
            current_principal(),
            (detail.id, detail.etag),
            state,
            reason=reason,
            snooze_days=days,
            note=note,
        )
    )


def keep_outcome(work: Callable[[], Decision]) -> None:
    """Do what was decided and keep what became of it for the next look at the page."""
    try:
        outcome = work()
    except MillicoreError as problem:
        outcome = Decision(is_recorded=False, text=say("suggestions.conflict", problem=problem))
    loaders.forget_suggestions()
    st.session_state[_OUTCOME] = outcome
