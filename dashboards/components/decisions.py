"""Accept, reject with a reason, snooze: each is recorded with who did it and what they saw."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from dashboards.components import html
from dashboards.session import current_principal
from models.vocabulary.errors import MillicoreError
from models.vocabulary.recommendation import RecommendationState, RejectionReason
from service.boards.formats import Tone
from service.boards.suggestion import SNOOZE_DAYS, Decision, SuggestionDetail, decide
from service.boards.texts import say
from service.runtime import runtime

_OUTCOME = "decision_outcome"


def show_outcome() -> None:
    """Show once what became of the last decision: recorded, or why not."""
    outcome: Decision | None = st.session_state.pop(_OUTCOME, None)
    if outcome is not None:
        html.show_state(outcome.text, Tone.GOOD if outcome.is_recorded else Tone.WARNING)


def show_decision(detail: SuggestionDetail) -> None:
    """Show the buttons where the reader may decide, else why not."""
    if not detail.is_open:
        html.show_note(say("suggestions.decided", state=detail.state_text))
        return
    if not detail.may_decide:
        html.show_note(detail.why_not)
        return
    accept, reject, snooze = st.columns(3)
    accept.button(
        say("suggestions.accept"),
        key=f"accept-{detail.id}",
        type="primary",
        icon=":material/check:",
        width="stretch",
        on_click=_record,
        args=(detail, RecommendationState.ACCEPTED),
    )
    with reject.popover(say("suggestions.reject"), icon=":material/close:", width="stretch"):
        _show_rejection(detail)
    with snooze.popover(say("suggestions.snooze"), icon=":material/snooze:", width="stretch"):
        _show_snooze(detail)


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
    try:
        # the right to decide is looked up anew: a page may be hours old
        outcome = decide(
            runtime(),
            current_principal(),
            (detail.id, detail.etag),
            state,
            reason=reason,
            snooze_days=days,
            note=note,
        )
    except MillicoreError as problem:
        outcome = Decision(is_recorded=False, text=say("suggestions.conflict", problem=problem))
    loaders.forget_suggestions()
    st.session_state[_OUTCOME] = outcome
