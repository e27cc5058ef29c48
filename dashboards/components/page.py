"""The frame of a board: every expected problem becomes a state of the page, never a zero."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import streamlit as st

from dashboards.components.html import show_footer, show_state
from models.vocabulary.errors import Forbidden, MillicoreError
from service.access import Unauthenticated
from service.boards.figures import Mark
from service.boards.formats import Tone
from service.boards.texts import say

_log = logging.getLogger(__name__)


@contextmanager
def board_page() -> Iterator[None]:
    """Show the board inside, or instead of it why it cannot be shown."""
    try:
        yield
    except Unauthenticated:
        show_state(say("state.anonymous"), Tone.WARNING)
    except Forbidden as problem:
        show_state(say("state.forbidden", problem=problem), Tone.WARNING)
    except MillicoreError as problem:
        _log.warning("a board could not be read: %s", problem)
        at = datetime.now(UTC)
        show_state(say("state.error", at=f"{at:%H:%M} UTC"), Tone.BAD, detail=str(problem))
        st.button(say("state.retry"), key="retry", icon=":material/refresh:")


def show_empty(text: str) -> None:
    """Show that nothing is stored yet, and what to do."""
    show_state(text, Tone.NEUTRAL, detail=say("state.empty_steps"))


def show_doubts(marks: tuple[Mark, ...], days_text: str | None = None) -> None:
    """Show the strip for old data and the one for missing days, if they are due."""
    stale = next((mark for mark in marks if mark.key == "stale"), None)
    if stale is not None:
        age = stale.text.removeprefix(say("mark.stale", age="").split("ago")[0]).removesuffix(" ago").strip()
        key = "state.stale_red" if stale.tone is Tone.BAD else "state.stale_amber"
        show_state(say(key, age=age), stale.tone)
    if days_text is not None:
        show_state(say("state.partial", days=days_text), Tone.WARNING)


def show_board_footer(zone: str, principal: str) -> None:
    """Show the billing zone and who reads."""
    show_footer(say("app.footer", zone=zone, principal=principal))
