"""The only place where HTML is shown: every value is escaped, so a label of a cluster stays text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from dashboards.charts.palette import CAUSE_COLOURS
from dashboards.components.initiative_cards import write_initiatives
from dashboards.components.team_table import write_team_table
from service.boards.chargeback import Check
from service.boards.figures import BoardHeader, Figure, Mark
from service.boards.formats import Tone
from service.boards.leadership_tables import AttentionLine, StageRow
from service.boards.leadership_teams import TeamRow
from service.boards.leadership_views import CauseShare
from service.boards.programme_initiatives import InitiativeCard
from service.boards.suggestion import SuggestionDetail, ValueRow
from service.boards.suggestion_record import QuoteRow
from service.boards.texts import say

_STAGES_SHOWN = 2
_NUMBER = re.compile(r"(\N{MINUS SIGN}?\d[\d,.]*)\s*(.*)")
_DATE = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}")
_STYLES = Path(__file__).parents[1] / "assets" / "boards.css"


def load_styles() -> None:
    """Apply the boards' stylesheet to the page."""
    st.html(_STYLES)


def show_header(header: BoardHeader) -> None:
    """Show a board's title, until when its data is final, and the marks of doubt."""
    marks = "".join(_mark(mark) for mark in header.marks)
    st.html(
        f'<div class="mc-header"><h1>{escape(header.title)}</h1>'
        f'<span class="mc-until">{escape(header.data_until)}</span>{marks}</div>'
    )


def _mark(mark: Mark) -> str:
    return f'<span class="mc-mark mc-{mark.tone}" data-mark="{escape(mark.key)}">{escape(mark.text)}</span>'


def show_figures(figures: Sequence[Figure]) -> None:
    """Show headline figures as one row of equal cards."""
    cards = "".join(_figure(figure, is_first=not index) for index, figure in enumerate(figures))
    st.html(f'<div class="mc-figures" style="--mc-columns:{len(figures)}">{cards}</div>')


def _figure(figure: Figure, *, is_first: bool) -> str:
    number = _NUMBER.fullmatch(figure.value)
    shown, words = (
        escape(figure.value),
        "" if len(figure.value) < 4 or _DATE.fullmatch(figure.value) else " mc-words",
    )
    if number is not None and not _DATE.fullmatch(figure.value):
        unit = f" <small>{escape(number[2])}</small>" if number[2] else ""
        shown, words = f"{escape(number[1])}{unit}", ""
    help_text = escape(figure.explanation, quote=True)
    hint = f'title="{help_text}" aria-label="{help_text}"'
    help_mark = f'<span class="mc-help" tabindex="0" role="note" {hint}>?</span>'
    change = ""
    if figure.change is not None:
        change = f'<div class="mc-change mc-{figure.change.tone}">{escape(figure.change.text)}</div>'
    lines = "".join(
        f'<div class="mc-line">{escape(line)}</div>' for line in (figure.note, figure.detail) if line
    )
    return (
        f'<div class="mc-figure{" mc-first" if is_first else ""}" data-figure="{escape(figure.key)}">'
        f'<div class="mc-label">{escape(figure.label)}{help_mark if figure.explanation else ""}</div>'
        f'<div class="mc-value{words}">{shown}</div>{change}{lines}</div>'
    )


def show_sentence(text: str) -> None:
    """Show the one sentence that says what changed."""
    st.html(f'<div class="mc-sentence">{escape(text)}</div>')


def show_title(text: str, note: str = "") -> None:
    """Show the title of a card."""
    small = f' <span class="mc-note">{escape(note)}</span>' if note else ""
    st.html(f'<div class="mc-card-title">{escape(text)}{small}</div>')


def show_note(text: str) -> None:
    """Show a small explanation."""
    st.html(f'<div class="mc-note">{_with_code(text)}</div>')


def show_footer(text: str) -> None:
    """Show the last line of a board."""
    st.html(f'<div class="mc-footer">{escape(text)}</div>')


def show_causes(shares: Sequence[CauseShare]) -> None:
    """Show where the money goes: one bar of 100 % and its parts with amounts."""
    bar = "".join(
        f'<span style="width:{share.ratio * 100:.3f}%;background:{CAUSE_COLOURS[share.key]}" '
        f'title="{escape(share.label)}: {escape(share.text)}"></span>'
        for share in shares
    )
    rows = "".join(
        f'<i style="background:{CAUSE_COLOURS[share.key]}"></i><span>{escape(share.label)}</span>'
        f'<span class="mc-amount">{escape(share.amount_text)}</span>'
        f'<span class="mc-ratio">{escape(share.ratio_text)}</span>'
        for share in shares
    )
    alt = escape(say("leadership.causes_alt"), quote=True)
    st.html(
        f'<div class="mc-bar" role="img" aria-label="{alt}">{bar}</div><div class="mc-legend">{rows}</div>'
    )
    show_note(say("leadership.causes_note"))


def show_attention(lines: Sequence[AttentionLine]) -> None:
    """Show what needs a decision, at most three lines."""
    if not lines:
        show_note(say("leadership.attention_none"))
        return
    items = "".join(
        f'<li class="mc-{line.tone}" data-attention="{escape(line.key)}">{escape(line.text)}</li>'
        for line in lines
    )
    st.html(f'<ul class="mc-list">{items}</ul>')


def show_stages(rows: Sequence[StageRow], currency: str) -> None:
    """Show optimisation stages: size and daily cost before and after."""
    more = ""
    if len(rows) > _STAGES_SHOWN:
        more = say("leadership.stages_more", shown=_STAGES_SHOWN, count=len(rows))
    show_title(say("leadership.stages"), more)
    if not rows:
        show_note(say("leadership.stages_none"))
        return
    st.html("".join(_stage(row, currency) for row in rows[:_STAGES_SHOWN]))


def _stage(row: StageRow, currency: str) -> str:
    names = ("stage.nodes", "stage.cpu", "stage.memory", "stage.cost")
    head = "".join(f"<span>{escape(say(name, currency=currency))}</span>" for name in names)
    values = "".join(f"<b>{escape(text)}</b>" for text in (row.nodes, row.cpu, row.memory, row.cost))
    change = f'<span class="mc-change mc-{row.cost_tone}">{escape(row.cost_change)}</span>'
    realised = f"{escape(say('leadership.realised'))}: {escape(row.state)}"
    return (
        f'<div class="mc-stage"><div class="mc-stage-name"><div>{escape(row.name)} '
        f'<span class="mc-note">{escape(row.when)}</span></div>{change}</div>'
        f'<div class="mc-stage-grid">{head}{values}</div>'
        f'<div class="mc-note">{realised}. {escape(row.note)}</div></div>'
    )


def show_initiatives(cards: Sequence[InitiativeCard]) -> None:
    """Show initiatives with target, forecast, realised saving and payback."""
    if cards:
        st.html(write_initiatives(cards))


def show_team_table(rows: Sequence[TeamRow], currency: str) -> None:
    """Show payers; the last row is the sum of the others."""
    st.html(write_team_table(rows, currency))


def show_state(text: str, tone: Tone, detail: str = "") -> None:
    """Show the state of a whole board: empty, old, missing, refused or failed."""
    more = f'<div class="mc-note">{escape(detail)}</div>' if detail else ""
    st.html(f'<div class="mc-state mc-{tone}" data-state="{escape(tone)}">{_with_code(text)}{more}</div>')


def _with_code(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def show_suggestion_title(detail: SuggestionDetail) -> None:
    """Show what a suggestion is about, its owner and its state."""
    tone = Tone.NEUTRAL if detail.is_open else Tone.GOOD
    st.html(
        f'<div class="mc-header"><h1 class="mc-small">{escape(detail.title)}</h1>'
        f'<span class="mc-mark mc-{tone}" data-suggestion-state="{escape(detail.state)}">'
        f"{escape(detail.state_text)}</span></div>"
        f'<div class="mc-note">{escape(detail.place)} &middot; {escape(detail.team)}</div>'
    )


def show_values(rows: Sequence[ValueRow]) -> None:
    """Show the four values now and advised; what changes stands out."""
    cells = "".join(
        f'<div class="mc-value-cell{" mc-changed" if row.is_changed else ""}">'
        f"<span>{escape(row.label)}</span>"
        f"<b>{escape(row.now)}{f' &rarr; {escape(row.advised)}' if row.is_changed else ''}</b></div>"
        for row in rows
    )
    st.html(f'<div class="mc-values">{cells}</div>')


def show_paragraph(title: str, text: str, note: str = "") -> None:
    """Show a short titled paragraph."""
    small = f'<div class="mc-note">{escape(note)}</div>' if note else ""
    st.html(
        f'<div class="mc-paragraph"><div class="mc-card-title">{escape(title)}</div>'
        f"<div>{escape(text)}</div>{small}</div>"
    )


def show_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Show names with their texts."""
    rows = "".join(f"<tr><td><b>{escape(name)}</b></td><td>{escape(text)}</td></tr>" for name, text in pairs)
    st.html(f'<div class="mc-card-title">{escape(title)}</div><table class="mc-table">{rows}</table>')


def show_quotes(rows: Sequence[QuoteRow]) -> None:
    """Show what systems would request for one container; our own rows stand out."""
    names = ("suggestions.compare_system", "suggestions.cpu_request", "suggestions.memory_request")
    head = "".join(f"<th>{escape(say(name))}</th>" for name in (*names, "suggestions.compare_rule"))
    st.html(f'<table class="mc-table"><tr>{head}</tr>{"".join(_quote(row) for row in rows)}</table>')


def _quote(row: QuoteRow) -> str:
    name = f"<b>{escape(row.system)}</b>" if row.is_ours else escape(row.system)
    cells = "".join(f"<td>{escape(text)}</td>" for text in (row.cpu, row.memory))
    return f'<tr><td>{name}</td>{cells}<td class="mc-note">{escape(row.rule)}</td></tr>'


def show_checks(checks: Sequence[Check]) -> None:
    """Show checks with their results; a failed one stands out by sign and colour."""
    items = "".join(
        f'<li class="mc-{check.tone}" data-check="{escape(check.key)}"><b>{escape(check.sign)} '
        f"{escape(check.label)}</b><br><span class='mc-note'>{escape(check.result)}</span></li>"
        for check in checks
    )
    st.html(f'<ul class="mc-list">{items}</ul>')


def show_downloads(links: Sequence[tuple[str, str]]) -> None:
    """Show links to files of our own export route, which asks for the reader's right again."""
    items = "".join(
        f'<a class="mc-button" href="{escape(address, quote=True)}" download>{escape(text)}</a>'
        for text, address in links
    )
    st.html(f'<div class="mc-buttons">{items}</div>')


def show_items(items: Sequence[tuple[str, str, str, str]]) -> None:
    """Show a list of things to look at.

    Parameters
    ----------
    items : sequence of (key, tone, title, note)
        The key is the item's anchor; the note may be empty.
    """
    found = "".join(
        f'<li class="mc-{tone}" data-item="{escape(key, quote=True)}"><b>{escape(title)}</b>'
        f'<br><span class="mc-note">{escape(note)}</span></li>'
        for key, tone, title, note in items
    )
    st.html(f'<ul class="mc-list">{found}</ul>')
