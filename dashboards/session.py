"""Who looks at a board. Resolved anew at every run, so that a role taken away is gone at the next click."""

from __future__ import annotations

import streamlit as st

from models.vocabulary.identity import Principal
from service.access import TICKET_HEADER, principal_of_ticket


def current_principal() -> Principal:
    """Return the principal of this browser session.

    Raises
    ------
    Unauthenticated
        If the connection did not pass the access gate, or its right has ended.
    """
    return principal_of_ticket(st.context.headers.get(TICKET_HEADER))
