"""The board of the optimisation programme: what it brought, what comes next, autoscalers and replicas."""

from __future__ import annotations

import streamlit as st

from dashboards import loaders
from dashboards.components import html
from dashboards.components.page import board_page, show_board_footer, show_doubts, show_empty
from dashboards.components.programme_tables import (
    show_audit,
    show_candidates,
    show_ledger,
    show_replicas,
)
from dashboards.session import current_principal
from models.vocabulary.identity import Principal
from service.boards.programme import ProgrammeBoard
from service.boards.texts import say
from service.runtime import runtime

_INITIATIVES_SHOWN = 4


def _show(board: ProgrammeBoard) -> None:
    html.show_figures(board.figures)
    html.show_sentence(say("programme.never_added"))
    with st.container(border=True, key="mc_card_initiatives"):
        html.show_title(say("programme.initiatives"), say("programme.initiatives_note"))
        if board.initiatives_note:
            html.show_note(board.initiatives_note)
        html.show_initiatives(board.initiatives[:_INITIATIVES_SHOWN])
        older = board.initiatives[_INITIATIVES_SHOWN:]
        if older:
            with st.expander(say("programme.initiatives_more", count=len(older))):
                html.show_initiatives(older)


def _show_next(reader: Principal, name: str) -> None:
    with st.container(border=True, key="mc_card_candidates"):
        html.show_title(say("programme.candidates"), say("programme.candidates_note"))
        with st.skeleton(height=240):
            found = loaders.load_candidates(reader, name)
        if found.note:
            html.show_note(found.note)
            return
        html.show_sentence(found.pilot)
        show_candidates(found)
        html.show_note(found.weights)


def _show_other(board: ProgrammeBoard) -> None:
    with st.container(border=True, key="mc_card_ledger"):
        html.show_title(say("programme.ledger"), "" if board.ledger_note else say("programme.ledger_note"))
        if board.ledger_note:
            html.show_note(board.ledger_note)
        else:
            show_ledger(board.ledger)


def _show_scalers(reader: Principal, name: str) -> None:
    with st.skeleton(height=160):
        found = loaders.load_scalers(reader, name)
    with st.container(border=True, key="mc_card_audit"):
        html.show_title(say("programme.audit"), say("programme.audit_note"))
        html.show_note(found.audit_note)
        if found.audit:
            show_audit(found.audit)
    with st.container(border=True, key="mc_card_replicas"):
        html.show_title(say("programme.replicas"), say("programme.replicas_note") if found.replicas else "")
        if found.replicas_note:
            html.show_note(found.replicas_note)
        else:
            show_replicas(found.replicas)


with board_page():
    reader = current_principal()
    name = loaders.warehouse_name()
    with st.skeleton(height=420):
        board = loaders.load_programme(reader, name)
    html.show_header(board.header)
    if board.is_empty:
        show_empty(say("programme.empty"))
    else:
        show_doubts(board.header.marks)
        _show(board)
        _show_next(reader, name)
        _show_other(board)
        _show_scalers(reader, name)
        show_board_footer(runtime().settings.billing_zone, reader.id)
