"""The inbox: suggestions to the left, the chosen one with its evidence to the right, and the decision."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import loaders
from dashboards.charts.usage import draw_usage
from dashboards.components import html
from dashboards.components.bulk import show_bulk
from dashboards.components.carrying_out import show_carrying_out
from dashboards.components.decisions import show_decision, show_outcome
from dashboards.components.page import board_page, show_board_footer, show_empty
from dashboards.components.suggestion_record import show_record
from dashboards.components.tables import show_silences, show_suggestions
from dashboards.session import current_principal
from service.boards.formats import Tone
from service.boards.inbox import Inbox, InboxRow, filter_rows
from service.boards.suggestion import SuggestionDetail
from service.boards.texts import say
from service.runtime import runtime

_STATES = (
    "proposed",
    "all",
    "accepted",
    "rejected",
    "snoozed",
    "applied",
    "verified",
    "rolled_back",
    "overwritten",
    "failed",
    "superseded",
    "expired",
)
_KINDS = ("all", "save", "mixed", "raise", "small")
_LIST_ROWS = 14
_SUGGESTION = "suggestion"
_GIB = 2.0**30


def _filters(inbox: Inbox) -> tuple[InboxRow, ...]:
    everything = say("suggestions.all")
    state_column, kind_column, team_column, cluster_column = st.columns([1, 1.4, 1, 1])
    state = state_column.selectbox(
        say("suggestions.filter_state"),
        _STATES,
        format_func=lambda name: everything if name == "all" else say(f"state.{name}"),
        key="state",
        bind="query-params",
    )
    kind = kind_column.segmented_control(
        say("suggestions.filter_kind"),
        _KINDS,
        default="all",
        required=True,
        format_func=lambda name: say(f"suggestions.kind_{name}"),
        key="kind",
        bind="query-params",
    )
    team = team_column.selectbox(
        say("suggestions.filter_team"), [everything, *inbox.teams], key="team", bind="query-params"
    )
    cluster = cluster_column.selectbox(
        say("suggestions.filter_cluster"), [everything, *inbox.clusters], key="cluster", bind="query-params"
    )
    return filter_rows(
        inbox.rows,
        state=state or "proposed",
        team=None if team == everything else team,
        cluster=None if cluster == everything else cluster,
        kind=kind or "all",
    )


def _chosen(filter_name: str) -> str | None:
    """Return what a filter is set to, None for everything."""
    value = st.session_state.get(filter_name)
    return None if value in (None, say("suggestions.all")) else str(value)


def _show_list(rows: tuple[InboxRow, ...], currency: str) -> str | None:
    if not rows:
        html.show_note(say("suggestions.empty_filtered"))
        return None
    asked = st.query_params.get(_SUGGESTION)
    known = [row.id for row in rows]
    chosen = show_suggestions(rows, currency, _LIST_ROWS, known.index(asked) if asked in known else 0)
    found = known[min(chosen, len(known) - 1)]
    if found != asked:
        st.query_params[_SUGGESTION] = found
    return found


def _show_detail(detail: SuggestionDetail) -> None:
    html.show_suggestion_title(detail)
    html.show_values(detail.values)
    if detail.agreed_note:
        html.show_note(detail.agreed_note)
    html.show_paragraph(say("suggestions.why"), detail.explanation, detail.basis)
    html.show_paragraph(say("suggestions.risk"), detail.risk)
    if detail.record is None:
        html.show_paragraph(say("suggestions.money"), *detail.money_lines)
    show_decision(detail)
    _show_evidence(detail)
    if detail.record is not None:
        show_record(detail.record)
    if detail.rails:
        html.show_pairs(say("suggestions.rails"), detail.rails)
    show_carrying_out(detail.carrying, detail.id)
    html.show_title(say("suggestions.history"))
    for line in detail.history or (say("suggestions.history_none"),):
        st.text(line)


def _show_evidence(detail: SuggestionDetail) -> None:
    html.show_title(say("suggestions.evidence"), say("suggestions.evidence_note"))
    if not detail.evidence:
        html.show_note(say("suggestions.evidence_none"))
        return
    hours = [pd.Timestamp(row.hour) for row in detail.evidence]
    request, advised = say("suggestions.evidence_request"), say("suggestions.evidence_advised")
    use = say("suggestions.evidence_usage")
    cpu = draw_usage(
        hours,
        [row.cpu_usage_cores_max_5m for row in detail.evidence],
        ((request, detail.cpu_request_cores), (advised, detail.cpu_advised_cores)),
        use,
        "cores",
    )
    memory = draw_usage(
        hours,
        [_gib(row.memory_usage_bytes_max_5m) for row in detail.evidence],
        ((request, _gib(detail.memory_request_bytes)), (advised, _gib(detail.memory_advised_bytes))),
        use,
        "GiB",
    )
    left, right = st.columns(2)
    left.altair_chart(cpu, alt=say("suggestions.evidence_cpu_alt"))
    right.altair_chart(memory, alt=say("suggestions.evidence_memory_alt"))


def _gib(size: float | None) -> float | None:
    return None if size is None else size / _GIB


with board_page():
    reader = current_principal()
    name = loaders.warehouse_name()
    with st.skeleton(height=500):
        inbox = loaders.load_inbox(reader, name)
    html.show_header(inbox.header)
    if inbox.owns_nothing:
        html.show_state(say("suggestions.not_owner"), Tone.NEUTRAL)
    elif not inbox.has_any and not inbox.silences:
        days = f"{runtime().settings.minimum_history_days:.0f}"
        show_empty(say("suggestions.empty_new", days=days))
    else:
        show_outcome()
        html.show_figures(inbox.figures)
        matching = _filters(inbox)
        left, right = st.columns([1.22, 1])
        with left, st.container(border=True, key="mc_card_list"):
            if inbox.may_decide:
                show_bulk(_chosen("team"), _chosen("cluster"), inbox.currency)
            chosen_id = _show_list(matching, inbox.currency)
            if inbox.silences:
                count = sum(row.container_count for row in inbox.silences)
                note = say("suggestions.silence_note", count=f"{count:,}")
                html.show_title(say("suggestions.silence"), note)
                show_silences(inbox.silences)
        with right, st.container(border=True, key="mc_card_detail"):
            if chosen_id is None:
                html.show_note(say("suggestions.choose"))
            else:
                _show_detail(loaders.load_suggestion(reader, name, chosen_id))
        show_board_footer(runtime().settings.billing_zone, reader.id)
